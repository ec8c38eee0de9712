"""Task states that call a function, by its ARN and by lambda:invoke."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.json import Json, JsonObject
from stepmill.platform import Platform
from support.integrating import ACCOUNT, REGION, do, home, start, task_of

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
CODE = """
import json, os, time

class NoCapacity(Exception):
    pass

def handler(event, context):
    if event == "raise":
        raise NoCapacity("none left")
    if event == "sleep":
        time.sleep(60)
    if event == "exit":
        os._exit(3)
    if event == "bytes":
        return b'{"raw": [1, 2]}'
    if event == "text bytes":
        return b"no json"
    return {"event": event, "request": context.aws_request_id, "version": context.function_version}
"""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with home(tmp_path) as opened:
        code = tmp_path / "app.py"
        code.write_text(CODE)
        opened.functions.put("work", code=code, handler="app.handler", timeout=timedelta(seconds=60))
        yield opened


def invoke(platform: Platform, payload: Json, **more: Json) -> dict[str, Any]:
    given: JsonObject = {"FunctionName": "work", "Payload": payload, **more}
    output = do(platform, "lambda:invoke", given).succeeded()
    assert isinstance(output, dict)
    return output


def test_invoke_unpacks_the_payload(platform: Platform) -> None:
    output = invoke(platform, {"a": 1})
    assert list(output) == [
        "ExecutedVersion",
        "Payload",
        "SdkHttpMetadata",
        "SdkResponseMetadata",
        "StatusCode",
    ]
    assert output["Payload"]["event"] == {"a": 1}
    assert output["Payload"]["request"] == output["SdkResponseMetadata"]["RequestId"]
    assert (output["ExecutedVersion"], output["StatusCode"]) == ("$LATEST", 200)
    headers = output["SdkHttpMetadata"]["HttpHeaders"]
    assert headers["X-Amz-Executed-Version"] == "$LATEST"
    assert headers["Content-Length"] == str(len(json.dumps(output["Payload"], separators=(",", ":"))))


def test_a_function_arn_gives_the_bare_result(platform: Platform) -> None:
    heard = do(platform, f"{ARN}work", {"a": 1})
    output = heard.succeeded()
    assert isinstance(output, dict)
    assert output["event"] == {"a": 1}
    assert heard.kinds == ["TaskStarted", "TaskSucceeded"]


@pytest.mark.parametrize("payload", [None, 1.5, "text", [1, {"a": None}], True])
def test_any_json_is_an_event(platform: Platform, payload: Json) -> None:
    assert invoke(platform, payload)["Payload"]["event"] == payload


def test_without_a_payload_the_event_is_an_empty_object(platform: Platform) -> None:
    output = do(platform, "lambda:invoke", {"FunctionName": f"{ARN}work"}).succeeded()
    assert isinstance(output, dict)
    assert output["Payload"]["event"] == {}


@pytest.mark.parametrize("resource", ["lambda:invoke", f"{ARN}work"])
def test_what_a_function_raises_names_the_error(platform: Platform, resource: str) -> None:
    payload: Json = "raise" if resource != "lambda:invoke" else {"FunctionName": "work", "Payload": "raise"}
    error, cause = do(platform, resource, payload).failed()
    assert error == "NoCapacity"
    told = json.loads(cause)
    assert list(told) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (told["errorMessage"], told["errorType"]) == ("none left", "NoCapacity")
    (frame,) = told["stackTrace"]
    assert frame.startswith('  File "/var/task/app.py", line ')
    assert frame.endswith(', in handler\n    raise NoCapacity("none left")\n')
    # As Python's runtime writes it: programs that take the cause apart by text have seen spaces.
    assert cause == json.dumps(told)


def test_a_function_that_ends_without_an_answer_fails_the_task(platform: Platform) -> None:
    error, cause = do(platform, f"{ARN}work", "exit").failed()
    assert error == "Runtime.ExitError"
    told = json.loads(cause)
    # By Lambda itself, not by Python's runtime.
    assert cause == json.dumps(told, separators=(",", ":"))
    assert list(told) == ["errorType", "errorMessage"]
    assert told["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")


def test_a_function_that_takes_too_long_fails_the_task(platform: Platform, tmp_path: Path) -> None:
    platform.functions.put(
        "slow", code=tmp_path / "app.py", handler="app.handler", timeout=timedelta(seconds=1)
    )
    error, cause = do(platform, f"{ARN}slow", "sleep").failed()
    assert error == "Sandbox.Timedout"
    assert json.loads(cause)["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_bytes_are_passed_on_as_they_are(platform: Platform) -> None:
    assert invoke(platform, "bytes")["Payload"] == {"raw": [1, 2]}
    assert do(platform, f"{ARN}work", "bytes").succeeded() == {"raw": [1, 2]}
    assert invoke(platform, "text bytes")["Payload"] == "no json"


@pytest.mark.parametrize("reference", ["none", f"{ARN}none", f"{ARN}work:7", f"{ARN}work:stable"])
def test_a_function_that_is_not_there_fails_the_task(platform: Platform, reference: str) -> None:
    error, cause = do(platform, "lambda:invoke", {"FunctionName": reference}).failed()
    assert error == "Lambda.ResourceNotFoundException"
    assert cause.startswith(
        f"Function not found: {reference} (Service: AWSLambda; Status Code: 404; "
        "Error Code: ResourceNotFoundException; Request ID: "
    )


def test_a_published_version_runs_by_qualifier_and_by_arn(platform: Platform) -> None:
    platform.function_services.versions.publish("work")
    assert invoke(platform, {}, Qualifier="1")["ExecutedVersion"] == "1"
    output = do(platform, f"{ARN}work:1", {}).succeeded()
    assert isinstance(output, dict)
    assert output["version"] == "1"


def test_a_field_that_invoke_does_not_have_fails_the_runtime(platform: Platform) -> None:
    error, cause = do(platform, "lambda:invoke", {"FunctionName": "work", "Name": 1}).failed()
    assert error == "States.Runtime"
    assert cause.endswith('[The field "Name" is not supported by Step Functions]')


def test_a_call_that_waits_for_a_token_is_submitted_when_the_function_has_returned(
    platform: Platform,
) -> None:
    heard = do(platform, "lambda:invoke.waitForTaskToken", {"FunctionName": "work", "Payload": {"t": "x"}})
    assert heard.submitted()["Payload"]["event"] == {"t": "x"}
    assert heard.finals == 0
    failing: JsonObject = {"FunctionName": "work", "Payload": "raise"}
    assert do(platform, "lambda:invoke.waitForTaskToken", failing).failed()[0] == "NoCapacity"


def test_an_event_is_left_and_not_waited_for(platform: Platform) -> None:
    given: JsonObject = {"FunctionName": "work", "InvocationType": "Event", "Payload": "raise"}
    output = do(platform, "lambda:invoke", given).succeeded()
    assert isinstance(output, dict)
    assert output["StatusCode"] == 202
    assert "Payload" not in output


def test_a_task_that_is_handed_over_again_calls_once(platform: Platform) -> None:
    given: JsonObject = {"FunctionName": "work", "Payload": {"a": 1}}
    task = task_of("lambda:invoke", given)
    first = start(platform, task).succeeded()
    again = start(platform, task).succeeded()
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    # The request is the same one: the call was picked up, not made anew.
    assert first["Payload"] == again["Payload"]
    assert first["SdkResponseMetadata"] == again["SdkResponseMetadata"]
    calls = platform.records.list("function-call").records
    assert len(calls) == 1


def test_the_sdk_gives_the_payload_as_text_and_no_error_of_its_own(platform: Platform) -> None:
    given: JsonObject = {"FunctionName": "work", "Payload": {"a": 1}}
    output = do(platform, "aws-sdk:lambda:invoke", given).succeeded()
    assert isinstance(output, dict)
    assert json.loads(output["Payload"])["event"] == {"a": 1}
    assert list(output) == ["ExecutedVersion", "Payload", "StatusCode"]
    # Here text is the payload itself, which has to be JSON.
    failing: JsonObject = {"FunctionName": "work", "Payload": '"raise"'}
    failed = do(platform, "aws-sdk:lambda:invoke", failing).succeeded()
    assert isinstance(failed, dict)
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"])["errorType"] == "NoCapacity"
