"""Steps end: their slot is free, their result is kept, and the gates behind them hear of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.engine.interpreters.pipelines.draft import Draft, gate_key
from stepmill.engine.interpreters.pipelines.frames import GateFrame, OutputFrame, StepFrame
from stepmill.engine.interpreters.pipelines.outcome import HistoryType
from stepmill.engine.interpreters.pipelines.plan import Outcome
from stepmill.language.pipelines.definition import Branch, StepType, Trigger

# The longest FailureReason of a step. Source: API reference, PipelineExecutionStep.
LONGEST_REASON = 1024

_HISTORY = {
    StepStatus.SUCCEEDED: HistoryType.STEP_SUCCEEDED,
    StepStatus.FAILED: HistoryType.STEP_FAILED,
    StepStatus.STOPPED: HistoryType.STEP_STOPPED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step ended.

    Args:
        status: Final.
        reason: Why it failed or stopped.
        output: The document that its properties are read from.
        has_output: Whether there is one; a failed step may have none.
        metadata: For the listing, added to what is there.
        cached_from: ARN of the execution whose result was reused.
    """

    status: StepStatus
    reason: str = ""
    output: Json = None
    has_output: bool = False
    metadata: JsonObject = field(default_factory=dict)
    cached_from: str = ""


def failure(error: str, cause: str) -> str:
    """Return the reason of a failed step, as long as AWS allows. The end of a cause says most.

    Example:
        >>> failure("AlgorithmError", "exit code 1")
        'AlgorithmError: exit code 1'
        >>> failure("ClientError", "ClientError: no such image")
        'ClientError: no such image'
    """
    is_named = not error or cause.startswith(f"{error}:")
    reason = cause if is_named else f"{error}: {cause}" if cause else error
    if len(reason) <= LONGEST_REASON:
        return reason
    head = LONGEST_REASON // 4
    return f"{reason[:head]} ... {reason[-(LONGEST_REASON - head - 5) :]}"


def end_step(draft: Draft, step: StepFrame, ending: Ending) -> None:
    """Record how a step ended, and open the gates that waited for it."""
    ended = draft.put_step(
        replace(
            release_slot(draft, step),
            status=ending.status,
            ended_at=draft.at,
            phase=None,
            task_id="",
            failure_reason=ending.reason,
            metadata=merged(step.metadata, ending.metadata),
            cached_from=ending.cached_from,
        )
    )
    if ending.has_output:
        draft.put(f"output/{step.name}", OutputFrame(ending.output))
    draft.drop(f"reads/{step.name}")
    draft.change_execution(unfinished=draft.execution.unfinished - 1)
    _tell(draft, ended)
    _feed_gates(draft, ended)
    if ended.parent:
        _count_in_loop(draft, ended)
    elif _counts_as_failure(draft, ended):
        draft.change_execution(failures=draft.execution.failures + 1)
    if _fails_a_stop(draft, ended):
        draft.change_execution(failure_reason=ended.failure_reason)


def release_slot(draft: Draft, step: StepFrame) -> StepFrame:
    """Return the step without a slot, and free the one that it had."""
    if not step.has_slot:
        return step
    draft.change_execution(slots=draft.execution.slots - 1)
    return replace(step, has_slot=False)


def outcomes_of(status: StepStatus | None, output: Json) -> tuple[Outcome, ...]:
    """Return what gates can have waited for that has happened with such an end.

    Args:
        status: Of the step.
        output: Its output; of a Condition it has the ``Outcome``.
    """
    match status:
        case StepStatus.SUCCEEDED:
            taken = output.get("Outcome") if isinstance(output, Mapping) else None
            branch: dict[Json, tuple[Outcome, ...]] = {"True": (Branch.IF,), "False": (Branch.ELSE,)}
            found = branch.get(taken, ()) if isinstance(taken, str) else ()
            return (Trigger.COMPLETED, Trigger.ANY, *found)
        case StepStatus.FAILED:
            return (Trigger.FAILED, Trigger.ANY)
        case StepStatus.STOPPED:
            return (Trigger.STOPPED, Trigger.ANY)
    return ()


def merged(old: JsonObject, new: JsonObject) -> JsonObject:
    """Return metadata with newer metadata laid over it, member by member.

    Example:
        >>> merged({"Lambda": {"Arn": "a"}}, {"Lambda": {"OutputParameters": []}})
        {'Lambda': {'Arn': 'a', 'OutputParameters': []}}
    """
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = {**before, **value}
        else:
            result[key] = value
    return result


def _tell(draft: Draft, step: StepFrame) -> None:
    assert step.status is not None
    body: dict[str, Json] = {"attempt": step.attempt, "seconds": _seconds(step.started_at, draft.at)}
    if step.failure_reason:
        body["reason"] = step.failure_reason
    if step.metadata:
        body["metadata"] = step.metadata
    if step.cached_from:
        draft.say(HistoryType.STEP_CACHE_HIT, step.name, {"source": step.cached_from})
    draft.say(_HISTORY[step.status], step.name, body)


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 6)


def _feed_gates(draft: Draft, step: StepFrame) -> None:
    feeds = draft.planned(step).feeds
    output = draft.output(step.name) if feeds else None
    for outcome in outcomes_of(step.status, output.document if output else None):
        for gate in feeds.get(outcome, ()):
            missing = draft.missing(gate, step.index) - 1
            draft.put(gate_key(gate, step.index), GateFrame(missing))
            if missing == 0:
                draft.opened.append((gate, step.index))


def _count_in_loop(draft: Draft, step: StepFrame) -> None:
    loop = draft.loop(step.parent)
    assert loop is not None
    draft.put(
        f"loop/{step.parent}",
        replace(
            loop,
            running=loop.running - 1,
            succeeded=loop.succeeded + (step.status is StepStatus.SUCCEEDED),
            failed=loop.failed + (step.status is StepStatus.FAILED),
            stopped=loop.stopped + (step.status is StepStatus.STOPPED),
        ),
    )
    draft.due_loops.append(step.parent)


def _counts_as_failure(draft: Draft, step: StepFrame) -> bool:
    # A job that somebody stopped while the execution goes on has not done what it was there for.
    is_stop = draft.execution.status is PipelineExecutionStatus.STOPPING
    return step.status is StepStatus.FAILED or (step.status is StepStatus.STOPPED and not is_stop)


def _fails_a_stop(draft: Draft, step: StepFrame) -> bool:
    """Source: StopPipelineExecution: a Lambda that fails while it is waited for fails the execution."""
    return (
        draft.execution.status is PipelineExecutionStatus.STOPPING
        and step.status is StepStatus.FAILED
        and draft.planned(step).step.type is StepType.LAMBDA
    )


def started_instances(draft: Draft) -> Iterator[StepFrame]:
    """Return the frames of all steps that have started, children of ForEach steps too.

    Looks at every step of the plan: only for what concerns the whole execution.
    """
    for name, planned in draft.plan.steps.items():
        if planned.loop:
            continue
        frame = draft.step(name)
        if frame is None:
            continue
        yield frame
        loop = draft.loop(name) if planned.step.for_each else None
        for index in range(loop.next if loop else 0):
            for body in planned.step.children:
                child = draft.step(f"{body}-{index}")
                if child is not None:
                    yield child
