from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.values import (
    DEEPEST,
    equal,
    is_deeper_than,
    item_size,
    order_of,
    read_item,
    read_value,
    told_value,
)
from stepmill.core.errors import InvalidInputError
from support.dynamodb import values

INVALID = "One or more parameter values were invalid: "


def nested(levels: int, kind: str = "L") -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]} if kind == "L" else {"M": {"a": value}}
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            (
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
                "supported datatypes"
            ),
        ),
        ({"X": "a"}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"NULL": False}, f"{INVALID}Null attribute value types must have the value of true"),
        ({"SS": []}, f"{INVALID}An string set  may not be empty"),
        ({"NS": []}, f"{INVALID}An number set  may not be empty"),
        ({"BS": []}, f"{INVALID}Binary sets should not be empty"),
        ({"NS": ["1", "1.0"]}, f"{INVALID}Input collection [1, 1.0] contains duplicates."),
        ({"BS": [b"a", b"a"]}, f"{INVALID}Input collection contains duplicates."),
        ({"L": [{"N": "x"}]}, "The parameter cannot be converted to a numeric value: x"),
        (nested(33), "Nesting Levels have exceeded supported limits"),
        (nested(33, "M"), "Nesting Levels have exceeded supported limits"),
    ],
)
def test_what_is_no_value(value: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_value(value)
    assert caught.value.what == message


def test_numbers_are_kept_as_they_are_told() -> None:
    item = {"a": {"M": {"b": {"L": [{"N": "1.0"}, {"NS": ["2e1"]}]}}}}
    assert read_item(item) == {"a": {"M": {"b": {"L": [{"N": "1"}, {"NS": ["20"]}]}}}}


def test_a_value_may_lie_thirty_two_deep() -> None:
    assert read_value(nested(DEEPEST)) == nested(DEEPEST)


@given(st.integers(0, 40), st.sampled_from("LM"))
def test_depth_is_told_as_it_is_read(levels: int, kind: str) -> None:
    assert is_deeper_than(nested(levels, kind), DEEPEST) == (levels > DEEPEST)


def test_names_have_a_limit() -> None:
    with pytest.raises(InvalidInputError, match="Attribute name is too large"):
        read_item({"x" * 65_536: {"S": "a"}})


@given(values())
def test_reading_twice_changes_nothing(value: dict[str, Any]) -> None:
    assert read_value(read_value(value)) == read_value(value)


@given(values())
def test_a_value_equals_itself(value: dict[str, Any]) -> None:
    assert equal(value, value)


def test_the_order_in_a_set_says_nothing_and_in_a_list_all() -> None:
    assert equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    assert not equal({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]})
    assert equal({"M": {"a": {"SS": ["a", "b"]}}}, {"M": {"a": {"SS": ["b", "a"]}}})
    assert not equal({"M": {"a": {"S": "x"}}}, {"M": {"b": {"S": "x"}}})
    assert not equal({"S": "1"}, {"N": "1"})


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ({"N": "9"}, {"N": "10"}, -1),
        ({"S": "9"}, {"S": "10"}, 1),
        ({"S": "z"}, {"S": "é"}, -1),
        ({"S": "\uffff"}, {"S": "\U00010000"}, -1),
        ({"B": b"\x80"}, {"B": b"\x7f"}, 1),
        ({"N": "1"}, {"N": "1"}, 0),
        ({"N": "1"}, {"S": "1"}, None),
        ({"BOOL": True}, {"BOOL": False}, None),
    ],
)
def test_order(left: dict[str, Any], right: dict[str, Any], order: int | None) -> None:
    assert order_of(left, right) == order


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"id": {"S": "abc"}}, 5),
        ({"é": {"S": "é"}}, 4),
        ({"a": {"N": "123"}}, 4),
        ({"a": {"B": b"12345"}}, 6),
        ({"a": {"BOOL": True}}, 2),
        ({"a": {"NULL": True}}, 2),
        ({"a": {"SS": ["x", "yy"]}}, 4),
        ({"a": {"L": []}}, 4),
        ({"a": {"L": [{"S": "x"}]}}, 6),
        ({"a": {"M": {"b": {"S": "x"}}}}, 7),
    ],
)
def test_sizes(item: dict[str, Any], size: int) -> None:
    assert item_size(item) == size


def test_a_value_as_messages_show_it() -> None:
    assert told_value({"S": "a"}) == "{S:a}"
