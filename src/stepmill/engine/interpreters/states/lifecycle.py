"""How executions begin, and how they end from outside."""

from __future__ import annotations

from stepmill.core.json import Json, JsonObject, read_json
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.commands import DropTimer
from stepmill.engine.interpreters.states.branches import halt
from stepmill.engine.interpreters.states.draft import MOST_EVENTS, Draft, Enter
from stepmill.engine.interpreters.states.events import ExecutionStarted, StopRequested
from stepmill.engine.interpreters.states.failure import RUNTIME, TIMEOUT
from stepmill.engine.interpreters.states.frames import ROOT, STARTED, ExecutionFrame, StartedFrame
from stepmill.engine.interpreters.states.leaving import NOT_TRUNCATED
from stepmill.engine.interpreters.states.timers import MACHINE, TURN, moment_after, set_timer, timer_of


def start(draft: Draft, event: ExecutionStarted) -> None:
    """Begin an execution; one that has begun is left alone.

    Raises:
        InvalidInputError: If its input is no JSON.
    """
    if draft.root is not None:
        return
    value = read_json(event.input_text)
    draft.root = ExecutionFrame(StateMachineExecutionStatus.RUNNING)
    draft.put(STARTED, _started(event, value))
    details: dict[str, Json] = {
        "input": event.input_text,
        "inputDetails": NOT_TRUNCATED,
        "roleArn": event.role_arn,
    }
    if event.version_arn:
        details["stateMachineVersionArn"] = event.version_arn
    if event.alias_arn:
        details["stateMachineAliasArn"] = event.alias_arn
    draft.say("ExecutionStarted", "", 0, "executionStartedEventDetails", details)
    branch = draft.new_branch(ROOT, draft.plan.start_at, value, 0)
    branch.input_text = event.input_text
    set_machine_timer(draft)
    draft.todo.append(Enter(ROOT))


def _started(event: ExecutionStarted, value: Json) -> StartedFrame:
    return StartedFrame(
        execution_id=event.execution_id,
        execution_arn=event.execution_arn,
        name=event.name,
        machine_arn=event.machine_arn,
        machine_name=event.machine_name,
        role_arn=event.role_arn,
        input=value,
        started_at=event.started_at,
        seed=event.seed,
        kind=event.kind,
        map_run_arn=event.map_run_arn,
        map_index=event.map_index,
        map_item=read_json(event.map_item) if event.map_item else None,
        redrive_count=event.redrive_count,
    )


def set_machine_timer(draft: Draft) -> None:
    """Have the execution end when it has taken too long."""
    if draft.plan.timeout_s is not None:
        redrives = draft.execution.redrives
        set_timer(draft, MACHINE, ROOT, redrives, moment_after(draft.at, draft.plan.timeout_s))


def stop(draft: Draft, event: StopRequested) -> None:
    """End the execution because somebody wants it; one that has ended is left alone."""
    if not draft.is_running:
        return
    halt(draft, ROOT)
    found = {"error": event.error, "cause": event.cause}
    details = {key: text for key, text in found.items() if text is not None}
    draft.say("ExecutionAborted", "", 0, "executionAbortedEventDetails", details)
    draft.end(StateMachineExecutionStatus.ABORTED, error=event.error, cause=event.cause)


def time_out(draft: Draft) -> None:
    """End the execution because it has taken longer than its definition allows."""
    halt(draft, ROOT)
    draft.say("ExecutionTimedOut", "", 0, "executionTimedOutEventDetails", {"error": TIMEOUT})
    draft.end(StateMachineExecutionStatus.TIMED_OUT)


def end_full(draft: Draft) -> None:
    """End the execution because its history is as long as the service takes."""
    link = draft.last_event
    halt(draft, ROOT)
    cause = f"The execution reached the maximum number of history events ({MOST_EVENTS})."
    details: JsonObject = {"error": RUNTIME, "cause": cause}
    draft.say("ExecutionFailed", "", link, "executionFailedEventDetails", details)
    draft.end(StateMachineExecutionStatus.FAILED, error=RUNTIME, cause=cause)


def drop_own_timers(draft: Draft) -> None:
    """Forget the timers of an execution that has ended."""
    if draft.execution.turn:
        draft.commands.append(DropTimer(timer_of(TURN, ROOT, draft.execution.turn)))
    if draft.plan.timeout_s is not None:
        draft.commands.append(DropTimer(timer_of(MACHINE, ROOT, draft.execution.redrives)))
