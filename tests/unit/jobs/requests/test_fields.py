"""Members of a request: every wrong one is named with its place."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.jobs.requests.fields import Fields, as_text


class Colour(StrEnum):
    RED = "Red"
    BLUE = "Blue"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_a_number_is_taken_where_a_string_is_meant() -> None:
    fields = Fields({"a": 3, "b": True, "c": 0.5, "d": "x"})
    assert [fields.text(name) for name in "abcd"] == ["3", "true", "0.5", "x"]


@pytest.mark.parametrize(("value", "expected"), [(3, 3), ("3", 3), (3.0, 3), (" 12 ", 12)])
def test_whole_numbers_come_in_several_forms(value: Any, expected: int) -> None:
    assert Fields({"n": value}).integer("n") == expected


@pytest.mark.parametrize("value", [True, 1.5, "x", "", -1, [], {}, "1e3", "9" * 5000])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Fields({"n": value}, "Resources").integer("n")
    assert caught.value.where == "Resources.n"


def test_the_least_value_holds() -> None:
    with pytest.raises(InvalidInputError, match="at least 1"):
        Fields({"n": 0}).integer("n", least=1)


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("True", True), ("false", False), (None, False)]
)
def test_truth_values(value: Any, expected: bool) -> None:
    assert Fields({"f": value}).flag("f") is expected


def test_a_number_is_no_truth_value() -> None:
    with pytest.raises(InvalidInputError, match="true or false"):
        Fields({"f": 1}).flag("f")


def test_a_choice_names_what_there_is() -> None:
    assert Fields({"c": "Red"}).choice("c", Colour) is Colour.RED
    assert Fields({}).choice("c", Colour, Colour.BLUE) is Colour.BLUE
    with pytest.raises(InvalidInputError, match="none of Red, Blue"):
        Fields({"c": "Green"}).choice("c", Colour)


def test_a_missing_member_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        Fields({}).fields("AppSpecification", required=True)
    assert caught.value.where == "AppSpecification"
    assert Fields({}).fields("NetworkConfig").members == {}


def test_places_of_list_items_and_map_entries() -> None:
    with pytest.raises(InvalidInputError) as caught:
        Fields({"l": [{}, 3]}).each("l")
    assert caught.value.where == "l[1]"
    with pytest.raises(InvalidInputError) as caught:
        Fields({"m": {"k": []}}).text_map("m")
    assert caught.value.where == "m['k']"
    with pytest.raises(InvalidInputError) as caught:
        Fields({"l": ["a", None]}).texts("l")
    assert caught.value.where == "l[1]"


def test_a_nul_character_cannot_reach_a_program() -> None:
    with pytest.raises(InvalidInputError, match="NUL"):
        as_text("a\0b", "x")


@given(JSON)
def test_no_value_makes_a_getter_raise_anything_else(value: Any) -> None:
    for getter in ("text", "integer", "flag", "fields", "each", "texts", "text_map"):
        try:
            getattr(Fields({"m": value}), getter)("m")
        except InvalidInputError as error:
            assert error.where.startswith("m")
