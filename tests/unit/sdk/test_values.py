from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.parameters import Parameter, execution
from stepmill.sdk.processing import ProcessingStep
from stepmill.sdk.values import (
    And,
    Comparison,
    Condition,
    Join,
    Not,
    Or,
    Value,
    all_of,
    contents,
    render,
    render_text,
)

the_limit = Parameter("limit", 6)
the_name = Parameter("name", "x")


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (the_limit < 7, "LessThan"),
        (the_limit <= 7, "LessThanOrEqualTo"),
        (the_limit > 7, "GreaterThan"),
        (the_limit >= 7, "GreaterThanOrEqualTo"),
        (the_limit == 7, "Equals"),
    ],
)
def test_comparing_gives_a_condition(condition: Condition, kind: str) -> None:
    assert condition.expression() == {"Type": kind, "LeftValue": {"Get": "Parameters.limit"}, "RightValue": 7}


def test_the_literal_may_stand_on_the_left() -> None:
    seven = 7
    assert (seven >= the_limit).expression() == (the_limit <= 7).expression()
    assert (seven < the_limit).expression() == (the_limit > 7).expression()
    assert (seven == the_limit).expression() == (the_limit == 7).expression()


def test_two_values_can_be_compared() -> None:
    other = Parameter("other", 1)
    assert (the_limit < other).expression()["RightValue"] == {"Get": "Parameters.other"}


def test_unequal_is_not_equal() -> None:
    assert (the_limit != 7).expression() == {"Type": "Not", "Condition": (the_limit == 7).expression()}


def test_is_in() -> None:
    assert the_name.is_in(["a", "b"]).expression() == {
        "Type": "In",
        "QueryValue": {"Get": "Parameters.name"},
        "Values": ["a", "b"],
    }


def test_not_twice_is_nothing() -> None:
    condition = the_limit < 7
    assert ~~condition is condition


def test_or_of_or_is_one_list() -> None:
    condition = (the_limit < 1) | (the_limit > 2) | (the_name == "y")
    document = condition.expression()
    assert document["Type"] == "Or"
    assert [each["Type"] for each in document["Conditions"]] == ["LessThan", "GreaterThan", "Equals"]


def test_and_within_or_is_written_as_not_one_of_them_fails() -> None:
    document = And((the_limit < 1, the_name == "y")).expression()
    assert document == Not(Or((~(the_limit < 1), ~(the_name == "y")))).expression()


def test_and_at_the_top_is_the_list_of_the_step() -> None:
    documents = all_of([(the_limit < 9) & (the_limit > 1), the_name == "y"])
    assert [each["Type"] for each in documents] == ["LessThan", "GreaterThan", "Equals"]


def test_a_condition_cannot_decide_an_if() -> None:
    with pytest.raises(TypeError, match="ConditionStep"):
        bool(the_limit < 7)


def test_a_chained_comparison_is_refused() -> None:
    with pytest.raises(TypeError, match="&"):
        assert 1 < the_limit < 7


@pytest.mark.parametrize(
    "misuse",
    [
        lambda value: bool(value),
        lambda value: str(value),
        lambda value: f"{value}",
        lambda value: f"{value:>5}",
        lambda value: list(value),
        lambda value: 3 in value,
        lambda value: value < [1],
        lambda value: value == None,  # noqa: E711
        lambda value: value + 1,
        lambda value: 1 + value,
        lambda value: value + value,
    ],
)
def test_using_a_value_before_it_is_known_is_refused(misuse: object) -> None:
    with pytest.raises(TypeError):
        misuse(the_limit)


def test_values_can_be_kept_in_sets_and_dicts() -> None:
    assert len({the_limit, the_name, the_limit}) == 2
    assert {the_limit: "a"}[the_limit] == "a"


def test_adding_a_text_joins() -> None:
    joined = "s3://b/" + the_name + "/file"
    assert joined.expression() == {
        "Std:Join": {"On": "", "Values": ["s3://b/", {"Get": "Parameters.name"}, "/file"]}
    }


def test_a_slash_joins_as_in_a_path() -> None:
    joined = the_name / "a" / "b"
    assert joined.expression() == {"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.name"}, "a", "b"]}}


def test_joins_by_different_texts_stay_apart() -> None:
    document = Join(["a", Join([1, 2], on="-")], on="/").expression()
    assert document == {"Std:Join": {"On": "/", "Values": ["a", {"Std:Join": {"On": "-", "Values": [1, 2]}}]}}


def test_rendering_goes_through_lists_and_dicts() -> None:
    assert render({"a": [the_name, 1, None, {"b": (True, "x")}]}) == {
        "a": [{"Get": "Parameters.name"}, 1, None, {"b": [True, "x"]}]
    }


def test_what_is_no_json_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"a\[1\]") as caught:
        render({"a": [1, {2, 3}]}, "step 'x'")
    assert "set" in caught.value.what


@pytest.mark.parametrize(
    ("thing", "text"),
    [("a", "a"), (3, "3"), (0.5, "0.5"), (True, "true"), ([1, "a"], '[1,"a"]'), ({"a": 1}, '{"a":1}')],
)
def test_text_of_literals(thing: object, text: str) -> None:
    assert render_text(thing) == text


def test_a_number_becomes_a_text_by_a_join() -> None:
    assert render_text(the_limit) == {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.limit"}]}}
    assert render_text(the_name) == {"Get": "Parameters.name"}
    assert render_text(execution.id) == {"Get": "Execution.PipelineExecutionId"}


@pytest.mark.parametrize("thing", [None, [the_name], {"a": the_name}, {1, 2}])
def test_what_has_no_text_is_refused(thing: object) -> None:
    with pytest.raises(InvalidInputError):
        render_text(thing)


def test_contents_finds_values_and_steps_without_entering_steps() -> None:
    step = ProcessingStep("A", image="python", arguments=[the_name], outputs=["o"])
    found = list(contents({"x": [the_limit, Join([step.outputs["o"], "a"])], "p": Path("a")}))
    assert the_limit in [each for each in found if each is the_limit]
    assert [each for each in found if each is step] == [step]
    assert not [each for each in found if each is the_name]


scalars = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())


@given(scalars)
def test_every_literal_can_be_compared_with(literal: bool | int | float | str) -> None:
    document = (the_limit <= literal).expression()
    assert document["RightValue"] == literal


@given(st.recursive(st.just(the_limit < 1), lambda inner: st.builds(lambda a, b: a | b, inner, inner)))
def test_an_or_never_holds_an_or(condition: Condition) -> None:
    document = condition.expression()
    if document["Type"] == "Or":
        assert all(each["Type"] != "Or" for each in document["Conditions"])


@given(
    st.recursive(
        st.sampled_from([the_limit < 1, the_name == "y", the_limit >= 3]),
        lambda inner: st.one_of(
            st.builds(lambda a, b: a | b, inner, inner),
            st.builds(lambda a, b: a & b, inner, inner),
            inner.map(lambda a: ~a),
        ),
        max_leaves=12,
    ),
    st.integers(-2, 5),
    st.sampled_from(["x", "y"]),
)
def test_a_condition_means_the_same_as_its_document(condition: Condition, limit: int, name: str) -> None:
    values = {"Parameters.limit": limit, "Parameters.name": name}
    assert _holds(condition.expression(), values) == _means(condition, {"limit": limit, "name": name})


def _means(condition: Condition, values: dict[str, object]) -> bool:
    match condition:
        case Not():
            return not _means(condition.condition, values)
        case Or():
            return any(_means(each, values) for each in condition.conditions)
        case And():
            return all(_means(each, values) for each in condition.conditions)
        case Comparison():
            assert isinstance(condition.left, Parameter)
            left, right = values[condition.left.name], condition.right
            assert not isinstance(right, Value)
            return {
                "LessThan": lambda: left < right,
                "GreaterThanOrEqualTo": lambda: left >= right,
                "Equals": lambda: left == right,
            }[condition.kind]()
    raise AssertionError(condition)


def _holds(document: object, values: dict[str, object]) -> bool:
    assert isinstance(document, dict)
    match document["Type"]:
        case "Not":
            return not _holds(document["Condition"], values)
        case "Or":
            return any(_holds(each, values) for each in document["Conditions"])
    left, right = values[document["LeftValue"]["Get"]], document["RightValue"]
    operators = {"LessThan": "__lt__", "GreaterThanOrEqualTo": "__ge__", "Equals": "__eq__"}
    return bool(getattr(left, operators[document["Type"]])(right))
