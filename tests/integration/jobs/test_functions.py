"""Calls of functions in the real compute, cached and not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.logs import tail_log
from stepmill.core.json import Json
from stepmill.core.settings import Isolation
from stepmill.core.tasks import CachePolicy
from stepmill.jobs.cache_outputs import KeptOutputs
from stepmill.jobs.caching import CachingHandler
from stepmill.jobs.functions.calls import FunctionCalls, FunctionSurroundings
from stepmill.jobs.functions.handler import FunctionHandler
from stepmill.jobs.functions.keys import FunctionKeys
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.storage.objects.uri import S3Uri
from support.keeping import ARNS, EXECUTION, Keeping, Reports, a_task, keeping, output_of, run_task

CODE = """
import os, sys

def handler(event, context):
    print("asked for", event["n"])
    if event["n"] < 0:
        raise ValueError("negative")
    while event["n"] == 0:
        pass
    return {"root": event["n"] ** 0.5, "place": os.getcwd(), "writable": os.access(os.getcwd(), os.W_OK)}
"""


class Case:
    def __init__(self, kept: Keeping, compute: LocalCompute, isolation: Isolation) -> None:
        self.kept = kept
        self.functions = FunctionRegistry(kept.records, kept.objects, S3Uri("code", "functions"), ARNS)
        around = FunctionSurroundings(kept.folder / "jobs", ARNS, isolation=isolation)
        self.versions = FunctionVersions(self.functions, kept.records, ARNS)
        calls = FunctionCalls(
            kept.objects, kept.records, compute, around, lambda folder: tail_log(folder, 20)
        )
        self.handler = FunctionHandler(self.versions, calls)

    def put(self, code: str = CODE, **more: Any) -> None:
        path = self.kept.folder / "app.py"
        path.write_text(code)
        self.functions.put("root", path, "app.handler", **more)

    def task(self, event: Json, task_id: str = "one", *, cache: CachePolicy | None = None) -> Any:
        outputs: Json = [
            {"OutputName": "root", "OutputType": "Float"},
            {"OutputName": "place", "OutputType": "String"},
        ]
        extra = {"FunctionArn": ARNS.function("root"), "OutputParameters": outputs}
        return a_task("lambda:invoke", event, extra=extra, task_id=task_id, cache=cache)

    def call(self, event: Json, task_id: str = "one") -> Reports:
        return run_task(self.handler, self.task(event, task_id))


@pytest.fixture(params=[Isolation.AUTO, Isolation.NONE], ids=["sandboxed", "plain"])
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        compute = LocalCompute(hidden=(tmp_path / "objects",))
        yield Case(kept, compute, request.param)
        compute.close()


def test_a_call_answers_in_the_sandbox(case: Case) -> None:
    case.put()
    reports = case.call({"n": 16})
    values = output_of(reports)["OutputParameters"]
    assert isinstance(values, dict)
    assert values["root"] == 4.0
    again = case.call({"n": 16})
    assert again.succeeded.output == reports.succeeded.output


def test_an_exception_comes_back_with_its_trace(case: Case) -> None:
    case.put()
    cause = case.call({"n": -1}).failed.cause
    assert cause.startswith("root failed with ValueError: negative\n")
    assert "app.py" in cause


def test_a_call_that_takes_too_long_is_ended_in_lambdas_words(case: Case) -> None:
    case.put(timeout=timedelta(seconds=1))
    failed = case.call({"n": 0}).failed
    assert "Task timed out after 1.00 seconds" in failed.cause
    assert "asked for 0" in failed.cause


def test_a_cached_call_is_made_once_until_its_code_changes(case: Case) -> None:
    case.put()
    handler = CachingHandler(
        case.handler,
        FunctionKeys(case.versions),
        case.kept.cache,
        case.kept.records,
        KeptOutputs(case.kept.objects, case.kept.folder),
        case.kept.clock,
    )
    policy = CachePolicy()
    assert run_task(handler, case.task({"n": 9}, "one", cache=policy)).succeeded.cached_from == ""
    assert run_task(handler, case.task({"n": 9}, "two", cache=policy)).succeeded.cached_from == EXECUTION
    case.put(CODE + "\n# changed")
    third = run_task(handler, case.task({"n": 9}, "three", cache=policy))
    assert third.succeeded.cached_from == ""
    assert third.notes[0].startswith("cache miss: Function.code: ")
