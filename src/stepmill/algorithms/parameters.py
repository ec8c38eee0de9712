"""What a hyperparameter may be: its type, its range, its default.

Source: developer guide, the pages "... Hyperparameters" of the built-in algorithms; the XGBoost container's
table of hyperparameters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_INTEGER = re.compile(r"[+-]?\d{1,20}")
# Values are at most 2,500 characters (API reference, HyperParameters); a number is never as long as this.
_LONGEST_NUMBER = 64

Check = Callable[[str], bool]
"""Says of a value whether it may be taken."""


class Kind(StrEnum):
    """Type of a hyperparameter, as CreateAlgorithm names it."""

    INTEGER = "Integer"
    CONTINUOUS = "Continuous"
    CATEGORICAL = "Categorical"
    TEXT = "FreeText"


class Trouble(StrEnum):
    """What may be wrong with a value."""

    UNREADABLE = "unreadable"
    OUT_OF_RANGE = "out of range"


@dataclass(frozen=True)
class Interval:
    """The numbers between two others.

    Args:
        least: The lower end.
        most: The upper end.
        above: Whether the lower end itself is excluded.
        below: Whether the upper end itself is excluded.

    Example:
        >>> str(Interval(0, 1, above=True)), str(Interval(1)), 0.5 in Interval(0, 1)
        ('(0, 1]', '[1, +inf)', True)
    """

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, number: float) -> bool:
        over = number > self.least if self.above else number >= self.least
        under = number < self.most if self.below else number <= self.most
        return over and under and math.isfinite(number)

    def __str__(self) -> str:
        low = "(-inf" if self.least == -math.inf else f"{'(' if self.above else '['}{self.least:g}"
        high = "+inf)" if self.most == math.inf else f"{self.most:g}{')' if self.below else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One hyperparameter.

    Args:
        name: As documented.
        kind: Its type.
        interval: Range of a number.
        values: What a categorical one may be; of a list: what each of its parts may be.
        words: What may stand in the place of a number: ``auto``.
        check: Decides of a text whether it may be taken.
        expects: Says for a human what a text has to be.
        folded: Whether upper and lower case mean the same.
        required: Whether it must be given.
        default: What it is if it is not given; ``None`` if it then has no effect.
        ranges: Kinds of range that a tuning job may give it; empty: those of its kind.
    """

    name: str
    kind: Kind
    interval: Interval = Interval()
    values: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    check: Check | None = None
    expects: str = ""
    folded: bool = False
    required: bool = False
    default: str | None = None
    ranges: tuple[Kind, ...] = ()

    def trouble(self, text: str) -> Trouble | None:
        """Return what is wrong with a value; ``None`` if it may be taken."""
        text = text.strip()
        if text in self.words:
            return None
        match self.kind:
            case Kind.INTEGER | Kind.CONTINUOUS:
                number = self._number(text)
                if number is None:
                    return Trouble.UNREADABLE
                return None if number in self.interval else Trouble.OUT_OF_RANGE
            case Kind.CATEGORICAL:
                known = {value.lower() for value in self.values} if self.folded else set(self.values)
                return None if (text.lower() if self.folded else text) in known else Trouble.OUT_OF_RANGE
            case Kind.TEXT:
                return None if self.check is None or self.check(text) else Trouble.OUT_OF_RANGE

    def _number(self, text: str) -> float | None:
        if len(text) > _LONGEST_NUMBER or "_" in text:
            return None
        if self.kind is Kind.INTEGER:
            return int(text) if _INTEGER.fullmatch(text) else None
        try:
            return float(text)
        except ValueError:
            return None

    @property
    def range_text(self) -> str:
        """What it may be, for a human."""
        match self.kind:
            case Kind.INTEGER | Kind.CONTINUOUS:
                return str(self.interval)
            case Kind.CATEGORICAL:
                return str(list(self.values))
            case Kind.TEXT:
                return self.expects


def integer(
    name: str,
    interval: Interval = Interval(1),
    *words: str,
    required: bool = False,
    default: str | None = None,
) -> Parameter:
    """Return an integer; positive unless an interval is given."""
    return Parameter(
        name=name, kind=Kind.INTEGER, interval=interval, words=words, required=required, default=default
    )


def number(name: str, interval: Interval = Interval(), *words: str, default: str | None = None) -> Parameter:
    """Return a floating-point number."""
    return Parameter(name=name, kind=Kind.CONTINUOUS, interval=interval, words=words, default=default)


def choice(
    name: str, *values: str, required: bool = False, default: str | None = None, folded: bool = False
) -> Parameter:
    """Return one that has one of some values."""
    return Parameter(
        name=name,
        kind=Kind.CATEGORICAL,
        values=values,
        folded=folded,
        required=required,
        default=default,
    )


def flag(name: str, *words: str, default: str | None = None) -> Parameter:
    """Return a boolean. The SDK writes ``True``, documents ``true``; both are taken."""
    return choice(name, "true", "false", *words, default=default, folded=True)


def text(
    name: str,
    check: Check | None = None,
    expects: str = "any text",
    *,
    required: bool = False,
    default: str | None = None,
) -> Parameter:
    """Return one whose value is a text with a form of its own."""
    return Parameter(
        name=name, kind=Kind.TEXT, check=check, expects=expects, required=required, default=default
    )


POSITIVE = Interval(0, above=True)
NOT_NEGATIVE = Interval(0)
UNIT = Interval(0, 1)
