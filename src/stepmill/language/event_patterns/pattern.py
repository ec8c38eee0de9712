"""A pattern as it was read, and whether an event fits it. Pure.

Source: EventBridge user guide, "Event patterns": all fields must fit, of a field's list one value is
enough; of a list in the event, one item is enough, and what is said of objects in a list must be true of
one of them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.json import Json, JsonObject
from stepmill.language.event_patterns.conditions import Condition, Exists, fits


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A value fits one of these."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """All fields fit, and of each group of alternatives one.

    Args:
        fields: Name -> what its value, or the object there, must fit.
        alternatives: Of each ``$or``.
    """

    fields: tuple[tuple[str, AnyOf | Pattern], ...] = ()
    alternatives: tuple[tuple[Pattern, ...], ...] = ()

    def matches(self, event: JsonObject) -> bool:
        """Return whether an event fits.

        Example:
            >>> from stepmill.language.event_patterns.conditions import Equals
            >>> Pattern((("source", AnyOf((Equals("app"),))),)).matches({"source": "app", "id": "1"})
            True
        """
        if not all(_fits_field(wanted, event, name) for name, wanted in self.fields):
            return False
        return all(any(one.matches(event) for one in group) for group in self.alternatives)


_Wanted: TypeAlias = AnyOf | Pattern


def _fits_field(wanted: _Wanted, event: JsonObject, name: str) -> bool:
    if isinstance(wanted, Pattern):
        objects = list(_objects(event.get(name)))
        # Where there is no object, a pattern that only wants fields to be missing fits.
        return any(wanted.matches(one) for one in objects or [{}])
    values = list(_leaves(event[name])) if name in event else []
    for condition in wanted.conditions:
        if isinstance(condition, Exists):
            if condition.wanted == bool(values):
                return True
        elif any(fits(condition, value) for value in values):
            return True
    return False


def _objects(value: Json) -> Iterator[JsonObject]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _objects(item)


def _leaves(value: Json) -> Iterator[Json]:
    """Yield what is no object, and of lists what is in them."""
    if isinstance(value, Mapping):
        return
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
