from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from stepmill.catalog.dynamodb.paths import Path, check_apart, project
from stepmill.core.errors import InvalidInputError
from support.dynamodb import items

ITEM: dict[str, Any] = {
    "a": {"M": {"b": {"L": [{"N": "0"}, {"M": {"c": {"S": "x"}}}, {"N": "2"}]}, "d": {"S": "y"}}},
    "e": {"S": "z"},
}


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        (("e",), {"S": "z"}),
        (("a", "b", 0), {"N": "0"}),
        (("a", "b", 1, "c"), {"S": "x"}),
        (("a", "b", 3), None),
        (("a", "gone", "c"), None),
        (("e", "b"), None),
        (("e", 0), None),
        (("gone",), None),
    ],
)
def test_what_lies_at_a_path(parts: tuple[str | int, ...], value: dict[str, Any] | None) -> None:
    assert Path(parts).find(ITEM) == value


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        ([("e",)], {"e": {"S": "z"}}),
        ([("a", "d"), ("e",)], {"a": {"M": {"d": {"S": "y"}}}, "e": {"S": "z"}}),
        ([("a", "b", 2), ("a", "b", 0)], {"a": {"M": {"b": {"L": [{"N": "0"}, {"N": "2"}]}}}}),
        ([("a", "b", 1, "c")], {"a": {"M": {"b": {"L": [{"M": {"c": {"S": "x"}}}]}}}}),
        ([("a", "gone")], {}),
        ([("e", "b")], {}),
        ([("gone",)], {}),
    ],
)
def test_what_paths_show(paths: list[tuple[str | int, ...]], shown: dict[str, Any]) -> None:
    assert project(ITEM, map(Path, paths)) == shown


@given(items())
def test_whole_attributes_show_as_they_are(item: dict[str, Any]) -> None:
    assert project(item, [Path((name,)) for name in "abc"]) == item


@pytest.mark.parametrize(
    ("paths", "how"),
    [
        ([("a",), ("a",)], "overlap"),
        ([("a",), ("a", "b")], "overlap"),
        ([("a", "b"), ("a",)], "overlap"),
        ([("a", 0), ("a", 0, "b")], "overlap"),
        ([("a", "b", "c"), ("a", "b", 0)], "conflict"),
    ],
)
def test_paths_that_meet(paths: list[tuple[str | int, ...]], how: str) -> None:
    with pytest.raises(InvalidInputError, match=f"Invalid X: Two document paths {how} with each other"):
        check_apart(map(Path, paths), "X")


def test_paths_that_do_not_meet() -> None:
    check_apart(map(Path, [("a", "b"), ("a", "c", 0), ("a", "c", 1), ("b",)]), "X")
