"""``stepmill functions``: the Python functions that Lambda steps call."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, duration, table

functions_app = typer.Typer(no_args_is_help=True, help="Functions that Lambda steps call.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(functions_app, name="functions")


@functions_app.command()
def put(
    name: Annotated[str, typer.Argument(help="The function's name.")],
    code: Annotated[Path, typer.Option(help="A folder, a .py file, or a zip.")],
    handler: Annotated[str, typer.Option(help="MODULE.FUNCTION, called with (event, context).")],
    timeout: Annotated[int, typer.Option(min=1, max=600, help="Seconds.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Make a function, or give it new code. Unchanged code changes nothing."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        function = platform.functions.put(
            name, code=code, handler=handler, timeout=timedelta(seconds=timeout)
        )
    output.answer({"name": function.name, "arn": function.arn, "version": function.version}, function.arn)


@functions_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the functions."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        functions = platform.functions.list()
    rows = [[f.name, f.handler, str(f.version), duration(f.timeout)] for f in functions]
    documents = [
        {"name": f.name, "arn": f.arn, "handler": f.handler, "version": f.version} for f in functions
    ]
    output.answer(
        documents,
        table(["NAME", "HANDLER", "VERSION", "TIMEOUT"], rows)
        if rows
        else "No functions yet. `stepmill functions put`.",
    )


@functions_app.command()
def delete(
    name: Annotated[str, typer.Argument(help="The function's name.")], as_json: AsJson = False
) -> None:
    """Remove a function."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        platform.functions.delete(name)
    output.answer({"deleted": name}, Text(f"Removed {name}."))
