from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.cli.curves import picture, sparkline

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([5.0], "▁"),
        ([2.0, 2.0], "▁▁"),
        ([0.0, 1.0, 2.0, 1.0], "▁▅█▅"),
        ([1.0, math.nan, 0.0], "█ ▁"),
        ([math.inf, 1.0, 0.0], " █▁"),
        ([math.nan], " "),
        ([-1.7e308, 1.7e308], "▁█"),
    ],
)
def test_a_series_in_a_line(values: list[float], line: str) -> None:
    assert sparkline(values) == line


def test_a_long_series_keeps_its_first_and_last_value() -> None:
    line = sparkline([1.0, *[0.0] * 9999, 1.0], width=10)
    assert (len(line), line[0], line[-1]) == (10, "█", "█")


def test_a_picture_has_its_bounds_and_joins_its_points() -> None:
    lines = picture([0.0, 10.0], width=4, height=3)
    assert [line.partition("┤")[0].strip() for line in lines] == ["10", "", "0"]
    assert all(line.partition("┤")[2] for line in lines)
    assert picture([math.nan, math.inf]) == picture([]) == []
    assert len(picture([1.0], height=1)) == 1


@given(st.lists(NUMBERS, max_size=300), st.integers(2, 80), st.integers(1, 20))
def test_whatever_was_measured_fits(values: list[float], width: int, height: int) -> None:
    assert len(sparkline(values, width)) <= width
    lines = picture(values, width, height)
    assert len(lines) in (0, height)
    assert all(len(line.partition("┤")[2]) <= width for line in lines)
