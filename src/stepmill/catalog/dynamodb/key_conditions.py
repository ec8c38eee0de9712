"""Key conditions: which partition a query reads, and from where to where in it. Pure.

Source: DynamoDB developer guide, "Key condition expressions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.catalog.dynamodb.conditions import (
    All,
    Any,
    Between,
    Comparison,
    Condition,
    Function,
    Literal,
    Not,
    Operand,
    Within,
)
from stepmill.catalog.dynamodb.keys import encode, is_empty
from stepmill.catalog.dynamodb.paths import Path
from stepmill.catalog.dynamodb.schema import KeySchema
from stepmill.catalog.dynamodb.values import Value, type_of
from stepmill.core.errors import InvalidInputError

WHAT = "KeyConditionExpression"

_MOST = 2
_BYTE_END = 0xFF
_UNSUPPORTED = "Query key condition not supported"


@dataclass(frozen=True, slots=True)
class KeyRange:
    """What a query reads.

    Args:
        partition: Encoded.
        least: The first place; ``None``: from the first on.
        below: The end, which is not part of it; ``None``: to the last.
    """

    partition: bytes
    least: bytes | None = None
    below: bytes | None = None

    def has(self, place: bytes) -> bool:
        """Return whether a place lies in it."""
        return (self.least is None or place >= self.least) and (self.below is None or place < self.below)


@dataclass(frozen=True, slots=True)
class _Single:
    """A condition on one attribute: operator and values."""

    attribute: str
    operator: str
    values: tuple[Value, ...]


def read_range(condition: Condition, key: KeySchema, types: Mapping[str, str]) -> KeyRange:
    """Return what a key condition selects.

    Args:
        condition: As it was parsed.
        key: Of the table or index that is read.
        types: Attribute -> type of keys.

    Raises:
        InvalidInputError: If it is not one that DynamoDB takes.
    """
    found: dict[str, _Single] = {}
    for each in _flat(condition):
        single = _single(each)
        if single.attribute in found:
            raise InvalidInputError("KeyConditionExpressions must only contain one condition per key")
        found[single.attribute] = single
    if len(found) > _MOST:
        raise InvalidInputError("Conditions can be of length 1 or 2 only")
    for name in key.names[: len(found)]:
        if name not in found:
            raise InvalidInputError(f"Query condition missed key schema element: {name}")
    if len(found) > len(key.names):
        raise InvalidInputError(_UNSUPPORTED)
    for single in found.values():
        _check_values(single, types[single.attribute])
    first = found[key.partition]
    if first.operator != "=":
        raise InvalidInputError(_UNSUPPORTED)
    partition = encode(first.values[0])
    return _range(partition, found[key.sort]) if len(found) == _MOST else KeyRange(partition)


def _range(partition: bytes, single: _Single) -> KeyRange:
    low = encode(single.values[0])
    match single.operator:
        case "=":
            return KeyRange(partition, low, _next(low))
        case "<":
            return KeyRange(partition, below=low)
        case "<=":
            return KeyRange(partition, below=_next(low))
        case ">":
            return KeyRange(partition, _next(low))
        case ">=":
            return KeyRange(partition, low)
        case "BETWEEN":
            return KeyRange(partition, low, _next(encode(single.values[1])))
    return KeyRange(partition, low, _after_prefix(low))


def _next(key: bytes) -> bytes:
    """Return the least bytes that are greater."""
    return key + b"\x00"


def _after_prefix(prefix: bytes) -> bytes | None:
    """Return the least bytes that are greater than all that begin so; ``None`` if there are none."""
    stem = prefix.rstrip(bytes([_BYTE_END]))
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def _flat(condition: Condition) -> list[Condition]:
    if isinstance(condition, All):
        return [each for below in condition.conditions for each in _flat(below)]
    return [condition]


def _single(condition: Condition) -> _Single:
    match condition:
        case Comparison(operator, left, right) if operator != "<>":
            return _Single(_attribute(left), operator, (_literal(right),))
        case Between(operand, low, high):
            return _Single(_attribute(operand), "BETWEEN", (_literal(low), _literal(high)))
        case Function("begins_with", (left, right)):
            return _Single(_attribute(left), "begins_with", (_literal(right),))
        case Comparison():
            raise _wrong_operator("<>")
        case Within():
            raise _wrong_operator("IN")
        case Any():
            raise _wrong_operator("OR")
        case Not():
            raise _wrong_operator("NOT")
        case Function(name):
            raise _wrong_operator(name)
    raise InvalidInputError(_UNSUPPORTED)


def _attribute(operand: Operand) -> str:
    if not isinstance(operand, Path):
        raise InvalidInputError(_UNSUPPORTED)
    if len(operand.parts) > 1:
        raise InvalidInputError("KeyConditionExpressions cannot have conditions on nested attributes")
    return operand.attribute


def _literal(operand: Operand) -> Value:
    if not isinstance(operand, Literal):
        raise InvalidInputError(_UNSUPPORTED)
    return operand.value


def _check_values(single: _Single, kind: str) -> None:
    for value in single.values:
        if type_of(value) != kind:
            raise InvalidInputError(
                "One or more parameter values were invalid: Condition parameter type does not match "
                "schema type"
            )
        if is_empty(value):
            told = "string" if kind == "S" else "binary"
            raise InvalidInputError(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                f"contain an empty {told} value. Key: {single.attribute}"
            )


def _wrong_operator(operator: str) -> InvalidInputError:
    return InvalidInputError(f"Invalid operator used in {WHAT}: {operator}")
