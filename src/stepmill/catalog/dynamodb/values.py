"""Attribute values: what DynamoDB takes as one, how large it is, and how two of them compare.

A value is what AWS's wire has, ``{"S": "a"}``, with one type; binary is ``bytes``, a number the text that
DynamoDB tells of it. Pure.

Source: DynamoDB API reference, ``AttributeValue``; developer guide, "Item sizes and formats".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from stepmill.catalog.dynamodb.numbers import number_size, read_number, write_number
from stepmill.core.errors import InvalidInputError

Value: TypeAlias = Mapping[str, Any]
Item: TypeAlias = Mapping[str, Value]

TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")
SETS = frozenset({"SS", "NS", "BS"})
ORDERED = frozenset({"S", "N", "B"})
DEEPEST = 32
LARGEST_ITEM_BYTES = 400 * 1024
_LONGEST_NAME_BYTES = 65_535

_INVALID = "One or more parameter values were invalid: "
_EMPTY_SETS = {
    "SS": "An string set  may not be empty",
    "NS": "An number set  may not be empty",
    "BS": "Binary sets should not be empty",
}
# Of each element of a list and each pair of a map, and of the list or the map itself.
_ELEMENT_BYTES, _NESTED_BYTES = 1, 3


def type_of(value: Value) -> str:
    """Return the type of a value: ``S``, ``M``."""
    return next(iter(value))


def read_value(given: Mapping[str, Any], depth: int = 1) -> Value:
    """Return a value that a client gives, as it is kept.

    Args:
        given: As botocore gives it, with binary as ``bytes``.
        depth: How deep it lies in its item; an attribute's own value lies at 1.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    if not isinstance(given, Mapping) or len(given) != 1:
        how = "has more than one datatypes set" if given else "is empty"
        raise InvalidInputError(
            f"Supplied AttributeValue {how}, must contain exactly one of the supported datatypes"
        )
    kind, content = next(iter(given.items()))
    if kind in ("M", "L") and depth > DEEPEST:
        raise InvalidInputError("Nesting Levels have exceeded supported limits")
    match kind:
        case "M":
            return {"M": {_name(name): read_value(below, depth + 1) for name, below in content.items()}}
        case "L":
            return {"L": [read_value(below, depth + 1) for below in content]}
        case "N":
            return {"N": write_number(read_number(content))}
        case "SS" | "NS" | "BS":
            return {kind: _read_set(kind, content)}
        case "NULL" if content is not True:
            raise InvalidInputError(f"{_INVALID}Null attribute value types must have the value of true")
        case "S" | "B" | "BOOL" | "NULL":
            return {kind: content}
    raise InvalidInputError(
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
    )


def read_item(given: Mapping[str, Any]) -> Item:
    """Return the attributes that a client gives, as they are kept.

    Raises:
        InvalidInputError: If DynamoDB would refuse one.
    """
    return {_name(name): read_value(value) for name, value in given.items()}


def item_size(item: Item) -> int:
    """Return how many bytes an item counts: its attributes' names in UTF-8, and their values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Value) -> int:
    """Return how many bytes a value counts."""
    kind, content = next(iter(value.items()))
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return number_size(content)
        case "B":
            return len(content)
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "NS":
            return sum(map(number_size, content))
        case "BS":
            return sum(map(len, content))
        case "M":
            pairs = (len(name.encode()) + value_size(below) for name, below in content.items())
            return _NESTED_BYTES + sum(pairs) + _ELEMENT_BYTES * len(content)
        case "L":
            return _NESTED_BYTES + sum(map(value_size, content)) + _ELEMENT_BYTES * len(content)
    return 1


def equal(left: Value, right: Value) -> bool:
    """Return whether two values are of one type and equal; the order in a set says nothing."""
    kind = type_of(left)
    if kind != type_of(right):
        return False
    ours, theirs = left[kind], right[kind]
    match kind:
        case "SS" | "NS" | "BS":
            return set(ours) == set(theirs)
        case "L":
            return len(ours) == len(theirs) and all(map(equal, ours, theirs))
        case "M":
            same = ours.keys() == theirs.keys()
            return same and all(equal(below, theirs[name]) for name, below in ours.items())
    return bool(ours == theirs)


def order_of(left: Value, right: Value) -> int | None:
    """Return -1, 0 or 1 as one value is less than, equal to or greater than another.

    Strings compare by their UTF-8 bytes. ``None`` if they are of two types, or of one without an order.
    """
    kind = type_of(left)
    if kind not in ORDERED or kind != type_of(right):
        return None
    ours, theirs = sorting(left), sorting(right)
    return int(ours > theirs) - int(ours < theirs)


def sorting(value: Value) -> Any:
    """Return what a string, a number or a binary is compared by."""
    kind = type_of(value)
    content = value[kind]
    return content.encode() if kind == "S" else Decimal(content) if kind == "N" else content


def told_value(value: Value) -> str:
    """Return a value as error messages show it: ``{S:a}``."""
    kind, content = next(iter(value.items()))
    return f"{{{kind}:{content}}}"


def _read_set(kind: str, content: Sequence[Any]) -> list[Any]:
    if not content:
        raise InvalidInputError(_INVALID + _EMPTY_SETS[kind])
    members = [write_number(read_number(text)) for text in content] if kind == "NS" else list(content)
    if len(set(members)) != len(members):
        told = "" if kind == "BS" else f" [{', '.join(map(str, content[:100]))}]"
        raise InvalidInputError(f"{_INVALID}Input collection{told} contains duplicates.")
    return members


def _name(name: str) -> str:
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        raise InvalidInputError(f"{_INVALID}Attribute name is too large")
    return name


def is_deeper_than(value: Value, levels: int) -> bool:
    """Return whether lists and maps in a value lie deeper in each other than so many levels."""
    layer = [value]
    for _ in range(levels):
        below: list[Value] = []
        for each in layer:
            below += each["M"].values() if "M" in each else each.get("L", ())
        if not below:
            return False
        layer = below
    return any("M" in each or "L" in each for each in layer)
