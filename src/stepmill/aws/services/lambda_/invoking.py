"""Invoke: call a function and wait, leave it an event, or see whether that could be done.

Source: AWS Lambda API reference, Invoke; developer guide, "Lambda function errors in Python".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.lambda_.references import function_of, reference_of
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.jobs.functions.invoker import Invocation, TooManyCallsError
from stepmill.jobs.functions.outcome import Answered, Broken, NotCarriedOut, Raised
from stepmill.platform import Platform

LARGEST_PAYLOAD_BYTES = 6 * 1024 * 1024
LARGEST_EVENT_BYTES = 1024 * 1024


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    services = platform.function_services

    def invoke(call: Call) -> dict[str, Any]:
        given = call.parameters
        for name in ("DurableExecutionName", "TenantId"):
            if given.get(name):
                raise UnsupportedError(f"{name} of a call is not offered.", where=name)
        function = function_of(platform, given)
        kind = given.get("InvocationType", "RequestResponse")
        event = _event(
            given.get("Payload"), LARGEST_EVENT_BYTES if kind == "Event" else LARGEST_PAYLOAD_BYTES
        )
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            services.events.submit(function.name, reference_of(given)[1], event)
            return {"StatusCode": 202}
        try:
            ended = services.invoker.invoke(
                function, event, client_context=_client_context(given.get("ClientContext", ""))
            )
        except TooManyCallsError as error:
            raise ApiError(
                "TooManyRequestsException",
                error.what,
                status=429,
                mend=error.mend,
                members={"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User"},
            ) from error
        answer = _answer(ended)
        if given.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode(services.invoker.log_of(ended)).decode()
        return answer

    return {"Invoke": invoke}


def _event(payload: bytes | None, limit: int) -> Json:
    """Read what a function is called with; nothing stands for an empty object, as on Lambda."""
    if not payload:
        return {}
    if len(payload) > limit:
        raise ApiError(
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
            status=413,
            members={"Type": "User"},
        )
    try:
        return read_json(payload)
    except InvalidInputError as error:
        raise ApiError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error.what}",
            members={"Type": "User"},
        ) from error


def _client_context(text: str) -> Json:
    if not text:
        return None
    try:
        return read_json(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, InvalidInputError) as error:
        raise ApiError(
            "InvalidRequestContentException",
            "ClientContext must be a valid Base64-encoded JSON object.",
            members={"Type": "User"},
        ) from error


def _answer(ended: Invocation) -> dict[str, Any]:
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": ended.version}
    match ended.outcome:
        case Answered(result):
            return {**answer, "Payload": write_json(result).encode()}
        case Raised(error):
            return {**answer, **_failed({**error, "requestId": ended.request_id})}
        case Broken(kind, message):
            text = f"RequestId: {ended.request_id} Error: {message}"
            return {**answer, **_failed({"errorType": kind, "errorMessage": text})}
        case NotCarriedOut(message):
            raise ApiError(
                "ServiceException",
                f"The call was not carried out: {message}",
                status=500,
                members={"Type": "Service"},
            )


def _failed(error: JsonObject) -> dict[str, Any]:
    return {"FunctionError": "Unhandled", "Payload": write_json(error).encode()}
