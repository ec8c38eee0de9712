"""Where something stands in a state machine, written as AWS writes it: ``/States/Train/Retry[0]``.

A place is a chain of links that becomes text only for a finding, so that a hostile document cannot make
texts as long as the square of its length.
"""

from __future__ import annotations

_LONGEST_KEY = 200


class Place:
    """The whole definition, or a key or an index below another place. Never changed.

    Example:
        >>> str(ROOT / "States" / "Train" / "Retry" / 0)
        '/States/Train/Retry[0]'
        >>> str(ROOT)
        '/'
    """

    # Not a frozen dataclass: one is made for every value of a document, and this costs half as much.
    __slots__ = ("key", "parent")

    def __init__(self, parent: Place | None = None, key: str | int = "") -> None:
        self.parent = parent
        self.key = key

    def __truediv__(self, key: str | int) -> Place:
        return Place(self, key)

    @property
    def keys(self) -> tuple[str | int, ...]:
        """The keys and indexes from the whole definition down to here."""
        keys: list[str | int] = []
        place = self
        while place.parent is not None:
            keys.append(place.key)
            place = place.parent
        return tuple(reversed(keys))

    def __str__(self) -> str:
        written = "".join(f"[{key}]" if isinstance(key, int) else f"/{_short(key)}" for key in self.keys)
        return written or "/"


ROOT = Place()


def _short(key: str) -> str:
    shown = key if len(key) <= _LONGEST_KEY else f"{key[:_LONGEST_KEY]}..."
    return shown if shown.isprintable() else ascii(shown)[1:-1]
