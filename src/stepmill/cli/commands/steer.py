"""Commands that change the course of an execution: stop, retry, resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.commands.run import watch_to_the_end
from stepmill.cli.context import AsJson, ExecutionArgument, open_platform
from stepmill.cli.exit_codes import ExitCode
from stepmill.cli.output import Output

if TYPE_CHECKING:
    from stepmill.engine.machines.summaries import MachineExecution
    from stepmill.platform import Platform


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(stop)
    app.command()(retry)
    app.command()(resume)


def stop(execution: ExecutionArgument = "", as_json: AsJson = False) -> None:
    """Stop an execution. Running jobs get SIGTERM, and SIGKILL after their grace time."""
    from stepmill.cli.machines.finding import find_machine_execution, is_of_a_machine

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        if is_of_a_machine(platform, execution):
            _stop_machine(output, platform, find_machine_execution(platform, execution))
            return
        found = platform.find_execution(execution)
        platform.engine.stop(found.id)
        ended = watch_to_the_end(output, platform, found.id, found.position)
    raise typer.Exit(ExitCode.OK if ended.status == "Stopped" else ExitCode.FAILED)


def _stop_machine(output: Output, platform: Platform, found: MachineExecution) -> None:
    from stepmill.cli.machines.running import show_machine_execution
    from stepmill.core.errors import WrongStateError
    from stepmill.engine.interpreters.states.events import StopRequested

    if found.status.is_final:
        raise WrongStateError(f"Execution {found.details.name!r} is {found.status} already.")
    show_machine_execution(output, platform, platform.machine_control.stop(found.id, StopRequested()))


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
        found = "" if not execution else _id_of(platform, execution)
        resumed = platform.engine.resume(found or None)
        if not resumed:
            output.remark("No execution waits to be resumed.")
        for each in resumed:
            if not _watched_well(output, platform, each):
                code = ExitCode.FAILED
    raise typer.Exit(code)


def _id_of(platform: Platform, reference: str) -> str:
    from stepmill.cli.machines.finding import find_machine_execution, is_of_a_machine

    if is_of_a_machine(platform, reference):
        return find_machine_execution(platform, reference).id
    return platform.find_execution(reference).id


def _watched_well(output: Output, platform: Platform, execution: str) -> bool:
    """Watch an execution to its end; return whether that was a good one."""
    from stepmill.cli.machines.running import watch_machine
    from stepmill.core.errors import NotFoundError

    try:
        platform.executions.describe(execution)
    except NotFoundError:
        return watch_machine(output, platform, execution).status == "SUCCEEDED"
    return watch_to_the_end(output, platform, execution).status == "Succeeded"
