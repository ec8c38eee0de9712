"""One object of a definition, with what is known about it while it is read.

Each reader takes a field, notes what is wrong with it, and returns something of the right type all the same,
so that reading goes on and all findings come at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from stepmill.core.json import Json, JsonObject
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import ABSENT, Absent, Given, QueryLanguage
from stepmill.language.states.places import Place
from stepmill.language.states.queries import Queries

_E = TypeVar("_E", bound=StrEnum)


class Entry:
    """An object of a definition.

    Args:
        value: What stands there.
        place: Where that is.
        language: In which query language its fields are written.
        queries: Checks paths, templates and expressions.
        collector: Takes findings.
    """

    def __init__(
        self, value: Json, place: Place, language: QueryLanguage, queries: Queries, collector: Collector
    ) -> None:
        if not isinstance(value, Mapping):
            expected(collector, place, "Object")
            value = {}
        self.fields: JsonObject = value
        self.place = place
        self.language = language
        self.queries = queries
        self.collector = collector

    @property
    def uses_jsonata(self) -> bool:
        """Whether its fields are JSONata."""
        return self.language is QueryLanguage.JSONATA

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def wrong(self, name: str, message: str, mend: str = "") -> None:
        """Note what is wrong with a field."""
        self.collector.schema(self.place / name, message, mend)

    def below(self, name: str) -> Entry:
        """Return the object in a field."""
        return Entry(self.fields[name], self.place / name, self.language, self.queries, self.collector)

    def entries(self, name: str, *, at_least: int = 0) -> list[Entry]:
        """Return the objects of a list; none if it is missing or no list."""
        value = self.fields.get(name, [])
        if not isinstance(value, list):
            self.expected(name, "Array")
            return []
        if len(value) < at_least and name in self:
            self.wrong(name, "Value cannot be empty", "Add an element, or remove the field.")
        place = self.place / name
        return [
            Entry(item, place / index, self.language, self.queries, self.collector)
            for index, item in enumerate(value)
        ]

    def only(self, allowed: Collection[str], foreign: Collection[str] = ()) -> None:
        """Note each field that is not allowed; ``foreign`` ones are so in the other query language."""
        for name in self.fields:
            if name in allowed:
                continue
            if name in foreign:
                self.foreign(name)
            else:
                self.unsupported(name)

    def unsupported(self, name: str) -> None:
        """Note a field that is not allowed here, in the words of AWS."""
        self.collector.schema(
            self.place, f"Field '{name[:200]}' is not supported", "Remove it, or mend its spelling."
        )

    def foreign(self, name: str) -> None:
        """Note a field of the other query language, in the words of AWS."""
        other = QueryLanguage.JSON_PATH if self.uses_jsonata else QueryLanguage.JSONATA
        message = (
            f"The QueryLanguage is set to '{self.language}', but field '{name}' is only supported "
            f"for the '{other}' QueryLanguage"
        )
        self.collector.schema(self.place, message, f"Remove it, or write the state in {other}.")

    def one_of(self, *names: str) -> None:
        """Note that none of some fields is there, of which one must be."""
        message = f"This object should have only one of the following fields: [{', '.join(names)}]"
        self.collector.schema(self.place, message, f"Add one of {', '.join(names)}.")

    def require(self, *names: str) -> bool:
        """Note fields that are missing; tell whether all are there."""
        missing = [name for name in names if name not in self]
        if missing:
            message = f"These fields are required: [{', '.join(missing)}]"
            self.collector.schema(self.place, message, f"Add {', '.join(missing)}.")
        return not missing

    def exclusive(self, *names: str) -> None:
        """Note fields of which only one may be there."""
        present = [name for name in names if name in self]
        if len(present) > 1:
            shown = ", ".join(names)
            message = f"There should only be one of the following fields: [{shown}]"
            self.collector.schema(self.place, message, "Keep one of them.")

    def expected(self, name: str, kind: str) -> None:
        """Note a value of the wrong type."""
        expected(self.collector, self.place / name, kind)

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        value = self.fields.get(name, default)
        if isinstance(value, str):
            return value
        self.expected(name, "String")
        return default

    def flag(self, name: str) -> bool:
        """Return whether a field is true."""
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            self.expected(name, "Boolean")
        return value is True

    def choice(self, name: str, kind: type[_E], default: _E) -> _E:
        """Return one of some words."""
        value = self.fields.get(name, default)
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        allowed = ", ".join(kind)
        self.wrong(name, f"Value should be one of the following: [{allowed}]", f"Write one of {allowed}.")
        return default

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number in a range, both ends allowed."""
        value = self.fields.get(name, default)
        if not is_whole(value):
            self.expected(name, "Integer")
            return default
        assert isinstance(value, int | float)
        return int(value) if self._in_range(name, value, least, most) else default

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """Return a number in a range, both ends allowed."""
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.expected(name, "Number")
            return default
        return float(value) if self._in_range(name, value, least, most) else default

    def _in_range(self, name: str, value: float, least: float, most: float) -> bool:
        if least <= value <= most:
            return True
        bound = f"Minimum value is {least:.15g}" if value < least else f"Maximum value is {most:.15g}"
        self.wrong(name, bound, f"Give a number from {least:.15g} to {most:.15g}.")
        return False

    def given_number(self, name: str, least: float, most: float, *, whole: bool = True) -> Given | None:
        """Return a number that is written, computed (JSONata), or read by ``<name>Path`` (JSONPath)."""
        by_path = f"{name}Path"
        if not self.uses_jsonata:
            self.exclusive(name, by_path)
            if by_path in self:
                return Given(path=self.path(by_path) or "$")
        if name not in self:
            return None
        value = self.fields[name]
        if self.uses_jsonata and isinstance(value, str):
            self.queries.expression(value, self.place / name)
            return Given(value)
        if whole:
            return Given(self.whole(name, int(least), int(least), int(most)))
        return Given(self.number(name, least, least, most))

    def path(self, name: str, default: str | None = "$", *, functions: bool = False) -> str | None:
        """Return a path; ``None`` if it is null."""
        value = self.fields.get(name, default)
        if value is None:
            return None
        if not isinstance(value, str):
            self.expected(name, "String")
            return default
        self.queries.path(value, self.place / name, functions=functions)
        return value

    def reference_path(self, name: str, default: str | None = "$") -> str | None:
        """Return a path where a value can be put; ``None`` if it is null."""
        value = self.fields.get(name, default)
        if value is None:
            return None
        if not isinstance(value, str):
            self.expected(name, "String")
            return default
        self.queries.reference_path(value, self.place / name)
        return value

    def template(self, name: str, *, objects_only: bool = False) -> Json | Absent:
        """Return a payload template, or in JSONata a value with expressions; ``ABSENT`` if none."""
        if name not in self:
            return ABSENT
        value = self.fields[name]
        if self.uses_jsonata:
            if objects_only and not isinstance(value, Mapping) and not _is_expression(value):
                self.expected(name, "Object")
            self.queries.expressions(value, self.place / name)
        elif objects_only and not isinstance(value, Mapping):
            self.expected(name, "Object")
        else:
            self.queries.template(value, self.place / name)
        return value

    def assign(self) -> JsonObject | None:
        """Return the variables that are set."""
        if "Assign" not in self:
            return None
        value = self.fields["Assign"]
        if not isinstance(value, Mapping):
            self.expected("Assign", "Object")
            return None
        self.template("Assign", objects_only=True)
        self.queries.variables(value, self.place / "Assign", self.language)
        return value

    def output(self) -> Json | Absent:
        """Return what goes on, in JSONata."""
        return self.template("Output") if self.uses_jsonata else ABSENT


def expected(collector: Collector, place: Place, kind: str) -> None:
    """Note a value of the wrong type."""
    collector.schema(place, f"Expected value of type {kind}", f"Write a JSON {kind.lower()}.")


def is_whole(value: Json) -> bool:
    """Return whether a value is a whole number: 1 and 1.0 are."""
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    )


def texts(value: Json) -> Sequence[str] | None:
    """Return a list of texts; ``None`` if it is something else."""
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def _is_expression(value: Json) -> bool:
    return isinstance(value, str) and value.startswith("{%")
