"""What a command starts from: the settings, the platform, and who is being spoken to.

The platform is imported when a command first needs it: it brings the database library with it,
three times the time that ``stepmill --help`` takes in all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.late import PREPARE
from stepmill.cli.output import Output

if TYPE_CHECKING:
    from stepmill.platform import Platform

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
ExecutionArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXECUTION",
        help="Id of an execution, the beginning of one, or its ARN. [default: the newest]",
        show_default=False,
        autocompletion=lambda incomplete: complete_execution(incomplete),
    ),
]


@contextmanager
def open_platform(output: Output, *, is_disk_full: bool = False, serves: bool = False) -> Iterator[Platform]:
    """Give the platform of the folder that the command was started in; remarks go to ``output``.

    Args:
        output: Where to.
        is_disk_full: Whether there may be no room, and the reserve is to be given up to get at things.
        serves: Whether this process is to be the server of its home.
    """
    from stepmill.platform import Platform, load_settings
    from stepmill.storage.layout import HomeLayout

    settings = load_settings(Path.cwd(), os.environ)
    if is_disk_full:
        HomeLayout(settings.home).give_up_reserve()
    with Platform(settings, remark=output.remark, serves=serves) as platform:
        prepare = PREPARE.get()
        if prepare is not None:
            prepare(platform)
        yield platform


def complete_execution(incomplete: str) -> list[tuple[str, str]]:
    """Return the executions whose id begins so, for the shell's completion."""
    with open_platform(Output()) as platform:
        return [
            (execution.id, f"{execution.pipeline} {execution.status}")
            for execution in platform.executions.find(limit=50).executions
            if execution.id.startswith(incomplete)
        ]
