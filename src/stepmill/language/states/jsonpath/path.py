"""A compiled path, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from stepmill.core.json import Json
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathNotFoundError
from stepmill.language.states.jsonpath.segments import Budget, Indexes, Names, Search, Segment


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A path, ready to be read from any document. Make one with ``compile_path``.

    Args:
        text: As it was written.
        segments: What comes after the root.
        is_root: Whether it starts at ``$``; else at ``@``.
    """

    text: str
    segments: tuple[Segment, ...]
    is_root: bool = True
    is_definite: bool = field(init=False)
    _must_be: tuple[bool, ...] = field(init=False)
    _names: tuple[str, ...] | None = field(init=False)
    _keys: tuple[str | int, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        definite = [segment.is_definite for segment in self.segments]
        keys = self.keys
        names = None if keys is None else tuple(key for key in keys if isinstance(key, str))
        set_field = object.__setattr__
        set_field(self, "is_definite", all(definite))
        # The library asks whether all is definite from the part before on, where it means up to it. So where
        # an indefinite part follows, a property that is missing is passed over.
        set_field(self, "_must_be", tuple(all(definite[max(i - 1, 0) :]) for i in range(len(definite))))
        set_field(self, "_names", names if names == keys else None)
        set_field(self, "_keys", keys)

    @property
    def canonical(self) -> str:
        """The path as texts name it: ``$['a'][0]``."""
        return "$" + "".join(segment.fragment for segment in self.segments)

    @property
    def fixed_keys(self) -> tuple[str | int, ...]:
        """The names and indexes that the path starts with."""
        keys: list[str | int] = []
        for segment in self.segments:
            if isinstance(segment, Names) and len(segment.names) == 1:
                keys.append(segment.names[0])
            elif isinstance(segment, Indexes) and len(segment.indexes) == 1:
                keys.append(segment.indexes[0])
            else:
                break
        return tuple(keys)

    @property
    def keys(self) -> tuple[str | int, ...] | None:
        """The names and indexes of a path that has nothing else; ``None`` for all others."""
        keys = self.fixed_keys
        return keys if len(keys) == len(self.segments) else None

    def read(self, document: Json) -> Json:
        """Return what stands at the path: one value, or a list if the path is not definite.

        Raises:
            PathNotFoundError: If nothing is there.
            PathEvaluationError: If an index or a filter meets what it cannot be applied to, or it takes too
                long.

        Example:
            >>> from stepmill.language.states.jsonpath import compile_path
            >>> compile_path("$.a[0].b").read({"a": [{"b": 1}]})
            1
            >>> compile_path("$.items[*]").read({})
            []
        """
        if self._names is not None:
            value = document
            try:
                for name in self._names:
                    value = value[name]  # type: ignore[index,call-overload]
            except (KeyError, TypeError):
                pass
            else:
                return value
        elif self._keys is not None:
            found = _follow(self._keys, document)
            if found is not _NOWHERE:
                return found
        try:
            return self.search(document, document, Budget(document))
        except RecursionError as error:
            raise PathEvaluationError("The document is nested too deep for this path.") from error

    def search(self, start: Json, root: Json, budget: Budget, *, is_strict: bool = False) -> Json:
        """Read from somewhere in a document.

        Args:
            start: Where the path begins.
            root: What ``$`` means in its filters.
            budget: Counts the steps.
            is_strict: Whether every property that is named must be there.

        Raises:
            PathNotFoundError: As with ``read``.
            PathEvaluationError: As with ``read``.
        """
        search = Search(self.segments, self._must_be, root, is_strict, budget)
        search.follow(0, None, start)
        if not self.is_definite:
            return search.results
        if not search.results:
            raise PathNotFoundError(f"No results for path: {self.canonical}")
        return search.results[0]


class _Nowhere(Enum):
    NOWHERE = "nowhere"


_NOWHERE: Final = _Nowhere.NOWHERE


def _follow(keys: tuple[str | int, ...], value: Json) -> Json | _Nowhere:
    """Return what names and indexes lead to, or that they lead nowhere; why, the search tells."""
    for key in keys:
        if isinstance(key, int) and (key < 0 or isinstance(value, str)):
            return _NOWHERE
        try:
            value = value[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return _NOWHERE
    return value
