"""Reads members of a request, each checked, each mistake with its place in the document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json

_E = TypeVar("_E", bound=StrEnum)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class Fields:
    """The members of one object of a request.

    Args:
        value: The object.
        where: Its place in the document: ``ProcessingInputs[0].S3Input``; empty for the whole.

    Raises:
        InvalidInputError: If it is not an object. Every method raises this for a member that is
            missing though required, or is of the wrong type.
    """

    def __init__(self, value: Json, where: str = "") -> None:
        if not isinstance(value, Mapping):
            raise InvalidInputError(
                f"An object is expected here, not {_kind(value)}.", where=where, mend="Write it as {...}."
            )
        self.members: JsonObject = value
        self.where = where

    def place(self, name: str) -> str:
        """Return where a member is."""
        return f"{self.where}.{name}" if self.where else name

    def has(self, name: str) -> bool:
        """Return whether the member is given and not ``null``."""
        return self.members.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string. A number or truth value is taken as its JSON text.

        Args:
            name: The member.
            default: What stands in for a missing one; ``None`` if it is required.
        """
        value = self._get(name, default)
        return as_text(value, self.place(name))

    def integer(self, name: str, default: int | None = None, *, least: int = 0) -> int:
        """Return a whole number, ``least`` or more; a string of digits counts as one."""
        value = self._get(name, default)
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidInputError(
                f"A whole number of at least {least} is expected here, not {_shown(value)}.",
                where=self.place(name),
            )
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a truth value; the strings ``true`` and ``false`` count as such."""
        value = self.members.get(name)
        if value is None:
            return default
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise InvalidInputError(
                f"true or false is expected here, not {_shown(value)}.", where=self.place(name)
            )
        return value

    def choice(self, name: str, choices: type[_E], default: _E | None = None) -> _E:
        """Return a member of an enumeration."""
        value = self.text(name, default)
        try:
            return choices(value)
        except ValueError:
            raise InvalidInputError(
                f"{value[:100]!r} is none of {', '.join(choices)}.", where=self.place(name)
            ) from None

    def fields(self, name: str, *, required: bool = False) -> Fields:
        """Return an object; an empty one stands in for a missing one unless it is required."""
        return Fields(self._get(name, None if required else {}), self.place(name))

    def each(self, name: str) -> list[Fields]:
        """Return the objects of a list; none if it is missing."""
        return [Fields(item, f"{self.place(name)}[{i}]") for i, item in enumerate(self._list(name))]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings of a list; none if it is missing."""
        items = enumerate(self._list(name))
        return tuple(as_text(item, f"{self.place(name)}[{i}]") for i, item in items)

    def text_map(self, name: str) -> dict[str, str]:
        """Return a map of strings to strings; an empty one if it is missing."""
        below = self.fields(name)
        return {key: as_text(value, f"{below.where}[{key!r}]") for key, value in below.members.items()}

    def _list(self, name: str) -> Iterable[Json]:
        value = self.members.get(name)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InvalidInputError(
                f"A list is expected here, not {_kind(value)}.",
                where=self.place(name),
                mend="Write it as [...].",
            )
        return value

    def _get(self, name: str, default: Json) -> Json:
        value = self.members.get(name)
        if value is not None:
            return value
        if default is None:
            raise InvalidInputError(f"{name} is missing.", where=self.place(name), mend="Give it.")
        return default


def as_text(value: Json, where: str) -> str:
    """Return a JSON scalar as text: a string as it is, anything else as JSON writes it.

    Raises:
        InvalidInputError: If it is an object, a list or ``null``, or holds a NUL character.
    """
    if isinstance(value, bool | int | float):
        return write_json(value)
    if not isinstance(value, str):
        raise InvalidInputError(f"A string is expected here, not {_kind(value)}.", where=where)
    if "\0" in value:
        raise InvalidInputError(
            "A string with a NUL character cannot reach a program.", where=where, mend="Remove it."
        )
    return value


def _kind(value: Json) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    return _shown(value)


def _shown(value: Json) -> str:
    return "null" if value is None else write_json(value)[:100]
