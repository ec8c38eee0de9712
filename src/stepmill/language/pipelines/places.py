"""Where something stands in a document, and how its values are shown in messages.

A place is a chain of links that becomes text only for a finding. Text built on the way down would
cost the square of a hostile document: one key of five megabytes above a million values.
"""

from __future__ import annotations

import re

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_:-]{0,79}\Z")
_LONGEST_SHOWN = 80


class Place:
    """A place in a document: the root, or a key or an index below another place. Never changed.

    Example:
        >>> str(ROOT / "Steps" / 2 / "Arguments" / "odd key")
        "Steps[2].Arguments['odd key']"
    """

    # Not a frozen dataclass: one is made for every value of a document, and this costs half as much.
    __slots__ = ("key", "parent")

    def __init__(self, parent: Place | None = None, key: str | int = "") -> None:
        self.parent = parent
        self.key = key

    def __truediv__(self, key: str | int) -> Place:
        return Place(self, key)

    def __str__(self) -> str:
        keys: list[str | int] = []
        place = self
        while place.parent is not None:
            keys.append(place.key)
            place = place.parent
        return "".join(_element(key) for key in reversed(keys)).removeprefix(".")


ROOT = Place()


def _element(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN_KEY.match(key) else f"[{show(key)}]"


def show(value: object) -> str:
    """Return a value as one short, printable piece of a message.

    Example:
        >>> show("Prep"), show({"a": 1}), show([1]), show(None), show(True)
        ("'Prep'", 'an object', 'a list', 'null', 'true')
    """
    if isinstance(value, str):
        # The slice comes first: a string of ten megabytes shall not be copied for a message.
        shown = (
            ascii(value[:_LONGEST_SHOWN])
            if not value[:_LONGEST_SHOWN].isprintable()
            else repr(value[:_LONGEST_SHOWN])
        )
        return shown if len(value) <= _LONGEST_SHOWN else f"{shown[:-1]}...{shown[-1]}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return "an object" if hasattr(value, "keys") else "a list"


def _number(value: float) -> str:
    # CPython refuses to write integers of more than 4,300 digits.
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number of more than 70 digits"
    return repr(value)
