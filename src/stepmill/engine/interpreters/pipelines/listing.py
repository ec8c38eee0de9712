"""How an execution stands, for whoever looks: as ListPipelineExecutionSteps lists it, and as a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stepmill.core.clock import as_text
from stepmill.core.json import Json
from stepmill.core.statuses import StepStatus
from stepmill.engine.interpreters.pipelines.draft import child_name
from stepmill.engine.interpreters.pipelines.endings import outcomes_of
from stepmill.engine.interpreters.pipelines.frames import (
    EXECUTION,
    INPUTS,
    ExecutionFrame,
    Frame,
    InputsFrame,
    ItemsFrame,
    LoopFrame,
    OutputFrame,
    StepFrame,
)
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.interpreters.pipelines.values import text_of
from stepmill.language.pipelines.definition import Branch, Step

# The longest Item of an IterationContext. Source: botocore's model, String12800.
_LONGEST_ITEM = 12_800


class Standing(StrEnum):
    """How a step without a status stands."""

    WAITING = "Waiting"  # may still start
    NOT_TAKEN = "NotTaken"  # stands in, or needs something from, a branch that was not taken
    NOT_REACHED = "NotReached"  # what it needs failed, or the execution ended before
    NOT_SELECTED = "NotSelected"  # outside of the selection of a selective execution


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the plan, started or not.

    Args:
        name: Of the step, or of a child of a ForEach.
        step: As the definition has it.
        status: As listed, else a ``Standing``.
        started_at: Of the first attempt.
        ended_at: When its status became final.
        attempt: Number of the current attempt; 0 before the first.
        failure_reason: Why it failed, or why it waits for another attempt.
        needs: Names of the steps that it waits for.
        metadata: As listed.
        notes: Remarks of those who did the work: why the cache missed, which isolation a job has.
        cached_from: ARN of the execution whose result was reused by the cache.
        reused_from: ARN of the source execution of a selective one.
        parent: Name of the Condition or ForEach step that contains it.
        index: Of the iteration, of a child; else -1.
    """

    name: str
    step: Step
    status: StepStatus | Standing
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    failure_reason: str = ""
    needs: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cached_from: str = ""
    reused_from: str = ""
    parent: str = ""
    index: int = -1


def step_entries(plan: Plan, frames: Mapping[str, Frame]) -> list[dict[str, Json]]:
    """Return the entries of ListPipelineExecutionSteps, in the order in which the steps started.

    Moments are ISO 8601 text. A step that has not started has no entry.
    """
    listed = [frame for frame in _started(plan, frames) if frame.status is not None]
    return [_entry(plan, frames, frame) for frame in sorted(listed, key=lambda frame: frame.order)]


def step_notes(plan: Plan, frames: Mapping[str, Frame]) -> dict[str, tuple[str, ...]]:
    """Return the remarks on each step that has any: why the cache missed, which isolation a job has."""
    return {frame.name: frame.notes for frame in _started(plan, frames) if frame.notes}


def step_views(plan: Plan, frames: Mapping[str, Frame]) -> list[StepView]:
    """Return all steps of the plan in the order of the document, with how each stands.

    Children of a ForEach that have started follow its body steps.
    """
    standings = _standings(plan, frames)
    views: list[StepView] = []
    for name, planned in plan.steps.items():
        view = _view(plan, name, _step(frames, name), standings)
        views.append(view)
        if planned.loop:
            views.extend(
                _view(plan, child.name, child, standings) for child in _children(frames, planned.loop, name)
            )
    return views


def _entry(plan: Plan, frames: Mapping[str, Frame], frame: StepFrame) -> dict[str, Json]:
    step = _definition_of(plan, frame)
    entry: dict[str, Json] = {
        "StepName": frame.name,
        "StepDisplayName": step.display_name,
        "StepDescription": step.description,
        "StartTime": as_text(frame.started_at),
        "EndTime": as_text(frame.ended_at) if frame.ended_at else "",
        "StepStatus": str(frame.status),
        "FailureReason": frame.failure_reason if frame.status is StepStatus.FAILED else "",
        "Metadata": frame.metadata,
    }
    if not frame.reused_from:
        entry["AttemptCount"] = frame.attempt
    if frame.cached_from:
        entry["CacheHitResult"] = {"SourcePipelineExecutionArn": frame.cached_from}
    if frame.reused_from:
        entry["SelectiveExecutionResult"] = {"SourcePipelineExecutionArn": frame.reused_from}
    if frame.parent:
        entry["IterationContext"] = _iteration(frames, frame)
    return {key: value for key, value in entry.items() if value not in ("", {})}


def _iteration(frames: Mapping[str, Frame], frame: StepFrame) -> dict[str, Json]:
    items = frames.get(f"items/{frame.parent}")
    known = isinstance(items, ItemsFrame) and frame.index < len(items.items)
    item = text_of(items.items[frame.index]) if known and isinstance(items, ItemsFrame) else ""
    return {"ParentStepName": frame.parent, "Index": frame.index, "Item": item[:_LONGEST_ITEM]}


def _view(plan: Plan, name: str, frame: StepFrame | None, standings: Mapping[str, Standing]) -> StepView:
    step = plan.steps[name].step if name in plan.steps else _definition_of(plan, _known(frame))
    needs = tuple(dict.fromkeys(need for need, _ in plan.gates[plan.steps[step.name].gate].needs))
    if frame is None or frame.status is None:
        standing = standings.get(name, Standing.WAITING)
        attempt = frame.attempt if frame else 0
        return StepView(name, step, standing, attempt=attempt, needs=needs, parent=step.parent)
    return StepView(
        name=name,
        step=step,
        status=frame.status,
        started_at=frame.started_at,
        ended_at=frame.ended_at,
        attempt=frame.attempt,
        failure_reason=frame.failure_reason,
        needs=tuple(child_name(need, frame.index) for need in needs),
        metadata=frame.metadata,
        notes=frame.notes,
        cached_from=frame.cached_from,
        reused_from=frame.reused_from,
        parent=step.parent,
        index=frame.index,
    )


def _standings(plan: Plan, frames: Mapping[str, Frame]) -> dict[str, Standing]:
    """Return how each step without a status stands, if it cannot start any more."""
    found: dict[str, Standing] = {}
    inputs, root = frames.get(INPUTS), frames.get(EXECUTION)
    selected = inputs.selected if isinstance(inputs, InputsFrame) else None
    waiting: deque[tuple[str, Standing]] = deque()
    for name in plan.steps:
        waiting.extend(_shut_by(plan, frames, name, selected))
    while waiting:
        gate, standing = waiting.popleft()
        for name in plan.gates[gate].steps:
            if name in found or _has_status(frames, name):
                continue
            found[name] = standing
            waiting.extend((each, standing) for fed in plan.steps[name].feeds.values() for each in fed)
    if selected is not None:
        outside = (name for name in plan.steps if _owner(plan, name) not in selected)
        found.update({name: Standing.NOT_SELECTED for name in outside if not _has_status(frames, name)})
    if isinstance(root, ExecutionFrame) and (root.status.is_final or root.is_failing):
        left = (name for name in plan.steps if name not in found and not _has_status(frames, name))
        found.update(dict.fromkeys(left, Standing.NOT_REACHED))
    return found


def _shut_by(
    plan: Plan, frames: Mapping[str, Frame], name: str, selected: frozenset[str] | None
) -> Iterator[tuple[str, Standing]]:
    """Return the gates that a step's end keeps shut for ever."""
    frame = _step(frames, name)
    if frame is None or frame.status is None or not frame.status.is_final:
        return
    output = frames.get(f"output/{name}")
    happened = outcomes_of(frame.status, output.document if isinstance(output, OutputFrame) else None)
    is_outside = selected is not None and name not in selected
    for outcome, gates in plan.steps[name].feeds.items():
        if isinstance(outcome, Branch):
            standing = Standing.NOT_TAKEN
        elif is_outside:
            continue  # what is not selected counts as done, however it ended
        else:
            standing = Standing.NOT_REACHED
        if outcome not in happened:
            yield from ((gate, standing) for gate in gates)


def _owner(plan: Plan, name: str) -> str:
    """Return the name that a selection would have to hold: of a body step the ForEach's."""
    return plan.steps[name].loop or name


def _has_status(frames: Mapping[str, Frame], name: str) -> bool:
    frame = _step(frames, name)
    return frame is not None and frame.status is not None


def _started(plan: Plan, frames: Mapping[str, Frame]) -> Iterator[StepFrame]:
    for name, planned in plan.steps.items():
        if planned.loop:
            yield from _children(frames, planned.loop, name)
        elif (frame := _step(frames, name)) is not None:
            yield frame


def _children(frames: Mapping[str, Frame], loop: str, body: str) -> Iterator[StepFrame]:
    progress = frames.get(f"loop/{loop}")
    for index in range(progress.next if isinstance(progress, LoopFrame) else 0):
        frame = _step(frames, child_name(body, index))
        if frame is not None:
            yield frame


def _definition_of(plan: Plan, frame: StepFrame) -> Step:
    return plan.steps[frame.name.removesuffix(f"-{frame.index}") if frame.parent else frame.name].step


def _known(frame: StepFrame | None) -> StepFrame:
    assert frame is not None
    return frame


def _step(frames: Mapping[str, Frame], name: str) -> StepFrame | None:
    frame = frames.get(f"step/{name}")
    return frame if isinstance(frame, StepFrame) else None
