"""``stepmill exec``: run a program whose calls to AWS arrive here."""

from __future__ import annotations

from typing import Annotated

import typer

from stepmill.cli.context import open_platform
from stepmill.cli.output import Output

# What follows the program belongs to it.
_PROGRAMS_OWN = {"allow_interspersed_args": False}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("exec", context_settings=_PROGRAMS_OWN)(exec_)


def exec_(
    command: Annotated[
        list[str], typer.Argument(metavar="[--] PROGRAM [ARGUMENT]...", help="The program and its arguments.")
    ],
    key: Annotated[str, typer.Option(metavar="NAME", help="Sign with this key.")] = "default",
) -> None:
    """Run a program whose calls to AWS arrive here.

    Even those to addresses that it has hard-coded do.

    If no server runs, one is started for as long as the program runs. Ends with the program's exit code.
    """
    with open_platform(Output()) as platform:
        from stepmill.server.exec.running import run_program

        code = run_program(platform, command, key)
    raise typer.Exit(code)
