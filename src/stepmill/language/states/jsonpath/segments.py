"""The parts of a path, and what each finds in a document.

A part before which everything is definite complains when it does not fit; behind a wildcard, a filter or
a deep scan it finds nothing, silently. That, the order of results and the texts follow the library.

Source: Jayway's JsonPath, ``internal/path``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stepmill.core.json import Json
from stepmill.language.states.java_text import java_class, java_text
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathNotFoundError

# A handful of deep scans in one path can visit every node of a document over and over. No honest path takes
# so many steps in a payload of 256 KB.
MOST_STEPS = 500_000

_PROVIDER = "com.jayway.jsonpath.spi.json.JacksonJsonProvider"


class Segment(Protocol):
    """One part of a path."""

    @property
    def fragment(self) -> str:
        """The part as it is written in texts."""

    @property
    def place(self) -> str:
        """What it adds to the place that texts name."""

    def is_definite(self, *, is_last: bool) -> bool:
        """Whether it finds one value at most."""

    def find(self, search: Search, index: int, model: Json) -> None:
        """Hand what it finds in the model to the part after it.

        Raises:
            PathNotFoundError: If all before it is definite, and the model has nothing of the kind.
            PathEvaluationError: If the model is not of a kind that it works on.
        """


class Budget:
    """Counts the steps of one read, over all the filters and functions in it."""

    __slots__ = ("left",)

    def __init__(self, left: int = MOST_STEPS) -> None:
        self.left = left

    def spend(self) -> None:
        """Count one step.

        Raises:
            PathEvaluationError: If it is one too many.
        """
        self.left -= 1
        if self.left < 0:
            raise PathEvaluationError(f"The path takes more than {MOST_STEPS} steps through the document.")


@dataclass(slots=True)
class Search:
    """One walk of a path through a document.

    Args:
        segments: Of the path, without the root.
        is_definite_before: For each segment, whether everything before it is definite.
        root: What ``$`` means.
        is_strict: Whether every property that is named must be there, as in tests for existence.
        budget: Shared with the walks that this one starts.
        results: What was found, in order.
        scanned: For a segment after a deep scan: the index that it was reached by.
    """

    segments: tuple[Segment, ...]
    is_definite_before: tuple[bool, ...]
    root: Json
    is_strict: bool
    budget: Budget
    results: list[Json] = field(default_factory=list)
    scanned: dict[int, int] = field(default_factory=dict)

    def follow(self, index: int, model: Json) -> None:
        """Go on with the segment of that index, or take the model as a result."""
        self.budget.spend()
        if index == len(self.segments):
            self.results.append(model)
        else:
            self.segments[index].find(self, index, model)

    def place(self, index: int) -> str:
        """Return where in the document the segment of that index looks."""
        return "$" + "".join(segment.place for segment in self.segments[:index])

    def rest(self, index: int) -> str:
        """Return the path from a segment on."""
        return "".join(segment.fragment for segment in self.segments[index:])

    def follow_property(self, index: int, model: Mapping[str, Json], name: str) -> None:
        """Hand on a property that is there."""
        after = index + 1
        if after == len(self.segments):
            # After a deep scan over a list only a part of the same index hands its properties on. That looks
            # like a slip of the library, and paths count on it.
            reached = self.scanned.get(index, -1)
            before = self.segments[index - 1].fragment if index else "$"
            if reached >= 0 and before != f"[{reached}]":
                return
        self.follow(after, model[name])

    def follow_index(self, index: int, model: Sequence[Json], position: int) -> None:
        """Hand on an item; negative positions count from the end, and nobody minds if there is none."""
        effective = len(model) + position if position < 0 else position
        if 0 <= effective < len(model):
            self.follow(index + 1, model[effective])


def is_array(model: Json) -> bool:
    """Whether a value is a list."""
    return isinstance(model, Sequence) and not isinstance(model, str)


@dataclass(frozen=True, slots=True)
class Names:
    """``.a``, ``['a']`` or ``['a','b']``.

    Args:
        names: At least one.
        quote: The quote around them.
    """

    names: tuple[str, ...]
    quote: str = "'"

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        return "[" + ",".join(f"{self.quote}{name}{self.quote}" for name in self.names) + "]"

    @property
    def place(self) -> str:
        """See ``Segment``."""
        return "[" + ", ".join(f"'{name}'" for name in self.names) + "]"

    def is_definite(self, *, is_last: bool) -> bool:
        """Several names at the end are merged into one object."""
        return is_last or len(self.names) == 1

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        if not isinstance(model, Mapping):
            if search.is_definite_before[index]:
                raise PathNotFoundError(
                    f"Expected to find an object with property {self.fragment} in path {search.place(index)} "
                    f"but found '{java_class(model)}'. This is not a json object according to the "
                    f"JsonProvider: '{_PROVIDER}'."
                )
            return
        is_last = index + 1 == len(search.segments)
        if is_last and len(self.names) > 1:
            self._merge(search, index, model)
            return
        for name in self.names:
            if name in model:
                search.follow_property(index, model, name)
            else:
                self._miss(search, index, name, is_last=is_last)

    def _miss(self, search: Search, index: int, name: str, *, is_last: bool) -> None:
        is_definite = search.is_definite_before[index] and len(self.names) == 1
        if search.is_strict or (is_definite and not is_last):
            kind = "No results for path:" if is_last else "Missing property in path"
            raise PathNotFoundError(f"{kind} {search.place(index)}['{name}']")

    def _merge(self, search: Search, index: int, model: Mapping[str, Json]) -> None:
        if search.is_strict and any(name not in model for name in self.names):
            raise PathNotFoundError(f"Missing property in path {search.place(index + 1)}")
        search.follow(index + 1, {name: model[name] for name in self.names if name in model})


def _is_list_to_read(search: Search, index: int, model: Json) -> bool:
    """Return whether the model is a list.

    Raises:
        PathNotFoundError: If it is none and all before is definite.
    """
    if is_array(model):
        return True
    if not search.is_definite_before[index]:
        return False
    if model is None:
        raise PathNotFoundError(f"The path {search.place(index)} is null")
    raise PathNotFoundError(
        f"Filter: {search.rest(index)} can only be applied to arrays. Current context is: {java_text(model)}"
    )


@dataclass(frozen=True, slots=True)
class Indexes:
    """``[0]``, ``[-1]`` or ``[0,2]``."""

    indexes: tuple[int, ...]

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        return "[" + ",".join(map(str, self.indexes)) + "]"

    place = fragment

    def is_definite(self, *, is_last: bool) -> bool:  # noqa: ARG002
        """See ``Segment``."""
        return len(self.indexes) == 1

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        if _is_list_to_read(search, index, model):
            assert isinstance(model, Sequence)
            for position in self.indexes:
                search.follow_index(index, model, position)


@dataclass(frozen=True, slots=True)
class Slice:
    """``[1:]``, ``[:2]`` or ``[1:2]``; a step is read over."""

    start: int | None
    stop: int | None

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        start = "" if self.start is None else self.start
        return f"[{start}:{'' if self.stop is None else self.stop}]"

    place = fragment

    def is_definite(self, *, is_last: bool) -> bool:  # noqa: ARG002
        """See ``Segment``."""
        return False

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        if _is_list_to_read(search, index, model):
            assert isinstance(model, Sequence)
            for position in self._positions(len(model)):
                search.follow_index(index, model, position)

    def _positions(self, length: int) -> range:
        if self.start is None:
            stop = self.stop or 0
            return range(min(length, length + stop if stop < 0 else stop))
        if self.stop is None:
            return range(max(0, length + self.start if self.start < 0 else self.start), length)
        # Between two bounds neither is counted from the end; each negative position is, on its own.
        return range(max(self.start, -length), min(length, self.stop))


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``.*`` or ``[*]``."""

    fragment = "[*]"
    place = fragment

    def is_definite(self, *, is_last: bool) -> bool:  # noqa: ARG002
        """See ``Segment``."""
        return False

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        if isinstance(model, Mapping):
            for name in model:
                search.follow_property(index, model, name)
        elif isinstance(model, Sequence) and not isinstance(model, str):
            for position in range(len(model)):
                search.follow_index(index, model, position)


@dataclass(frozen=True, slots=True)
class Scan:
    """``..``: the part after it, in every object and list below, outer ones first."""

    fragment = ".."
    place = fragment

    def is_definite(self, *, is_last: bool) -> bool:  # noqa: ARG002
        """See ``Segment``."""
        return False

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        self._walk(search, index + 1, model)

    def _walk(self, search: Search, index: int, model: Json) -> None:
        search.budget.spend()
        if isinstance(model, Mapping):
            if _is_target(search, index, model):
                search.follow(index, model)
            for value in model.values():
                self._walk(search, index, value)
        elif isinstance(model, Sequence) and not isinstance(model, str):
            if _is_target(search, index, model):
                self._enter_list(search, index, model)
            for value in model:
                self._walk(search, index, value)

    def _enter_list(self, search: Search, index: int, model: Sequence[Json]) -> None:
        if index + 1 == len(search.segments):
            search.follow(index, model)
            return
        for position, value in enumerate(model):
            search.scanned[index + 1] = position
            search.follow(index + 1, value)


def _is_target(search: Search, index: int, model: Json) -> bool:
    """Return whether the part after a deep scan is to look into this object or list."""
    match search.segments[index]:
        case Names() as names:
            if not isinstance(model, Mapping):
                return False
            is_definite = names.is_definite(is_last=index + 1 == len(search.segments))
            return not is_definite or all(name in model for name in names.names)
        case Indexes() | Slice():
            return is_array(model)
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
    place = fragment

    def is_definite(self, *, is_last: bool) -> bool:  # noqa: ARG002
        """See ``Segment``."""
        return False

    def accepts(self, search: Search, item: Json) -> bool:
        """Return whether the test is true of an item."""
        search.budget.spend()
        return self.test.holds(item, search)

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        if isinstance(model, Mapping):
            if self.accepts(search, model):
                search.follow(index + 1, model)
        elif isinstance(model, Sequence) and not isinstance(model, str):
            for item in model:
                if self.accepts(search, item):
                    search.follow(index + 1, item)
        elif search.is_definite_before[index]:
            raise PathEvaluationError(
                f"Filter: {search.rest(index)} can not be applied to primitives. "
                f"Current context is: {java_text(model)}"
            )
