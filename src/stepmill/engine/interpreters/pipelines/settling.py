"""What follows from a change without anybody outside: steps start, and steps that need nobody end
and make others start, until there is nothing left to do. One after another, never one inside the
other: ten thousand conditions in a chain are a loop here.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stepmill.core.json import JsonObject
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.interpreters.pipelines import loops
from stepmill.engine.interpreters.pipelines.beginnings import begin_again, begin_step
from stepmill.engine.interpreters.pipelines.draft import Draft, ready_key
from stepmill.engine.interpreters.pipelines.frames import Phase, ReadyFrame
from stepmill.engine.interpreters.pipelines.outcome import HistoryType

# Source: what SageMaker reports for an execution with a failed step.
STEPS_FAILED = "Step failure: One or multiple steps failed."

_HISTORY: Mapping[PipelineExecutionStatus, HistoryType] = {
    PipelineExecutionStatus.SUCCEEDED: HistoryType.EXECUTION_SUCCEEDED,
    PipelineExecutionStatus.FAILED: HistoryType.EXECUTION_FAILED,
    PipelineExecutionStatus.STOPPED: HistoryType.EXECUTION_STOPPED,
    PipelineExecutionStatus.COMPLETED_WITH_FAILURES: HistoryType.EXECUTION_COMPLETED_WITH_FAILURES,
}


def settle(draft: Draft) -> None:
    """Do all that can be done now, and end the execution if nothing is left."""
    while True:
        if draft.opened:
            _admit(draft, *draft.opened.popleft())
        elif draft.due_loops:
            loops.tend_loop(draft, draft.due_loops.popleft())
        elif not _serve_queue(draft):
            break
    _conclude(draft)


def _admit(draft: Draft, gate: str, index: int) -> None:
    """Start what takes no slot; let the rest wait for one."""
    if not draft.may_start:
        return
    if index >= 0:
        loops.queue_children(draft, gate, index)
        return
    found = draft.plan.gates[gate]
    for name in found.instant:
        if draft.may_start and _is_due(draft, name):
            begin_step(draft, name)
    if found.working:
        root = draft.execution
        draft.put(ready_key(root.tail), ReadyFrame(gate=gate))
        draft.change_execution(tail=root.tail + 1)


def _is_due(draft: Draft, name: str) -> bool:
    """Whether a step of an open gate is to run: it is selected, and has not succeeded before a retry."""
    selected = draft.inputs.selected
    return (selected is None or name in selected) and not draft.has_succeeded(name)


def _serve_queue(draft: Draft) -> bool:
    """Start, or dismiss, the first step of the ready queue. Tell whether there was one to serve."""
    root = draft.execution
    if root.is_queue_empty:
        return False
    entry = draft.ready(root.head)
    is_retry = bool(entry.step) and not entry.loop
    if not draft.may_start and not is_retry:
        _pop(draft)
        if entry.loop:
            loops.take_back(draft, entry.loop)
        return True
    if root.slots >= root.parallelism:
        return False
    if is_retry:
        _pop(draft)
        waiting = draft.known_step(entry.step)
        if waiting.phase is Phase.QUEUED:
            begin_again(draft, waiting)
    elif entry.loop:
        _pop(draft)
        begin_step(draft, entry.step, loop=entry.loop, index=entry.index)
    else:
        _serve_gate(draft, entry)
    return True


def _serve_gate(draft: Draft, entry: ReadyFrame) -> None:
    steps = draft.plan.gates[entry.gate].working
    if entry.next + 1 < len(steps):
        draft.put(ready_key(draft.execution.head), replace(entry, next=entry.next + 1))
    else:
        _pop(draft)
    name = steps[entry.next]
    if _is_due(draft, name):
        begin_step(draft, name)


def _pop(draft: Draft) -> None:
    root = draft.execution
    draft.drop(ready_key(root.head))
    draft.change_execution(head=root.head + 1)


def _conclude(draft: Draft) -> None:
    root = draft.execution
    if root.status.is_final or root.unfinished:
        return
    status, reason = PipelineExecutionStatus.SUCCEEDED, ""
    if root.failure_reason:  # of a Fail step, or of a Lambda that a stop waited for
        status, reason = PipelineExecutionStatus.FAILED, root.failure_reason
    elif root.status is PipelineExecutionStatus.STOPPING:
        status = PipelineExecutionStatus.STOPPED
    elif root.failures > root.handled:
        status, reason = PipelineExecutionStatus.FAILED, STEPS_FAILED
    elif root.failures:
        status = PipelineExecutionStatus.COMPLETED_WITH_FAILURES
    draft.change_execution(status=status, failure_reason=reason, ended_at=draft.at)
    body: JsonObject = {"reason": reason} if reason else {}
    draft.say(_HISTORY[status], body=body)
