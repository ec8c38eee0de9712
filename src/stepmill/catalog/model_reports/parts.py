"""What a report is made of: numbers, tables and pictures, without a word on how they are shown. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.json import Json

# Of what a report has many of, so many are shown; the rest is counted.
MOST_SHOWN = 50
# A curve is drawn from at most so many points.
MOST_POINTS = 400


@dataclass(frozen=True)
class Metric:
    """One number that can be compared between versions.

    Args:
        name: ``mse``; of a part of the data or the model ``age[0] / CI``.
        value: Finite.
        deviation: Standard deviation; ``None`` if none was given.
    """

    name: str
    value: float
    deviation: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Args:
        title: What it shows.
        columns: Their heads.
        rows: Each as long as ``columns``.
        left_out: How many more rows there are.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Bars:
    """Numbers side by side.

    Args:
        title: What it shows.
        bars: (label, value); values may be negative.
        left_out: How many more there are.
    """

    title: str
    bars: tuple[tuple[str, float], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Curve:
    """A line.

    Args:
        title: What it shows.
        x_label: Of the axis along.
        y_label: Of the axis up.
        points: (x, y) in the order in which they are joined; at least two.
        has_diagonal: Whether the line from corner to corner is what chance gives.
    """

    title: str
    x_label: str
    y_label: str
    points: tuple[tuple[float, float], ...]
    has_diagonal: bool = False


@dataclass(frozen=True)
class Matrix:
    """How often what was (row) was taken for what (column).

    Args:
        title: What it shows.
        labels: Of rows and columns.
        counts: A row of numbers for each label.
    """

    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


Part: TypeAlias = Table | Bars | Curve | Matrix


@dataclass(frozen=True)
class Report:
    """One report of a model package.

    Args:
        title: ``Model quality: statistics``.
        uri: Where it lies.
        metrics: Its numbers.
        parts: Its tables and pictures.
        problem: Why it could not be read; empty if it could.
        shows_its_metrics: Whether its parts show its numbers, so that a list of them would say all twice.
    """

    title: str
    uri: str
    metrics: tuple[Metric, ...] = ()
    parts: tuple[Part, ...] = ()
    problem: str = ""
    shows_its_metrics: bool = False


def number_of(value: Json) -> float | None:
    """Return a finite number, also from text as JSON writers without infinity leave it; else ``None``.

    Example:
        >>> [number_of(value) for value in (1, 2.5, True, "0.5", "NaN", None, 10 ** 400)]
        [1.0, 2.5, None, 0.5, None, None, None]
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def numbers_of(value: Json) -> list[float] | None:
    """Return a list of finite numbers; ``None`` if it is none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    numbers = [number_of(item) for item in value]
    return None if None in numbers else [number for number in numbers if number is not None]


def shown_number(value: float) -> str:
    """Return a number, short.

    Example:
        >>> [shown_number(value) for value in (0.123456789, 3.0, 2859.69, 1e-9, 1234567.0)]
        ['0.1235', '3', '2860', '1e-09', '1234567']
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def shortened_list(items: Sequence[str], most: int = 8) -> str:
    """Return the first items of a list, and how many more there are.

    Example:
        >>> shortened_list(["a", "b", "c"], 2)
        'a, b, and 1 more'
    """
    more = len(items) - most
    return ", ".join(items[:most]) + (f", and {more} more" if more > 0 else "")


def axis_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis on which values are drawn; rates go from 0 to 1.

    Example:
        >>> axis_range([0.2, 0.9]), axis_range([-1, 3]), axis_range([7, 7])
        ((0.0, 1.0), (-1, 3), (6.5, 7.5))
    """
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def axis_share(value: float, low: float, high: float) -> float:
    """Return where on an axis a value lies, from 0 at its low end to 1 at its high one.

    Any finite numbers may come: their difference may be none, or larger than any number.

    Example:
        >>> axis_share(2, 1, 5), axis_share(1e308, -1e308, 1e308), axis_share(1e300, 1e300, 1e300)
        (0.25, 1.0, 0.0)
    """
    return (value / 2 - low / 2) / ((high / 2 - low / 2) or 1.0)
