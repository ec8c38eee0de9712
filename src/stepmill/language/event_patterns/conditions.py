"""What a value of an event can be held against: equality, beginnings, ranges, networks, wildcards. Pure.

Source: EventBridge user guide, "Comparison operators for use in event patterns".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.json import Json

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Equals:
    """The value is this one: a text, a number, true, false or null."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Affix:
    """A text begins, or ends, so.

    Args:
        text: The beginning or the end.
        is_suffix: Whether it is the end.
        ignores_case: Whether the case of letters does not matter.
    """

    text: str
    is_suffix: bool = False
    ignores_case: bool = False


@dataclass(frozen=True, slots=True)
class EqualsIgnoringCase:
    """A text is this one, but for the case of its letters."""

    text: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A text consists of these pieces in their order, with anything in between.

    Args:
        pieces: Two or more; the text begins with the first and ends with the last, either may be empty.
    """

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number keeps all these bounds: ``(">", 0.0)``."""

    bounds: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class InNetwork:
    """A text is an address of a network."""

    network: Network


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value, whatever it is, or there is none."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class AnythingBut:
    """There is a value, and it fits none of these."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = (
    Equals | Affix | EqualsIgnoringCase | Wildcard | Numeric | InNetwork | Exists | AnythingBut
)

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
COMPARISONS = frozenset(_COMPARISONS)


def fits(condition: Condition, value: Json) -> bool:
    """Return whether a value, which is there, fits a condition.

    Args:
        condition: Which.
        value: A text, a number, true, false or null; of a list, its items are tried one by one.

    Example:
        >>> fits(Affix("model-"), "model-7"), fits(Numeric(((">", 0.9),)), 0.5)
        (True, False)
    """
    match condition:
        case Equals(wanted):
            return _is_same(wanted, value)
        case Exists(wanted):
            return wanted
        case AnythingBut(conditions):
            return not any(fits(one, value) for one in conditions)
        case Numeric(bounds):
            return _is_number(value) and all(_COMPARISONS[sign](value, bound) for sign, bound in bounds)  # type: ignore[arg-type]
    return isinstance(value, str) and _fits_text(condition, value)


def _fits_text(condition: Affix | EqualsIgnoringCase | Wildcard | InNetwork, text: str) -> bool:
    match condition:
        case Affix(affix, is_suffix, ignores_case):
            if ignores_case:
                affix, text = affix.casefold(), text.casefold()
            return text.endswith(affix) if is_suffix else text.startswith(affix)
        case EqualsIgnoringCase(wanted):
            return text.casefold() == wanted.casefold()
        case Wildcard(pieces):
            return _fits_pieces(pieces, text)
        case InNetwork(network):
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                return False
            return address in network


def _fits_pieces(pieces: tuple[str, ...], text: str) -> bool:
    """Take each piece as early as it comes; that leaves most for those behind it."""
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _is_same(wanted: Json, value: Json) -> bool:
    # For Python, true is one.
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return wanted == value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
