from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.conditions import Condition, holds, paths_in
from stepmill.catalog.dynamodb.parsing import parse_condition
from stepmill.catalog.dynamodb.placeholders import Placeholders
from support.dynamodb import items, scalars, values

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "b": {"B": b"\x01\x02\x03"},
    "ss": {"SS": ["x", "y"]},
    "ns": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"M": {"k": {"S": "deep"}}}]},
    "m": {"M": {"a": {"M": {"b": {"BOOL": True}}}}},
    "nil": {"NULL": True},
    "five": {"N": "5"},
}
VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":five": {"N": "5.0"},
    ":nine": {"N": "9"},
    ":s": {"S": "hello"},
    ":he": {"S": "he"},
    ":x": {"S": "x"},
    ":t": {"BOOL": True},
    ":b": {"B": b"\x01\x02"},
    ":S": {"S": "S"},
    ":L": {"S": "L"},
    ":NULL": {"S": "NULL"},
    ":yx": {"SS": ["y", "x"]},
}


def condition(text: str, given: dict[str, Any] | None = None, **names: str) -> Condition:
    placeholders = Placeholders({f"#{key}": name for key, name in names.items()} or None, given or VALUES)
    return parse_condition(text, "ConditionExpression", placeholders)


@pytest.mark.parametrize(
    "text",
    [
        "n = :five",
        "n = five",
        "n <> :one",
        "n > :one AND n < :nine",
        "n >= :five and n <= :five",
        "NOT n = :one",
        "not not n = :five",
        "n = :one OR s = :s",
        "n BETWEEN :one AND :nine AND s = :s",
        "n IN (:one, :nine, :five)",
        "attribute_exists(n)",
        "attribute_exists(m.a.b)",
        "attribute_not_exists(m.a.c)",
        "attribute_not_exists(l[7])",
        "attribute_type(s, :S)",
        "attribute_type(l, :L)",
        "attribute_type(nil, :NULL)",
        "begins_with(s, :he)",
        "begins_with(b, :b)",
        "contains(s, :he)",
        "contains(ss, :x)",
        "contains(ns, :one)",
        "contains(l, :one)",
        "contains(b, :b)",
        "size(s) = :five",
        "size(l) > :one",
        "size(ss) > size(m)",
        "l[0] = :one",
        "l[1].k > :he OR n = :five",
        "m.a.b = :t",
        "ss = :yx",
        "gone <> :one",
        "(n = :five)",
        "((n = :one) OR (s = :s)) AND attribute_exists(b)",
        "((n = :five) AND ((n = :one) OR (s = :s)))",
        "(NOT (n = :one))",
        "((n = :five AND s = :s) AND attribute_exists(b))",
        "n = :one AND n = :nine OR s = :s",
    ],
)
def test_what_holds(text: str) -> None:
    assert holds(condition(text), ITEM)


@pytest.mark.parametrize(
    "text",
    [
        "n = :s",
        "n < :he",
        "gone = :one",
        "gone < :one",
        "gone = missing2",
        "gone <> missing2",
        "gone BETWEEN :one AND :nine",
        "gone IN (:one)",
        "n BETWEEN :nine AND :nine",
        "NOT n = :five",
        "attribute_type(n, :S)",
        "begins_with(n, :he)",
        "begins_with(gone, :he)",
        "contains(s, :x)",
        "contains(ss, :one)",
        "contains(n, :one)",
        "size(n) = :one",
        "size(gone) <> size(missing2)",
        "s.a = :s",
        "s[0] = :s",
        "m[0] = :s",
        "l.k = :s",
        "s = :s AND (n = :one OR n = :nine)",
    ],
)
def test_what_does_not_hold(text: str) -> None:
    assert not holds(condition(text), ITEM)


def test_a_condition_on_nothing() -> None:
    assert holds(condition("attribute_not_exists(n)"), {})
    assert not holds(condition("attribute_exists(n)"), {})


def test_names_that_only_placeholders_can_say() -> None:
    item = {"a.b": {"M": {"status": {"S": "x"}}}}
    assert holds(condition("#d.#s = :x", d="a.b", s="status"), item)


def test_the_paths_of_a_condition() -> None:
    text = "NOT (a = b.c OR size(d) > :one) AND e[1] IN (f, :x) AND attribute_exists(g) AND h BETWEEN i AND j"
    found = {path.attribute for path in paths_in(condition(text))}
    assert found == set("abdefghij")


@given(items(), values())
def test_not_is_the_opposite(item: dict[str, Any], value: dict[str, Any]) -> None:
    given_values = {":v": value}
    for text in ("a = :v", "a <> :v", "attribute_exists(a)", "contains(a, :v)"):
        extra = given_values if ":v" in text else {":v": value}
        plain = holds(condition(text, extra), item)
        assert holds(condition(f"NOT {text}", extra), item) is not plain


@given(items(), scalars(), scalars())
def test_de_morgan(item: dict[str, Any], left: dict[str, Any], right: dict[str, Any]) -> None:
    extra = {":l": left, ":r": right}
    one = condition("NOT (a = :l AND b = :r)", extra)
    other = condition("NOT a = :l OR NOT b = :r", extra)
    assert holds(one, item) == holds(other, item)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-50, 50))
def test_between_is_two_comparisons(number: int, low: int, high: int) -> None:
    low, high = sorted((low, high))
    extra = {":l": {"N": str(low)}, ":h": {"N": str(high)}}
    item = {"a": {"N": str(number)}}
    expected = low <= number <= high
    assert holds(condition("a BETWEEN :l AND :h", extra), item) == expected
    assert holds(condition("a >= :l AND a <= :h", extra), item) == expected
