"""Tasks that call a function: by its ARN, which gives its result as it is, or by ``lambda:invoke``.

Each task calls once: its id is that of the call, which is picked up if it was begun.

Source: Step Functions developer guide, "Invoke AWS Lambda functions with Step Functions"; Lambda developer
guide, "Lambda function errors in Python", for the documents that failed calls answer.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from stepmill.compute.spec import JobRunning
from stepmill.core.api_calls import ApiCallError, ApiResponse, WrongParametersError
from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.jobs.functions.calls import CallEvent, FunctionCall, FunctionCalls
from stepmill.jobs.functions.function import Function, parse_reference
from stepmill.jobs.functions.outcome import Answered, Broken, NotCarriedOut, Outcome, Raised
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.jobs.integrations.calls import CallTools, parameters_of, shown_parameters
from stepmill.jobs.integrations.errors import optimized_failure, wrong_parameters
from stepmill.jobs.integrations.services import OPTIMIZED
from stepmill.jobs.integrations.shown import with_metadata
from stepmill.language.states.resources import Pattern, Resource, ResourceKind

# Of a failure that says nothing of its kind.
UNKNOWN_ERROR = "Lambda.Unknown"
_LAMBDA = OPTIMIZED["lambda"]
_NOT_FOUND, _FAULT = 404, 500


@dataclass(frozen=True)
class Functions:
    """The functions, and who calls them.

    Args:
        versions: Which there are.
        calls: Calls them.
    """

    versions: Callable[[], FunctionVersions]
    calls: Callable[[], FunctionCalls]


class FunctionTask:
    """Does the tasks of a resource that is a function, or ``lambda:invoke``. See ``core.tasks.TaskHandler``.

    Args:
        tools: What it needs to call others.
        functions: The functions.
        resource: Of the tasks.
    """

    def __init__(self, tools: CallTools, functions: Functions, resource: Resource) -> None:
        self._tools = tools
        self._functions = functions
        self._resource = resource
        self._is_bare = resource.kind is ResourceKind.LAMBDA
        self._waits = resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN

    def start(self, task: Task, report: Report) -> None:
        """Call the function, or pick up the call that was begun."""
        report(TaskStarted(task.id))
        try:
            self._start(task, report)
        except WrongParametersError as error:
            report(wrong_parameters(task.id, shown_parameters(task), error))
        except ApiCallError as error:
            report(optimized_failure(task.id, _LAMBDA, error))

    def stop(self, task: Task) -> None:
        """Do nothing: a function that was called goes on to its end."""

    def _start(self, task: Task, report: Report) -> None:
        if self._is_bare:
            self._call(task, self._resource.arn, "", task.payload, report)
            return
        given = parameters_of(task)
        members = self._tools.calls.members("lambda", "Invoke", given)
        if members.get("InvocationType", "RequestResponse") != "RequestResponse":
            # As JSON, whatever it is: text that is no document would be refused.
            payload = {"Payload": write_json(given["Payload"])} if "Payload" in given else {}
            response = self._tools.calls.call("lambda", "Invoke", {**given, **payload})
            self._report_answer(task, with_metadata("lambda", response, self._tools.clock.now()), report)
            return
        qualifier = str(members.get("Qualifier") or "")
        self._call(task, str(members["FunctionName"]), qualifier, given.get("Payload", {}), report)

    def _call(self, task: Task, reference: str, qualifier: str, event: Json, report: Report) -> None:
        function = self._function(reference, qualifier)
        call = FunctionCall(task.id, function, event, step=task.step, execution_arn=task.execution_arn)

        def hear(event: CallEvent) -> None:
            if not isinstance(event, JobRunning):
                self._end(task, call, event.outcome, report)

        try:
            self._functions.calls().run(call, hear)
        except InvalidInputError as error:
            raise _refusal("InvalidParameterValueException", str(error), 400, call.request) from error
        except StepmillError as error:
            raise _refusal("ServiceException", str(error), _FAULT, call.request) from error

    def _function(self, reference: str, qualifier: str) -> Function:
        try:
            name, in_reference = parse_reference(reference)
            return self._functions.versions().get(name, qualifier or in_reference)
        except InvalidInputError as error:
            raise _refusal("InvalidParameterValueException", str(error), 400) from error
        except NotFoundError as error:
            raise _refusal(
                "ResourceNotFoundException", f"Function not found: {reference}", _NOT_FOUND
            ) from error

    def _end(self, task: Task, call: FunctionCall, outcome: Outcome, report: Report) -> None:
        match outcome:
            case Answered(result):
                if self._is_bare:
                    report(TaskSucceeded(task.id, result))
                else:
                    self._report_answer(task, self._answer(call, result), report)
            case Raised(error):
                shown = {**error, "requestId": call.request}
                # As Python's runtime on Lambda writes it, with spaces.
                cause = json.dumps({name: shown[name] for name in sorted(shown)})
                report(TaskFailed(task.id, str(error.get("errorType") or UNKNOWN_ERROR), cause))
            case Broken(kind, message):
                text = f"RequestId: {call.request} Error: {message}"
                cause = write_json({"errorType": kind, "errorMessage": text})
                report(TaskFailed(task.id, kind, cause))
            case NotCarriedOut(message):
                refusal = _refusal("ServiceException", message, _FAULT, call.request)
                report(optimized_failure(task.id, _LAMBDA, refusal))

    def _answer(self, call: FunctionCall, result: Json) -> JsonObject:
        members: JsonObject = {
            "ExecutedVersion": call.function.qualifier,
            "Payload": result,
            "StatusCode": 200,
        }
        headers = {
            "X-Amz-Executed-Version": call.function.qualifier,
            "x-amzn-Remapped-Content-Length": "0",
        }
        size = len(write_json(result).encode())
        return with_metadata(
            "lambda", ApiResponse(members, call.request, headers), self._tools.clock.now(), size
        )

    def _report_answer(self, task: Task, output: JsonObject, report: Report) -> None:
        report(TaskSubmitted(task.id, output) if self._waits else TaskSucceeded(task.id, output))


def _refusal(code: str, message: str, status: int, request_id: str = "") -> ApiCallError:
    return ApiCallError(code, message, status=status, request_id=request_id or str(uuid.uuid4()))
