"""Commands that change the course of an execution: stop, retry, resume."""

from __future__ import annotations

from typing import Annotated

import typer

from stepmill.cli.commands.run import watch_to_the_end
from stepmill.cli.context import AsJson, ExecutionArgument, open_platform
from stepmill.cli.exit_codes import ExitCode
from stepmill.cli.output import Output


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(stop)
    app.command()(retry)
    app.command()(resume)


def stop(execution: ExecutionArgument = "", as_json: AsJson = False) -> None:
    """Stop an execution. Running jobs get SIGTERM, and SIGKILL after their grace time."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.find_execution(execution)
        platform.engine.stop(found.id)
        ended = watch_to_the_end(output, platform, found.id, found.position)
    raise typer.Exit(ExitCode.OK if ended.status == "Stopped" else ExitCode.FAILED)


def retry(
    execution: ExecutionArgument = "",
    parallel: Annotated[
        int | None, typer.Option(min=1, help="Most steps at once.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a failed, stopped or interrupted execution. What succeeded is kept."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        from stepmill.engine.interpreters.pipelines.events import RetryRequested

        found = platform.find_execution(execution)
        if found.is_interrupted:
            platform.engine.resume(found.id)
        else:
            platform.engine.retry(found.id, RetryRequested(parallel))
        ended = watch_to_the_end(output, platform, found.id, found.position)
    raise typer.Exit(ExitCode.OK if ended.status == "Succeeded" else ExitCode.FAILED)


def resume(
    execution: Annotated[
        str, typer.Argument(help="Which one. [default: all that nobody drives]", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Go on with executions whose process was killed. Jobs that still run are picked up."""
    output = Output(as_json=as_json)
    code = ExitCode.OK
    with open_platform(output) as platform:
        resumed = platform.engine.resume(platform.find_execution(execution).id if execution else None)
        if not resumed:
            output.remark("No execution waits to be resumed.")
        for each in resumed:
            ended = watch_to_the_end(output, platform, each)
            if ended.status != "Succeeded":
                code = ExitCode.FAILED
    raise typer.Exit(code)
