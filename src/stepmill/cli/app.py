"""The command line: the commands put together, and errors turned into text and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stepmill.cli.commands import (
    author,
    callbacks,
    features,
    functions,
    housekeeping,
    lineage,
    look,
    machines,
    models,
    objects,
    run,
    runs,
    sql,
    steer,
)
from stepmill.cli.context import PREPARE
from stepmill.cli.exit_codes import ExitCode, exit_code_of
from stepmill.cli.output import Output
from stepmill.core.errors import StepmillError

# Adds commands to an app.
Register = Callable[[typer.Typer], None]

_MODULES = (author, run, look, machines, steer, runs, models, features, sql, lineage, housekeeping)


class _ErrorsToExitCodes(TyperGroup):
    """Shows a Stepmill error as what, where and mend, and ends with its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except StepmillError as error:
            Output(as_json="--json" in sys.argv[1:]).error(error)
            raise typer.Exit(exit_code_of(error)) from error
        except KeyboardInterrupt:
            Output().remark("Interrupted.", "yellow")
            raise typer.Exit(ExitCode.INTERRUPTED) from None


def command_line(more: Iterable[Register] = (), prepare: Callable[[Any], None] | None = None) -> typer.Typer:
    """Return the command line.

    Args:
        more: Add the commands of the doors beside the terminal, which this folder does not know.
        prepare: Gives a platform that a command opens what those doors have for it.
    """
    PREPARE.set(prepare)
    app = typer.Typer(
        name="stepmill",
        cls=_ErrorsToExitCodes,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Run SageMaker pipelines for real, anywhere. State lives in .stepmill/ (or STEPMILL_HOME).",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for register in (*(module.register for module in _MODULES), *more):
        register(app)
    app.add_typer(objects.app, name="objects")
    app.add_typer(functions.app, name="functions")
    app.add_typer(callbacks.app, name="callbacks")
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stepmill {version('stepmill')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Run SageMaker pipelines for real, anywhere."""
