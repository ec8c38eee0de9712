"""The parts of a path, and what each finds in a document.

What is an error, what is passed over in silence and in which order results come follows the library that
the service runs, version 2.0.0 of Jayway's JsonPath, its slips included: paths count on them.

Source: Jayway's JsonPath 2.0.0, ``internal/token``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from stepmill.core.json import Json
from stepmill.language.states.java_text import java_text
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathNotFoundError

# A handful of deep scans in one path can visit every node of a document over and over. No honest path takes
# more steps than this for each node, or than so many in all.
MOST_STEPS = 500_000
MOST_STEPS_PER_NODE = 8

# Where in a document something stands, as a chain from the inside out; the root is ``None``. Texts name
# places, and building a text for each would cost more than the walk.
Place: TypeAlias = "tuple[Place, str | int] | None"


def place_text(place: Place) -> str:
    """Return a place as texts name it: ``$['a'][0]``."""
    parts: list[str] = []
    while place is not None:
        place, key = place
        parts.append(f"['{key}']" if isinstance(key, str) else f"[{key}]")
    return "$" + "".join(reversed(parts))


class Segment(Protocol):
    """One part of a path."""

    @property
    def fragment(self) -> str:
        """The part as it is written in texts."""

    @property
    def is_definite(self) -> bool:
        """Whether it finds one value at most."""

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """Hand what it finds in the model to the part after it.

        Raises:
            PathNotFoundError: If the model has nothing of the kind.
            PathEvaluationError: If the model is not of a kind that it works on.
        """


class Budget:
    """Counts the steps of one read, over all the filters in it.

    Args:
        document: What is read; a large one may take more steps.
    """

    __slots__ = ("_document", "_left")

    def __init__(self, document: Json) -> None:
        self._document: Json = document
        self._left = MOST_STEPS

    def spend(self) -> None:
        """Count one step.

        Raises:
            PathEvaluationError: If it is one too many.
        """
        self._left -= 1
        if self._left < 0:
            # Counting the nodes takes time as well, so it waits until there are many steps; and is done once.
            more = _count_nodes(self._document) * MOST_STEPS_PER_NODE - MOST_STEPS
            if more <= 0:
                raise PathEvaluationError("The path takes too many steps through the document.")
            self._left, self._document = more, None


def _count_nodes(document: Json) -> int:
    count = 0
    waiting = [document]
    while waiting:
        value = waiting.pop()
        count += 1
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, Sequence) and not isinstance(value, str):
            waiting.extend(value)
    return count


@dataclass(slots=True)
class Search:
    """One walk of a path through a document.

    Args:
        segments: Of the path, without the root.
        must_be: For each segment, whether a property that it names must be there even if more follows.
        root: What ``$`` means in filters.
        is_strict: Whether all properties must be there, as in tests for existence.
        budget: Shared with the walks that this one starts.
        results: What was found, in order.
    """

    segments: tuple[Segment, ...]
    must_be: tuple[bool, ...]
    root: Json
    is_strict: bool
    budget: Budget
    results: list[Json] = field(default_factory=list)

    def follow(self, index: int, place: Place, model: Json) -> None:
        """Go on with the segment of that index, or take the model as a result."""
        self.budget.spend()
        if index == len(self.segments):
            self.results.append(model)
        else:
            self.segments[index].find(self, index, place, model)

    def follow_item(self, index: int, place: Place, model: Sequence[Json], position: int) -> None:
        """Hand the item of a list to the segment after that index.

        Raises:
            PathNotFoundError: If the list is shorter, or the position is negative.
        """
        if not 0 <= position < len(model):
            where = place_text((place, position))
            raise PathNotFoundError(f"Index out of bounds when evaluating path {where}")
        self.follow(index + 1, (place, position), model[position])

    def rest(self, index: int) -> str:
        """Return the path from a segment on."""
        return "".join(segment.fragment for segment in self.segments[index:])


@dataclass(frozen=True, slots=True)
class Names:
    """``.a``, ``['a']`` or ``['a','b']``."""

    names: tuple[str, ...]

    is_definite = True

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        return "[" + ", ".join(f"'{name}'" for name in self.names) + "]"

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        if not isinstance(model, Mapping):
            raise PathNotFoundError(f"Property {self.fragment} not found in path {place_text(place)}")
        is_last = index + 1 == len(search.segments)
        if len(self.names) == 1:
            name = self.names[0]
            if name in model:
                search.follow(index + 1, (place, name), model[name])
            elif is_last:
                raise PathNotFoundError(f"No results for path: {place_text((place, name))}")
            elif search.must_be[index] or search.is_strict:
                raise PathNotFoundError(f"Missing property in path {place_text((place, name))}")
            return
        where = place_text(place) + self.fragment
        if not is_last:
            raise PathEvaluationError(f"Multi properties can only be used as path leafs: {where}")
        if search.is_strict and any(name not in model for name in self.names):
            raise PathNotFoundError(f"Missing property in path {where}")
        search.follow(index + 1, place, {name: model[name] for name in self.names if name in model})


def _list_at(search: Search, index: int, place: Place, model: Json) -> Sequence[Json]:
    """Return the model if it is a list.

    Raises:
        PathNotFoundError: If it is null.
        PathEvaluationError: If it is anything else.
    """
    if isinstance(model, Sequence) and not isinstance(model, str):
        return model
    if model is None:
        raise PathNotFoundError(f"The path {place_text(place)} is null")
    raise PathEvaluationError(
        f"Filter: {search.rest(index)} can only be applied to arrays. Current context is: {java_text(model)}"
    )


@dataclass(frozen=True, slots=True)
class Indexes:
    """``[0]`` or ``[0,2]``; negative ones are found nowhere."""

    indexes: tuple[int, ...]

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        return "[" + ",".join(map(str, self.indexes)) + "]"

    @property
    def is_definite(self) -> bool:
        """See ``Segment``."""
        return len(self.indexes) == 1

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        items = _list_at(search, index, place, model)
        for position in self.indexes:
            search.follow_item(index, place, items, position)


@dataclass(frozen=True, slots=True)
class FromEnd:
    """``[(@.length-1)]``.

    Args:
        offset: What is added to the length: -1.
    """

    offset: int

    is_definite = True

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        return f"[@.size(){self.offset}]"

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        items = _list_at(search, index, place, model)
        search.follow_item(index, place, items, len(items) + self.offset)


@dataclass(frozen=True, slots=True)
class Slice:
    """``[1:]``, ``[:2]`` or ``[1:2]``; a step is read over."""

    start: int | None
    stop: int | None

    is_definite = False

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        start = "" if self.start is None else self.start
        return f"[{start}:{'' if self.stop is None else self.stop}]"

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        items = _list_at(search, index, place, model)
        for position in self._positions(len(items)):
            search.follow_item(index, place, items, position)

    def _positions(self, length: int) -> range:
        if self.start is None:
            stop = self.stop or 0
            return range(min(length, length + stop if stop < 0 else stop))
        if self.stop is None:
            return range(max(0, length + self.start if self.start < 0 else self.start), length)
        # Between two bounds neither is counted from the end.
        return range(self.start, min(length, self.stop)) if length else range(0)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``.*`` or ``[*]``; an item of a list in which the rest of the path leads nowhere is passed over."""

    fragment = "[*]"
    is_definite = False

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        if isinstance(model, Mapping):
            for name, value in model.items():
                search.follow(index + 1, (place, name), value)
        elif isinstance(model, Sequence) and not isinstance(model, str):
            for position, value in enumerate(model):
                try:
                    search.follow(index + 1, (place, position), value)
                except PathNotFoundError:
                    if search.is_strict:
                        raise


@dataclass(frozen=True, slots=True)
class Scan:
    """``..``: the part after it, in every object and list below, outer ones first."""

    fragment = ".."
    is_definite = False

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        self._walk(search, index + 1, place, model)

    def _walk(self, search: Search, index: int, place: Place, model: Json) -> None:
        search.budget.spend()
        if isinstance(model, Mapping):
            if _is_target(search, index, model):
                search.follow(index, place, model)
            for name, value in model.items():
                self._walk(search, index, (place, name), value)
        elif isinstance(model, Sequence) and not isinstance(model, str):
            if _is_target(search, index, model):
                self._enter_list(search, index, place, model)
            for position, value in enumerate(model):
                self._walk(search, index, (place, position), value)

    def _enter_list(self, search: Search, index: int, place: Place, model: Sequence[Json]) -> None:
        """Try the part after the scan on a list; or, if more follows, what follows on each of its items."""
        if index + 1 == len(search.segments):
            search.follow(index, place, model)
            return
        for position, value in enumerate(model):
            search.follow(index + 1, (place, position), value)


def _is_target(search: Search, index: int, model: Json) -> bool:
    """Return whether the part after a deep scan is to look into this object or list."""
    match search.segments[index]:
        case Names(names=names):
            return isinstance(model, Mapping) and all(name in model for name in names)
        case Indexes() | FromEnd() | Slice():
            return isinstance(model, Sequence)
        case Wildcard():
            return True
        case Filter() as filtered:
            return filtered.accepts(search, model)
        case _:
            return False


class Test(Protocol):
    """What stands in a filter's brackets."""

    def holds(self, item: Json, search: Search) -> bool:
        """Return whether it is true of an item.

        Raises:
            PathEvaluationError: If it cannot be told.
        """


@dataclass(frozen=True, slots=True)
class Filter:
    """``[?(@.price > 10)]``: the object itself, or the items of a list, of which the test is true."""

    test: Test

    fragment = "[?]"
    is_definite = False

    def accepts(self, search: Search, item: Json) -> bool:
        """Return whether the test is true of an item."""
        search.budget.spend()
        return self.test.holds(item, search)

    def find(self, search: Search, index: int, place: Place, model: Json) -> None:
        """See ``Segment``."""
        if isinstance(model, Mapping):
            if self.accepts(search, model):
                search.follow(index + 1, place, model)
        elif isinstance(model, Sequence) and not isinstance(model, str):
            for position, item in enumerate(model):
                if self.accepts(search, item):
                    search.follow(index + 1, (place, position), item)
        else:
            raise PathEvaluationError(
                f"Filter: {search.rest(index)} can not be applied to primitives. "
                f"Current context is: {java_text(model)}"
            )
