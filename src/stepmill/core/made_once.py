"""Parts that are made at their first use, and then once, however many threads ask for them at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

_Owner = TypeVar("_Owner")
_Part = TypeVar("_Part")


class MadeOnce(Generic[_Owner, _Part]):
    """A method that is read as an attribute, whose value is made once and kept under the attribute's name.

    Like ``functools.cached_property`` up to Python 3.11: since 3.12 that may make a value twice, which is one
    too many of whatever drives or writes something.
    """

    def __init__(self, make: Callable[[_Owner], _Part]) -> None:
        self._make = make
        self.__doc__ = make.__doc__
        # Making one part makes others, under locks of their own; no two parts need each other.
        self._lock = threading.RLock()

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: _Owner, owner: type) -> _Part: ...

    def __get__(self, instance: _Owner | None, owner: type) -> Any:
        # Once there, the value is found on the instance before this is.
        if instance is None:
            return self
        with self._lock:
            parts = vars(instance)
            if self._name not in parts:
                parts[self._name] = self._make(instance)
            return parts[self._name]


def made_once(make: Callable[[_Owner], _Part]) -> MadeOnce[_Owner, _Part]:
    """Have a part made at its first use. A part that could not be made is tried again at the next.

    Example:
        >>> class House:
        ...     @made_once
        ...     def roof(self) -> list[str]:
        ...         return ["tiles"]
        >>> house = House()
        >>> house.roof is house.roof
        True
    """
    return MadeOnce(make)
