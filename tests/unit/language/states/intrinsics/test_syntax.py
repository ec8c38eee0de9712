"""Which texts are calls, what their arguments mean, and what is said of paths that lead nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.json import Json
from stepmill.language.states.evaluation import FixedScope
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.intrinsics import Intrinsic, IntrinsicSyntaxError, is_intrinsic


def call(text: str, scope: FixedScope | None = None) -> Json:
    return Intrinsic.of(text).call(scope or FixedScope({}))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("'text'", "text"),
        ("''", ""),
        (r"'it\'s'", "it's"),
        (r"'\\'", "\\"),
        (r"'\{\}'", "{}"),
        (r"'\n'", r"\n"),
        ("'a,b)c'", "a,b)c"),
        ("'\"'", '"'),
        ("0", 0),
        ("-12", -12),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("$.a", {"b": [1, 2]}),
        ("$", {"a": {"b": [1, 2]}, "x,y": 3}),
        ("$['x,y']", 3),
        ("$.a.b[1]", 2),
        ("$.a.b[?(@ > 1)]", [2]),
        ("$.a.b[(@.length-1)]", 2),
        ("$$.Execution.Id", "id"),
        ("$v", 7),
        ("$v ", 7),
        ("States.Array()", []),
    ],
)
def test_an_argument_means(argument: str, value: Json) -> None:
    scope = FixedScope({"a": {"b": [1, 2]}, "x,y": 3}, {"Execution": {"Id": "id"}}, {"v": 7})
    for text in (f"States.Array({argument})", f"  States.Array ( {argument} )  "):
        assert call(text, scope) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "States.UUID",
        "States.UUID(",
        "States.UUID())",
        "States.UUID() x",
        "States.Array(,)",
        "States.Array(1,)",
        "States.Array(1 2)",
        "States.Array('a)",
        "States.Array(01)",
        "States.Array(1e999)",
        "States.Array(-1" + "0" * 400 + ")",
        "States.Array(yes)",
        'States.Array("a")',
        "States.Array($.a[)",
        "States.Array($x y)",
        "States.Array($['a)",
        "States.Nothing(1)",
        "Format('x')",
        "States.UUID(1)",
        "States.MathAdd(1)",
        "States.MathAdd(1, 2, 3)",
        "States.Format()",
        "States.Array(" * 100 + ")" * 100,
        "States.Array('" + "x" * 60_000 + "')",
    ],
)
def test_what_is_no_call_is_refused(text: str) -> None:
    with pytest.raises(IntrinsicSyntaxError):
        Intrinsic.of(text)


def test_a_path_starts_with_a_dollar_and_a_call_does_not() -> None:
    assert is_intrinsic("States.UUID()")
    assert not is_intrinsic("$.States")
    assert not is_intrinsic(" $x")


def test_a_path_that_leads_nowhere_is_named_with_the_whole_call() -> None:
    text = "States.Array(States.Format('{}', $.nope))"
    with pytest.raises(EvaluationError) as caught:
        call(text, FixedScope({"other": 1}))
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == (
        f"The function '{text}' had the following error: The JsonPath argument for the field '$.nope' "
        "could not be found in the input '{\"other\":1}'"
    )


def test_the_input_is_quoted_as_it_was_written() -> None:
    with pytest.raises(EvaluationError, match=r"in the input '\{ \"a\" : 1 \}'"):
        call("States.Array($.b)", FixedScope({"a": 1}, text='{ "a" : 1 }'))


def test_a_path_of_the_context_is_looked_for_in_the_context() -> None:
    with pytest.raises(EvaluationError, match=r"in the input '\{\"State\":\{\}\}'"):
        call("States.Array($$.State.Name)", FixedScope({"a": 1}, {"State": {}}))


def test_an_index_on_what_is_no_list_has_the_text_of_the_library() -> None:
    with pytest.raises(EvaluationError) as caught:
        call("States.Array($.a[0])", FixedScope({"a": 1}))
    assert caught.value.cause.endswith("Filter: [0] can only be applied to arrays. Current context is: 1")


def test_the_paths_of_inner_calls_belong_to_the_call() -> None:
    intrinsic = Intrinsic.of("States.Array($.a, States.Format('{}', $$.b), $c)")
    assert [field.text for field in intrinsic.fields] == ["$.a", "$$.b", "$c"]
    assert intrinsic.depth == 2


@given(st.text(alphabet="States.Array()',$[]{}\\ 01-e@?*null", max_size=30))
def test_any_text_is_read_or_refused_and_never_breaks(text: str) -> None:
    try:
        intrinsic = Intrinsic.of(f"States.Array({text})")
    except IntrinsicSyntaxError:
        return
    try:
        assert isinstance(intrinsic.call(FixedScope({"a": [1]})), list)
    except EvaluationError:
        pass
