"""Distributed Map: a Map Run reads items, makes batches of them, and begins an execution for each.

Everything outside is a task. Their ids are ``<execution>/<branch>/<run>.<what>``:

* ``stepmill:readItems`` (``read<page>``), payload ``{"resource", "arguments", "config", "cursor",
  "limit"}``: reads a page, output ``{"items": [...], "cursor": ...}``; a cursor of null: there are no more;
* ``stepmill:startIteration`` (``<index>``, after a redrive ``<index>r<redrives>``), payload ``{"input",
  "index", "name", "mapRunArn", "label", "processor", "executionType", "redrive"}``: runs the processor at
  that path of the definition as an execution of that name. Its output is that execution's. A failure's
  ``metadata`` may say ``{"status": "TIMED_OUT"}`` or ``"ABORTED"``. With ``redrive`` above 0 an execution of
  that name was there before: a standard one is redriven, an express one begun anew;
* ``stepmill:writeResults`` (``write<redrives>``), payload ``{"mapRunArn", "resource", "arguments",
  "config"}``: writes what the executions of the Map Run gave; its output is the Map's result.

Source: developer guide, "Map state in Distributed mode"; API reference, ``DescribeMapRun``.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.commands import StartTask
from stepmill.engine.interpreters.states.batching import take_items
from stepmill.engine.interpreters.states.chance import Chance
from stepmill.engine.interpreters.states.context import scope_of
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.evaluation import Scope
from stepmill.engine.interpreters.states.failing import fail
from stepmill.engine.interpreters.states.failure import TOLERANCE, StateFailure
from stepmill.engine.interpreters.states.frames import (
    BranchFrame,
    FailedFrame,
    MapRunFrame,
    MapRunStatus,
    Phase,
    RunCounts,
    SourceFrame,
)
from stepmill.engine.interpreters.states.leaving import conclude
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.runstops import drop_data, iteration_name, run_of, stop_run
from stepmill.engine.interpreters.states.sources import source_of
from stepmill.engine.interpreters.states.tolerance import is_exceeded, tolerance
from stepmill.language.states.definition import MapState

READ, START, WRITE = "stepmill:readItems", "stepmill:startIteration", "stepmill:writeResults"

# The service runs up to 10,000 at once. Here each is an execution on one machine; more would only wait.
MOST_AT_ONCE = 1000
WITHOUT_LIMIT = 100
# Items in a page: what one event takes in.
PAGE = 500
EXCEEDED = "The specified tolerated failure threshold was exceeded"


def begin_run(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    scope: Scope,
    items: Sequence[Json] | None,
    at_once: int,
) -> None:
    """Begin a Map Run.

    Args:
        draft: The advance.
        name: Of the branch that the Map is in.
        branch: Its frame.
        planned: The Map.
        scope: What its fields see.
        items: To be mapped over; ``None``: they are read.
        at_once: MaxConcurrency; 0: no limit.

    Raises:
        StateFailure: If a field of the Map cannot be computed.
    """
    state = _map_of(planned)
    started = draft.say(
        "MapStateStarted",
        state.name,
        branch.link,
        "mapStateStartedEventDetails",
        {"length": 0 if items is None else len(items)},
    )
    # It is computed behind the start, but what fails with it points before.
    tolerated_count, tolerated_percentage = tolerance(planned, scope)
    branch.link = started
    number = draft.last_event + 1
    arn = _arn_of(draft, state, number)
    link = draft.say(
        "MapRunStarted", state.name, branch.link, "mapRunStartedEventDetails", {"mapRunArn": arn}
    )
    run = MapRunFrame(
        arn,
        state.name,
        draft.at,
        max_concurrency=at_once,
        limit=min(at_once or WITHOUT_LIMIT, MOST_AT_ONCE),
        tolerated_count=tolerated_count,
        tolerated_percentage=tolerated_percentage,
        link=link,
    )
    branch.scheduled, branch.phase = number, Phase.INSIDE
    draft.put(f"run/{number}", run)
    draft.put(f"source/{number}", SourceFrame())
    try:
        draft.put(f"source/{number}", source_of(planned, scope, reads=items is None))
        if items is not None:
            take_items(draft, name, branch, planned, items, is_last=True)
        go_on(draft, name, branch, planned)
    except StateFailure as failure:
        _break_or_fail(draft, name, branch, planned, failure)


def _map_of(planned: PlannedState) -> MapState:
    if not isinstance(planned.state, MapState):
        raise IllegalTransitionError(f"State {planned.state.name!r} is no Map.")
    return planned.state


def _arn_of(draft: Draft, state: MapState, number: int) -> str:
    chance = Chance(draft.started.seed, f"run/{number}")
    unique = chance.uuid()
    head, _, machine = draft.started.machine_arn.partition(":stateMachine:")
    return f"{head}:mapRun:{machine.partition(':')[0]}/{state.label or chance.uuid()}:{unique}"


# ---- going on -----------------------------------------------------------------------------------


def go_on(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Begin iterations, read further items, or end.

    Raises:
        StateFailure: If what the Map gives on cannot be computed.
    """
    number = branch.scheduled
    run = run_of(draft, number)
    running, again, following = list(run.running), run.again, run.next
    while len(running) < run.limit and (again < run.again_end or following < run.iterations.total):
        if again < run.again_end:
            index, again = _take_again(draft, number, again), again + 1
        else:
            index, following = following, following + 1
        running.append(index)
        _begin_iteration(draft, name, planned, run, number, index)
    begun = len(running) - len(run.running)
    run = replace(
        run,
        running=tuple(running),
        again=again,
        next=following,
        iterations=replace(run.iterations, running=run.iterations.running + begun),
        items=replace(
            run.items, running=run.items.running + _items_of(draft, number, running[-begun:], begun)
        ),
    )
    if not run.is_complete and not run.is_reading and run.iterations.total - following <= run.limit:
        run = _read_on(draft, name, run, number)
    draft.put(f"run/{number}", run)
    is_through = not running and again == run.again_end and following == run.iterations.total
    if run.is_complete and is_through and not run.is_writing:
        _finish(draft, name, branch, planned, run)


def _take_again(draft: Draft, number: int, failure: int) -> int:
    key = f"failed/{number}/{failure}"
    frame = draft.get(key)
    if not isinstance(frame, FailedFrame):
        raise IllegalTransitionError(f"Map Run {number} has lost its failure {failure}.")
    draft.drop(key)
    return frame.index


def redrive_run(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, link: int) -> None:
    """Go on with the iterations of a Map Run that did not end well, and with what it had not begun."""
    number = branch.scheduled
    run = run_of(draft, number)
    count = run.redrives + 1
    details: JsonObject = {"mapRunArn": run.arn, "redriveCount": count}
    said = draft.say("MapRunRedriven", run.state, link, "mapRunRedrivenEventDetails", details)
    run = replace(
        run,
        status=MapRunStatus.RUNNING,
        stopped_at=None,
        items=replace(run.items, failed=0, timed_out=0, aborted=0),
        iterations=replace(run.iterations, failed=0, timed_out=0, aborted=0),
        again=min(run.again, run.failures),
        again_end=run.failures,
        link=said,
        redrives=count,
        redriven_at=draft.at,
    )
    draft.put(f"run/{number}", run)
    branch.phase = Phase.INSIDE
    try:
        go_on(draft, name, branch, planned)
    except StateFailure as failure:
        _break_or_fail(draft, name, branch, planned, failure)


def _items_of(draft: Draft, number: int, indices: Sequence[int], count: int) -> int:
    return sum(items_in(draft, number, index) for index in indices) if count else 0


def items_in(draft: Draft, number: int, index: int) -> int:
    """Return how many items an iteration of a Map Run has: those of its batch, or one."""
    source = draft.get(f"source/{number}")
    if not isinstance(source, SourceFrame) or not (source.most_items or source.most_bytes):
        return 1
    value = draft.item(str(number), index)
    batch = value.get("Items") if isinstance(value, dict) else None
    return len(batch) if isinstance(batch, Sequence) else 1


def _task(draft: Draft, name: str, run: MapRunFrame, what: str, resource: str, payload: JsonObject) -> None:
    started = draft.started
    task_id = f"{started.execution_id}/{name}/{what}"
    draft.commands.append(
        StartTask(Task(task_id, resource, payload, started.execution_arn, started.machine_name, run.state))
    )


def _begin_iteration(
    draft: Draft, name: str, planned: PlannedState, run: MapRunFrame, number: int, index: int
) -> None:
    state = _map_of(planned)
    payload: JsonObject = {
        "input": draft.item(str(number), index),
        "index": index,
        "name": Chance(draft.started.seed, f"iteration/{number}/{index}").uuid(),
        "mapRunArn": run.arn,
        "label": run.arn.rpartition("/")[2].partition(":")[0],
        "processor": state.path,
        "executionType": state.execution_type.value,
        "redrive": run.redrives if index < run.next else 0,
    }
    _task(draft, name, run, f"{number}.{iteration_name(run, index)}", START, payload)


def _read_on(draft: Draft, name: str, run: MapRunFrame, number: int) -> MapRunFrame:
    source = draft.get(f"source/{number}")
    if not isinstance(source, SourceFrame):
        raise IllegalTransitionError(f"Map Run {number} has no source.")
    payload = {**source.payload, "cursor": source.cursor, "limit": PAGE}
    _task(draft, name, run, f"{number}.read{run.pages}", READ, payload)
    return replace(run, is_reading=True, pages=run.pages + 1)


def _finish(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, run: MapRunFrame) -> None:
    writer, number = _map_of(planned).writer, branch.scheduled
    if writer is None or not _needs_outside(writer.resource, writer.config):
        result = draft.results(str(number), run.iterations.total)
        if writer is not None and (writer.config or {}).get("Transformation") == "FLATTEN":
            result = _flat(result)
        _succeed(draft, name, branch, planned, run, result)
        return
    scope = scope_of(draft, name, branch, branch.input)
    payload: JsonObject = {
        "mapRunArn": run.arn,
        "resource": writer.resource,
        "arguments": planned.givens["ResultWriter"](scope) if "ResultWriter" in planned.givens else {},
        "config": writer.config or {},
    }
    draft.put(f"run/{number}", replace(run, is_writing=True))
    _task(draft, name, run, f"{number}.write{run.redrives}", WRITE, payload)


def _needs_outside(resource: str, config: JsonObject | None) -> bool:
    return bool(resource) or (config or {}).get("Transformation") == "NONE"


def _flat(results: Sequence[Json]) -> list[Json]:
    flat: list[Json] = []
    for each in results:
        if isinstance(each, Sequence) and not isinstance(each, str):
            flat.extend(each)
        else:
            flat.append(each)
    return flat


def _succeed(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, run: MapRunFrame, result: Json
) -> None:
    number, state = branch.scheduled, planned.state.name
    branch.link = run.link
    draft.say("MapRunSucceeded", state, run.link)
    draft.put(
        f"run/{number}", replace(run, status=MapRunStatus.SUCCEEDED, stopped_at=draft.at, is_writing=False)
    )
    draft.say("MapStateSucceeded", state, branch.link)
    drop_data(draft, number, run)
    branch.phase = Phase.WORKING
    scope = scope_of(draft, name, branch, branch.input) if planned.uses_scope else None
    conclude(draft, name, branch, planned, result, scope)


# ---- reports ------------------------------------------------------------------------------------


def take_report(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, what: str, report: TaskReport
) -> None:
    """Take what is reported of a task of the Map Run that a branch is in."""
    if not isinstance(report, TaskSucceeded | TaskFailed | TaskStopped):
        return
    try:
        _take(draft, name, branch, planned, what, report)
    except StateFailure as failure:
        _break_or_fail(draft, name, branch, planned, failure)


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
        _succeed(draft, name, branch, planned, run, report.output)
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
        writer = _map_of(planned).writer
        if writer is None or not _needs_outside(writer.resource, writer.config):
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


def _break_or_fail(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, failure: StateFailure
) -> None:
    """Take the failure of something that is computed for a Map Run, or of its result."""
    if run_of(draft, branch.scheduled).status is MapRunStatus.RUNNING:
        break_run(draft, name, branch, planned, failure.placed(planned.state.name, branch.entered))
    else:
        fail(draft, name, branch, failure)


def break_run(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, failure: StateFailure
) -> None:
    """End a Map Run with a failure, and its Map with it."""
    run = stop_run(draft, name, branch, MapRunStatus.FAILED)
    found = {"error": failure.error, "cause": failure.cause}
    details = {key: text for key, text in found.items() if text is not None}
    link = draft.say("MapRunFailed", planned.state.name, run.link, "mapRunFailedEventDetails", details)
    branch.link = link if failure.is_fatal else draft.say("MapStateFailed", planned.state.name, link)
    branch.phase = Phase.WORKING
    fail(draft, name, branch, failure)
