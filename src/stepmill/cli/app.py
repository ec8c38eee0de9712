"""The command line: the commands put together, and errors turned into text and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from stepmill.cli.exit_codes import ExitCode, exit_code_of
from stepmill.cli.late import PREPARE, LateGroup, LateModule
from stepmill.core.errors import StepmillError

_HERE = "stepmill.cli.commands"
_FIRST = (
    LateModule(
        f"{_HERE}.author",
        {
            "init": "Start a project with a small pipeline that runs.",
            "lint": "Check a pipeline or a state machine.",
            "compile": "Print the definition that AWS would take.",
        },
    ),
    LateModule(f"{_HERE}.run", {"run": "Run a pipeline or a state machine to its end."}),
    LateModule(
        f"{_HERE}.look",
        {
            "list": "List executions, newest first.",
            "show": "Show an execution: its graph, and how each step stands.",
            "logs": "Print what the jobs of an execution wrote.",
        },
    ),
    LateModule(
        f"{_HERE}.machines",
        {
            "history": "List the events of an execution of a state machine.",
            "redrive": "Go on with a state machine from where it failed.",
        },
    ),
    LateModule(
        f"{_HERE}.steer",
        {
            "stop": "Stop an execution.",
            "retry": "Go on with a failed, stopped or interrupted execution.",
            "resume": "Go on with executions whose process was killed.",
        },
    ),
    LateModule(f"{_HERE}.sql", {"sql": "Ask feature groups and files with SQL."}),
    LateModule(f"{_HERE}.housekeeping", {"gc": "Remove what nothing needs any more."}),
)
_LAST = (
    LateModule(f"{_HERE}.runs", {"runs": "What was run, with what, and what came of it."}),
    LateModule(f"{_HERE}.tuning", {"tuning": "Tuning jobs and their trials."}),
    LateModule(f"{_HERE}.jobs", {"jobs": "Training and processing jobs."}),
    LateModule(
        f"{_HERE}.costs",
        {
            "costs": "Tell what jobs would have cost, and what spot saved.",
            "prices": "The table of prices of instances.",
        },
    ),
    LateModule(f"{_HERE}.models", {"models": "Model package groups and their versions."}),
    LateModule(f"{_HERE}.features", {"features": "Feature groups and their records."}),
    LateModule(f"{_HERE}.lineage", {"lineage": "Which data and code made what, and what came of it."}),
    LateModule(f"{_HERE}.objects", {"objects": "What lies at s3:// addresses here."}),
    LateModule(f"{_HERE}.functions", {"functions": "Functions that Lambda steps call."}),
    LateModule(f"{_HERE}.callbacks", {"callbacks": "Callback steps that wait for an answer."}),
)


class _ErrorsToExitCodes(LateGroup):
    """Shows a Stepmill error as what, where and mend, and ends with its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except StepmillError as error:
            from stepmill.cli.output import Output

            Output(as_json="--json" in sys.argv[1:]).error(error)
            raise typer.Exit(exit_code_of(error)) from error
        except KeyboardInterrupt:
            from stepmill.cli.output import Output

            Output().remark("Interrupted.", "yellow")
            raise typer.Exit(ExitCode.INTERRUPTED) from None


def all_modules(more: Iterable[LateModule] = ()) -> tuple[LateModule, ...]:
    """Return the modules with commands, in the order in which these are listed.

    Args:
        more: Those of the doors beside the terminal, which this folder does not know.
    """
    return (*_FIRST, *more, *_LAST)


def command_line(
    more: Iterable[LateModule] = (), prepare: Callable[[Any], None] | None = None
) -> typer.Typer:
    """Return the command line.

    Args:
        more: See ``all_modules``.
        prepare: Gives a platform that a command opens what those doors have for it.
    """
    PREPARE.set(prepare)
    app = typer.Typer(
        name="stepmill",
        cls=type("_Root", (_ErrorsToExitCodes,), {"modules": all_modules(more)}),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Run SageMaker pipelines for real, anywhere. State lives in .stepmill/ (or STEPMILL_HOME).",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
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
