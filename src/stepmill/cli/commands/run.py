"""``stepmill run``: start a pipeline and watch it to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from stepmill.cli.commands.author import FileArgument, PipelineName
from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.drawing import headline, step_table
from stepmill.cli.exit_codes import ExitCode
from stepmill.cli.follow import Shown, follow, watcher
from stepmill.cli.output import Output, duration
from stepmill.cli.pipeline_file import read_pipeline_file
from stepmill.cli.progress import Progress
from stepmill.cli.steps import execution_document, step_lines
from stepmill.core.errors import InvalidInputError, WrongStateError

if TYPE_CHECKING:
    from stepmill.engine.summaries import ExecutionSummary
    from stepmill.platform import Platform

# Types of steps that leave a log.
_WITH_A_LOG = ("Processing", "Training", "Lambda")


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(run)


def run(
    file: FileArgument,
    pipeline: PipelineName = "",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-P", metavar="NAME=VALUE", help="A parameter; may be given many times."),
    ] = None,
    from_step: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Run this step and all that follow, on the results of an earlier execution.",
        ),
    ] = "",
    source: Annotated[
        str, typer.Option(metavar="EXECUTION", help="With --from: that execution. [default: the newest]")
    ] = "",
    parallel: Annotated[
        int | None, typer.Option(min=1, help="Most steps at once.", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="A display name for the execution.")] = "",
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run every step, whatever CacheConfig says.")
    ] = False,
    input_: Annotated[
        str,
        typer.Option(
            "--input",
            "-i",
            metavar="FILE",
            help="Of a state machine: its input, a JSON or YAML file, - or JSON.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Run a pipeline or a state machine to its end. Exit code 0 if it succeeded, else 1.

    FILE is a pipeline.py, a pipeline's definition as .json, or a state machine as .asl.json or .asl.yaml.
    """
    from stepmill.cli.machines.files import is_machine_file

    output = Output(as_json=as_json)
    parameters = read_parameters(param or [])
    if is_machine_file(file):
        _refuse(
            {
                "--no-cache": no_cache,
                "--param": param,
                "--from": from_step,
                "--source": source,
                "--parallel": parallel,
            },
            "a pipeline",
        )
        _run_machine(output, file, pipeline, input_, name)
    _refuse({"--input": input_}, "a state machine")
    if source and not from_step:
        raise InvalidInputError(
            "--source is of use only with --from.", where="--source", mend="Add --from STEP, or leave it out."
        )
    source_file = read_pipeline_file(file, pipeline)
    with open_platform(output) as platform:
        from stepmill.platform import StartOptions

        version = platform.deploy(source_file.name, source_file.definition, source_file.compiled)
        options = StartOptions(
            parameters,
            from_step,
            source,
            parallelism=parallel or source_file.parallelism,
            display_name=name,
            use_cache=not no_cache,
        )
        execution = platform.start(version, options)
        ended = watch_to_the_end(output, platform, execution)
    raise typer.Exit(ExitCode.OK if ended.status == "Succeeded" else ExitCode.FAILED)


def _refuse(options: Mapping[str, object], kind: str) -> None:
    """Refuse options that are of use only for something else."""
    for option, value in options.items():
        if value:
            raise InvalidInputError(
                f"{option} is of use only for {kind}.", where=option, mend="Leave it out."
            )


def _run_machine(output: Output, file: Path, machine: str, given: str, name: str) -> NoReturn:
    from stepmill.cli.machines.files import read_input, read_machine_file
    from stepmill.cli.machines.running import end_with, start_machine

    source, text = read_machine_file(file, machine), read_input(given)
    with open_platform(output) as platform:
        end_with(output, platform, start_machine(platform, source, text, name).id)


def read_parameters(given: Sequence[str]) -> dict[str, str]:
    """Return the parameters of ``NAME=VALUE`` arguments.

    Raises:
        InvalidInputError: If one has no ``=``, or a name is given twice.

    Example:
        >>> read_parameters(["alpha=0.5", "note=a=b"])
        {'alpha': '0.5', 'note': 'a=b'}
    """
    parameters: dict[str, str] = {}
    for argument in given:
        name, equals, value = argument.partition("=")
        if not equals or not name:
            raise InvalidInputError(
                f"{argument!r} is not NAME=VALUE.", where="--param", mend="Write --param alpha=0.5."
            )
        if name in parameters:
            raise InvalidInputError(f"The parameter {name!r} is given twice.", where="--param")
        parameters[name] = value
    return parameters


def watch_to_the_end(output: Output, platform: Platform, execution: str, after: int = 0) -> ExecutionSummary:
    """Show an execution live until it has ended, then its result. Ctrl-C stops it; twice leaves it.

    Args:
        output: Where to.
        platform: Where it runs.
        execution: Its id.
        after: Position of the last event that is history already.

    Raises:
        typer.Exit: With code 130, if it was interrupted.
    """
    shown = Shown(after)
    interrupted = False
    try:
        _watch(output, platform, execution, shown)
    except KeyboardInterrupt:
        interrupted = True
        _stop_and_watch(output, platform, execution, shown)
    ended = platform.executions.describe(execution)
    show_result(output, platform, ended)
    if interrupted and ended.status == "Stopped":
        output.remark(f"Go on from here with: stepmill retry {execution}", "yellow")
        raise typer.Exit(ExitCode.INTERRUPTED)
    return ended


def show_result(output: Output, platform: Platform, ended: ExecutionSummary) -> None:
    """Show how an execution ended: its steps, results, and where to look next."""
    took = duration(ended.modified_at - ended.created_at)
    progress = Progress.of(step_lines(platform, ended.id))
    progress.status, progress.reason = ended.status, ended.failure_reason
    if output.as_json:
        output.json_line({"execution": execution_document(platform, ended.id)})
        return
    output.answer(
        None,
        headline(ended.pipeline, ended.id, progress, took),
        step_table(progress, datetime.now(UTC)),
    )
    failed = [line for line in progress.lines.values() if line.status == "Failed" and line.reason]
    for line in failed:
        output.remark(f"\n{line.name} failed:\n{line.reason}", "red")
        if line.type in _WITH_A_LOG:
            output.remark(f"Its log: stepmill logs {line.name} --execution {ended.id}")
    if ended.status == "Failed" and ended.failure_reason not in ("", *(line.reason for line in failed)):
        output.remark(f"\n{ended.failure_reason}", "red")


def _watch(output: Output, platform: Platform, execution: str, shown: Shown) -> None:
    with watcher(output, platform, platform.executions.describe(execution)) as watching:
        follow(platform, execution, watching, shown)


def _stop_and_watch(output: Output, platform: Platform, execution: str, shown: Shown) -> None:
    try:
        output.remark("Stopping: running jobs are asked to end. Ctrl-C again leaves at once.", "yellow")
        # Unless it has just ended.
        with suppress(WrongStateError):
            platform.engine.stop(execution)
        _watch(output, platform, execution, shown)
    except KeyboardInterrupt:
        output.remark(f"Left while stopping. Go on with: stepmill resume {execution}", "yellow")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
