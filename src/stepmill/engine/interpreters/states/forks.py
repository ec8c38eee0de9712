"""States that run others inside: Parallel, and Map with its iterations in the same execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from stepmill.core.json import Json
from stepmill.engine.interpreters.states.branches import abort_child, iteration_details
from stepmill.engine.interpreters.states.context import item_of, scope_of
from stepmill.engine.interpreters.states.draft import Draft, Enter
from stepmill.engine.interpreters.states.evaluation import Scope, unexpected_type
from stepmill.engine.interpreters.states.failing import fail
from stepmill.engine.interpreters.states.failure import StateFailure, runtime_failure
from stepmill.engine.interpreters.states.frames import BranchFrame, ForkFrame, Phase
from stepmill.engine.interpreters.states.leaving import conclude, effective_input
from stepmill.engine.interpreters.states.mapruns import begin_run
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.tolerance import concurrency, tolerance
from stepmill.language.states.definition import ABSENT, MapState, ProcessorMode

# Of the service: so many inline iterations run at once. Source: developer guide, "Map state in Inline mode".
MOST_INLINE = 40


def work_input(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> tuple[Json, Scope]:
    """Return what Arguments or Parameters give a Parallel or Map to work on."""
    scope = scope_of(draft, name, branch, branch.input)
    value = effective_input(planned, branch, scope)
    if not planned.state.uses_jsonata:
        scope.document = value
    return (value if planned.arguments is None else planned.arguments(scope)), scope


# ---- Parallel -----------------------------------------------------------------------------------


def begin_parallel(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Begin all branches."""
    value, _ = work_input(draft, name, branch, planned)
    started = branch.link = draft.say("ParallelStateStarted", planned.state.name, branch.link)
    total = len(planned.branches)
    draft.put(f"fork/{name}", ForkFrame(total, total, tuple(range(total)), link=started))
    branch.phase = Phase.INSIDE
    for index in reversed(range(total)):
        child = f"{name}.{index}"
        draft.new_branch(child, planned.branches[index], value, started)
        draft.todo.appendleft(Enter(child))


# ---- Map ----------------------------------------------------------------------------------------


def begin_map(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Begin as many iterations as may run at once.

    Raises:
        StateFailure: If there are no items to be found.
    """
    state = planned.state
    scope = scope_of(draft, name, branch, branch.input)
    value = effective_input(planned, branch, scope)
    if not state.uses_jsonata:
        scope.document = value
    at_once = concurrency(planned, scope)
    is_read = isinstance(state, MapState) and state.reader is not None
    items, has_pairs = (None, False) if is_read else _items(planned, scope, value)
    if items is None or (isinstance(state, MapState) and state.mode is ProcessorMode.DISTRIBUTED):
        begin_run(draft, name, branch, planned, scope, items, at_once, has_pairs=has_pairs)
        return
    limit = min(at_once or MOST_INLINE, MOST_INLINE)
    started = draft.say(
        "MapStateStarted", state.name, branch.link, "mapStateStartedEventDetails", {"length": len(items)}
    )
    # It is computed behind the start, but what fails with it points before.
    tolerance(planned, scope)
    branch.link = started
    draft.put(f"fork/{name}", ForkFrame(len(items), limit=limit, link=branch.link, has_pairs=has_pairs))
    draft.put_items(name, items)
    branch.phase = Phase.INSIDE
    go_on(draft, name, branch, planned, branch.link)


def _items(planned: PlannedState, scope: Scope, value: Json) -> tuple[Sequence[Json], bool]:
    """Return the items, and whether they are the members of an object.

    Source: developer guide, "ItemsPath (Map)": an iteration for each key-value pair of an object.
    """
    find = planned.givens.get("Items")
    found = value if find is None else find(scope)
    if isinstance(found, Sequence) and not isinstance(found, str):
        return found, False
    if isinstance(found, Mapping):
        return [{"Key": key, "Value": each} for key, each in found.items()], True
    state = planned.state
    if state.uses_jsonata:
        written = state.items if isinstance(state, MapState) and state.items is not ABSENT else None
        raise unexpected_type(written, "Items", "array", found)
    path = state.items_path if isinstance(state, MapState) else "$"
    raise runtime_failure(f'Reference path "{path}" must point to array.')


def go_on(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, link: int) -> None:
    """Begin further iterations, or end the Map if all have ended.

    Args:
        draft: The advance.
        name: Of the branch that the Map is in.
        branch: Its frame.
        planned: The Map.
        link: What the beginnings point at.

    Raises:
        StateFailure: If what an iteration is to work on cannot be computed.
    """
    fork = draft.fork(name)
    if fork.succeeded == fork.total:
        _succeed(draft, name, branch, planned, fork)
        return
    begun: list[str] = []
    while fork.next < fork.total and len(fork.running) < fork.limit:
        index = fork.next
        fork = replace(fork, next=index + 1, running=(*fork.running, index))
        draft.put(f"fork/{name}", fork)
        begun.append(begin_iteration(draft, name, branch, planned, index, link))
    draft.todo.extendleft(Enter(child) for child in reversed(begun))


def begin_iteration(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, index: int, link: int
) -> str:
    """Make the branch of an iteration, and return its name.

    Raises:
        StateFailure: If what it is to work on cannot be computed.
    """
    started = draft.say(
        "MapIterationStarted",
        planned.state.name,
        link,
        "mapIterationStartedEventDetails",
        iteration_details(draft, name, index),
    )
    value = draft.item(name, index)
    child = f"{name}.{index}"
    frame = draft.new_branch(child, planned.branches[0], value, started)
    select = planned.givens.get("ItemSelector")
    if select is not None:
        item = item_of(index, value, is_pair=draft.fork(name).has_pairs)
        scope = scope_of(draft, name, branch, branch.input, item=item)
        if not planned.state.uses_jsonata:
            scope.document = effective_input(planned, branch, scope)
        frame.input = select(scope)
    return child


def _succeed(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, fork: ForkFrame) -> None:
    """End a Parallel or Map well: its success and its exit point at the same event."""
    branch.link = fork.link
    draft.say(f"{planned.kind}StateSucceeded", planned.state.name, branch.link)
    result = draft.results(name, fork.total)
    draft.drop_fork(name)
    scope = scope_of(draft, name, branch, branch.input) if planned.uses_scope else None
    conclude(draft, name, branch, planned, result, scope)


# ---- both ---------------------------------------------------------------------------------------


def take_end(draft: Draft, child: str, output: Json) -> None:
    """Take that a branch inside has come to its end.

    Raises:
        StateFailure: If the state around it fails because of it; its frame is in ``draft``.
    """
    name, _, last = child.rpartition(".")
    branch = draft.branch(name)
    planned = draft.planned(branch)
    index, link = int(last), draft.branch(child).link
    fork = draft.fork(name)
    running = tuple(each for each in fork.running if each != index)
    draft.put_result(name, index, output)
    draft.drop_branch(child)
    last_link = link
    if planned.kind == "Map":
        details = iteration_details(draft, name, index)
        last_link = draft.say(
            "MapIterationSucceeded", planned.state.name, link, "mapIterationSucceededEventDetails", details
        )
    fork = replace(fork, running=running, succeeded=fork.succeeded + 1, link=last_link)
    draft.put(f"fork/{name}", fork)
    if fork.succeeded == fork.total:
        _succeed(draft, name, branch, planned, fork)
    elif planned.kind == "Map":
        go_on(draft, name, branch, planned, link)


def take_failure(draft: Draft, child: str, failure: StateFailure) -> None:
    """Take that a branch inside has failed: its siblings are stopped, and the state around it fails."""
    name, _, last = child.rpartition(".")
    branch = draft.branch(name)
    planned = draft.planned(branch)
    link = draft.branch(child).link
    state = planned.state.name
    if planned.kind == "Map":
        details = iteration_details(draft, name, int(last))
        draft.say("MapIterationFailed", state, link, "mapIterationFailedEventDetails", details)
    for index in draft.fork(name).running:
        if index != int(last):
            abort_child(draft, name, f"{name}.{index}")
    failed = draft.say(f"{planned.kind}StateFailed", state, link)
    draft.put(f"fork/{name}", replace(draft.fork(name), link=failed))
    fail(draft, name, branch, failure, is_from_inside=True)
