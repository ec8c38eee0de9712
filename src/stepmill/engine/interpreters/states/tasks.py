"""Tasks: asked for, watched, ended.

Source: developer guide, "Task workflow state"; API reference, ``HistoryEvent``, for the events' details.
"""

from __future__ import annotations

from stepmill.core.json import Json, JsonObject, write_json
from stepmill.core.tasks import (
    Task,
    TaskFailed,
    TaskHeartbeat,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.engine.interpreters.commands import StartTask, StopTask
from stepmill.engine.interpreters.states.branches import drop_task_timers, task_id_of
from stepmill.engine.interpreters.states.chance import token_of
from stepmill.engine.interpreters.states.context import scope_of
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.evaluation import Scope, unexpected_type
from stepmill.engine.interpreters.states.failure import TASK_FAILED, TIMEOUT, StateFailure, runtime_failure
from stepmill.engine.interpreters.states.frames import BranchFrame, Phase
from stepmill.engine.interpreters.states.leaving import (
    NOT_TRUNCATED,
    check_size,
    conclude,
    effective_input,
    is_too_large,
    too_large,
)
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.resources import TaskKind, TaskResource
from stepmill.engine.interpreters.states.timers import HEARTBEAT as HEARTBEAT_TIMER
from stepmill.engine.interpreters.states.timers import TIMEOUT as TIMEOUT_TIMER
from stepmill.engine.interpreters.states.timers import moment_after, set_timer
from stepmill.language.states.definition import TaskState

# Longest that the service takes, in seconds.
LONGEST_TIMEOUT_S = 99_999_999
_DETAILS = {TaskKind.LAMBDA: "lambdaFunction", TaskKind.ACTIVITY: "activity", TaskKind.TASK: "task"}


def begin_task(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Ask for the work.

    Raises:
        StateFailure: If what it is to work on cannot be computed.
    """
    resource = _resource(planned)
    branch.scheduled = draft.last_event + 1
    task_id = task_id_of(draft, name, branch)
    waits = resource.waits_for_token or resource.kind is TaskKind.ACTIVITY
    token = token_of(draft.started.seed, draft.started.execution_id, task_id) if waits else ""
    scope = scope_of(draft, name, branch, branch.input, token=token if resource.waits_for_token else "")
    value = effective_input(planned, branch, scope)
    if not planned.state.uses_jsonata:
        scope.document = value
    payload = value if planned.arguments is None else planned.arguments(scope)
    timeout = _seconds(planned, "TimeoutSeconds", scope)
    heartbeat = _seconds(planned, "HeartbeatSeconds", scope)
    credentials = planned.givens["Credentials"](scope) if "Credentials" in planned.givens else None
    text = write_json(payload)
    check_size(draft, planned, text)
    if problems := draft.plan.problems(resource.arn, payload):
        told = ", ".join(problems)
        raise runtime_failure(f"The Parameters '{text}' could not be used to start the Task: [{told}]")
    details = _scheduled_details(draft, resource, text, timeout, heartbeat, credentials)
    branch.link = draft.say(
        f"{resource.kind}Scheduled",
        planned.state.name,
        branch.link,
        f"{_DETAILS[resource.kind]}ScheduledEventDetails",
        details,
    )
    branch.phase, branch.token = Phase.WORKING, token
    branch.is_started = branch.is_submitted = False
    draft.commands.append(
        StartTask(_task(draft, planned, task_id, payload, _extra(token, timeout, heartbeat, credentials)))
    )
    _set_timers(draft, name, branch, timeout, heartbeat)


def _resource(planned: PlannedState) -> TaskResource:
    if planned.resource is None:
        raise TypeError(f"State {planned.state.name!r} is no Task.")
    return planned.resource


def _task(draft: Draft, planned: PlannedState, task_id: str, payload: Json, extra: JsonObject) -> Task:
    started = draft.started
    return Task(
        task_id,
        _resource(planned).arn,
        payload,
        started.execution_arn,
        started.machine_name,
        planned.state.name,
        extra=extra,
    )


def _extra(token: str, timeout: int | None, heartbeat: int | None, credentials: Json) -> JsonObject:
    found: dict[str, Json] = {
        "token": token or None,
        "timeoutSeconds": timeout,
        "heartbeatSeconds": heartbeat,
        "credentials": credentials,
    }
    return {key: value for key, value in found.items() if value is not None}


def _scheduled_details(
    draft: Draft,
    resource: TaskResource,
    text: str,
    timeout: int | None,
    heartbeat: int | None,
    credentials: Json,
) -> JsonObject:
    details: dict[str, Json]
    if resource.kind is TaskKind.TASK:
        parts = draft.started.machine_arn.split(":")
        details = {
            "resourceType": resource.type,
            "resource": resource.action,
            "region": parts[3] if len(parts) > 3 else "",
            "parameters": text,
        }
    else:
        details = {"resource": resource.arn, "input": text, "inputDetails": NOT_TRUNCATED}
    if timeout is not None:
        details["timeoutInSeconds"] = timeout
    if heartbeat is not None and resource.kind is not TaskKind.LAMBDA:
        details["heartbeatInSeconds"] = heartbeat
    if isinstance(credentials, dict) and "RoleArn" in credentials and resource.kind is not TaskKind.ACTIVITY:
        details["taskCredentials"] = {"roleArn": credentials["RoleArn"]}
    return details


def _seconds(planned: PlannedState, field: str, scope: Scope) -> int | None:
    if field not in planned.givens:
        return None
    value = planned.givens[field](scope)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LONGEST_TIMEOUT_S:
        return value
    if planned.state.uses_jsonata:
        raise unexpected_type(_written(planned, field), field, "number", value)
    raise runtime_failure(
        f"The {field}Path parameter does not refer to a positive integer: {write_json(value)}"
    )


def _written(planned: PlannedState, field: str) -> Json:
    state = planned.state
    if not isinstance(state, TaskState):
        return None
    given = state.timeout if field == "TimeoutSeconds" else state.heartbeat
    return None if given is None else given.value


def _set_timers(
    draft: Draft, name: str, branch: BranchFrame, timeout: int | None, heartbeat: int | None
) -> None:
    branch.has_timeout = timeout is not None
    if timeout is not None:
        set_timer(draft, TIMEOUT_TIMER, name, branch.scheduled, moment_after(draft.at, timeout))
    branch.heartbeat_s = heartbeat or 0
    branch.heartbeat_due = None
    # Nobody gives a sign of life of an activity before a worker has taken it.
    if heartbeat is not None and _resource(draft.planned(branch)).kind is not TaskKind.ACTIVITY:
        _await_heartbeat(draft, name, branch)


def _await_heartbeat(draft: Draft, name: str, branch: BranchFrame) -> None:
    branch.heartbeat_due = moment_after(draft.at, branch.heartbeat_s)
    set_timer(draft, HEARTBEAT_TIMER, name, branch.scheduled, branch.heartbeat_due)


# ---- what is reported ---------------------------------------------------------------------------


def take_report(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, report: TaskReport
) -> None:
    """Take what is reported of the task that a branch waits for.

    Raises:
        StateFailure: If the task failed, or its result cannot be used.
    """
    match report:
        case TaskStarted():
            if branch.heartbeat_s and branch.heartbeat_due is None:
                _await_heartbeat(draft, name, branch)
            _say_started(draft, branch, planned, report.metadata)
        case TaskSubmitted():
            _say_started(draft, branch, planned, {})
            _say_submitted(draft, branch, planned, report.output)
        case TaskHeartbeat():
            if branch.heartbeat_s:
                _await_heartbeat(draft, name, branch)
        case TaskSucceeded():
            _say_started(draft, branch, planned, {})
            _succeed(draft, name, branch, planned, report.output)
        case TaskFailed(_, error, cause):
            _end_badly(draft, name, branch, planned, StateFailure(error or None, cause or None))
        case TaskStopped(_, cause):
            _end_badly(draft, name, branch, planned, StateFailure(TASK_FAILED, cause or None))


def _say(draft: Draft, branch: BranchFrame, planned: PlannedState, what: str, details: JsonObject) -> None:
    resource = _resource(planned)
    if resource.kind is TaskKind.TASK:
        details = {"resourceType": resource.type, "resource": resource.action, **details}
    key = f"{_DETAILS[resource.kind]}{what}EventDetails" if details else ""
    branch.link = draft.say(f"{resource.kind}{what}", planned.state.name, branch.link, key, details)


def _say_started(draft: Draft, branch: BranchFrame, planned: PlannedState, metadata: JsonObject) -> None:
    if branch.is_started:
        return
    branch.is_started = True
    is_activity = _resource(planned).kind is TaskKind.ACTIVITY
    worker = metadata.get("workerName") if is_activity else None
    _say(draft, branch, planned, "Started", {} if worker is None else {"workerName": worker})


def _say_submitted(draft: Draft, branch: BranchFrame, planned: PlannedState, output: Json) -> None:
    if branch.is_submitted or _resource(planned).kind is not TaskKind.TASK:
        return
    branch.is_submitted = True
    _say(draft, branch, planned, "Submitted", {"output": write_json(output), "outputDetails": NOT_TRUNCATED})


def _succeed(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, output: Json) -> None:
    drop_task_timers(draft, name, branch)
    text = write_json(output)
    if is_too_large(draft, text):
        failure = too_large(_resource(planned).arn)
        _say(draft, branch, planned, "Failed", dict(_failure_details(failure)))
        raise failure
    _say(draft, branch, planned, "Succeeded", {"output": text, "outputDetails": NOT_TRUNCATED})
    scope = None
    if planned.uses_scope:
        token = branch.token if _resource(planned).waits_for_token else ""
        scope = scope_of(draft, name, branch, branch.input, token=token)
    conclude(draft, name, branch, planned, output, scope)


def _end_badly(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, failure: StateFailure
) -> None:
    _say_started(draft, branch, planned, {})
    drop_task_timers(draft, name, branch)
    resource = _resource(planned)
    is_start = (resource.is_sync or resource.waits_for_token) and not branch.is_submitted
    _say(draft, branch, planned, "SubmitFailed" if is_start else "Failed", dict(_failure_details(failure)))
    raise failure


def _failure_details(failure: StateFailure) -> JsonObject:
    found = {"error": failure.error, "cause": failure.cause}
    return {key: text for key, text in found.items() if text is not None}


def take_timeout(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, purpose: str) -> None:
    """Take that a task has taken too long, or has given no sign of life.

    Raises:
        StateFailure: If it is so, and no sign of life came since.
    """
    is_heartbeat = purpose == HEARTBEAT_TIMER
    if is_heartbeat and (branch.heartbeat_due is None or draft.at < branch.heartbeat_due):
        return
    draft.commands.append(StopTask(task_id_of(draft, name, branch)))
    drop_task_timers(draft, name, branch)
    _say(draft, branch, planned, "TimedOut", {"error": TIMEOUT})
    raise StateFailure(TIMEOUT, is_heartbeat=is_heartbeat)
