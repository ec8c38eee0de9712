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

from stepmill.core.json import Json, JsonObject
from stepmill.engine.interpreters.states.batching import take_items
from stepmill.engine.interpreters.states.chance import Chance
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.evaluation import Scope
from stepmill.engine.interpreters.states.failure import StateFailure
from stepmill.engine.interpreters.states.frames import (
    BranchFrame,
    MapRunFrame,
    MapRunStatus,
    Phase,
    SourceFrame,
)
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.runstops import run_of
from stepmill.engine.interpreters.states.runwork import (
    break_or_fail,
    go_on,
    map_of,
)
from stepmill.engine.interpreters.states.sources import source_of
from stepmill.engine.interpreters.states.tolerance import tolerance
from stepmill.language.states.definition import MapState

# The service runs up to 10,000 at once. Here each is an execution on one machine; more would only wait.
MOST_AT_ONCE = 1000
WITHOUT_LIMIT = 100


def begin_run(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    scope: Scope,
    items: Sequence[Json] | None,
    at_once: int,
    *,
    has_pairs: bool,
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
        has_pairs: Whether the items are members of an object.

    Raises:
        StateFailure: If a field of the Map cannot be computed.
    """
    state = map_of(planned)
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
        source = source_of(planned, scope, reads=items is None)
        draft.put(f"source/{number}", replace(source, has_pairs=has_pairs))
        if items is not None:
            take_items(draft, name, branch, planned, items, is_last=True)
        go_on(draft, name, branch, planned)
    except StateFailure as failure:
        break_or_fail(draft, name, branch, planned, failure)


def _arn_of(draft: Draft, state: MapState, number: int) -> str:
    chance = Chance(draft.started.seed, f"run/{number}")
    unique = chance.uuid()
    head, _, machine = draft.started.machine_arn.partition(":stateMachine:")
    return f"{head}:mapRun:{machine.partition(':')[0]}/{state.label or chance.uuid()}:{unique}"


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
        break_or_fail(draft, name, branch, planned, failure)
