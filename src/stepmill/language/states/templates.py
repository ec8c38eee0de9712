"""Payload templates: JSON in which keys that end in ``.$`` stand for values read or computed.

``Parameters``, ``ResultSelector``, ``ItemSelector``, ``BatchInput``, ``Credentials``, ``Assign`` and the
like. A template is compiled once; what has no such key in it is given back as it is.

Source: Amazon States Language, section "Payload Template".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.language.states.evaluation import RUNTIME, Scope
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.intrinsics import Intrinsic, is_intrinsic
from stepmill.language.states.intrinsics.calling import quoted_document, read_field_of
from stepmill.language.states.jsonpath import Field, PathEvaluationError, PathNotFoundError

SUFFIX = ".$"


@dataclass(frozen=True, slots=True)
class Constant:
    """A part in which nothing is read."""

    value: Json


@dataclass(frozen=True, slots=True)
class Reading:
    """A member whose value a path gives.

    Args:
        key: As it was written, with its suffix.
        field: The path.
    """

    key: str
    field: Field


@dataclass(frozen=True, slots=True)
class Computing:
    """A member whose value an intrinsic function gives."""

    key: str
    intrinsic: Intrinsic


@dataclass(frozen=True, slots=True)
class Members:
    """An object; names are those of the result."""

    parts: tuple[tuple[str, Part], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    parts: tuple[Part, ...]


Part: TypeAlias = Constant | Reading | Computing | Members | Items


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. Make one with ``Template.of``."""

    root: Part

    @classmethod
    def of(cls, document: Json) -> Template:
        """Compile a template.

        Raises:
            PathSyntaxError: If the value of a key with the suffix is no path.
            IntrinsicSyntaxError: If it is no call of an intrinsic function either.
            InvalidInputError: If it is no string, or the template is nested too deep.
        """
        try:
            return cls(_part(document))
        except RecursionError as error:
            raise InvalidInputError("The template is nested too deep.", mend="Flatten it.") from error

    def render(self, scope: Scope) -> Json:
        """Return the template with its values put in.

        Raises:
            EvaluationError: ``States.Runtime``: a path leads nowhere, or a function cannot be called.

        Example:
            >>> from stepmill.language.states.evaluation import FixedScope
            >>> template = Template.of({"a.$": "$.x", "b": [{"c.$": "States.Array($.x)"}]})
            >>> template.render(FixedScope({"x": 2}))
            {'a': 2, 'b': [{'c': [2]}]}
        """
        return _rendered(self.root, scope)

    @property
    def is_constant(self) -> bool:
        """Whether nothing is read: it is its own rendering."""
        return isinstance(self.root, Constant)

    @property
    def fields(self) -> tuple[Field, ...]:
        """All paths in it, in order."""
        return tuple(_fields(self.root))


def _part(document: Json) -> Part:
    if isinstance(document, Mapping):
        members = [_member(key, value) for key, value in document.items()]
        if all(isinstance(part, Constant) for _, part in members):
            return Constant(document)
        return Members(tuple(members))
    if isinstance(document, Sequence) and not isinstance(document, str):
        parts = tuple(map(_part, document))
        return Constant(document) if all(isinstance(part, Constant) for part in parts) else Items(parts)
    return Constant(document)


def _member(key: str, value: Json) -> tuple[str, Part]:
    if not key.endswith(SUFFIX):
        return key, _part(value)
    name = key[: -len(SUFFIX)]
    if not isinstance(value, str):
        kind = _kind(value)
        raise InvalidInputError(
            f"The value for the field '{key}' must be a STRING that contains a JSONPath but was {kind}"
        )
    if is_intrinsic(value):
        return name, Computing(key, Intrinsic.of(value))
    return name, Reading(key, Field.of(value))


def _kind(value: Json) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "a BOOLEAN"
    if isinstance(value, (int, float)):
        return "a NUMBER"
    return "an OBJECT" if isinstance(value, Mapping) else "an ARRAY"


def _rendered(part: Part, scope: Scope) -> Json:
    match part:
        case Constant():
            return part.value
        case Members():
            return {name: _rendered(inner, scope) for name, inner in part.parts}
        case Reading():
            return read_named(part.field, part.key, scope)
        case Computing():
            return part.intrinsic.call(scope)
        case Items():
            return [_rendered(inner, scope) for inner in part.parts]


def read_named(field: Field, name: str, scope: Scope) -> Json:
    """Return what a path gives that stands in the named member or field.

    Raises:
        EvaluationError: ``States.Runtime``: it leads nowhere.
    """
    try:
        return read_field_of(field, scope)
    except PathNotFoundError as error:
        raise EvaluationError(
            RUNTIME,
            f"The JSONPath '{field.text}' specified for the field '{name}' could not be found in the input "
            f"'{quoted_document(field, scope)}'",
        ) from error
    except PathEvaluationError as error:
        raise EvaluationError(RUNTIME, error.what) from error


def _fields(part: Part) -> Iterator[Field]:
    match part:
        case Reading():
            yield part.field
        case Computing():
            yield from part.intrinsic.fields
        case Members():
            for _, inner in part.parts:
                yield from _fields(inner)
        case Items():
            for inner in part.parts:
                yield from _fields(inner)
        case Constant():
            return
