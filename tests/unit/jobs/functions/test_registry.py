from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.functions.keys import FunctionKeys
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.storage.objects.uri import S3Uri
from support.keeping import ARNS, Keeping, a_task, keeping

ARN = "arn:aws:lambda:us-west-2:123456789012:function:score"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        (tmp_path / "app.py").write_text("def handler(event, context): return {}")
        yield opened


@pytest.fixture
def functions(kept: Keeping) -> FunctionRegistry:
    return FunctionRegistry(kept.records, kept.objects, S3Uri("code-bucket", "stepmill/functions"), ARNS)


def test_a_function_is_put_and_found_by_any_of_its_names(functions: FunctionRegistry, kept: Keeping) -> None:
    made = functions.put(
        "score", kept.folder / "app.py", "app.handler", environment={"A": "1"}, memory_mb=256
    )
    assert (made.name, made.arn, made.handler, made.version) == ("score", ARN, "app.handler", 1)
    assert (made.timeout, made.memory_mb, made.environment) == (timedelta(minutes=10), 256, {"A": "1"})
    for name in (
        "score",
        ARN,
        f"{ARN}:prod",
        f"{ARN}:$LATEST",
        "function:score:3",
        "123456789012:function:score",
    ):
        assert functions.get(name) == made
    assert kept.objects.digest(made.code) == made.code_sha256


def test_unchanged_changes_nothing_and_changed_is_the_next_version(
    functions: FunctionRegistry, kept: Keeping
) -> None:
    code = kept.folder / "app.py"
    first = functions.put("score", code, "app.handler")
    assert functions.put("score", code, "app.handler") == first
    assert functions.put("score", code, "app.handler", timeout=timedelta(seconds=3)).version == 2
    code.write_text("def handler(event, context): return 1")
    third = functions.put("score", code, "app.handler", timeout=timedelta(seconds=3))
    assert third.version == 3
    assert third.code_sha256 != first.code_sha256
    assert functions.get("score") == third


def test_functions_are_listed_by_name_and_deleted_with_their_code(
    functions: FunctionRegistry, kept: Keeping
) -> None:
    for name in ("b", "a", "a_b"):
        functions.put(name, kept.folder / "app.py", "app.handler")
    assert [function.name for function in functions.list()] == ["a", "a_b", "b"]
    functions.delete("a")
    assert [function.name for function in functions.list()] == ["a_b", "b"]
    left = [info.key for info in kept.objects.all(S3Uri("code-bucket", ""))]
    assert [key.split("/")[2] for key in left] == ["a_b", "b"]


def test_an_unknown_function_tells_how_to_add_it(functions: FunctionRegistry) -> None:
    with pytest.raises(NotFoundError) as caught:
        functions.get(ARN)
    assert caught.value.what == "There is no function 'score' here."
    assert "stepmill functions put score --code PATH --handler module.function" in caught.value.mend
    assert "[functions.score]" in caught.value.mend


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b"},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "a/b"},
        {"handler": "other.handler"},
        {"handler": "x"},
        {"timeout": timedelta(0)},
        {"timeout": timedelta(days=2)},
        {"memory_mb": -1},
        {"environment": {"A B": "1"}},
        {"environment": {"A": "\0"}},
        {"environment": {"": "1"}},
        {"code": b"no zip"},
    ],
)
def test_what_cannot_be_taken_leaves_nothing(
    functions: FunctionRegistry, kept: Keeping, wrong: dict[str, Any]
) -> None:
    values: dict[str, Any] = {
        "name": "score",
        "code": kept.folder / "app.py",
        "handler": "app.handler",
        **wrong,
    }
    with pytest.raises(InvalidInputError):
        functions.put(**values)
    assert functions.list() == []


def test_many_at_once_make_one(functions: FunctionRegistry, kept: Keeping) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(
            threads.map(lambda _: functions.put("score", kept.folder / "app.py", "app.handler"), range(16))
        )
    assert {function.version for function in made} == {1}


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("score", ("score", "")),
        ("score:prod", ("score", "prod")),
        (ARN, ("score", "")),
        (f"{ARN}:7", ("score", "7")),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:a_b-C", ("a_b-C", "")),
        ("function:x:$LATEST", ("x", "$LATEST")),
    ],
)
def test_references_are_taken_apart(reference: str, parts: tuple[str, str]) -> None:
    assert parse_reference(reference) == parts


@pytest.mark.parametrize(
    "reference", [None, 3, "", "a b", "arn:aws:s3:::bucket", f"{ARN}:a:b", f"{ARN}:", "a/b", "x\n"]
)
def test_what_names_no_function_is_refused(reference: Any) -> None:
    with pytest.raises(InvalidInputError, match="names no function"):
        parse_reference(reference)


def test_the_cache_key_of_a_call_follows_code_and_event(functions: FunctionRegistry, kept: Keeping) -> None:
    keys, code = FunctionKeys(FunctionVersions(functions, kept.records, ARNS)), kept.folder / "app.py"

    def key(event: Any = None, outputs: Any = None, reference: str = ARN) -> str:
        extra = {"FunctionArn": reference, "OutputParameters": outputs}
        return keys(a_task("lambda:invoke", event or {"a": 1}, extra=extra)).digest

    functions.put("score", code, "app.handler")
    first = key()
    assert first == key() == key(reference="score")
    assert len({first, key({"a": 2}), key(outputs=[{"OutputName": "x"}])}) == 3
    functions.put("score", code, "app.handler", environment={"A": "1"})
    second = key()
    code.write_text("def handler(event, context): return 2")
    functions.put("score", code, "app.handler", environment={"A": "1"})
    assert len({first, second, key()}) == 3
    functions.put("score", code, "app.handler", environment={"A": "1"}, timeout=timedelta(seconds=9))
    with pytest.raises(NotFoundError):
        key(reference="other")
