"""A Map Run goes on: iterations begin, items are read, results are written; and how it ends."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Task
from stepmill.engine.interpreters.commands import StartTask
from stepmill.engine.interpreters.states.chance import Chance
from stepmill.engine.interpreters.states.context import scope_of
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.failing import fail
from stepmill.engine.interpreters.states.failure import StateFailure
from stepmill.engine.interpreters.states.frames import (
    BranchFrame,
    FailedFrame,
    MapRunFrame,
    MapRunStatus,
    Phase,
    SourceFrame,
)
from stepmill.engine.interpreters.states.leaving import conclude
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.runstops import drop_data, iteration_name, run_of, stop_run
from stepmill.language.states.definition import MapState

READ, START, WRITE = "stepmill:readItems", "stepmill:startIteration", "stepmill:writeResults"
# Items in a page: what one event takes in.
PAGE = 500


def map_of(planned: PlannedState) -> MapState:
    """Return the Map that is planned."""
    if not isinstance(planned.state, MapState):
        raise IllegalTransitionError(f"State {planned.state.name!r} is no Map.")
    return planned.state


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
    state = map_of(planned)
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
    writer, number = map_of(planned).writer, branch.scheduled
    if writer is None or not needs_outside(writer.resource, writer.config):
        result = draft.results(str(number), run.iterations.total)
        if writer is not None and (writer.config or {}).get("Transformation") == "FLATTEN":
            result = _flat(result)
        succeed(draft, name, branch, planned, run, result)
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


def needs_outside(resource: str, config: JsonObject | None) -> bool:
    """Return whether the results are written by a task, and not only gathered."""
    return bool(resource) or (config or {}).get("Transformation") == "NONE"


def _flat(results: Sequence[Json]) -> list[Json]:
    flat: list[Json] = []
    for each in results:
        if isinstance(each, Sequence) and not isinstance(each, str):
            flat.extend(each)
        else:
            flat.append(each)
    return flat


def succeed(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, run: MapRunFrame, result: Json
) -> None:
    """End a Map Run well, and its Map with it.

    Raises:
        StateFailure: If what the Map gives on cannot be computed.
    """
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


def break_or_fail(
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
    # Of a fatal failure the state says nothing more; of an expression, ``fail`` says it in its order.
    is_told = failure.is_fatal or failure.location
    branch.link = link if is_told else draft.say("MapStateFailed", planned.state.name, link)
    branch.phase = Phase.WORKING
    fail(draft, name, branch, failure)
