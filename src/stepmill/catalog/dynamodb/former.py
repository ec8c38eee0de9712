"""Parameters from the time before expressions, read as what expressions say. Pure.

Source: DynamoDB developer guide, "Legacy conditional parameters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any as AnyType

from stepmill.catalog.dynamodb.conditions import (
    All,
    Any,
    Between,
    Comparison,
    Condition,
    Function,
    Literal,
    Not,
    Within,
)
from stepmill.catalog.dynamodb.paths import Path
from stepmill.catalog.dynamodb.updates import Given, Source, Update
from stepmill.catalog.dynamodb.values import ORDERED, SETS, Value, read_value, type_of
from stepmill.core.errors import InvalidInputError

_INVALID = "One or more parameter values were invalid: "
_COMPARISONS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
# Operator -> how many values it takes, at least and at most.
_COUNTS = {
    **dict.fromkeys(_COMPARISONS, (1, 1)),
    "NOT_NULL": (0, 0),
    "NULL": (0, 0),
    "CONTAINS": (1, 1),
    "NOT_CONTAINS": (1, 1),
    "BEGINS_WITH": (1, 1),
    "BETWEEN": (2, 2),
    "IN": (1, 100),
}
_SCALAR_ONLY = frozenset({"LT", "LE", "GT", "GE", "BETWEEN"})


def read_conditions(given: Mapping[str, AnyType], operator: str) -> Condition:
    """Return what ``KeyConditions``, ``QueryFilter`` or ``ScanFilter`` say.

    Args:
        given: Attribute -> operator and values.
        operator: ``AND`` or ``OR`` between them.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    return _joined([_condition(name, each) for name, each in given.items()], operator)


def read_expected(given: Mapping[str, AnyType], operator: str) -> Condition:
    """Return what ``Expected`` says.

    Args:
        given: Attribute -> operator and values, or its value, or that it must not exist.
        operator: ``AND`` or ``OR`` between them.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    return _joined([_expected(name, each) for name, each in given.items()], operator)


def read_updates(given: Mapping[str, AnyType]) -> Update:
    """Return what ``AttributeUpdates`` say.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    sets: list[tuple[Path, Source]] = []
    removes: list[Path] = []
    adds: list[tuple[Path, Value]] = []
    deletes: list[tuple[Path, Value]] = []
    for name, each in given.items():
        path, action = Path((name,)), each.get("Action") or "PUT"
        if each.get("Value") is None:
            if action != "DELETE":
                raise InvalidInputError(
                    f"{_INVALID}Only DELETE action is allowed when no attribute value is specified"
                )
            removes.append(path)
            continue
        value = read_value(each["Value"])
        if action == "PUT":
            sets.append((path, Given(value)))
            continue
        allowed = SETS if action == "DELETE" else SETS | {"N"}
        if (kind := type_of(value)) not in allowed:
            raise InvalidInputError(f"{_INVALID}{action} action is not supported for the type {kind}")
        (adds if action == "ADD" else deletes).append((path, value))
    return Update(tuple(sets), tuple(removes), tuple(adds), tuple(deletes))


def read_attributes(given: Sequence[str]) -> tuple[Path, ...]:
    """Return what ``AttributesToGet`` shows.

    Raises:
        InvalidInputError: If an attribute is named twice.
    """
    if len(set(given)) != len(given):
        raise InvalidInputError(f"{_INVALID}Duplicate value in attribute name")
    return tuple(Path((name,)) for name in given)


def _joined(conditions: Sequence[Condition], operator: str) -> Condition:
    if not conditions:
        raise InvalidInputError(f"{_INVALID}Conditions must not be empty")
    if len(conditions) == 1:
        return conditions[0]
    return Any(tuple(conditions)) if operator == "OR" else All(tuple(conditions))


def _expected(name: str, given: Mapping[str, AnyType]) -> Condition:
    exists, value = given.get("Exists"), given.get("Value")
    if given.get("ComparisonOperator") is not None:
        if exists is not None or (value is not None and given.get("AttributeValueList") is not None):
            raise InvalidInputError(
                f"{_INVALID}Value or AttributeValueList, and Exists or ComparisonOperator, cannot be used "
                f"together for Attribute: {name}"
            )
        values = [value] if value is not None else given.get("AttributeValueList")
        return _condition(name, {**given, "AttributeValueList": values})
    if exists is False:
        if value is not None:
            raise InvalidInputError(
                f"{_INVALID}Value cannot be used when Exists is false for Attribute: {name}"
            )
        return Function("attribute_not_exists", (Path((name,)),))
    if value is None:
        raise InvalidInputError(
            f"{_INVALID}Value must be provided when Exists is {'true' if exists else 'null'} "
            f"for Attribute: {name}"
        )
    return Comparison("=", Path((name,)), Literal(read_value(value)))


def _condition(name: str, given: Mapping[str, AnyType]) -> Condition:
    operator = given["ComparisonOperator"]
    values = [read_value(value) for value in given.get("AttributeValueList") or ()]
    least, most = _COUNTS[operator]
    if not least <= len(values) <= most:
        raise InvalidInputError(
            f"{_INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator"
        )
    _check_types(operator, values)
    path, literals = Path((name,)), tuple(map(Literal, values))
    if operator in _COMPARISONS:
        return Comparison(_COMPARISONS[operator], path, literals[0])
    match operator:
        case "NOT_NULL":
            return Function("attribute_exists", (path,))
        case "NULL":
            return Function("attribute_not_exists", (path,))
        case "CONTAINS":
            return Function("contains", (path, literals[0]))
        case "NOT_CONTAINS":
            return Not(Function("contains", (path, literals[0])))
        case "BEGINS_WITH":
            return Function("begins_with", (path, literals[0]))
        case "BETWEEN":
            return Between(path, literals[0], literals[1])
    return Within(path, literals)


def _check_types(operator: str, values: Sequence[Value]) -> None:
    allowed = ORDERED if operator in _SCALAR_ONLY else {"S", "B"} if operator == "BEGINS_WITH" else None
    for value in values:
        if allowed is not None and type_of(value) not in allowed:
            raise InvalidInputError(
                f"{_INVALID}ComparisonOperator {operator} is not valid for {type_of(value)} "
                "AttributeValue type"
            )
