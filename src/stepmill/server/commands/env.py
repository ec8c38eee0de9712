"""``stepmill env``: variables that point a shell at the server of this home."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output
from stepmill.core.errors import NotFoundError


class Shell(StrEnum):
    """A shell's way to set variables."""

    SH = "sh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("env")(env)


def env(
    key: Annotated[str, typer.Option(metavar="NAME", help="Sign with this key.")] = "default",
    shell: Annotated[
        Shell, typer.Option(metavar="sh|fish", help="Whose words to use; sh is for bash and zsh, too.")
    ] = Shell.SH,
    as_json: AsJson = False,
) -> None:
    """Print what points a shell at the server.

    Use it so: eval "$(stepmill env)".
    """
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        from stepmill.server.variables import STALE, endpoint_of, shell_lines, variables_of
        from stepmill.storage.server_file import running_server

        server = running_server(platform.layout.server)
        if server is None:
            raise NotFoundError(
                "No server runs for this home.",
                where=str(platform.layout.home),
                mend="Start one with `stepmill serve`, or run one program by `stepmill exec -- PROGRAM`.",
            )
        endpoint = endpoint_of(platform, server.url, key)
    variables = variables_of(endpoint, os.environ)
    if as_json:
        output.json_line(variables, indent=2)
        return
    for line in shell_lines(variables, STALE, shell):
        output.line(line)
