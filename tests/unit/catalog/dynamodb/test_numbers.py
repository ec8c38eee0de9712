from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.numbers import add, encode_number, number_size, read_number, write_number
from stepmill.core.errors import InvalidInputError


@st.composite
def numbers(draw: st.DrawFn) -> str:
    digits = draw(st.integers(0, 10**38 - 1))
    exponent = draw(st.integers(-130, 125 - 38))
    sign = draw(st.sampled_from(["", "-"]))
    text = f"{sign}{digits}E{exponent}"
    return write_number(read_number(text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1", "1"),
        ("-0", "0"),
        ("0.000", "0"),
        ("+007.50", "7.5"),
        ("1E3", "1000"),
        ("1.5e-3", "0.0015"),
        (".5", "0.5"),
        ("9" * 38, "9" * 38),
        ("1" + "0" * 60, "1" + "0" * 60),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("9.9E125", "99" + "0" * 124),
    ],
)
def test_a_number_is_told_in_plain_digits(text: str, told: str) -> None:
    assert write_number(read_number(text)) == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("x", "The parameter cannot be converted to a numeric value: x"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
        ("1_0", "The parameter cannot be converted to a numeric value: 1_0"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        (
            "1E126",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            "1E999999999",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            "-1E-131",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
    ],
)
def test_what_is_no_number(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_number(text)
    assert caught.value.what == message


def test_a_hostile_number_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_number("1" * 1_000_000)
    assert len(caught.value.what) < 500


@given(numbers())
def test_what_is_told_reads_back(text: str) -> None:
    assert write_number(read_number(text)) == text


@given(numbers(), numbers())
def test_encoded_numbers_sort_as_numbers(left: str, right: str) -> None:
    ours, theirs = encode_number(left), encode_number(right)
    assert (ours < theirs) == (Decimal(left) < Decimal(right))
    assert (ours == theirs) == (Decimal(left) == Decimal(right))


@given(st.lists(st.integers(-1200, 1200).map(str)))
def test_neighbours_sort_as_numbers(texts: list[str]) -> None:
    assert sorted(texts, key=encode_number) == sorted(texts, key=Decimal)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_sums_are_exact(left: int, right: int) -> None:
    assert add(str(left), str(right)) == str(left + right)
    assert add(str(left), str(right), subtract=True) == str(left - right)


def test_a_sum_that_cannot_be_stored() -> None:
    with pytest.raises(InvalidInputError, match="overflow"):
        add("9" + "0" * 125, "9" + "0" * 125)
    with pytest.raises(InvalidInputError, match="38 significant digits"):
        add("1" + "0" * 40, "1")


@pytest.mark.parametrize(("text", "size"), [("0", 1), ("1", 2), ("-1", 3), ("123", 3), ("1200", 2)])
def test_a_number_counts_a_byte_for_two_digits(text: str, size: int) -> None:
    assert number_size(text) == size
