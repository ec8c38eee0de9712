"""Reference paths: of names and indexes only, so that a value can be put there.

Source: Amazon States Language, sections "Reference Paths" and "Input and Output Processing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from stepmill.core.errors import StepmillError
from stepmill.core.json import Json, write_json
from stepmill.language.states.jsonpath.compiling import compile_path
from stepmill.language.states.jsonpath.errors import PathSyntaxError


class ReferencePathError(StepmillError):
    """A value cannot be put there: something that is no object, or no list, is in the way."""


@dataclass(frozen=True, slots=True)
class ReferencePath:
    """A path of names and indexes. Make one with ``ReferencePath.of``.

    Args:
        text: As it was written.
        keys: Names and indexes, from the root on.
    """

    text: str
    keys: tuple[str | int, ...]

    @classmethod
    def of(cls, text: str) -> ReferencePath:
        """Compile a reference path. The same text gives the same object.

        Raises:
            PathSyntaxError: If it is no path, or can stand for more than one place.
        """
        return _reference(text)

    def put(self, document: Json, value: Json) -> Json:
        """Return a document like this one with a value put in; objects that are missing are made.

        The document itself stays as it is; what the path does not touch is shared.

        Raises:
            ReferencePathError: If a scalar or a list is where an object must be, or an index is not there.

        Example:
            >>> ReferencePath.of("$.a.b").put({"x": 1}, 2)
            {'x': 1, 'a': {'b': 2}}
        """
        if not self.keys:
            return value
        if not isinstance(document, (Mapping, Sequence)) or isinstance(document, str):
            raise ReferencePathError(
                f"Unable to apply ReferencePath {self.text} to input {write_json(document)}"
            )
        try:
            return _put(document, self.keys, 0, value)
        except _InTheWayError as error:
            raise ReferencePathError(unable_to_apply(error.key, document)) from None


def unable_to_apply(key: str | int, document: Json) -> str:
    """Return what the service says when a step of a reference path leads nowhere in a document."""
    return f'Unable to apply step "{key}" to input {write_json(document)}'


class _InTheWayError(Exception):
    def __init__(self, key: str | int) -> None:
        super().__init__(key)
        self.key = key


def _put(document: Json, keys: tuple[str | int, ...], at: int, value: Json) -> Json:
    if at == len(keys):
        return value
    key = keys[at]
    if isinstance(key, str):
        if not isinstance(document, Mapping):
            raise _InTheWayError(key)
        inner = document.get(key, _MISSING if at + 1 < len(keys) else None)
        return {**document, key: _put(inner, keys, at + 1, value)}
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise _InTheWayError(key)
    if not 0 <= key < len(document):
        raise _InTheWayError(key)
    changed = list(document)
    changed[key] = _put(changed[key], keys, at + 1, value)
    return changed


_MISSING: Mapping[str, Json] = {}


@lru_cache(maxsize=1024)
def _reference(text: str) -> ReferencePath:
    keys = compile_path(text).keys if text.startswith("$") else None
    if keys is None:
        raise PathSyntaxError(f"Value is not a Reference Path: {text}")
    return ReferencePath(text, keys)
