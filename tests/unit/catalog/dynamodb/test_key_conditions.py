from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.conditions import holds
from stepmill.catalog.dynamodb.key_conditions import KeyRange, read_range
from stepmill.catalog.dynamodb.keys import encode
from stepmill.catalog.dynamodb.parsing import parse_condition
from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.schema import KeySchema
from stepmill.core.errors import InvalidInputError

KEY = KeySchema("p", "s")
VALUES: dict[str, Any] = {
    ":p": {"S": "x"},
    ":a": {"N": "1"},
    ":b": {"N": "5"},
    ":e": {"S": ""},
    ":t": {"S": "t"},
}


def range_of(text: str, values: dict[str, Any] | None = None, *, kind: str = "N") -> KeyRange:
    placeholders = Placeholders(None, values or VALUES)
    condition = parse_condition(text, "KeyConditionExpression", placeholders)
    return read_range(condition, KEY, {"p": "S", "s": kind})


def test_a_partition_alone() -> None:
    assert range_of("p = :p") == KeyRange(b"x")


def test_the_order_of_the_two_says_nothing() -> None:
    assert range_of("s = :a AND p = :p") == range_of("(p = :p) AND (s = :a)")


@pytest.mark.parametrize("text", ["s = :v", "s < :v", "s <= :v", "s > :v", "s >= :v", "s BETWEEN :v AND :w"])
@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-20, 20))
def test_a_range_has_what_the_condition_says_of_numbers(text: str, place: int, one: int, two: int) -> None:
    low, high = sorted((one, two))
    values: dict[str, Any] = {":p": {"S": "x"}, ":v": {"N": str(low)}, ":w": {"N": str(high)}}
    item = {"s": {"N": str(place)}}
    found = range_of(f"p = :p AND {text}", values)
    condition = parse_condition(text, "FilterExpression", Placeholders(None, values))
    assert found.has(encode(item["s"])) == holds(condition, item)


@given(st.binary(max_size=3), st.binary(min_size=1, max_size=3))
def test_a_range_has_what_begins_so(place: bytes, prefix: bytes) -> None:
    values: dict[str, Any] = {":p": {"S": "x"}, ":v": {"B": prefix}}
    found = range_of("p = :p AND begins_with(s, :v)", values, kind="B")
    assert found.has(place) == place.startswith(prefix)


@given(st.text(max_size=3), st.text(min_size=1, max_size=2))
def test_a_range_has_texts_that_begin_so(place: str, prefix: str) -> None:
    values: dict[str, Any] = {":p": {"S": "x"}, ":v": {"S": prefix}}
    found = range_of("p = :p AND begins_with(s, :v)", values, kind="S")
    assert found.has(place.encode()) == place.startswith(prefix)


WRONG = "Invalid operator used in KeyConditionExpression: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s = :a", "Query condition missed key schema element: p"),
        ("p = :p AND extra = :a", "Query condition missed key schema element: s"),
        ("p = :p AND s = :a AND extra = :b", "Conditions can be of length 1 or 2 only"),
        ("p > :p", "Query key condition not supported"),
        ("begins_with(p, :p)", "Query key condition not supported"),
        ("p = s", "Query key condition not supported"),
        (":p = p", "Query key condition not supported"),
        ("size(p) = :a", "Query key condition not supported"),
        ("p = :p OR s = :a", f"{WRONG}OR"),
        ("NOT p = :p", f"{WRONG}NOT"),
        ("p = :p AND s <> :a", f"{WRONG}<>"),
        ("p IN (:p)", f"{WRONG}IN"),
        ("p = :p AND contains(s, :a)", f"{WRONG}contains"),
        ("attribute_exists(p)", f"{WRONG}attribute_exists"),
        (
            "p = :p AND s > :a AND s < :b",
            "KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "p.x = :p",
            ("KeyConditionExpressions cannot have conditions on nested attributes"),
        ),
        (
            "p = :a",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p = :p AND s = :t",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p = :e",
            (
                "One or more parameter values are not valid. The AttributeValue for a key attribute "
                "cannot contain "
                "an empty string value. Key: p"
            ),
        ),
    ],
)
def test_what_no_query_takes(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        range_of(text)
    assert caught.value.what == message


def test_a_key_without_a_sort_key_takes_no_second_condition() -> None:
    condition = parse_condition("p = :p AND s = :a", "KeyConditionExpression", Placeholders(None, VALUES))
    with pytest.raises(InvalidInputError, match="Query key condition not supported"):
        read_range(condition, KeySchema("p"), {"p": "S", "s": "N"})
