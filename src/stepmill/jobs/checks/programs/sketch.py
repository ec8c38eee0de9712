"""A compact sketch of a distribution, and the distance of two.

Source: Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (KLL); Deequ, the library that
AWS's container is made of, for its parameters ``c`` and ``k`` and for the correction of the distance where
there are few samples, which comes of the two-sample Kolmogorov-Smirnov test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SHRINK, CAPACITY = 0.64, 2048
_SMALLEST_LEVEL = 2
# Source: Deequ, Distance: what few samples may differ in by chance.
_CHANCE = 1.8

Floats: TypeAlias = NDArray[np.float64]


def sketch(values: Floats, capacity: int = CAPACITY) -> list[Floats]:
    """Return the sketch of values: of level i each stands for 2**i values.

    Values up to the capacity are all kept, so that the sketch of a small data set is exact. Which half of a
    full level goes up alternates; by chance would do as well, but the same data is to give the same report.

    Args:
        values: Shape (n,), in any order.
        capacity: So many values fit into the highest level.
    """
    levels: list[Floats] = [np.empty(0)]
    odd: list[int] = [0]
    for start in range(0, len(values), capacity):
        levels[0] = np.concatenate([levels[0], values[start : start + capacity]])
        level = 0
        while level < len(levels):
            if len(levels[level]) > _room(capacity, len(levels) - 1 - level):
                _compact(levels, odd, level)
            level += 1
    return levels


def _room(capacity: int, below_top: int) -> int:
    return max(_SMALLEST_LEVEL, math.ceil(capacity * SHRINK**below_top))


def _compact(levels: list[Floats], odd: list[int], level: int) -> None:
    """Send one of each two neighbours up; one that has no neighbour stays."""
    if level + 1 == len(levels):
        levels.append(np.empty(0))
        odd.append(0)
    full = np.sort(levels[level])
    paired = len(full) - len(full) % 2
    levels[level + 1] = np.concatenate([levels[level + 1], full[odd[level] : paired : 2]])
    levels[level] = full[paired:]
    odd[level] = 1 - odd[level]


def distance(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    """Return the largest difference of the cumulative distributions of two sketches, 0 to 1."""
    first, second = _flattened(one), _flattened(other)
    places = np.union1d(first[0], second[0])
    return float(np.max(np.abs(_cumulated(*first, places) - _cumulated(*second, places))))


def robust(simple: float, count: int, other_count: int) -> float:
    """Return a distance less what so few samples may differ in by chance."""
    return max(0.0, simple - _CHANCE * math.sqrt((count + other_count) / (count * other_count)))


def _flattened(levels: Sequence[Floats]) -> tuple[Floats, Floats]:
    values = np.concatenate([np.asarray(level, dtype=np.float64) for level in levels])
    weights = np.concatenate([np.full(len(level), 2.0**index) for index, level in enumerate(levels)])
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def _cumulated(values: Floats, weights: Floats, places: Floats) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    found: Floats = sums[np.searchsorted(values, places, side="right")] / sums[-1]
    return found
