"""Values as Java writes them. Expected texts were printed by a Java virtual machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.json import Json
from stepmill.language.states.java_text import java_double, java_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e7, "1.0E7"),
        (1e-5, "1.0E-5"),
        (0.001, "0.001"),
        (123456789.125, "1.23456789125E8"),
        (1e21, "1.0E21"),
        (0.002, "0.002"),
        (9999999.0, "9999999.0"),
        (1.1e-10, "1.1E-10"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (-12.5, "-12.5"),
    ],
)
def test_a_double_is_written(value: float, text: str) -> None:
    assert java_double(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (10**20, "100000000000000000000"),
        ("a, b", "a, b"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1, None, {"b": "c"}], "d": 1.0}, "{a=[1, null, {b=c}], d=1.0}"),
    ],
)
def test_a_value_is_written(value: Json, text: str) -> None:
    assert java_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_read_back(value: float) -> None:
    assert float(java_double(value)) == value
