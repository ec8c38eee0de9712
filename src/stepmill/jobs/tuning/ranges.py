"""Ranges of hyperparameters, and the scales on which they are searched. Pure.

Source: API reference, IntegerParameterRange, ContinuousParameterRange, CategoricalParameterRange,
HyperParameterScalingType; developer guide, "Define Hyperparameter Ranges", "Hyperparameter Scaling".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

# SageMaker does not tell what Auto chooses. Two orders of magnitude are what a linear search would spend
# 99 of 100 trials on the upper one of.
_WIDE = 100.0


class Scale(StrEnum):
    """On which scale the values of a range are equally likely at first."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


@dataclass(frozen=True)
class IntegerRange:
    """Whole numbers, both ends included."""

    name: str
    low: int
    high: int
    scale: Scale = Scale.AUTO


@dataclass(frozen=True)
class ContinuousRange:
    """Numbers, both ends included."""

    name: str
    low: float
    high: float
    scale: Scale = Scale.AUTO


@dataclass(frozen=True)
class CategoricalRange:
    """Texts without an order, all of them different."""

    name: str
    values: tuple[str, ...]


Range: TypeAlias = IntegerRange | ContinuousRange | CategoricalRange
Number: TypeAlias = IntegerRange | ContinuousRange


def scale_of(number: Number) -> Scale:
    """Return the scale that a range is searched on: never ``Auto``.

    ``Auto`` is logarithmic for a range above zero whose ends are apart by a factor of 100 or more.

    Example:
        >>> scale_of(ContinuousRange("eta", 0.001, 0.3)), scale_of(IntegerRange("depth", 1, 12))
        (<Scale.LOGARITHMIC: 'Logarithmic'>, <Scale.LINEAR: 'Linear'>)
    """
    if number.scale is not Scale.AUTO:
        return number.scale
    is_wide = number.low > 0 and number.high / number.low >= _WIDE
    return Scale.LOGARITHMIC if is_wide else Scale.LINEAR


def text_of_number(value: float) -> str:
    """Return a number as jobs get it: the shortest text that is read as the same number.

    Example:
        >>> text_of_number(3), text_of_number(0.1), text_of_number(1e-7)
        ('3', '0.1', '1e-07')
    """
    return str(value) if isinstance(value, int) else repr(float(value))


def holds(searched: Range, text: str) -> bool:
    """Return whether a text is a value of a range.

    Example:
        >>> holds(IntegerRange("depth", 1, 12), "3"), holds(IntegerRange("depth", 1, 12), "3.5")
        (True, False)
    """
    if isinstance(searched, CategoricalRange):
        return text in searched.values
    value = number_of(text)
    if value is None or not searched.low <= value <= searched.high:
        return False
    return isinstance(searched, ContinuousRange) or value.is_integer()


def number_of(text: str) -> float | None:
    """Return the finite number that a text is; ``None`` if it is none.

    Example:
        >>> number_of("1e-3"), number_of("nan"), number_of("many")
        (0.001, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def combinations(ranges: tuple[Range, ...]) -> int:
    """Return how many combinations of values categorical ranges have.

    Example:
        >>> combinations((CategoricalRange("a", ("1", "2")), CategoricalRange("b", ("x", "y", "z"))))
        6
    """
    return math.prod(len(one.values) for one in ranges if isinstance(one, CategoricalRange))


def combination(ranges: tuple[Range, ...], number: int) -> dict[str, str]:
    """Return one combination of the values of categorical ranges; the last range turns fastest.

    Args:
        ranges: Categorical ones.
        number: Which, from 0.

    Example:
        >>> combination((CategoricalRange("a", ("1", "2")), CategoricalRange("b", ("x", "y", "z"))), 4)
        {'a': '2', 'b': 'y'}
    """
    chosen: dict[str, str] = {}
    for one in reversed(ranges):
        if isinstance(one, CategoricalRange):
            number, place = divmod(number, len(one.values))
            chosen[one.name] = one.values[place]
    return dict(reversed(chosen.items()))
