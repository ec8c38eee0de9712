"""Measured series: points, and what all points of a series together say. Pure, but for the packing."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stepmill.storage.database import from_micros, to_micros

# Of a point: moment in microseconds, step, value. Read and written on machines of one kind and another.
_POINT = struct.Struct("<qqd")
POINT_BYTES = _POINT.size
# Stands for "no step" among steps, which are 64-bit integers.
_NO_STEP = -(2**63)
_BEGINNING = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A value of a series.

    Args:
        at: When it was measured.
        value: Any number; not a number and the infinities too.
        step: Of the training; ``None`` if it has none. Greater than -2 ** 63, less than 2 ** 63.
    """

    at: datetime
    value: float
    step: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """What all points of a series together say.

    Args:
        count: How many there are.
        last: The value of the newest one; of equally new ones the later to come.
        last_at: When that was.
        last_step: Its step.
        top: The value of the highest step; among equals the newest, then the greatest.
            Without steps: ``last``.
        top_at: When that was.
        top_step: That step.
        least: The smallest value.
        greatest: The largest value.
        mean: Of all values.
        squares: Sum of the squared distances from the mean.
    """

    count: int = 0
    last: float = math.nan
    last_at: datetime = _BEGINNING
    last_step: int | None = None
    top: float = math.nan
    top_at: datetime = _BEGINNING
    top_step: int | None = None
    least: float = math.inf
    greatest: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation of the values, as of a sample; 0 for a single one."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0

    def with_points(self, points: Sequence[SeriesPoint]) -> SeriesSummary:
        """Return the summary of what was there and these points.

        Source:
            B. P. Welford, Note on a Method for Calculating Corrected Sums of Squares and Products, 1962.
        """
        if not points:
            return self
        count, mean, squares = self.count, self.mean, self.squares
        least, greatest = self.least, self.greatest
        last = SeriesPoint(self.last_at, self.last, self.last_step) if count else points[0]
        top = SeriesPoint(self.top_at, self.top, self.top_step) if count else points[0]
        top_rank = _rank(top)
        for point in points:
            value = point.value
            count += 1
            distance = value - mean
            mean += distance / count
            squares += distance * (value - mean)
            if value < least:
                least = value
            if value > greatest:
                greatest = value
            if point.at >= last.at:
                last = point
            if (rank := _rank(point)) >= top_rank:
                top, top_rank = point, rank
        return SeriesSummary(
            count, last.value, last.at, last.step, top.value, top.at, top.step, least, greatest, mean, squares
        )


def pack(points: Iterable[SeriesPoint]) -> bytes:
    """Return points as they are stored."""
    return b"".join(
        _POINT.pack(to_micros(point.at), _NO_STEP if point.step is None else point.step, point.value)
        for point in points
    )


def unpack(stored: bytes) -> Iterator[SeriesPoint]:
    """Yield stored points."""
    for at, step, value in _POINT.iter_unpack(stored):
        yield SeriesPoint(from_micros(at), value, None if step == _NO_STEP else step)


def _rank(point: SeriesPoint) -> tuple[int, datetime, float]:
    # Not a number is less than every number: a tuple with it in it would be neither less nor more.
    value = -math.inf if math.isnan(point.value) else point.value
    return _NO_STEP if point.step is None else point.step, point.at, value
