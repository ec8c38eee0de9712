from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.metric_statistics import statistics_of

T0 = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_each_stretch_has_its_own() -> None:
    points = [(T0 + timedelta(seconds=s), v) for s, v in ((70, 5.0), (0, 1.0), (59, 3.0), (130, 9.0))]
    found = statistics_of(points, T0, T0 + 2 * MINUTE, MINUTE)
    assert [(s.begin, s.count, s.total, s.least, s.greatest, s.average) for s in found] == [
        (T0, 2, 4.0, 1.0, 3.0, 2.0),
        (T0 + MINUTE, 1, 5.0, 5.0, 5.0, 5.0),
    ]


def test_the_first_stretch_begins_before_a_start_within_it() -> None:
    late = T0 + timedelta(seconds=30)
    assert [s.begin for s in statistics_of([(T0, 1.0)], late, late + MINUTE, MINUTE)] == [T0]


@pytest.mark.parametrize("at", [T0 - MINUTE, T0 + MINUTE])
def test_what_was_measured_before_or_after_does_not_count(at: datetime) -> None:
    assert statistics_of([(at, 1.0)], T0, T0 + MINUTE, MINUTE) == []


@given(
    st.lists(st.tuples(st.integers(0, 3600), st.floats(-1e6, 1e6)), max_size=30),
    st.sampled_from([1, 60, 300]),
)
def test_no_value_is_lost_or_counted_twice(values: list[tuple[int, float]], seconds: int) -> None:
    points = [(T0 + timedelta(seconds=s), v) for s, v in values]
    found = statistics_of(points, T0, T0 + timedelta(hours=2), timedelta(seconds=seconds))
    assert sum(s.count for s in found) == len(points)
    assert [s.begin for s in found] == sorted({s.begin for s in found})
    assert all(s.least <= s.average + 1e-6 and s.average <= s.greatest + 1e-6 for s in found)
