"""Calls of functions, run as plain processes; tests/integration/jobs runs them in the real sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import Ending
from stepmill.core.json import Json, read_json
from stepmill.core.tasks import TaskStarted
from stepmill.jobs.functions import answer as answer_module
from stepmill.jobs.functions.calls import (
    CALL_KIND,
    FunctionCalls,
    FunctionSurroundings,
    call_name,
    request_id,
)
from stepmill.jobs.functions.handler import FunctionHandler
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.storage.objects.uri import S3Uri
from support.doors import FakeDoor
from support.keeping import ARNS, EXECUTION, Keeping, Reports, a_task, keeping, output_of, run_task
from support.plain_compute import PlainCompute, log_tail

ARN = "arn:aws:lambda:us-west-2:123456789012:function:score"


class Case:
    """A function with given code, and its handler."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.compute = PlainCompute()
        self.functions = FunctionRegistry(kept.records, kept.objects, S3Uri("code", "functions"), ARNS)
        self.versions = FunctionVersions(self.functions, kept.records, ARNS)

    @property
    def handler(self) -> FunctionHandler:
        surroundings = FunctionSurroundings(self.kept.folder / "jobs", ARNS, FakeDoor())
        calls = FunctionCalls(self.kept.objects, self.kept.records, self.compute, surroundings, log_tail)
        return FunctionHandler(self.versions, calls)

    def put(self, code: str, **more: Any) -> None:
        path = self.kept.folder / "app.py"
        path.write_text(code)
        self.functions.put("score", path, "app.handler", **more)

    def call(
        self,
        code: str = "",
        event: Json = None,
        outputs: dict[str, str] | None = None,
        *,
        reference: str = ARN,
        task_id: str = "one",
        name: str = "",
    ) -> Reports:
        if code:
            self.put(code)
        declared = [{"OutputName": key, "OutputType": kind} for key, kind in (outputs or {}).items()]
        extra: dict[str, Json] = {"FunctionArn": reference, "OutputParameters": declared}
        return run_task(self.handler, a_task("lambda:invoke", event, extra=extra, task_id=task_id, name=name))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        yield Case(kept)


class TestAnswers:
    def test_the_event_goes_in_and_the_declared_outputs_come_out(self, case: Case) -> None:
        code = "def handler(event, context):\n    return {'twice': event['n'] * 2, 'statusCode': 200}"
        reports = case.call(code, {"n": 21}, {"twice": "Integer"})
        assert output_of(reports) == {"OutputParameters": {"twice": 42}}
        assert reports.succeeded.metadata == {
            "Lambda": {"Arn": ARN, "OutputParameters": [{"Name": "twice", "Value": "42"}]}
        }
        (started, _) = reports.all
        assert isinstance(started, TaskStarted)
        assert started.metadata == {"Lambda": {"Arn": ARN, "OutputParameters": []}}
        assert started.notes == ("not isolated",)

    def test_types_are_held_and_nested_values_become_text(self, case: Case) -> None:
        code = "def handler(e, c): return {'s': {'a': [1]}, 'f': 2, 'b': False, 'i': '7'}"
        outputs = {"s": "String", "f": "Float", "b": "Boolean", "i": "Integer"}
        values = output_of(case.call(code, outputs=outputs))["OutputParameters"]
        assert values == {"s": '{"a":[1]}', "f": 2.0, "b": False, "i": 7}

    @pytest.mark.parametrize("result", ["None", "3", "[1]", "'text'", "{}"])
    def test_without_declared_outputs_anything_may_come_back(self, case: Case, result: str) -> None:
        assert output_of(case.call(f"def handler(e, c): return {result}")) == {"OutputParameters": {}}

    @pytest.mark.parametrize(
        ("result", "words"),
        [
            ("None", "must return an object with its output parameters, not null"),
            ("[1, 2]", "not [1,2]"),
            ("{}", "'score' is missing"),
            ("{'score': 'high'}", "which is no Float"),
            ("{'Score': 1}", "'score' is missing"),
        ],
    )
    def test_other_than_declared_fails_the_step(self, case: Case, result: str, words: str) -> None:
        failed = case.call(f"def handler(e, c): return {result}", outputs={"score": "Float"}).failed
        assert failed.error == "ClientError"
        assert words in failed.cause

    def test_the_context_is_lambdas(self, case: Case) -> None:
        code = """
import os
def handler(event, context):
    left = context.get_remaining_time_in_millis()
    context.log("hello")
    return {"all": [context.function_name, context.function_version, context.invoked_function_arn,
        context.aws_request_id, context.log_group_name, context.log_stream_name, 0 < left <= 600000,
        context.client_context, context.identity, int(context.memory_limit_in_mb) > 0,
        os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["AWS_REGION"], os.environ["_HANDLER"],
        os.environ["MINE"], os.environ["AWS_ENDPOINT_URL"], os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]]}
"""
        case.put(code, environment={"MINE": "1"})
        values = output_of(case.call(outputs={"all": "String"}))["OutputParameters"]
        assert isinstance(values, dict)
        name = call_name("one", "score")
        assert read_json(str(values["all"])) == [
            "score",
            "$LATEST",
            ARN,
            request_id("one"),
            "/aws/lambda/score",
            name,
            True,
            None,
            None,
            True,
            "score",
            "us-west-2",
            "app.handler",
            "1",
            "http://127.0.0.1:7070",
            True,
        ]
        log = (case.kept.folder / "jobs" / name / "log").read_text()
        start, said, end, report = log.splitlines()
        assert (start, said) == (f"START RequestId: {request_id('one')} Version: $LATEST", "hello")
        assert end == f"END RequestId: {request_id('one')}"
        assert re.fullmatch(
            rf"REPORT RequestId: {request_id('one')}\tDuration: [0-9.]+ ms\tBilled Duration: [0-9]+ ms\t"
            r"Memory Size: [0-9]+ MB\tMax Memory Used: [0-9]+ MB\t",
            report,
        )

    def test_a_module_in_a_package_and_its_neighbours(self, case: Case) -> None:
        folder = case.kept.folder / "code"
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "app.py").write_text("import helper\ndef handler(e, c): return {'x': helper.X}")
        (folder / "helper.py").write_text("X = 5")
        case.functions.put("score", folder, "src/app.handler")
        assert output_of(case.call(outputs={"x": "Integer"}))["OutputParameters"] == {"x": 5}

    def test_a_thread_left_behind_is_not_waited_for(self, case: Case) -> None:
        code = """
import threading
def handler(e, c):
    threading.Thread(target=threading.Event().wait).start()
    return {}
"""
        assert case.call(code).succeeded

    def test_a_version_or_alias_is_said_to_run_the_newest_code(self, case: Case) -> None:
        reports = case.call("def handler(e, c): ...", reference=f"{ARN}:prod")
        assert "score has no version or alias prod here: its newest code runs" in reports.notes[0]
        assert case.call(reference=f"{ARN}:$LATEST", task_id="two").notes == ("not isolated",)


class TestFailures:
    def test_an_exception_is_told_for_humans_and_as_lambda_does(self, case: Case) -> None:
        code = "def deep(): raise ValueError('no such row')\ndef handler(e, c): deep()"
        failed = case.call(code).failed
        headline, document = failed.cause.split("\n", 1)
        assert headline == "score failed with ValueError: no such row"
        described = read_json(document)
        assert isinstance(described, dict)
        assert (described["errorMessage"], described["errorType"]) == ("no such row", "ValueError")
        assert len(described["stackTrace"]) == 2
        assert "in deep" in described["stackTrace"][1]
        assert failed.metadata == {"Lambda": {"Arn": ARN, "OutputParameters": []}}

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            (
                "import nowhere\ndef handler(e, c): ...",
                "Runtime.ImportModuleError: Unable to import module 'app'",
            ),
            ("handler = 3", "Runtime.HandlerNotFound: Handler 'handler' missing on module 'app'"),
            ("def other(): ...", "Runtime.HandlerNotFound"),
            ("def handler(e, c): return {1, 2}", "Runtime.MarshalError: Unable to marshal response"),
            ("def handler(e, c): return float('nan')", "Runtime.MarshalError"),
            ("def handler(e, c):\n    x = []\n    x.append(x)\n    return x", "Runtime.MarshalError"),
            ("def handler(e): ...", "TypeError"),
            ("def handler(e, c)", "SyntaxError"),
            ("import sys\ndef handler(e, c): sys.exit(3)", "SystemExit: 3"),
            (
                "import os\ndef handler(e, c): os._exit(3)",
                "Runtime.ExitError: Runtime exited with error: exit status 3",
            ),
        ],
    )
    def test_what_a_function_can_do_wrong(self, case: Case, code: str, words: str) -> None:
        failed = case.call(code).failed
        assert failed.error == "ClientError"
        assert words in failed.cause

    @pytest.mark.parametrize(
        ("ending", "error", "words"),
        [
            (Ending.TIMED_OUT, "ClientError", "score: Sandbox.Timedout: Task timed out after 3.00 seconds"),
            (Ending.OUT_OF_MEMORY, "ClientError", "out of memory"),
            (Ending.LOST, "Step.SERVICE_FAULT", "the test said so"),
            (Ending.NOT_STARTED, "Step.SERVICE_FAULT", "the test said so"),
            (Ending.STOPPED, "ClientError", "was stopped"),
            (Ending.SIGNALLED, "ClientError", "exit status -1"),
        ],
    )
    def test_how_a_call_can_end(self, case: Case, ending: Ending, error: str, words: str) -> None:
        case.put("def handler(e, c): ...", timeout=timedelta(seconds=3))
        case.compute.ending = ending
        failed = case.call().failed
        assert failed.error == error
        assert words in failed.cause

    def test_the_last_lines_of_the_log_go_with_it(self, case: Case) -> None:
        code = "import os\ndef handler(e, c):\n    print('just before', flush=True)\n    os._exit(1)"
        assert case.call(code).failed.cause.endswith("\njust before")

    def test_an_unknown_function_tells_how_to_add_it(self, case: Case) -> None:
        failed = case.call().failed
        assert failed.error == "ClientError"
        assert "stepmill functions put score" in failed.cause

    @pytest.mark.parametrize(
        "extra", [{}, {"FunctionArn": "a b"}, {"FunctionArn": ARN, "OutputParameters": 3}]
    )
    def test_a_task_that_names_nothing_fails(self, case: Case, extra: dict[str, Json]) -> None:
        case.put("def handler(e, c): ...")
        assert run_task(case.handler, a_task("lambda:invoke", extra=extra)).failed.error == "ClientError"

    def test_an_answer_that_is_too_long(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(answer_module, "LARGEST_ANSWER_BYTES", 1000)
        assert "longer than 1000 bytes" in case.call("def handler(e, c): return 'x' * 2000").failed.cause

    @pytest.mark.parametrize(
        "trick",
        [
            "os.symlink('/etc/passwd', place)",
            "os.mkfifo(place)",
            "os.mkdir(place)",
            "open(place, 'w').write('[1]')",
            "open(place, 'w').write('{')",
            "open(place, 'wb').write(b'\\xff')",
        ],
    )
    def test_whatever_it_puts_in_the_place_of_its_answer(self, case: Case, trick: str) -> None:
        code = f"""
import os
def handler(e, c):
    place = os.path.join(os.path.dirname(os.environ["LAMBDA_TASK_ROOT"]), "result.json")
    {trick}
    os._exit(0)
"""
        failed = case.call(code).failed
        assert failed.error == "ClientError"
        assert "root:" not in failed.cause


class TestOnce:
    def test_handed_over_again_it_is_called_once(self, case: Case) -> None:
        first = case.call("def handler(e, c): return {'x': 1}", outputs={"x": "Integer"})
        again = case.call(outputs={"x": "Integer"})
        assert first.all == again.all
        assert len(case.compute.started) == 1
        assert case.call(task_id="two").succeeded
        assert len(case.compute.started) == 2

    def test_killed_while_it_was_laid_out_it_is_laid_out_anew(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def killed(*_: object) -> None:
            raise Killed

        case.put("def handler(e, c): return {}")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", killed)
            with pytest.raises(Killed):
                case.call()
        assert case.call().succeeded

    def test_a_call_keeps_the_code_that_it_began_with(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def killed(*_: object) -> None:
            raise Killed

        case.put("def handler(e, c): return {'x': 1}")
        with monkeypatch.context() as patch:
            patch.setattr(case.compute, "run", killed)
            with pytest.raises(Killed):
                case.call(outputs={"x": "Integer"})
        case.put("def handler(e, c): return {'x': 2}")
        assert output_of(case.call(outputs={"x": "Integer"}))["OutputParameters"] == {"x": 1}

    def test_the_call_is_kept_and_its_copy_of_the_code_is_not(self, case: Case) -> None:
        case.call("def handler(e, c): return {}")
        (record,) = case.kept.records.list(CALL_KIND, parent=EXECUTION).records
        assert record.name == call_name("one", "score")
        assert record.status == "Completed"
        assert not (case.kept.folder / "jobs" / record.name / "function" / "task").exists()
        case.call("def handler(e, c): return 1 / 0", task_id="two")
        assert {one.status for one in case.kept.records.list(CALL_KIND).records} == {"Completed", "Failed"}

    def test_a_suggested_name_is_used(self, case: Case) -> None:
        case.call("def handler(e, c): ...", name="pipelines-abc-Fn-x")
        assert case.compute.started == ["pipelines-abc-Fn-x"]

    def test_stopping_does_nothing(self, case: Case) -> None:
        case.handler.stop(a_task("lambda:invoke"))


def test_limits_go_to_compute(case: Case) -> None:
    case.put("def handler(e, c): ...", memory_mb=128, timeout=timedelta(seconds=7))
    case.call()
    (spec,) = case.compute.specs
    assert spec.resources.memory_bytes == 128 * 1024 * 1024
    assert spec.timeout == timedelta(seconds=17)  # and ten for its import
    assert spec.warm
    assert spec.command == ("python3", "/opt/ml/function/runner.py")


@pytest.mark.parametrize("function", ["a", "a_b-C", "_", "x" * 64])
def test_names_of_calls_are_names_of_jobs(function: str) -> None:
    name = call_name("some/task/1", function)
    assert len(name) <= 63
    assert all(character.isalnum() or character == "-" for character in name)
    assert name[0].isalnum()
    assert call_name("some/task/2", function) != name
