"""Task tokens: whoever has one says how the task ended, or that it is still at work.

Source: Step Functions API reference, SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.core.errors import InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, read_json
from stepmill.core.tasks import TaskFailed, TaskHeartbeat, TaskReport, TaskSucceeded
from stepmill.language.states.json_faults import json_fault
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations on task tokens."""

    def succeed(call: Call) -> dict[str, Any]:
        output = _output(call.parameters["output"])
        return _end(platform, call, lambda task: TaskSucceeded(task, output))

    def fail(call: Call) -> dict[str, Any]:
        error, cause = call.parameters.get("error") or "", call.parameters.get("cause") or ""
        return _end(platform, call, lambda task: TaskFailed(task, error, cause))

    def heartbeat(call: Call) -> dict[str, Any]:
        _report(platform, call, TaskHeartbeat)
        return {}

    return {"SendTaskSuccess": succeed, "SendTaskFailure": fail, "SendTaskHeartbeat": heartbeat}


def _end(platform: Platform, call: Call, make: Callable[[str], TaskReport]) -> dict[str, Any]:
    # Of a task that no worker had to fetch there is nothing to withdraw.
    platform.activities.withdraw(_report(platform, call, make))
    return {}


def _report(platform: Platform, call: Call, make: Callable[[str], TaskReport]) -> str:
    """Report of the task of a call's token, and return the task's id."""
    try:
        return platform.machine_control.report(call.parameters["taskToken"], make).task.id
    except NotFoundError as error:
        raise ApiError("InvalidToken", error.what) from error
    except WrongStateError as error:
        raise ApiError("TaskTimedOut", error.what) from error


def _output(text: str) -> Json:
    try:
        return read_json(text)
    except InvalidInputError as error:
        raise ApiError("InvalidOutput", f"Invalid Output: '{json_fault(text)}'") from error
