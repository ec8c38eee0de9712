"""ForEach: one child of every body step for each item, so many at once as MaxConcurrency allows.

A ForEach has a ready queue of its own. A child that it lets through goes to the execution's queue
and waits there for a slot as all steps do.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, read_json
from stepmill.core.statuses import StepStatus
from stepmill.engine.interpreters.pipelines.draft import Draft, child_name, gate_key, ready_key
from stepmill.engine.interpreters.pipelines.endings import Ending, end_step, outcomes_of
from stepmill.engine.interpreters.pipelines.frames import (
    GateFrame,
    ItemsFrame,
    LoopFrame,
    Phase,
    ReadyFrame,
    StepFrame,
)
from stepmill.engine.interpreters.pipelines.plan import Need
from stepmill.engine.interpreters.pipelines.resolving import Resolver
from stepmill.engine.interpreters.pipelines.values import compare, find, render_path, text_of
from stepmill.language.pipelines.conditions import Comparator
from stepmill.language.pipelines.definition import ForEachBody, Pick, Selector


def items_of(draft: Draft, step: StepFrame, resolver: Resolver) -> tuple[Json, ...]:
    """Return the items of a ForEach. Of no use while the resolver misses reads.

    Raises:
        InvalidInputError: If there are none, or what should be a list is not.
    """
    known = draft.items(step.name)
    if known:
        return known  # retried: the children that succeeded belong to these
    source = body_of(draft, step.name).items
    if isinstance(source, tuple):
        items: Json = [resolver.value(each) for each in source]
    else:
        items = resolver.value(source)
        if resolver.missing:
            return ()
        if isinstance(items, str):
            items = read_json(items, where="IterableItems")
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise InvalidInputError(
            f"IterableItems is {text_of(items)[:80]}, not a list.",
            mend='Give the JSON text of a list: ["a"].',
        )
    if not items:
        raise InvalidInputError("IterableItems is an empty list: there is nothing to do for each of.")
    return tuple(items)


def open_loop(draft: Draft, step: StepFrame, items: tuple[Json, ...]) -> None:
    """Begin a ForEach; one that was begun before keeps the children that succeeded."""
    is_new = draft.loop(step.name) is None
    draft.put(f"loop/{step.name}", LoopFrame(total=len(items)))
    draft.due_loops.append(step.name)
    if is_new:
        draft.put(f"items/{step.name}", ItemsFrame(items))
        return
    for index in range(len(items)):
        for body in draft.plan.steps[step.name].step.children:
            child = draft.step(child_name(body, index))
            if child is not None and child.status is StepStatus.SUCCEEDED:
                loop = _loop(draft, step.name)
                draft.put(f"loop/{step.name}", replace(loop, succeeded=loop.succeeded + 1))
                note_candidate(draft, child)


def body_of(draft: Draft, name: str) -> ForEachBody:
    """Return what is inside a ForEach step."""
    body = draft.plan.steps[name].step.for_each
    assert body is not None
    return body


def queue_children(draft: Draft, gate: str, index: int) -> None:
    """Let the steps of an open gate of an iteration wait for MaxConcurrency."""
    name = draft.plan.gates[gate].loop
    loop = _loop(draft, name)
    draft.put(ready_key(loop.tail, name), ReadyFrame(gate=gate, index=index))
    draft.put(f"loop/{name}", replace(loop, tail=loop.tail + 1))
    draft.due_loops.append(name)


def tend_loop(draft: Draft, name: str) -> None:
    """Let children through, begin iterations, or end the ForEach, as far as that goes now."""
    step = draft.known_step(name)
    if step.phase is not Phase.WORKING:
        return
    limit = body_of(draft, name).max_concurrency
    while draft.may_start and _loop(draft, name).running < limit:
        loop = _loop(draft, name)
        if not loop.is_queue_empty:
            _let_one_through(draft, name, loop)
        elif loop.next < loop.total:
            draft.put(f"loop/{name}", replace(loop, next=loop.next + 1))
            _begin_iteration(draft, name, loop.next)
        else:
            break
    loop = _loop(draft, name)
    is_done = loop.is_queue_empty and loop.next == loop.total and not loop.is_cut_short
    if loop.running == 0 and (is_done or not draft.may_start):
        _end_loop(draft, step, is_done=is_done)


def take_back(draft: Draft, name: str) -> None:
    """Count a child that was let through, but will not start, as if it had not been."""
    loop = _loop(draft, name)
    draft.put(f"loop/{name}", replace(loop, running=loop.running - 1, is_cut_short=True))
    draft.due_loops.append(name)


def note_candidate(draft: Draft, child: StepFrame) -> None:
    """Compare the child's field with that of the iteration that the Selector has chosen so far."""
    selector = body_of(draft, child.parent).selector
    if selector is None or child_name(selector.field.step, child.index) != child.name:
        return
    loop = _loop(draft, child.parent)
    output = draft.output(child.name)
    try:
        value = find(output.document if output else None, selector.field.path)
        is_better = loop.best < 0 or _is_better(selector, value, loop, child.index)
    except InvalidInputError as error:
        where = f"IterationOutput.{selector.field.step}.{render_path(selector.field.path)}"
        reason = loop.reason or f"The Selector cannot compare {where} of iteration {child.index}: {error}"
        draft.put(f"loop/{child.parent}", replace(loop, reason=reason))
        return
    if is_better:
        draft.put(f"loop/{child.parent}", replace(loop, best=child.index, best_value=value))


def _is_better(selector: Selector, value: Json, loop: LoopFrame, index: int) -> bool:
    wanted = Comparator.GREATER_THAN if selector.pick is Pick.MAX_BY else Comparator.LESS_THAN
    if compare(wanted, value, loop.best_value):
        return True
    # Of equals the first item's wins, whichever ended first.
    return index < loop.best and not compare(wanted, loop.best_value, value)


def _loop(draft: Draft, name: str) -> LoopFrame:
    loop = draft.loop(name)
    assert loop is not None
    return loop


def _let_one_through(draft: Draft, name: str, loop: LoopFrame) -> None:
    key = ready_key(loop.head, name)
    entry = draft.ready(loop.head, name)
    steps = draft.plan.gates[entry.gate].steps
    child = child_name(steps[entry.next], entry.index)
    if entry.next + 1 < len(steps):
        draft.put(key, replace(entry, next=entry.next + 1))
    else:
        draft.drop(key)
        loop = replace(loop, head=loop.head + 1)
    is_new = not draft.has_succeeded(child)
    draft.put(f"loop/{name}", replace(loop, running=loop.running + is_new))
    if is_new:
        root = draft.execution
        draft.put(ready_key(root.tail), ReadyFrame(step=child, loop=name, index=entry.index))
        draft.change_execution(tail=root.tail + 1)


def _begin_iteration(draft: Draft, name: str, index: int) -> None:
    planned = draft.plan.steps[name]
    children = planned.step.children
    if not any(draft.step(child_name(body, index)) for body in children):
        for gate in planned.first_gates:
            queue_children(draft, gate, index)
        return
    for gate in dict.fromkeys(draft.plan.steps[body].gate for body in children):
        needs = draft.plan.gates[gate].needs
        missing = sum(not _is_met(draft, need, index) for need in needs)
        if needs:
            draft.put(gate_key(gate, index), GateFrame(missing))
        if not missing:
            queue_children(draft, gate, index)


def _is_met(draft: Draft, need: Need, index: int) -> bool:
    frame = draft.step(child_name(need[0], index))
    return frame is not None and need[1] in outcomes_of(frame.status, None)


def _end_loop(draft: Draft, step: StepFrame, *, is_done: bool) -> None:
    loop = _loop(draft, step.name)
    selector = body_of(draft, step.name).selector
    reason = ""
    if loop.failed:
        status = StepStatus.FAILED
        reason = f"{loop.failed} of the steps of {loop.total} iterations failed."
    elif loop.stopped or not is_done:
        status = StepStatus.STOPPED
    elif selector and (loop.reason or loop.best < 0):
        status = StepStatus.FAILED
        reason = loop.reason or "The Selector has nothing to choose from."
    else:
        status = StepStatus.SUCCEEDED
    result: dict[str, Json] = {
        "Status": str(status),
        "InputItemCount": loop.total,
        "TotalStepCount": loop.total * len(draft.plan.steps[step.name].step.children),
        "SucceededStepCount": loop.succeeded,
        "FailedStepCount": loop.failed,
        "StoppedStepCount": loop.stopped,
    }
    if selector and status is StepStatus.SUCCEEDED:
        result["Selector"] = {"StepName": child_name(selector.field.step, loop.best), "Index": loop.best}
    for number in range(loop.head, loop.tail):
        draft.drop(ready_key(number, step.name))
    draft.put(f"loop/{step.name}", replace(loop, head=loop.tail))
    ending = Ending(status, reason, output=result, has_output=True, metadata={"ForEach": result})
    end_step(draft, step, ending)
