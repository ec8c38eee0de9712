"""Series of metrics as charts ask for them: a statistic for each stretch of time or each step. Pure.

Source: SageMaker metrics API reference, BatchGetMetrics, MetricQuery.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stepmill.storage.database import to_micros
from stepmill.storage.series import SeriesPoint, SeriesSummary

_MICROS = 1_000_000
_SECONDS = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}


class Statistic(StrEnum):
    """What is told of the values of a stretch."""

    MIN = "Min"
    MAX = "Max"
    AVG = "Avg"
    COUNT = "Count"
    STD_DEV = "StdDev"
    LAST = "Last"


class XAxis(StrEnum):
    """What a value stands above."""

    STEP = "IterationNumber"
    TIME = "Timestamp"


@dataclass(frozen=True)
class MetricQuery:
    """How a series is to be told.

    Args:
        statistic: Of the values of each stretch.
        period: ``OneMinute``, ``FiveMinute`` or ``OneHour`` of time, or ``IterationNumber``: a step each.
        axis: What the values stand above: steps, or seconds since 1970.
        start: Only what stands above this or more; ``None``: from the first.
        end: Only what stands above this or less; ``None``: to the last.
    """

    statistic: Statistic
    period: str
    axis: XAxis
    start: int | None = None
    end: int | None = None

    def answer(self, points: Iterable[SeriesPoint]) -> tuple[list[int], list[float]]:
        """Return the places on the axis, ascending, and the values. What JSON cannot carry is left out.

        Points without a step have no place above steps, nor among stretches that are steps.
        """
        stretches: dict[int, list[SeriesPoint]] = defaultdict(list)
        for point in points:
            if (stretch := self._stretch(point)) is not None:
                stretches[stretch].append(point)
        found: dict[int, float] = {}
        for stretch, within in sorted(stretches.items()):
            place = self._place(stretch, within)
            value = self._value(SeriesSummary().with_points(within))
            if place is not None and self._is_asked_for(place) and math.isfinite(value):
                found[place] = value
        places = sorted(found)
        return places, [found[place] for place in places]

    def _stretch(self, point: SeriesPoint) -> int | None:
        if (length := _SECONDS.get(self.period)) is None:
            return point.step
        seconds = to_micros(point.at) // _MICROS
        return seconds - seconds % length

    def _place(self, stretch: int, within: list[SeriesPoint]) -> int | None:
        by_step = self.period not in _SECONDS
        if by_step == (self.axis is XAxis.STEP):
            return stretch
        newest = max(within, key=lambda point: point.at)
        return newest.step if self.axis is XAxis.STEP else to_micros(newest.at) // _MICROS

    def _is_asked_for(self, place: int) -> bool:
        return (self.start is None or place >= self.start) and (self.end is None or place <= self.end)

    def _value(self, summary: SeriesSummary) -> float:
        values = {
            Statistic.MIN: summary.least,
            Statistic.MAX: summary.greatest,
            Statistic.AVG: summary.mean,
            Statistic.COUNT: float(summary.count),
            Statistic.STD_DEV: summary.deviation,
            Statistic.LAST: summary.last,
        }
        return values[self.statistic]
