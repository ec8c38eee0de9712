"""Calls that somebody waits for, and who may call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import Ending
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.jobs.functions.calls import FunctionCalls, FunctionSurroundings
from stepmill.jobs.functions.function import Function
from stepmill.jobs.functions.invoker import LOG_TAIL_BYTES, FunctionInvoker, TooManyCallsError
from stepmill.jobs.functions.outcome import Answered, Broken, NotCarriedOut, Raised
from stepmill.jobs.functions.policies import FunctionPolicies
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.storage.objects.uri import S3Uri
from support.keeping import ARNS, Keeping, keeping
from support.plain_compute import PlainCompute, log_tail


class Case:
    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.compute = PlainCompute()
        self.functions = FunctionRegistry(kept.records, kept.objects, S3Uri("code", "functions"), ARNS)
        around = FunctionSurroundings(kept.folder / "jobs", ARNS)
        calls = FunctionCalls(kept.objects, kept.records, self.compute, around, log_tail)
        self.invoker = FunctionInvoker(
            calls, lambda folder, lines: (folder / "log").read_text().splitlines()[-lines:], most_at_once=2
        )

    def function(self, code: str) -> Function:
        path = self.kept.folder / "app.py"
        path.write_text(code)
        return self.functions.put("score", path, "app.handler")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        yield Case(kept)


def test_what_a_function_returns_is_answered(case: Case) -> None:
    invocation = case.invoker.invoke(
        case.function("def handler(e, c): return [e, c.aws_request_id]"), {"a": 1}
    )
    assert invocation.outcome == Answered([{"a": 1}, invocation.request_id])
    assert invocation.version == "$LATEST"


def test_each_call_is_one_of_its_own(case: Case) -> None:
    function = case.function("def handler(e, c): return c.aws_request_id")
    assert case.invoker.invoke(function, None).outcome != case.invoker.invoke(function, None).outcome
    assert len(case.compute.started) == 2


def test_the_context_of_the_client_arrives(case: Case) -> None:
    code = """
def handler(event, context):
    known = context.client_context
    return known and [known.custom, known.env, known.client.app_title]
"""
    given = {"custom": {"a": 1}, "env": {"b": "2"}, "client": {"app_title": "t"}}
    function = case.function(code)
    assert case.invoker.invoke(function, None, client_context=given).outcome == Answered(
        [{"a": 1}, {"b": "2"}, "t"]
    )
    assert case.invoker.invoke(function, None).outcome == Answered(None)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("def handler(e, c): raise ValueError('no')", Raised),
        ("import os\ndef handler(e, c): os._exit(3)", Broken),
        ("def handler(e, c): return {1, 2}", Raised),
        ("import nothing_of_that_name", Raised),
        ("def handler(e, c): return 'x' * 7_000_000", Broken),
    ],
)
def test_how_a_function_can_fail(case: Case, code: str, outcome: type) -> None:
    assert isinstance(case.invoker.invoke(case.function(code), None).outcome, outcome)


def test_a_call_that_was_not_carried_out_is_no_failure_of_the_function(case: Case) -> None:
    case.compute.ending = Ending.NOT_STARTED
    outcome = case.invoker.invoke(case.function("def handler(e, c): ..."), None).outcome
    assert outcome == NotCarriedOut("the test said so")


def test_a_handler_that_names_no_function(case: Case) -> None:
    function = case.function("def handler(e, c): ...")
    bad = case.functions.configure("score", lambda c: type(c)("nodot"))
    assert bad.code == function.code
    outcome = case.invoker.invoke(bad, None).outcome
    assert isinstance(outcome, Raised)
    assert outcome.error["errorType"] == "Runtime.MalformedHandlerName"


def test_the_log_ends_with_the_last_four_kilobytes(case: Case) -> None:
    code = "def handler(e, c):\n    for number in range(2000):\n        print('line', number)"
    invocation = case.invoker.invoke(case.function(code), None)
    log = case.invoker.log_of(invocation)
    assert len(log) == LOG_TAIL_BYTES
    assert b"line 1999\nEND RequestId: " in log
    assert log.splitlines()[-1].startswith(b"REPORT RequestId: " + invocation.request_id.encode())


def test_no_more_are_waited_for_than_may_be(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    function = case.function("def handler(e, c): return e")
    run, held, begun = case.compute.run, threading.Event(), threading.Semaphore(0)

    def wait_and_run(*arguments: Any) -> None:
        begun.release()
        assert held.wait(60)
        run(*arguments)

    monkeypatch.setattr(case.compute, "run", wait_and_run)
    outcomes: list[Any] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(case.invoker.invoke(function, 1).outcome))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
        assert begun.acquire(timeout=60)
    with pytest.raises(TooManyCallsError):
        case.invoker.invoke(function, 1)
    held.set()
    for thread in threads:
        thread.join(60)
    assert outcomes == [Answered(1), Answered(1)]
    assert case.invoker.invoke(function, 2).outcome == Answered(2)


class TestPolicies:
    @pytest.fixture
    def policies(self, case: Case) -> FunctionPolicies:
        return FunctionPolicies(case.kept.records)

    def test_statements_are_given_back_as_they_came(self, policies: FunctionPolicies) -> None:
        one, two = {"Sid": "one", "Effect": "Allow"}, {"Sid": "two", "Action": "lambda:InvokeFunction"}
        policies.add("score", "", one)
        first = policies.get("score")
        policies.add("score", "$LATEST", two)
        assert policies.get("score").document["Statement"] == [one, two]
        assert policies.get("score").revision != first.revision
        with pytest.raises(ConflictError, match="already exists"):
            policies.add("score", "", one)
        policies.remove("score", "", "one")
        assert policies.get("score").document["Statement"] == [two]

    def test_a_version_has_its_own(self, policies: FunctionPolicies) -> None:
        policies.add("score", "prod", {"Sid": "one"})
        with pytest.raises(NotFoundError):
            policies.get("score")
        assert policies.get("score", "prod").document["Statement"] == [{"Sid": "one"}]

    def test_what_is_not_there(self, policies: FunctionPolicies) -> None:
        for do in (lambda: policies.get("score"), lambda: policies.remove("score", "", "one")):
            with pytest.raises(NotFoundError):
                do()
        policies.add("score", "", {"Sid": "one"})
        with pytest.raises(NotFoundError, match="Statement two"):
            policies.remove("score", "", "two")
        policies.remove("score", "", "one")
        with pytest.raises(NotFoundError):
            policies.get("score")

    def test_all_is_forgotten_with_the_function(self, policies: FunctionPolicies) -> None:
        for name, qualifier in (("score", ""), ("score", "prod"), ("other", "")):
            policies.add(name, qualifier, {"Sid": "one"})
        policies.forget("score")
        for qualifier in ("", "prod"):
            with pytest.raises(NotFoundError):
                policies.get("score", qualifier)
        assert policies.get("other").document["Statement"] == [{"Sid": "one"}]
