"""An ended execution goes on: what succeeded is kept, the rest runs again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from stepmill.core.errors import WrongStateError
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.engine.interpreters.pipelines.draft import Draft, child_name
from stepmill.engine.interpreters.pipelines.endings import started_instances
from stepmill.engine.interpreters.pipelines.events import RetryRequested
from stepmill.engine.interpreters.pipelines.frames import StepFrame
from stepmill.engine.interpreters.pipelines.gates import set_gates
from stepmill.engine.interpreters.pipelines.outcome import HistoryType

# AWS does not document from which statuses an execution can be retried; of these something is left to do.
RETRYABLE = frozenset(
    {
        PipelineExecutionStatus.FAILED,
        PipelineExecutionStatus.STOPPED,
        PipelineExecutionStatus.COMPLETED_WITH_FAILURES,
    }
)


def check_retry(status: PipelineExecutionStatus) -> None:
    """Check that an execution can be retried as it stands.

    Raises:
        WrongStateError: If it still runs, or has succeeded.
    """
    if status in RETRYABLE:
        return
    mend = "Start a new execution." if status.is_final else "Wait until it has ended, or stop it first."
    raise WrongStateError(f"An execution that is {status} cannot be retried.", mend=mend)


def retry(draft: Draft, event: RetryRequested) -> None:
    """Let the execution go on; one that runs or has succeeded is left alone."""
    if draft.execution.status not in RETRYABLE:
        return
    draft.change_execution(
        status=PipelineExecutionStatus.EXECUTING,
        parallelism=event.parallelism or draft.execution.parallelism,
        failure_reason="",
        failures=0,
        handled=0,
        is_failing=False,
        ended_at=None,
    )
    draft.say(HistoryType.EXECUTION_RETRIED)
    unfinished = [step for step in started_instances(draft) if step.status is not StepStatus.SUCCEEDED]
    later = _all_after(draft, unfinished)
    for step in unfinished:
        if step.name not in later:
            _forget(draft, step)
    for step in later.values():
        _forget_all(draft, step)
    set_gates(draft)


def _all_after(draft: Draft, steps: Iterable[StepFrame]) -> dict[str, StepFrame]:
    """Return all that have started after one of these, by name.

    A step that reacted to a failure may have succeeded; but that failure is history now: whatever
    comes after a step that runs again runs again too.
    """
    found: dict[str, StepFrame] = {}
    waiting = deque(steps)
    while waiting:
        step = waiting.popleft()
        for each in _after(draft, step):
            if each.name not in found:
                found[each.name] = each
                waiting.append(each)
    return found


def _forget(draft: Draft, step: StepFrame) -> None:
    """Let a step be as if it had not run, but for the number of its attempts."""
    draft.put_step(replace(step, status=None, is_handled=False, retries={}))
    draft.drop(f"output/{step.name}")


def _forget_all(draft: Draft, step: StepFrame) -> None:
    """The same, and of a ForEach its children and items too: they may be others this time."""
    _forget(draft, step)
    loop = draft.loop(step.name)
    for index in range(loop.next if loop else 0):
        for body in draft.planned(step).step.children:
            child = draft.step(child_name(body, index))
            if child is not None:
                _forget(draft, child)
    draft.drop(f"loop/{step.name}")
    draft.drop(f"items/{step.name}")


def _after(draft: Draft, step: StepFrame) -> Iterator[StepFrame]:
    for gates in draft.planned(step).feeds.values():
        for gate in gates:
            for name in draft.plan.gates[gate].steps:
                frame = draft.step(child_name(name, step.index))
                if frame is not None and frame.status is not None:
                    yield frame
