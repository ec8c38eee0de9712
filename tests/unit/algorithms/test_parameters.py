from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.algorithms.parameters import (
    UNIT,
    Interval,
    Kind,
    Parameter,
    Trouble,
    choice,
    flag,
    integer,
    number,
    text,
)


@pytest.mark.parametrize(
    ("parameter", "value", "trouble"),
    [
        (integer("k"), "1", None),
        (integer("k"), " 7 ", None),
        (integer("k"), "0", Trouble.OUT_OF_RANGE),
        (integer("k"), "-1", Trouble.OUT_OF_RANGE),
        (integer("k"), "1.0", Trouble.UNREADABLE),
        (integer("k"), "1_000", Trouble.UNREADABLE),
        (integer("k"), "9" * 5000, Trouble.UNREADABLE),
        (integer("k"), "", Trouble.UNREADABLE),
        (integer("k"), "auto", Trouble.UNREADABLE),
        (integer("k", Interval(1), "auto"), "auto", None),
        (number("eta", UNIT), "0.3", None),
        (number("eta", UNIT), "1e-3", None),
        (number("eta", UNIT), "1", None),
        (number("eta", UNIT), "1.0001", Trouble.OUT_OF_RANGE),
        (number("eta", UNIT), "nan", Trouble.OUT_OF_RANGE),
        (number("wd"), "inf", Trouble.OUT_OF_RANGE),
        (number("eta", UNIT), "a third", Trouble.UNREADABLE),
        (number("eta", UNIT), "0" * 100, Trouble.UNREADABLE),
        (choice("mode", "a", "b"), "a", None),
        (choice("mode", "a", "b"), "A", Trouble.OUT_OF_RANGE),
        (flag("on"), "True", None),
        (flag("on"), "false", None),
        (flag("on"), "yes", Trouble.OUT_OF_RANGE),
        (flag("on", "auto"), "auto", None),
        (text("x"), "anything", None),
        (text("x", str.isupper, "upper case"), "Abc", Trouble.OUT_OF_RANGE),
    ],
)
def test_a_value_may_be_taken_or_not(parameter: Parameter, value: str, trouble: Trouble | None) -> None:
    assert parameter.trouble(value) is trouble


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.booleans(), st.booleans(), st.floats(allow_nan=True))
def test_an_interval_holds_what_lies_between_its_ends(
    least: float, width: float, above: bool, below: bool, value: float
) -> None:
    interval = Interval(least, least + width, above=above, below=below)
    inside = math.isfinite(value) and least <= value <= least + width
    at_excluded_end = (above and value == least) or (below and value == least + width)
    assert (value in interval) == (inside and not at_excluded_end)


@given(st.text(max_size=80))
def test_no_text_is_too_strange_to_be_judged(value: str) -> None:
    for kind in Kind:
        parameter = Parameter(name="x", kind=kind, values=("a",), check=str.isdigit)
        assert parameter.trouble(value) in (None, *Trouble)
