"""Functions called over the wire: waited for, left an event, and gone wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.jobs.functions.events import EVENT_KIND
from support.cli import eventually
from support.clients import run_script
from support.functions import create, invoke
from support.wire import Wire

RETRIED = {"retries": {"total_max_attempts": 10}, "read_timeout": 120, "max_pool_connections": 40}


@pytest.fixture
def lambda_(wire: Wire) -> Any:
    return wire.client("lambda", **RETRIED)


def refused(do: Callable[[], Any]) -> tuple[str, int, str]:
    """Return code, HTTP status and text of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        do()
    response = caught.value.response
    error, status = response["Error"], response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], status, error["Message"]


class TestAnswers:
    @pytest.mark.parametrize("event", [{"a": [1, 2.5, None, "é"]}, [], "text", 7, None, True])
    def test_what_goes_in_comes_out(self, lambda_: Any, wire: Wire, event: Any) -> None:
        ensure_echo(lambda_)
        answer = lambda_.invoke(FunctionName="echo", Payload=json.dumps(event))
        assert json.load(answer["Payload"]) == event
        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
        assert not {"FunctionError", "LogResult"} & answer.keys()

    def test_without_a_payload_the_event_is_an_empty_object(self, lambda_: Any) -> None:
        ensure_echo(lambda_)
        assert json.load(lambda_.invoke(FunctionName="echo")["Payload"]) == {}

    def test_a_large_payload_and_one_that_is_too_large(self, lambda_: Any) -> None:
        ensure_echo(lambda_)
        large = "x" * (5 * 1024 * 1024)
        assert invoke(lambda_, "echo", large) == large
        error, status, _ = refused(lambda: invoke(lambda_, "echo", "x" * (6 * 1024 * 1024)))
        assert (error, status) == ("RequestTooLargeException", 413)

    @pytest.mark.parametrize("payload", [b"{", b"NaN", b"\xff", b"[" * 100_000])
    def test_what_is_no_json(self, lambda_: Any, payload: bytes) -> None:
        ensure_echo(lambda_)
        error, status, text = refused(lambda: lambda_.invoke(FunctionName="echo", Payload=payload))
        assert (error, status) == ("InvalidRequestContentException", 400)
        assert "Could not parse request body into json" in text

    def test_the_context_tells_who_calls_and_who_is_called(self, lambda_: Any, wire: Wire) -> None:
        text = """
import os
def handler(event, context):
    return [context.function_name, context.invoked_function_arn, context.function_version,
        int(context.memory_limit_in_mb), context.client_context.custom, os.environ["AWS_REGION"],
        os.environ["MINE"], 0 < context.get_remaining_time_in_millis() <= 60000]
"""
        create(lambda_, "context", text, Environment={"Variables": {"MINE": "yes"}})
        given = base64.b64encode(json.dumps({"custom": {"a": 1}}).encode()).decode()
        arn = wire.platform.settings.arns.function("context")
        said = invoke(lambda_, "context", ClientContext=given, Qualifier="$LATEST")
        assert said == [
            "context", f"{arn}:$LATEST", "$LATEST", 512, {"a": 1}, wire.platform.settings.region, "yes", True,
        ]  # fmt: skip
        for wrong in ("%", base64.b64encode(b"{").decode()):
            error = refused(lambda w=wrong: invoke(lambda_, "context", ClientContext=w))[0]
            assert error == "InvalidRequestContentException"

    def test_the_log_comes_with_the_answer_if_it_is_asked_for(self, lambda_: Any) -> None:
        create(lambda_, "logs", "def handler(e, c):\n    print('said', e)\n    return c.aws_request_id")
        answer = lambda_.invoke(FunctionName="logs", Payload="7", LogType="Tail")
        start, said, end, report = base64.b64decode(answer["LogResult"]).decode().splitlines()
        request = json.load(answer["Payload"])
        assert start == f"START RequestId: {request} Version: $LATEST"
        assert said == "said 7"
        assert end == f"END RequestId: {request}"
        assert report.startswith(f"REPORT RequestId: {request}\tDuration: ")

    def test_a_rehearsal_runs_nothing(self, lambda_: Any, tmp_path: Path) -> None:
        create(lambda_, "rehearsed", "raise RuntimeError('never')")
        answer = lambda_.invoke(FunctionName="rehearsed", InvocationType="DryRun")
        assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")

    def test_many_at_once_each_get_their_own_answer(self, lambda_: Any) -> None:
        ensure_echo(lambda_)
        with ThreadPoolExecutor(24) as pool:
            assert list(pool.map(lambda n: invoke(lambda_, "echo", n), range(48))) == list(range(48))

    def test_functions_that_call_back_find_somebody_to_answer(self, wire: Wire, lambda_: Any) -> None:
        """More calls than may be waited for at once; those that are refused are made again."""
        text = """
import os, boto3
def handler(event, context):
    keys = {"aws_access_key_id": os.environ["KEY_ID"], "aws_secret_access_key": os.environ["SECRET"]}
    client = boto3.client("lambda", endpoint_url=os.environ["SERVER"], **keys)
    return [event, client.get_account_settings()["AccountLimit"]["CodeSizeZipped"]]
"""
        variables = {"SERVER": wire.url, "KEY_ID": wire.key.id, "SECRET": wire.key.secret}
        create(lambda_, "calls-back", text, Environment={"Variables": variables})
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda n: invoke(lambda_, "calls-back", n), range(40)))
        assert answers == [[n, 52428800] for n in range(40)]


def ensure_echo(client: Any) -> None:
    try:
        create(client, "echo")
    except client.exceptions.ResourceConflictException:
        pass


class TestFailures:
    def failed(self, client: Any, name: str, text: str, **more: Any) -> Any:
        create(client, name, text, **more)
        answer = client.invoke(FunctionName=name, LogType="Tail")
        assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
        return json.load(answer["Payload"])

    def test_an_error_of_the_function(self, lambda_: Any) -> None:
        error = self.failed(lambda_, "raises", "def handler(e, c):\n    raise ValueError('no such thing')")
        assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such thing")
        assert any("app.py" in line and "raise ValueError" in line for line in error["stackTrace"])
        assert error["requestId"]

    def test_a_module_that_is_not_there(self, lambda_: Any) -> None:
        error = self.failed(lambda_, "no-module", "", Handler="other.handler")
        assert error["errorType"] == "Runtime.ImportModuleError"
        assert "Unable to import module 'other'" in error["errorMessage"]

    def test_a_handler_that_is_not_there(self, lambda_: Any) -> None:
        error = self.failed(lambda_, "no-handler", "x = 1")
        assert error["errorType"] == "Runtime.HandlerNotFound"

    def test_a_function_that_takes_too_long(self, lambda_: Any) -> None:
        text = "def handler(e, c):\n    print('begun')\n    while True: pass"
        error = self.failed(lambda_, "long", text, Timeout=1)
        assert error["errorType"] == "Sandbox.Timedout"
        assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")

    def test_what_happens_on_import_is_not_counted(self, lambda_: Any) -> None:
        text = "import time\ntime.sleep(2)\ndef handler(e, c): return 1"
        create(lambda_, "slow-import", text, Timeout=1)
        assert invoke(lambda_, "slow-import") == 1

    def test_a_function_that_exits(self, lambda_: Any) -> None:
        error = self.failed(lambda_, "exits", "import os\ndef handler(e, c): os._exit(3)")
        assert error["errorType"] == "Runtime.ExitError"
        assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")

    def test_an_answer_that_is_no_json(self, lambda_: Any) -> None:
        error = self.failed(lambda_, "no-json", "def handler(e, c): return {1, 2}")
        assert error["errorType"] == "Runtime.MarshalError"

    def test_an_answer_that_is_too_large(self, lambda_: Any) -> None:
        error = self.failed(lambda_, "too-large", "def handler(e, c): return 'x' * 6_300_000")
        assert error["errorType"] == "Function.ResponseSizeTooLarge"

    def test_the_code_cannot_be_changed_by_a_call(self, lambda_: Any) -> None:
        text = "def handler(e, c):\n    open('app.py', 'w')"
        assert self.failed(lambda_, "writes", text)["errorType"] in ("OSError", "PermissionError")


class TestEvents:
    TEXT = """
import os, pathlib
def handler(event, context):
    path = pathlib.Path(event["file"])
    with path.open("a") as file:
        file.write(context.aws_request_id + "\\n")
"""

    def test_an_event_is_taken_and_delivered(self, lambda_: Any, wire: Wire) -> None:
        create(lambda_, "heard", "def handler(e, c): print('heard', e['n'])")
        answers = [
            lambda_.invoke(FunctionName="heard", InvocationType="Event", Payload=json.dumps({"n": n}))
            for n in range(10)
        ]
        assert all((a["StatusCode"], a["Payload"].read()) == (202, b"") for a in answers)
        eventually(lambda: not of_function(wire, "heard"), "the end of all events")
        folder = wire.platform.layout.jobs / "function-call"
        logs = [path.read_text() for path in folder.glob("heard-*/log")]
        assert sorted(int(log.partition("heard ")[2].split()[0]) for log in logs) == list(range(10))

    def test_an_event_of_a_function_that_fails_waits_for_its_next_turn(
        self, lambda_: Any, wire: Wire
    ) -> None:
        create(lambda_, "fails-later", "def handler(e, c): raise ValueError('no')")
        lambda_.invoke(FunctionName="fails-later", InvocationType="Event", Payload="{}")

        def is_put_off() -> bool:
            events = of_function(wire, "fails-later")
            return bool(events) and events[0].body["attempt"] == 1

        eventually(is_put_off, "the second attempt's turn")

    def test_an_event_may_be_smaller_than_a_payload(self, lambda_: Any) -> None:
        ensure_echo(lambda_)
        error, status, _ = refused(
            lambda: lambda_.invoke(
                FunctionName="echo", InvocationType="Event", Payload=json.dumps("x" * (1024 * 1024))
            )
        )
        assert (error, status) == ("RequestTooLargeException", 413)


def of_function(wire: Wire, name: str) -> list[Any]:
    records = wire.platform.records.list(EVENT_KIND, limit=1000).records
    return [record for record in records if record.body["function"] == name]


SDK_SCRIPT = """
import json, sys
from sagemaker.lambda_helper import Lambda
from sagemaker.session import Session

made = Lambda(
    function_name="of-the-sdk",
    execution_role_arn="arn:aws:iam::123456789012:role/R",
    script="lambda_code.py",
    handler="lambda_code.handler",
    timeout=60,
    memory_size=512,
    session=Session(),
)
made.upsert()
with open("lambda_code.py", "w") as file:
    file.write("def handler(event, context): return {'second': event}")
print(made.upsert()["FunctionArn"])
print(json.load(made.invoke()["Payload"]))
made.delete()
"""


@pytest.mark.parametrize("generation", [2, 3])
def test_the_helper_of_the_sdk(wire: Wire, generation: int, tmp_path: Path) -> None:
    (tmp_path / "lambda_code.py").write_text("def handler(event, context): return 'first'")
    script = SDK_SCRIPT
    if generation == 3:
        script = script.replace("sagemaker.lambda_helper", "sagemaker.core.lambda_helper").replace(
            "sagemaker.session", "sagemaker.core.helper.session_helper"
        )
    arn, said = run_script(generation, script, wire.endpoint, tmp_path).splitlines()[-2:]
    assert arn == wire.platform.settings.arns.function("of-the-sdk")
    assert said == "{'second': {}}"
