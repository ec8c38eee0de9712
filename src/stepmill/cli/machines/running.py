"""Start an execution of a state machine, watch it to its end, and show what it came to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn, Protocol

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from stepmill.cli.exit_codes import ExitCode
from stepmill.cli.machines.drawing import machine_headline, state_table
from stepmill.cli.machines.graph import StateRow, rows_of
from stepmill.cli.machines.progress import MachineProgress, brief, reason_in
from stepmill.cli.output import Output, duration
from stepmill.core.errors import DefinitionError
from stepmill.language.states.checking import read

if TYPE_CHECKING:
    from stepmill.cli.machines.files import MachineFile
    from stepmill.engine.machines.summaries import MachineExecution
    from stepmill.platform import Platform
    from stepmill.storage.executions import HistoryRecord

_LOOK = timedelta(seconds=0.2)
_FRAMES_PER_S = 8
# What the terminal runs, runs under this role.
_ROLE = "stepmill"
# Told as they happen, where nothing is drawn.
_TOLD = ("StateEntered", "StateExited", "Failed", "TimedOut", "Aborted", "Redriven", "Succeeded")
_SUCCEEDED = "SUCCEEDED"


def start_machine(platform: Platform, file: MachineFile, given: str, name: str = "") -> MachineExecution:
    """Keep a machine as it is in a file, and start an execution of it.

    Args:
        platform: Where.
        file: The machine.
        given: The input, JSON text.
        name: Of the execution; empty: one is made.

    Raises:
        DefinitionError: If the definition is wrong. Carries all findings; nothing was kept.
    """
    from stepmill.catalog.state_machine_records import MachineContent

    checked = platform.check_machine(file.definition)
    if checked.machine is None:
        raise DefinitionError(checked.findings)
    role = platform.settings.arns.role(_ROLE)
    deployed = platform.state_machines.put(file.name, MachineContent(file.definition, role))
    return platform.start_machine(deployed.machine, input=given, name=name)


def end_with(output: Output, platform: Platform, execution: str, after: int = 0) -> NoReturn:
    """Watch an execution to its end, and end the command with the exit code that stands for it.

    Raises:
        typer.Exit: Always.
    """
    ended = watch_machine(output, platform, execution, after)
    raise typer.Exit(ExitCode.OK if ended.status == _SUCCEEDED else ExitCode.FAILED)


def watch_machine(output: Output, platform: Platform, execution: str, after: int = 0) -> MachineExecution:
    """Show an execution live until it has ended, then what it came to. Ctrl-C stops it.

    Args:
        output: Where to.
        platform: Where it runs.
        execution: Its id.
        after: Id of the last event that is history already.

    Raises:
        typer.Exit: With code 130, if it was interrupted.
    """
    was_interrupted = False
    try:
        _watch(output, platform, execution, after)
    except KeyboardInterrupt:
        from stepmill.engine.interpreters.states.events import StopRequested

        was_interrupted = True
        output.remark("Stopping: running tasks are asked to end.", "yellow")
        platform.machine_control.stop(execution, StopRequested())
    ended = platform.machine_executions.describe(execution)
    show_machine_execution(output, platform, ended)
    if was_interrupted and ended.status != _SUCCEEDED:
        output.remark(f"Go on from here with: stepmill redrive {ended.details.name}", "yellow")
        raise typer.Exit(ExitCode.INTERRUPTED)
    return ended


def show_machine_execution(output: Output, platform: Platform, execution: MachineExecution) -> None:
    """Show an execution: its states with the path that it took, its output, or why it failed."""
    text = platform.machine_executions.output(execution.id)
    if output.as_json:
        output.json_line({"execution": machine_document(platform, execution)})
        return
    rows, progress = states_of(platform, execution)
    progress.status = execution.status
    output.answer(
        None,
        machine_headline(execution.machine, execution.details.name, execution.status, took(execution)),
        state_table(rows, progress, datetime.now(UTC)),
    )
    if text is not None:
        output.answer(None, Text("output", style="dim"), Text(indented(text)))
    if reason := progress.reason:
        output.remark(f"\n{reason}", "red")


def machine_document(platform: Platform, execution: MachineExecution) -> dict[str, object]:
    """Return an execution as a JSON object, under the names of ``DescribeExecution``."""
    details = execution.details
    text = platform.machine_executions.output(execution.id)
    return {
        "executionArn": execution.arn,
        "stateMachineArn": details.machine_arn,
        "name": details.name,
        "status": str(execution.status),
        "startDate": execution.started_at,
        "stopDate": details.stopped_at,
        "input": platform.machine_executions.input(execution.id),
        "output": text,
        "error": details.error,
        "cause": details.cause,
        "redriveCount": details.redrive_count,
    }


def states_of(platform: Platform, execution: MachineExecution) -> tuple[list[StateRow], MachineProgress]:
    """Return the states of an execution's machine, and how they stand.

    Raises:
        DefinitionError: If this version of Stepmill refuses its definition.
    """
    definition = platform.machine_executions.definition(execution.id)
    progress = MachineProgress()
    for record in records_of(platform, execution.id):
        progress.apply(record.type, record.step, record.at, record.body)
    return rows_of(read(definition)), progress


def records_of(platform: Platform, execution: str, after: int = 0) -> Iterator[HistoryRecord]:
    """Yield the events of an execution's history, in order."""
    while page := platform.machine_executions.history(execution, after_position=after):
        yield from page
        after = page[-1].position


def took(execution: MachineExecution) -> str:
    """Return for how long an execution has run, or ran."""
    ended_at = execution.details.stopped_at if execution.status.is_final else None
    return duration((ended_at or datetime.now(UTC)) - execution.started_at)


def indented(text: str) -> str:
    """Return JSON text on lines of its own; another text as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


# ---- watching -----------------------------------------------------------------------------------


class _Watcher(Protocol):
    def saw(self, record: HistoryRecord) -> None: ...


@dataclass
class _Drawing:
    execution: MachineExecution
    rows: list[StateRow]
    progress: MachineProgress
    height: int

    def saw(self, record: HistoryRecord) -> None:
        self.progress.apply(record.type, record.step, record.at, record.body)

    def __rich__(self) -> RenderableType:
        now = datetime.now(UTC)
        name = self.execution.details.name
        span = duration(now - self.execution.started_at)
        return Group(
            machine_headline(self.execution.machine, name, self.progress.status, span),
            state_table(self.rows, self.progress, now, most_rows=max(self.height - 6, 5)),
        )


@dataclass
class _Lines:
    output: Output

    def saw(self, record: HistoryRecord) -> None:
        if not record.type.endswith(_TOLD):
            return
        reason = reason_in(record.body)
        shown = f"{record.at.astimezone():%H:%M:%S} {record.type}"
        shown += f" {record.step}" if record.step else ""
        self.output.line(f"{shown}: {brief(reason)}" if reason else shown)


@dataclass
class _JsonLines:
    output: Output

    def saw(self, record: HistoryRecord) -> None:
        self.output.json_line(event_document(record))


def event_document(record: HistoryRecord) -> dict[str, object]:
    """Return an event as ``GetExecutionHistory`` gives it."""
    return {"id": record.position, "timestamp": record.at, "type": record.type, **record.body}


@contextmanager
def _watcher(output: Output, platform: Platform, execution: str) -> Iterator[_Watcher]:
    if output.as_json:
        yield _JsonLines(output)
        return
    if not output.is_live:
        yield _Lines(output)
        return
    summary = platform.machine_executions.describe(execution)
    rows, _ = states_of(platform, summary)
    drawing = _Drawing(summary, rows, MachineProgress(), output.console.height)
    with Live(drawing, console=output.console, refresh_per_second=_FRAMES_PER_S, transient=True):
        yield drawing


def _watch(output: Output, platform: Platform, execution: str, after: int) -> None:
    """Show all that happens until the end. If nobody drives the execution any more, this process does."""
    position = begun_at = after
    with _watcher(output, platform, execution) as watcher:
        while True:
            for record in records_of(platform, execution, position):
                watcher.saw(record)
                position = record.position
            summary = platform.machine_control.wait_for_progress(execution, position, _LOOK)
            if summary.position > position:
                continue
            if summary.is_interrupted:
                platform.engine.have_driven(execution)
            elif summary.status.is_final:
                if summary.position > begun_at:
                    return
                time.sleep(_LOOK.total_seconds())
