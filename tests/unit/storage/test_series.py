from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.storage.database import from_micros
from stepmill.storage.series import SeriesPoint, SeriesSummary, pack, unpack

START = datetime(2026, 1, 1, tzinfo=UTC)


def point(second: int, value: float, step: int | None = None) -> SeriesPoint:
    return SeriesPoint(START + timedelta(seconds=second), value, step)


@given(
    st.lists(
        st.builds(
            SeriesPoint,
            st.integers(0, 2**52).map(from_micros),
            st.floats(allow_nan=False),
            st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
        )
    )
)
def test_points_come_back_as_they_were_packed(points: list[SeriesPoint]) -> None:
    assert list(unpack(pack(points))) == points


def test_no_points_change_no_summary() -> None:
    assert SeriesSummary().with_points([]) == SeriesSummary()


def test_the_last_is_the_newest_and_the_top_that_of_the_highest_step() -> None:
    summary = SeriesSummary().with_points([point(5, 1.0, 3), point(9, 2.0, 1), point(7, 4.0, 2)])
    assert (summary.last, summary.last_step) == (2.0, 1)
    assert (summary.top, summary.top_step, summary.top_at) == (1.0, 3, START + timedelta(seconds=5))


@pytest.mark.parametrize(
    ("points", "top"),
    [
        ([point(1, 1.0, 5), point(2, 2.0, 5)], 2.0),
        ([point(2, 2.0, 5), point(1, 1.0, 5)], 2.0),
        ([point(1, 3.0, 5), point(1, 2.0, 5)], 3.0),
        ([point(1, 3.0, 0), point(9, 2.0)], 3.0),
        ([point(1, 3.0), point(2, 2.0)], 2.0),
        ([point(1, math.nan, 1), point(1, 0.0, 1)], 0.0),
    ],
)
def test_among_equal_steps_the_newest_then_the_greatest_is_the_top(
    points: list[SeriesPoint], top: float
) -> None:
    assert SeriesSummary().with_points(points).top == top
    assert SeriesSummary().with_points(points[:1]).with_points(points[1:]).top == top


def test_not_a_number_hides_neither_the_least_nor_the_greatest() -> None:
    summary = SeriesSummary().with_points([point(0, math.nan), point(1, 2.0), point(2, math.inf)])
    assert (summary.count, summary.least, summary.greatest, summary.last) == (3, 2.0, math.inf, math.inf)
    assert math.isnan(summary.mean)
