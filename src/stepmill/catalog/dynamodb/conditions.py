"""Conditions: what condition, filter and key condition expressions say, and whether an item fulfils it. Pure.

An attribute that is not there makes a comparison false, but ``<>`` true.

Source: DynamoDB developer guide, "Comparison operator and function reference".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from stepmill.catalog.dynamodb.paths import Path
from stepmill.catalog.dynamodb.values import SETS, Item, Value, equal, order_of, type_of


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of the call's."""

    value: Value


@dataclass(frozen=True, slots=True)
class Size:
    """The size of what lies at a path."""

    path: Path


Operand: TypeAlias = Path | Literal | Size


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``; the operator is one of ``= <> < <= > >=``."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """``operand BETWEEN low AND high``, both included."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class Within:
    """``operand IN (choices)``."""

    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """``name(operands)`` of those functions that are true or false."""

    name: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class All:
    """``a AND b AND c``."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """``a OR b OR c``."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT a``."""

    condition: Condition


Condition: TypeAlias = Comparison | Between | Within | Function | All | Any | Not


def holds(condition: Condition, item: Item) -> bool:
    """Return whether an item fulfils a condition; ``{}`` stands for an item that is not there."""
    match condition:
        case All(conditions):
            return all(holds(each, item) for each in conditions)
        case Any(conditions):
            return any(holds(each, item) for each in conditions)
        case Not(inner):
            return not holds(inner, item)
        case Comparison(operator, left, right):
            return _compares(operator, _value(left, item), _value(right, item))
        case Between(operand, low, high):
            value = _value(operand, item)
            above = _compares(">=", value, _value(low, item))
            return above and _compares("<=", value, _value(high, item))
        case Within(operand, choices):
            value = _value(operand, item)
            return any(_compares("=", value, _value(choice, item)) for choice in choices)
        case Function():
            return _function_holds(condition, item)


def paths_in(condition: Condition) -> list[Path]:
    """Return all paths that a condition looks at."""
    match condition:
        case All(conditions) | Any(conditions):
            return [path for each in conditions for path in paths_in(each)]
        case Not(inner):
            return paths_in(inner)
        case Comparison(_, left, right):
            return _paths_of(left, right)
        case Between(operand, low, high):
            return _paths_of(operand, low, high)
        case Within(operand, choices):
            return _paths_of(operand, *choices)
        case Function(_, operands):
            return _paths_of(*operands)


def _paths_of(*operands: Operand) -> list[Path]:
    return [
        operand.path if isinstance(operand, Size) else operand
        for operand in operands
        if not isinstance(operand, Literal)
    ]


def _value(operand: Operand, item: Item) -> Value | None:
    match operand:
        case Literal(value):
            return value
        case Path():
            return operand.find(item)
        case Size(path):
            found = path.find(item)
            size = None if found is None else _size(found)
            return None if size is None else {"N": str(size)}


def _size(value: Value) -> int | None:
    kind = type_of(value)
    return None if kind in ("N", "BOOL", "NULL") else len(value[kind])


def _compares(operator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return operator == "<>" and (left is None) != (right is None)
    if operator in ("=", "<>"):
        return equal(left, right) == (operator == "=")
    order = order_of(left, right)
    if order is None:
        return False
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def _function_holds(function: Function, item: Item) -> bool:
    first, *others = (_value(operand, item) for operand in function.operands)
    if function.name == "attribute_exists":
        return first is not None
    if function.name == "attribute_not_exists":
        return first is None
    second = others[0]
    if first is None or second is None:
        return False
    if function.name == "attribute_type":
        return bool(second["S"] == type_of(first))
    if function.name == "begins_with":
        return _begins_with(first, second)
    return _contains(first, second)


def _begins_with(value: Value, prefix: Value) -> bool:
    kind = type_of(value)
    return kind in ("S", "B") and kind == type_of(prefix) and value[kind].startswith(prefix[kind])


def _contains(value: Value, part: Value) -> bool:
    kind, other = type_of(value), type_of(part)
    if kind in ("S", "B"):
        return kind == other and part[kind] in value[kind]
    if kind in SETS:
        return kind == f"{other}S" and part[other] in value[kind]
    return kind == "L" and any(equal(element, part) for element in value["L"])
