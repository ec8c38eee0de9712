"""Arguments of intrinsic functions: what is taken, and how numbers are rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, isfinite

from stepmill.core.json import Json

# As the service bounds them.
LARGEST_ARRAY = 1000
LONGEST_STRING = 10_000
_SMALLEST_INT, _LARGEST_INT = -(2**31), 2**31 - 1


class BadArgumentError(Exception):
    """An argument is not of the kind, or not in the range, that the function takes.

    Args:
        detail: What the service adds to its sentence; empty: nothing.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


def an_array(value: Json) -> Sequence[Json]:
    """Return a list.

    Raises:
        BadArgumentError: If it is none.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise BadArgumentError


def an_object(value: Json) -> Mapping[str, Json]:
    """Return an object.

    Raises:
        BadArgumentError: If it is none.
    """
    if isinstance(value, Mapping):
        return value
    raise BadArgumentError


def a_string(value: Json) -> str:
    """Return a string.

    Raises:
        BadArgumentError: If it is none.
    """
    if isinstance(value, str):
        return value
    raise BadArgumentError


def a_short_string(value: Json) -> str:
    """Return a string of at most 10,000 characters.

    Raises:
        BadArgumentError: If it is none.
    """
    text = a_string(value)
    if len(text) > LONGEST_STRING:
        raise BadArgumentError
    return text


def an_integer(value: Json) -> int:
    """Return a number rounded to the nearest integer of 32 bits, halves up.

    Raises:
        BadArgumentError: If it is no number, or larger.

    Example:
        >>> an_integer(1.5), an_integer(-1.5), an_integer(-0.5)
        (2, -1, 0)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadArgumentError
    if isinstance(value, float) and not isfinite(value):
        raise BadArgumentError
    rounded = value if isinstance(value, int) else floor(value + 0.5)
    if not _SMALLEST_INT <= rounded <= _LARGEST_INT:
        raise BadArgumentError
    return rounded


def are_same(left: Json, right: Json) -> bool:
    """Return whether two values are the same JSON, where 1 is not 1.0 and true is not 1."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(are_same(left[key], right[key]) for key in left)
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        return len(left) == len(right) and all(map(are_same, left, right))
    return type(left) is type(right) and left == right
