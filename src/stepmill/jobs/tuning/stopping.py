"""Which running trials do so badly that they are stopped. Pure.

Source: developer guide, "Stop Training Jobs Early": the median of the running averages of earlier trials up
to the same epoch; API reference, HyperbandStrategyConfig; L. Li and others, "A System for Massively Parallel
Hyperparameter Tuning" (ASHA), the variant that stops.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median

from stepmill.jobs.tuning.plan import Direction, Hyperband

# Not documented. The median of one or two would stop every other trial on hearsay.
_LEAST_TO_COMPARE = 3
# Hyperband: of those that reach a rung, one in three goes on.
REDUCTION = 3


def is_below_median(
    direction: Direction, series: Sequence[float], earlier: Iterable[Sequence[float]]
) -> bool:
    """Return whether a trial's newest value is worse than what completed ones had on average by then.

    Args:
        direction: Of the objective.
        series: What the trial has printed; one value for each epoch.
        earlier: The same of completed trials.

    Example:
        >>> done = [[0.5, 0.7], [0.6, 0.8], [0.4, 0.6]]
        >>> is_below_median(Direction.MAXIMIZE, [0.5, 0.55], done)
        True
        >>> is_below_median(Direction.MAXIMIZE, [0.5, 0.65], done)
        False
    """
    epoch = len(series)
    if epoch == 0:
        return False
    averages = [fmean(other[:epoch]) for other in earlier if len(other) >= epoch]
    return len(averages) >= _LEAST_TO_COMPARE and direction.is_better(median(averages), series[-1])


def rungs(hyperband: Hyperband, bracket: int = 0) -> tuple[int, ...]:
    """Return after how many values the trials of a bracket are compared.

    Example:
        >>> rungs(Hyperband(1, 81)), rungs(Hyperband(1, 81), bracket=2), rungs(Hyperband(5, 5))
        ((1, 3, 9, 27), (9, 27), ())
    """
    found = []
    rung = hyperband.least * REDUCTION**bracket
    while rung < hyperband.most:
        found.append(rung)
        rung *= REDUCTION
    return tuple(found)


def bracket_of(hyperband: Hyperband, number: int) -> int:
    """Return the bracket of a trial: the first one stops early and has the most trials, the last one never.

    Args:
        hyperband: Its configuration.
        number: Of the trial, from 1.

    Example:
        >>> [bracket_of(Hyperband(1, 9), number) for number in range(1, 19)]
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 0]
    """
    most = len(rungs(hyperband))
    sizes = [
        math.ceil((most + 1) / (most - bracket + 1) * REDUCTION ** (most - bracket))
        for bracket in range(most + 1)
    ]
    place = (number - 1) % sum(sizes)
    for bracket, size in enumerate(sizes):
        if place < size:
            return bracket
        place -= size
    return most


def is_cut(
    direction: Direction,
    hyperband: Hyperband,
    number: int,
    series: Sequence[float],
    others: Iterable[tuple[int, Sequence[float]]],
    *,
    seen: int = 0,
) -> bool:
    """Return whether Hyperband stops a trial: at a rung it is not among the best third, or it is at the end.

    A trial that prints as many values as MaxResource says is about to end by itself, and is left to store its
    model; one that goes on is stopped.

    Args:
        direction: Of the objective.
        hyperband: Its configuration.
        number: Of the trial.
        series: What it has printed.
        others: Number of each other trial, and what it has printed.
        seen: So many of the values were looked at before.
    """
    if len(series) > hyperband.most:
        return True
    bracket = bracket_of(hyperband, number)
    peers = [values for other, values in others if bracket_of(hyperband, other) == bracket]
    return any(
        not _is_promoted(
            direction, series[rung - 1], [values[rung - 1] for values in peers if len(values) >= rung]
        )
        for rung in rungs(hyperband, bracket)
        if seen < rung <= len(series)
    )


def _is_promoted(direction: Direction, value: float, peers: Sequence[float]) -> bool:
    better = sum(direction.is_better(other, value) for other in peers)
    return better < max(1, (len(peers) + 1) // REDUCTION)
