"""Values in filters, and when two of them are equal.

A value of the document and a literal are the same kind of thing here: a string equals a number if it is
written alike, a number equals a string that reads as that number. Lists and objects are equal as Java's
are, where 1 is not 1.0.

Source: Jayway's JsonPath, ``ValueNodes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from stepmill.core.json import Json
from stepmill.language.states.java_text import java_text
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathSyntaxError
from stepmill.language.states.jsonpath.literals import read_loose_json
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.strings import unescape


class NotOfThatKindError(Exception):
    """A test that has the wrong kind of value beside its operator: it is false, whatever else holds."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exact, as it was written."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null:
    """The JSON null."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """What a path gives that leads nowhere. It equals nothing, itself neither."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A list or an object.

    Args:
        value: The list or object.
        text: How it is written, if it is a literal of the filter.
    """

    value: Json
    text: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PathValue:
    """A path; what it leads to counts. ``must_be`` says whether a test for existence wants it there."""

    path: Path
    must_be: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A regular expression between slashes.

    Args:
        source: What stands between the slashes.
        flags: What stands behind them.
    """

    source: str
    flags: str


Node: TypeAlias = Text | Number | Truth | Null | Nothing | Structure | PathValue | Pattern


def number(text: str) -> Number:
    """Return a number from its text.

    Raises:
        NotOfThatKindError: If the text is none.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NotOfThatKindError from None
    if not value.is_finite() or text != text.strip() or "_" in text:
        raise NotOfThatKindError
    return Number(value)


def node_of(value: Json) -> Node:
    """Return a value of the document as a filter sees it."""
    if isinstance(value, str):
        return Text(value)
    return _node_of_other(value)


def _node_of_other(value: Json) -> Node:
    if value is None:
        return Null()
    if isinstance(value, bool):
        return Truth(value)
    if isinstance(value, (int, float)):
        return number(java_text(value))
    return Structure(value)


def items_of(node: Node) -> list[Node] | None:
    """Return the items of a list; ``None`` if it is an object.

    Raises:
        NotOfThatKindError: If it is neither.
        PathEvaluationError: If an item is a list or an object.
    """
    if not isinstance(node, Structure):
        raise NotOfThatKindError
    value = node.value
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    return [_item(item) for item in value]


def _item(value: Json) -> Node:
    """Return an item of a list as the library takes it: a string may be a path, JSON, or quoted."""
    if not isinstance(value, str):
        if isinstance(value, (Mapping, Sequence)):
            raise PathEvaluationError("Could not determine value type")
        return _node_of_other(value)
    trimmed = value.strip()
    # The library takes these for paths, and no path equals anything.
    if trimmed[:1] in ("$", "@") and trimmed[1:2] in ("", ".", "["):
        return Nothing()
    if len(trimmed) > 1 and trimmed[0] + trimmed[-1] in ("[]", "{}"):
        try:
            return Structure(read_loose_json(trimmed), value)
        except PathSyntaxError:
            pass
    return quoted(value)


def quoted(text: str) -> Text:
    """Return a string from its text with or without quotes around it."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return Text(unescape(text)) if len(text) > 1 else Text(text)


def are_equal(left: Node, right: Node) -> bool:
    """Return whether two values are equal. The order counts when a string meets a number."""
    match left, right:
        case (Text(), Text()) | (Truth(), Truth()) | (Number(), Number()) | (Null(), Null()):
            return left == right
        case Text(), Number():
            return left.value == str(right.value)
        case Number(), Text():
            try:
                return left.value == number(right.value).value
            except NotOfThatKindError:
                return False
        case Structure(), Structure():
            # The text of a literal is held against the value on the other side, and equals none.
            return left.text is None and are_same(left.value, right.value)
        case _:
            return False


def are_same(left: Json, right: Json) -> bool:
    """Return whether two JSON values are equal in Java, where 1 is not 1.0 and true is not 1."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(are_same(left[key], right[key]) for key in left)
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        return len(left) == len(right) and all(map(are_same, left, right))
    return type(left) is type(right) and left == right
