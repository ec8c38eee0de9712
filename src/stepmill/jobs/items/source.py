"""What all sources of items promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from stepmill.core.errors import StepmillError
from stepmill.core.json import Json, JsonObject

# An item, and the cursor that leads to what follows it.
Placed: TypeAlias = tuple[Json, JsonObject]
START: JsonObject = {}


class ItemReaderError(StepmillError):
    """The items cannot be read: ``States.ItemReaderFailed``."""


class ItemSource(Protocol):
    """Has items in an order that never changes."""

    def items(self, cursor: JsonObject) -> Iterator[Placed]:
        """Yield the items behind a cursor; ``START`` stands before the first.

        Raises:
            ItemReaderError: If they cannot be read, or the cursor is none of this source's.
        """
        ...


def number_in(cursor: JsonObject, name: str) -> int:
    """Return a number of a cursor; 0 where it has none.

    Raises:
        ItemReaderError: If it is no count.
    """
    value = cursor.get(name, 0)
    if not isinstance(value, int) or value < 0:
        raise ItemReaderError(f"{value!r} is no place in a file.")
    return value
