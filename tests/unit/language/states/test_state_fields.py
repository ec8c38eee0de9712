"""What each kind of field gives, and how each words its failure."""

from __future__ import annotations

import pytest

from stepmill.core.json import Json
from stepmill.language.states.evaluation import FixedScope
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.state_fields import put_result, read_named_field, read_path, read_reference

SCOPE = FixedScope({"a": {"b": [1, 2]}, "s": "x"}, {"Execution": {"Id": "id"}}, {"v": [1]})


@pytest.mark.parametrize(
    ("text", "value"), [("$", SCOPE.document), ("$.a.b", [1, 2]), ("$$.Execution.Id", "id"), ("$v[0]", 1)]
)
def test_a_path_gives(text: str, value: Json) -> None:
    assert read_path(text, SCOPE) == value
    assert read_named_field(text, "CausePath", SCOPE) == value
    assert read_reference(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("$.x", "Invalid path '$.x' : No results for path: $['x']"),
        ("$.x.y", "Invalid path '$.x.y' : Missing property in path $['x']"),
        ("$.a.length()", "Invalid path '$.a.length()' : No results for path: $['a']['length()']"),
        ("$.s.y", "Invalid path '$.s.y' : Property ['y'] not found in path $['s']"),
        ("$.s[0]", "Filter: [0] can only be applied to arrays. Current context is: x"),
    ],
)
def test_input_and_output_paths_say_what_the_library_says(text: str, cause: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_path(text, SCOPE)
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", cause)


def test_cause_and_error_paths_name_their_field() -> None:
    with pytest.raises(EvaluationError) as caught:
        read_named_field("$.x", "CausePath", FixedScope({"y": 1}))
    assert caught.value.cause == (
        "The JSONPath '$.x' specified for the field 'CausePath' could not be found in the input '{\"y\":1}'"
    )


def test_cause_and_error_paths_may_be_calls() -> None:
    assert read_named_field("States.Format('cause: {}', $.s)", "CausePath", SCOPE) == "cause: x"


def test_null_goes_through_the_whole_path_and_no_other() -> None:
    assert read_path("$", FixedScope(None)) is None
    with pytest.raises(EvaluationError) as caught:
        read_path("$.a", FixedScope(None))
    assert caught.value.cause == "Unable to apply Path transformation to null or empty input."


@pytest.mark.parametrize(
    ("text", "document", "cause"),
    [
        ("$.chunks", {"bucket": "b"}, 'Unable to apply step "chunks" to input {"bucket":"b"}'),
        ("$.d.objects", {"d": {"code": 500}}, 'Unable to apply step "objects" to input {"d":{"code":500}}'),
        ("$.d[1]", {"d": [0]}, 'Unable to apply step "1" to input {"d":[0]}'),
    ],
)
def test_an_items_path_names_the_step_that_fails(text: str, document: Json, cause: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_reference(text, FixedScope(document))
    assert (caught.value.error, caught.value.cause) == ("States.ReferencePathConflict", cause)


def test_an_items_path_may_filter() -> None:
    document = {"jar": [{"a": 1}, {"a": 5}, {"a": 2}, {"a": 7}, {"a": 3}]}
    assert read_reference("$.jar[?(@.a >= 5)]", FixedScope(document)) == [{"a": 5}, {"a": 7}]
    with pytest.raises(EvaluationError, match="can not be applied to primitives"):
        read_reference("$.jar[?(@.a >= 5)]", FixedScope({"jar": 1}))


@pytest.mark.parametrize(
    ("path", "document", "changed"),
    [
        ("$", {"a": 1}, "r"),
        (None, {"a": 1}, {"a": 1}),
        ("$.b.c", {"a": 1}, {"a": 1, "b": {"c": "r"}}),
        ("$.a", {"a": 1}, {"a": "r"}),
    ],
)
def test_a_result_is_put_where_its_path_says(path: str | None, document: Json, changed: Json) -> None:
    assert put_result(path, document, "r") == changed


def test_a_result_that_has_no_place_is_a_conflict() -> None:
    with pytest.raises(EvaluationError) as caught:
        put_result("$.r", [1], "r")
    assert caught.value.error == "States.ReferencePathConflict"
    assert caught.value.cause == 'Unable to apply step "r" to input [1]'
