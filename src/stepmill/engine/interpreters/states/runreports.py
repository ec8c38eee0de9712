"""What is reported of the tasks of a Map Run."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stepmill.core.tasks import TaskFailed, TaskReport, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.states.batching import take_items
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.failure import TOLERANCE, StateFailure
from stepmill.engine.interpreters.states.frames import (
    BranchFrame,
    FailedFrame,
    MapRunFrame,
    RunCounts,
    SourceFrame,
)
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.runstops import iteration_name, run_of
from stepmill.engine.interpreters.states.runwork import (
    break_or_fail,
    break_run,
    go_on,
    items_in,
    map_of,
    needs_outside,
    succeed,
)
from stepmill.engine.interpreters.states.tolerance import is_exceeded

EXCEEDED = "The specified tolerated failure threshold was exceeded"


def take_report(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, what: str, report: TaskReport
) -> None:
    """Take what is reported of a task of the Map Run that a branch is in."""
    if not isinstance(report, TaskSucceeded | TaskFailed | TaskStopped):
        return
    try:
        _take(draft, name, branch, planned, what, report)
    except StateFailure as failure:
        break_or_fail(draft, name, branch, planned, failure)


def _take(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    what: str,
    report: TaskSucceeded | TaskFailed | TaskStopped,
) -> None:
    run = run_of(draft, branch.scheduled)
    if what.startswith("read"):
        if run.is_reading and what == f"read{run.pages - 1}":
            _take_page(draft, name, branch, planned, run, report)
    elif what.startswith("write"):
        if run.is_writing and what == f"write{run.redrives}":
            _take_written(draft, name, branch, planned, run, report)
    else:
        index = int(what.partition("r")[0])
        if index in run.running and what == iteration_name(run, index):
            _take_iteration(draft, name, branch, planned, run, index, report)


def _failure_of(report: TaskFailed | TaskStopped) -> StateFailure:
    if isinstance(report, TaskStopped):
        return StateFailure("States.TaskFailed", report.cause)
    return StateFailure(report.error, report.cause)


def _take_page(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    run: MapRunFrame,
    report: TaskSucceeded | TaskFailed | TaskStopped,
) -> None:
    number = branch.scheduled
    draft.put(f"run/{number}", replace(run, is_reading=False))
    if not isinstance(report, TaskSucceeded):
        break_run(draft, name, branch, planned, _failure_of(report))
        return
    output = report.output if isinstance(report.output, dict) else {}
    items, cursor = output.get("items"), output.get("cursor")
    source = draft.get(f"source/{number}")
    if isinstance(source, SourceFrame):
        draft.put(f"source/{number}", replace(source, cursor=cursor))
    found = items if isinstance(items, Sequence) and not isinstance(items, str) else ()
    take_items(draft, name, branch, planned, found, is_last=cursor is None)
    if is_exceeded(run_of(draft, number)):
        break_run(draft, name, branch, planned, StateFailure(TOLERANCE, EXCEEDED))
        return
    go_on(draft, name, branch, planned)


def _take_written(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    run: MapRunFrame,
    report: TaskSucceeded | TaskFailed | TaskStopped,
) -> None:
    if isinstance(report, TaskSucceeded):
        items = replace(run.items, written=run.items.succeeded)
        written = replace(run.iterations, written=run.iterations.succeeded)
        run = replace(run, items=items, iterations=written)
        succeed(draft, name, branch, planned, run, report.output)
        return
    break_run(draft, name, branch, planned, _failure_of(report))


def _take_iteration(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    run: MapRunFrame,
    index: int,
    report: TaskSucceeded | TaskFailed | TaskStopped,
) -> None:
    number = branch.scheduled
    end = _end_of(report)
    size = items_in(draft, number, index)
    run = replace(
        run,
        running=tuple(each for each in run.running if each != index),
        items=_counted(run.items, end, size),
        iterations=_counted(run.iterations, end, 1),
    )
    if isinstance(report, TaskSucceeded):
        writer = map_of(planned).writer
        if writer is None or not needs_outside(writer.resource, writer.config):
            draft.put_result(str(number), index, report.output)
    else:
        draft.put(f"failed/{number}/{run.failures}", FailedFrame(index))
        run = replace(run, failures=run.failures + 1)
    draft.put(f"run/{number}", run)
    if is_exceeded(run):
        break_run(draft, name, branch, planned, StateFailure(TOLERANCE, EXCEEDED))
        return
    go_on(draft, name, branch, planned)


def _end_of(report: TaskSucceeded | TaskFailed | TaskStopped) -> str:
    if isinstance(report, TaskSucceeded):
        return "succeeded"
    if isinstance(report, TaskStopped):
        return "aborted"
    status = report.metadata.get("status")
    return {"TIMED_OUT": "timed_out", "ABORTED": "aborted"}.get(str(status), "failed")


def _counted(counts: RunCounts, end: str, size: int) -> RunCounts:
    return replace(counts, running=counts.running - size, **{end: getattr(counts, end) + size})
