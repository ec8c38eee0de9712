from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from stepmill.catalog.metric_queries import MetricQuery, Statistic, XAxis
from stepmill.storage.series import SeriesPoint

START = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = int(START.timestamp())


def point(second: int, value: float, step: int | None = None) -> SeriesPoint:
    return SeriesPoint(START + timedelta(seconds=second), value, step)


POINTS = [point(0, 4.0, 0), point(59, 2.0, 0), point(60, 1.0, 1), point(3600, 7.0, 2), point(10, 9.0)]


def asked(period: str, axis: XAxis, statistic: Statistic = Statistic.LAST, **more: int) -> object:
    return MetricQuery(statistic, period, axis, **more).answer(POINTS)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("OneMinute", ([0, 60, 3600], [5.0, 1.0, 7.0])),
        ("FiveMinute", ([0, 3600], [4.0, 7.0])),
        ("OneHour", ([0, 3600], [4.0, 7.0])),
    ],
)
def test_stretches_of_time(period: str, expected: tuple[list[int], list[float]]) -> None:
    places, values = expected
    assert asked(period, XAxis.TIME, Statistic.AVG) == ([EPOCH + place for place in places], values)


@pytest.mark.parametrize(
    ("statistic", "first"),
    [
        (Statistic.MIN, 2.0), (Statistic.MAX, 4.0), (Statistic.AVG, 3.0), (Statistic.COUNT, 2.0),
        (Statistic.STD_DEV, math.sqrt(2.0)), (Statistic.LAST, 2.0),
    ],
)  # fmt: skip
def test_each_step_has_a_value(statistic: Statistic, first: float) -> None:
    answer = MetricQuery(statistic, "IterationNumber", XAxis.STEP).answer(POINTS[:2])
    assert answer == ([0], [pytest.approx(first)])


def test_points_without_a_step_have_no_place_above_steps() -> None:
    assert asked("IterationNumber", XAxis.STEP) == ([0, 1, 2], [2.0, 1.0, 7.0])


def test_steps_above_time_and_time_above_steps_stand_where_their_newest_point_does() -> None:
    assert asked("IterationNumber", XAxis.TIME) == (
        [EPOCH + 59, EPOCH + 60, EPOCH + 3600], [2.0, 1.0, 7.0],
    )  # fmt: skip
    assert asked("OneMinute", XAxis.STEP) == ([0, 1, 2], [2.0, 1.0, 7.0])


def test_only_what_is_asked_for_is_told() -> None:
    assert asked("IterationNumber", XAxis.STEP, start=1) == ([1, 2], [1.0, 7.0])
    assert asked("IterationNumber", XAxis.STEP, start=1, end=1) == ([1], [1.0])
    assert asked("OneMinute", XAxis.TIME, end=EPOCH) == ([EPOCH], [2.0])
    assert asked("OneMinute", XAxis.TIME, start=EPOCH + 1, end=EPOCH) == ([], [])


def test_what_json_cannot_carry_is_left_out() -> None:
    points = [point(0, math.nan, 0), point(1, math.inf, 1), point(2, 1.0, 2)]
    assert MetricQuery(Statistic.LAST, "IterationNumber", XAxis.STEP).answer(points) == ([2], [1.0])
    assert MetricQuery(Statistic.LAST, "IterationNumber", XAxis.STEP).answer([]) == ([], [])
