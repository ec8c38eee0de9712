"""Statistics of measured values over equal stretches of time. Pure.

Source: CloudWatch API reference, GetMetricStatistics: a stretch holds what was measured from its beginning
up to, not including, its end; the first begins at the start time, rounded down to the period.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was measured within a stretch of time.

    Args:
        begin: When it begins. Aware, UTC.
        count: How many values there are, at least one.
        total: Their sum.
        least: The smallest.
        greatest: The largest.
    """

    begin: datetime
    count: int
    total: float
    least: float
    greatest: float

    @property
    def average(self) -> float:
        """The mean of the values."""
        return self.total / self.count

    def with_value(self, value: float) -> Statistics:
        """Return them with one more value."""
        return Statistics(
            self.begin, self.count + 1, self.total + value, min(self.least, value), max(self.greatest, value)
        )


def statistics_of(
    points: Iterable[tuple[datetime, float]], start: datetime, end: datetime, period: timedelta
) -> list[Statistics]:
    """Return the statistics of each stretch in which something was measured, in order.

    Args:
        points: When, aware, and what; in any order.
        start: Of the first stretch; rounded down to the period.
        end: Stretches that begin at it or later are left out.
        period: Length of a stretch, positive.

    Example:
        >>> minute = timedelta(minutes=1)
        >>> at = datetime(2026, 1, 2, 3, 4, 30, tzinfo=UTC)
        >>> [s.average for s in statistics_of([(at, 1.0), (at, 3.0)], at, at + minute, minute)]
        [2.0]
    """
    first = _rounded(start, period)
    found: dict[datetime, Statistics] = {}
    for at, value in points:
        begin = _rounded(at, period)
        if first <= begin < end:
            known = found.get(begin)
            found[begin] = known.with_value(value) if known else Statistics(begin, 1, value, value, value)
    return [found[begin] for begin in sorted(found)]


def _rounded(moment: datetime, period: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % period
