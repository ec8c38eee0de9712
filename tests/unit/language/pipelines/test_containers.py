from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.pipelines.conditions import (
    Comparator,
    Comparison,
    Disjunction,
    Membership,
    Negation,
    operands_of,
)
from stepmill.language.pipelines.definition import ForEachBody, Pick, Selector
from stepmill.language.pipelines.expressions import GetIterationOutput, GetParameter, GetStepProperty, Literal
from support.documents import (
    condition,
    definition_of,
    fail,
    findings_of,
    for_each,
    function,
    get,
    only_finding,
    read_file,
)

A_AND_B = [{"Name": "A", "Type": "Float"}, {"Name": "B", "Type": "Float"}]
SCORE = "IterationOutput.Body.OutputParameters['s']"
WHERE = "Steps[0].Arguments.Conditions[0]"


def selecting(text: str) -> Any:
    return {"Pick": "MaxBy", "Field": get(text)}


@pytest.mark.parametrize("kind", list(Comparator))
def test_every_comparison_is_read(kind: Comparator) -> None:
    value = {"Type": str(kind), "LeftValue": get("Parameters.A"), "RightValue": 0.5}
    body = definition_of(condition("Gate", value), parameters=A_AND_B[:1]).steps["Gate"].condition
    assert body is not None
    assert body.conditions == (Comparison(kind, GetParameter("A"), Literal(0.5)),)


@pytest.mark.parametrize(
    ("value", "negated"),
    [
        ({"Type": "In", "QueryValue": "a", "Values": ["a", get("Parameters.A")]}, False),
        ({"Type": "In", "Value": "a", "In": ["a", get("Parameters.A")]}, False),
        ({"Type": "NotIn", "Value": "a", "In": ["a", get("Parameters.A")]}, True),
        ({"Type": "NotIn", "QueryValue": "a", "Values": ["a", get("Parameters.A")]}, True),
    ],
)
def test_memberships_are_read_in_both_spellings(value: Any, negated: bool) -> None:
    body = definition_of(condition("Gate", value), parameters=A_AND_B[:1]).steps["Gate"].condition
    assert body is not None
    assert body.conditions == (Membership(Literal("a"), (Literal("a"), GetParameter("A")), negated),)


def test_conditions_nest() -> None:
    one = {"Type": "Equals", "LeftValue": get("Parameters.A"), "RightValue": get("Parameters.B")}
    value = {
        "Type": "Or",
        "Conditions": [{"Type": "Not", "Condition": one}, {"Type": "Or", "Conditions": [one]}],
    }
    body = definition_of(condition("Gate", value), parameters=A_AND_B).steps["Gate"].condition
    comparison = Comparison(Comparator.EQUALS, GetParameter("A"), GetParameter("B"))
    assert body is not None
    assert body.conditions == (Disjunction((Negation(comparison), Disjunction((comparison,)))),)
    assert list(operands_of(body.conditions[0])) == [GetParameter("A"), GetParameter("B")] * 2


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        (3, "WRONG_TYPE", ""),
        ({}, "BAD_CONDITION", ""),
        ({"Type": "Equal", "LeftValue": 1, "RightValue": 1}, "BAD_CONDITION", ""),
        ({"Type": ["Equals"]}, "BAD_CONDITION", ""),
        ({"Type": "Equals", "LeftValue": 1}, "MISSING_KEY", ""),
        ({"Type": "Equals", "LeftValue": 1, "RightValue": 1, "Values": []}, "UNKNOWN_KEY", ".Values"),
        ({"Type": "Equals", "LeftValue": [1], "RightValue": 1}, "BAD_CONDITION", ".LeftValue"),
        ({"Type": "Equals", "LeftValue": {"a": 1}, "RightValue": 1}, "BAD_CONDITION", ".LeftValue"),
        ({"Type": "Equals", "LeftValue": get("x"), "RightValue": 1}, "BAD_EXPRESSION", ".LeftValue"),
        ({"Type": "GreaterThan", "LeftValue": True, "RightValue": 1}, "BAD_CONDITION", ".LeftValue"),
        ({"Type": "LessThan", "LeftValue": 1, "RightValue": None}, "BAD_CONDITION", ".RightValue"),
        ({"Type": "In", "QueryValue": 1}, "MISSING_KEY", ""),
        ({"Type": "In", "QueryValue": 1, "Values": 1}, "WRONG_TYPE", ".Values"),
        ({"Type": "In", "QueryValue": 1, "Values": [[]]}, "BAD_CONDITION", ".Values[0]"),
        ({"Type": "Not"}, "MISSING_KEY", ""),
        ({"Type": "Not", "Condition": []}, "WRONG_TYPE", ".Condition"),
        ({"Type": "Or"}, "MISSING_KEY", ""),
        ({"Type": "Or", "Conditions": []}, "BAD_CONDITION", ".Conditions"),
        ({"Type": "Or", "Conditions": {}}, "WRONG_TYPE", ".Conditions"),
    ],
)
def test_a_wrong_condition_is_found(value: Any, code: str, path: str) -> None:
    assert findings_of(condition("Gate", value)) == [(code, f"{WHERE}{path}")]


def test_a_misspelt_condition_is_mended() -> None:
    finding = only_finding(condition("Gate", {"Type": "GreaterThanOrEqual", "LeftValue": 1, "RightValue": 1}))
    assert finding.mend == "Did you mean 'GreaterThanOrEqualTo'?"


def test_a_condition_step_has_conditions() -> None:
    gate = condition("Gate")
    gate["Arguments"]["Conditions"] = []
    assert findings_of(gate) == [("BAD_CONDITION", "Steps[0].Arguments.Conditions")]
    del gate["Arguments"]["Conditions"]
    assert findings_of(gate) == [("MISSING_KEY", "Steps[0].Arguments")]


def test_the_branches_may_be_left_out() -> None:
    gate = condition("Gate")
    del gate["Arguments"]["IfSteps"], gate["Arguments"]["ElseSteps"]
    body = definition_of(gate).steps["Gate"].condition
    assert body is not None
    assert (body.if_steps, body.else_steps) == ((), ())


def test_a_loop_over_literal_items() -> None:
    items = ("a", 1, get("Parameters.P"), True)
    step = definition_of(for_each("Loop", function("Body"), items=items), parameters=[{"Name": "P"}]).steps[
        "Loop"
    ]
    assert step.for_each == ForEachBody(
        (Literal("a"), Literal(1), GetParameter("P"), Literal(True)), max_concurrency=2, steps=("Body",)
    )


def test_a_loop_over_items_that_come_later() -> None:
    loop = for_each("Loop", function("Body"), items=get("Steps.List.OutputParameters['items']"))
    step = definition_of(loop, function("List", "items")).steps["Loop"]
    assert step.for_each is not None
    assert step.for_each.items == GetStepProperty("List", ("OutputParameters", "items"))
    assert step.references == ("List",)


def test_a_loop_that_selects_an_iteration() -> None:
    selector = {"Pick": "MaxBy", "Field": get("IterationOutput.Body.OutputParameters['score']")}
    step = definition_of(for_each("Loop", function("Body", "score"), Selector=selector)).steps["Loop"]
    assert step.for_each is not None
    assert step.for_each.selector == Selector(
        Pick.MAX_BY, GetIterationOutput("Body", ("OutputParameters", "score"))
    )


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"IterableItems": []}, "BAD_FOR_EACH", "IterableItems"),
        ({"IterableItems": "ab"}, "BAD_FOR_EACH", "IterableItems"),
        ({"IterableItems": {"a": 1}}, "BAD_FOR_EACH", "IterableItems"),
        ({"IterableItems": [{"a": 1}]}, "BAD_FOR_EACH", "IterableItems[0]"),
        ({"IterableItems": [None]}, "BAD_FOR_EACH", "IterableItems[0]"),
        ({"IterableItems": ["a"] * 101}, "AWS_LIMIT", "IterableItems"),
        ({"MaxConcurrency": 0}, "BAD_FOR_EACH", "MaxConcurrency"),
        ({"MaxConcurrency": "2"}, "BAD_FOR_EACH", "MaxConcurrency"),
        ({"MaxConcurrency": True}, "BAD_FOR_EACH", "MaxConcurrency"),
        ({"MaxConcurrency": get("Execution.PipelineName")}, "BAD_FOR_EACH", "MaxConcurrency"),
        ({"MaxConcurrency": 51}, "AWS_LIMIT", "MaxConcurrency"),
        ({"ForEachBody": []}, "BAD_FOR_EACH", "ForEachBody"),
        ({"ForEachBody": {}}, "WRONG_TYPE", "ForEachBody"),
        ({"ForEachBody": [fail("Stop")]}, "BAD_FOR_EACH", "ForEachBody[0].Type"),
        ({"ForEachBody": [condition("Gate")]}, "BAD_FOR_EACH", "ForEachBody[0].Type"),
        ({"Selector": 3}, "WRONG_TYPE", "Selector"),
        ({"Selector": {"Pick": "MaxBy"}}, "MISSING_KEY", "Selector"),
        ({"Selector": {"Pick": "Max", "Field": get(SCORE)}}, "UNKNOWN_VALUE", "Selector.Pick"),
        ({"Selector": selecting("IterationOutput.Other.X")}, "BAD_FOR_EACH", "Selector.Field"),
        ({"Selector": selecting("IterationOutput.Body")}, "BAD_FOR_EACH", "Selector.Field"),
        ({"Selector": selecting("IterationOutput.Body.Outputs")}, "UNKNOWN_PROPERTY", "Selector.Field"),
        ({"Selector": {"Pick": "MaxBy", "Field": "Body"}}, "BAD_FOR_EACH", "Selector.Field"),
        ({"More": 1}, "UNKNOWN_KEY", "More"),
    ],
)
def test_a_wrong_loop_is_found(changes: Any, code: str, path: str) -> None:
    loop = for_each("Loop", function("Body", "s"))
    loop["Arguments"] |= changes
    assert findings_of(loop) == [(code, f"Steps[0].Arguments.{path}")]


@pytest.mark.parametrize("key", ["IterableItems", "MaxConcurrency", "ForEachBody"])
def test_a_loop_needs_its_keys(key: str) -> None:
    loop = for_each("Loop", function("Body"))
    del loop["Arguments"][key]
    assert findings_of(loop) == [("MISSING_KEY", "Steps[0].Arguments")]


def test_a_loop_in_a_loop_is_refused() -> None:
    inner = for_each("Inner", function("Body"))
    assert ("BAD_FOR_EACH", "Steps[0].Arguments.ForEachBody[0].Type") in findings_of(for_each("Loop", inner))


def test_a_loop_in_a_branch_is_fine() -> None:
    assert findings_of(condition("Gate", then=[for_each("Loop", function("Body"))])) == []


def test_no_step_is_called_like_an_iteration() -> None:
    found = findings_of(for_each("Loop", function("Body")), function("Body-0"), function("Body-x"))
    assert found == [("BAD_FOR_EACH", "Steps[1].Name")]


def test_a_property_file_is_an_operand() -> None:
    left = read_file("Eval", "Report", "m.v")
    gate = condition("Gate", {"Type": "Equals", "LeftValue": left, "RightValue": 1})
    assert findings_of(gate) == [("UNKNOWN_STEP", f"{WHERE}.LeftValue")]
