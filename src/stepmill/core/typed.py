"""Turns what was read into values of a type, whichever threads ask at once.

msgspec works out what a class consists of at its first use, and shows other threads what it has so far: one
that reads a value of that class meanwhile kills the process. So readers are made where modules are imported,
which one thread does: by ``converter``, or as a ``msgspec.json.Decoder``; never in the function that reads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

T = TypeVar("T")


def converter(kind: type[T]) -> Callable[[object], T]:
    """Return what makes values of a type out of JSON's values.

    Args:
        kind: A dataclass, a ``msgspec.Struct``, or a type made of such.

    Returns:
        A function; it raises ``msgspec.ValidationError`` if its argument does not say such a value.

    Example:
        >>> numbers = converter(dict[str, int])
        >>> numbers({"a": 1})
        {'a': 1}
    """
    # Made for what it leaves with the class.
    msgspec.json.Decoder(kind)
    return partial(msgspec.convert, type=kind)
