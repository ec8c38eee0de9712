"""``stepmill gc``: give back disk that nothing needs any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.filesize import decimal

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(gc)


def gc(
    days: Annotated[
        int,
        typer.Option(min=0, help="Job folders (logs, scratch) of executions that ended before so many days."),
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Remove what nothing needs any more. Old job folders, and bytes of no object; models stay."""
    output = Output(as_json=as_json)
    with open_platform(output, is_disk_full=True) as platform:
        freed = platform.collect_garbage(datetime.now(UTC) - timedelta(days=days))
    output.answer({"freedBytes": freed}, f"Freed {decimal(freed)}.")
