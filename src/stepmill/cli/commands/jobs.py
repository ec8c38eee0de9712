"""``stepmill jobs``: steer training jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output

jobs_app = typer.Typer(no_args_is_help=True, help="Training and processing jobs.")

JobName = Annotated[str, typer.Argument(help="Name of the job.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(jobs_app, name="jobs")


@jobs_app.callback()
def _group() -> None:
    """Keep the name of a command even where there is only one."""


@jobs_app.command()
def interrupt(name: JobName, as_json: AsJson = False) -> None:
    """Take the spot capacity away from a training job that runs; it goes on from its last checkpoint."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        record = platform.interruptions.interrupt(name)
    output.answer(
        {"job": record.name, "status": "Interrupting"},
        f"{record.name} is being interrupted: its program got SIGTERM.",
    )
