from __future__ import annotations

from typing import Any

import pytest

from stepmill.catalog.dynamodb.conditions import Condition, holds
from stepmill.catalog.dynamodb.former import (
    read_attributes,
    read_conditions,
    read_expected,
    read_updates,
)
from stepmill.catalog.dynamodb.parsing import parse_condition
from stepmill.catalog.dynamodb.paths import Path
from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.update_parsing import parse_update
from stepmill.core.errors import InvalidInputError

INVALID = "One or more parameter values were invalid: "
VALUES: dict[str, Any] = {
    ":n": {"N": "1"},
    ":m": {"N": "2"},
    ":s": {"S": "x"},
    ":ss": {"SS": ["a"]},
}


def as_expression(text: str) -> Condition:
    return parse_condition(text, "FilterExpression", Placeholders(None, VALUES))


def asked(operator: str, *values: str) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": [VALUES[value] for value in values]}


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        (asked("EQ", ":n"), "a = :n"),
        (asked("NE", ":n"), "a <> :n"),
        (asked("LT", ":n"), "a < :n"),
        (asked("LE", ":n"), "a <= :n"),
        (asked("GT", ":n"), "a > :n"),
        (asked("GE", ":n"), "a >= :n"),
        (asked("NULL"), "attribute_not_exists(a)"),
        (asked("NOT_NULL"), "attribute_exists(a)"),
        (asked("CONTAINS", ":s"), "contains(a, :s)"),
        (asked("NOT_CONTAINS", ":s"), "NOT contains(a, :s)"),
        (asked("BEGINS_WITH", ":s"), "begins_with(a, :s)"),
        (asked("BETWEEN", ":n", ":m"), "a BETWEEN :n AND :m"),
        (asked("IN", ":n", ":s"), "a IN (:n, :s)"),
    ],
)
def test_an_operator_is_what_an_expression_says(given: dict[str, Any], expression: str) -> None:
    assert read_conditions({"a": given}, "AND") == as_expression(expression)
    assert read_expected({"a": given}, "AND") == as_expression(expression)


def test_several_conditions() -> None:
    given = {"a": asked("EQ", ":n"), "b": asked("NULL")}
    assert read_conditions(given, "AND") == as_expression("a = :n AND attribute_not_exists(b)")
    assert read_conditions(given, "OR") == as_expression("a = :n OR attribute_not_exists(b)")


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        ({"Value": VALUES[":n"]}, "a = :n"),
        ({"Value": VALUES[":n"], "Exists": True}, "a = :n"),
        ({"Exists": False}, "attribute_not_exists(a)"),
        ({"ComparisonOperator": "GT", "Value": VALUES[":n"]}, "a > :n"),
    ],
)
def test_what_was_expected(given: dict[str, Any], expression: str) -> None:
    assert read_expected({"a": given}, "AND") == as_expression(expression)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
        (
            {"Exists": False, "Value": {"S": "x"}},
            "Value cannot be used when Exists is false for Attribute: a",
        ),
        (
            {"Exists": True, "ComparisonOperator": "EQ"},
            (
                "Value or AttributeValueList, and Exists or ComparisonOperator, cannot be used together for "
                "Attribute: a"
            ),
        ),
        (asked("EQ"), "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (asked("BETWEEN", ":n"), "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        (asked("NULL", ":n"), "Invalid number of argument(s) for the NULL ComparisonOperator"),
        (asked("LT", ":ss"), "ComparisonOperator LT is not valid for SS AttributeValue type"),
        (asked("BEGINS_WITH", ":n"), "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
    ],
)
def test_what_cannot_be_expected(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_expected({"a": given}, "AND")
    assert caught.value.what == f"{INVALID}{message}"


def test_updates() -> None:
    given = {
        "a": {"Value": VALUES[":s"]},
        "b": {"Action": "PUT", "Value": VALUES[":n"]},
        "c": {"Action": "ADD", "Value": VALUES[":n"]},
        "d": {"Action": "DELETE", "Value": VALUES[":ss"]},
        "e": {"Action": "DELETE"},
    }
    text = "SET a = :s, b = :n ADD c :n DELETE d :ss REMOVE e"
    assert read_updates(given) == parse_update(text, Placeholders(None, VALUES))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Action": "PUT"}, "Only DELETE action is allowed when no attribute value is specified"),
        (
            {"Action": "ADD", "Value": {"S": "x"}},
            "ADD action is not supported for the type S",
        ),
        (
            {"Action": "DELETE", "Value": {"N": "1"}},
            "DELETE action is not supported for the type N",
        ),
    ],
)
def test_what_is_no_update(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_updates({"a": given})
    assert caught.value.what == f"{INVALID}{message}"


def test_names_are_taken_as_they_are() -> None:
    assert read_attributes(["a.b", "size"]) == (Path(("a.b",)), Path(("size",)))
    assert holds(read_conditions({"a.b": asked("EQ", ":n")}, "AND"), {"a.b": {"N": "1"}})
    with pytest.raises(InvalidInputError, match="Duplicate value in attribute name"):
        read_attributes(["a", "a"])
