"""Reads JSON of unknown make to its end, and gathers what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Column: TypeAlias = "str | int"
Value: TypeAlias = "str | int | float"

_MOST_ELEMENTS = 10_000


class ConfigReader:
    """Gives each value that can be taken; what cannot is a finding, and a harmless value stands for it."""

    def __init__(self) -> None:
        self.findings: list[str] = []

    def refuse(self, where: str, message: str) -> None:
        """Note what is wrong at a place."""
        self.findings.append(f"{where}: {message}")

    def check_names(
        self, given: Mapping[str, Any], within: str, known: Sequence[str], refused: Mapping[str, str]
    ) -> None:
        """Refuse the members that nobody knows, and those that are not supported: name -> what to do."""
        for name in given:
            if name in refused:
                self.refuse(place(within, name), f"is not supported. {refused[name]}")
            elif name not in known:
                self.refuse(place(within, name[:100]), "is unknown")

    def members(self, given: object, where: str) -> Mapping[str, Any]:
        """Return a JSON object."""
        if isinstance(given, dict):
            return given
        self.refuse(where, "must be a JSON object")
        return {}

    def elements(
        self, given: object, where: str, kind: type | tuple[type, ...], most: int = _MOST_ELEMENTS
    ) -> list[Any]:
        """Return a list whose elements are all of a kind; truth values are no numbers."""
        if not isinstance(given, list):
            self.refuse(where, "must be a list")
            return []
        if len(given) > most:
            self.refuse(where, f"has {len(given)} elements, and at most {most} can be taken")
            return []
        if any(isinstance(one, bool) or not isinstance(one, kind) for one in given):
            self.refuse(where, "has an element of a wrong kind")
            return []
        return given

    def choice(self, given: object, where: str, known: Sequence[str]) -> str:
        """Return one of some words, in lower case."""
        found = given.lower() if isinstance(given, str) else ""
        if found not in known:
            self.refuse(where, f"{str(given)[:100]!r} is not one of {', '.join(known)}")
        return found

    def column(self, given: Mapping[str, Any], name: str, within: str = "") -> Column | None:
        """Return what names a column; ``None`` if it is not given."""
        value = given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            self.refuse(place(within, name), "must be the name of a column, or its place from zero")
            return None
        return value

    def text(self, given: Mapping[str, Any], name: str, within: str = "") -> str:
        """Return a text; empty if it is not given."""
        value = given.get(name)
        if value is None or isinstance(value, str):
            return value or ""
        self.refuse(place(within, name), "must be a text")
        return ""

    def flag(self, given: Mapping[str, Any], name: str, within: str = "", *, default: bool) -> bool:
        """Return a truth value."""
        value = given.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(place(within, name), "must be true or false")
        return value is True

    def number(
        self, given: Mapping[str, Any], name: str, within: str = "", *, least: int, most: int
    ) -> int | None:
        """Return a whole number within bounds; ``None`` if it is not given."""
        value = given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(place(within, name), f"must be a whole number from {least} to {most}")
            return None
        return value


def place(within: str, name: str) -> str:
    """Return where a member stands: ``predictor.label``."""
    return f"{within}.{name}" if within else name
