"""Search expressions: read from a request, and held against documents. Pure.

Source: SageMaker API reference, SearchExpression, Filter, NestedFilters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from stepmill.catalog.search_properties import Property, PropertyKind, texts_in
from stepmill.core.clock import aware
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject

# API reference: so many filters and expressions in all.
MOST_CONDITIONS = 50

PropertyOf: TypeAlias = Callable[[str], Property]
_Comparable: TypeAlias = "str | float | bool | datetime"


class Operator(StrEnum):
    """What a filter asks of a property."""

    EQUALS = "Equals"
    NOT_EQUALS = "NotEquals"
    GREATER = "GreaterThan"
    GREATER_OR_EQUAL = "GreaterThanOrEqualTo"
    LESS = "LessThan"
    LESS_OR_EQUAL = "LessThanOrEqualTo"
    CONTAINS = "Contains"
    EXISTS = "Exists"
    NOT_EXISTS = "NotExists"
    IN = "In"


_ORDERS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.GREATER: lambda left, right: left > right,
    Operator.GREATER_OR_EQUAL: lambda left, right: left >= right,
    Operator.LESS: lambda left, right: left < right,
    Operator.LESS_OR_EQUAL: lambda left, right: left <= right,
}
_OF_TEXT = frozenset({Operator.CONTAINS, Operator.IN})
_WITHOUT_VALUE = frozenset({Operator.EXISTS, Operator.NOT_EXISTS})


@dataclass(frozen=True)
class Filter:
    """One condition.

    Args:
        property: Of which property.
        operator: What is asked of it.
        value: With what it is compared; empty where nothing is.
    """

    property: Property
    operator: Operator
    value: str = ""

    def holds(self, view: JsonObject) -> bool:
        """Return whether the condition holds for the view of a document."""
        values = [value for value in self.property.values(view) if value is not None]
        match self.operator:
            case Operator.EXISTS:
                return bool(values)
            case Operator.NOT_EXISTS:
                return not values
            case Operator.EQUALS:
                return self._is_any(values, self.value)
            case Operator.NOT_EQUALS:
                return not self._is_any(values, self.value)
            case Operator.IN:
                return any(self._is_any(values, one.strip()) for one in self.value.split(","))
            case Operator.CONTAINS:
                return any(self.value in text for value in values for text in texts_in(value))
        compare = _ORDERS[self.operator]
        pairs = (self._pair(value, self.value) for value in values)
        return any(compare(*pair) for pair in pairs if pair is not None)

    def _is_any(self, values: Sequence[Json], given: str) -> bool:
        pairs = (self._pair(value, given) for value in values)
        return any(left == right for pair in pairs if pair is not None for left, right in [pair])

    def _pair(self, value: Json, given: str) -> tuple[_Comparable, _Comparable] | None:
        """Return a value and what it is compared with, in a form that can be; ``None`` if they cannot be."""
        if isinstance(value, Mapping):
            return None
        kind = self.property.kind
        if kind is PropertyKind.MOMENT:
            return moment_of(value), moment_of(given)
        if kind is PropertyKind.BOOLEAN:
            return bool(value), given.lower() == "true"
        if kind is PropertyKind.TEXT:
            return str(value), given
        left, right = _number(value), _number(given)
        if left is None or right is None:
            # Text is not greater or less than anything.
            return None if self.operator in _ORDERS else (str(value), given)
        if self.property.whole and _is_whole(given):
            left = float(int(left))
        return left, right


@dataclass(frozen=True)
class NestedFilter:
    """Conditions that one element of a list must fulfil, all of them.

    Args:
        group: The list.
        filters: The conditions; their properties are named within an element.
    """

    group: Property
    filters: tuple[Filter, ...]

    def holds(self, view: JsonObject) -> bool:
        """Return whether there is such an element in the view of a document."""
        elements = [value for value in self.group.values(view) if isinstance(value, Mapping)]
        return any(all(one.holds(element) for one in self.filters) for element in elements)


@dataclass(frozen=True)
class Expression:
    """Conditions together.

    Args:
        conditions: Filters, nested filters and further expressions.
        is_any: Whether one of them is enough.
    """

    conditions: tuple[Filter | NestedFilter | Expression, ...] = ()
    is_any: bool = False

    def holds(self, view: JsonObject) -> bool:
        """Return whether it holds for the view of a document; without conditions it does."""
        if not self.conditions:
            return True
        of_each = (condition.holds(view) for condition in self.conditions)
        return any(of_each) if self.is_any else all(of_each)

    def required(self) -> dict[str, str]:
        """Return property -> value where only what equals it can match: a search may begin there."""
        if self.is_any and len(self.conditions) > 1:
            return {}
        found: dict[str, str] = {}
        for condition in self.conditions:
            if isinstance(condition, Filter) and condition.operator is Operator.EQUALS:
                found[condition.property.name] = condition.value
            elif isinstance(condition, Expression):
                found |= condition.required()
        return found


def read_expression(document: JsonObject, property_of: PropertyOf) -> Expression:
    """Read the ``SearchExpression`` of a request.

    Args:
        document: As it came; empty for a search for everything.
        property_of: Gives properties by name; raises InvalidInputError for those that are none.

    Raises:
        InvalidInputError: If it cannot be taken.
    """
    if (count := _count(document)) > MOST_CONDITIONS:
        raise InvalidInputError(
            f"A search expression has at most {MOST_CONDITIONS} conditions, this one has {count}.",
            where="SearchExpression",
            mend="Search more than once.",
        )
    return _read(document, property_of)


def _read(document: JsonObject, property_of: PropertyOf) -> Expression:
    conditions: list[Filter | NestedFilter | Expression] = [
        read_filter(one, property_of(str(one["Name"]))) for one in _list(document, "Filters")
    ]
    conditions += [_read_nested(one, property_of) for one in _list(document, "NestedFilters")]
    conditions += [_read(one, property_of) for one in _list(document, "SubExpressions")]
    return Expression(tuple(conditions), is_any=document.get("Operator") == "Or")


def _read_nested(document: JsonObject, property_of: PropertyOf) -> NestedFilter:
    group = property_of(str(document["NestedPropertyName"]))
    filters = []
    for one in _list(document, "Filters"):
        name = str(one["Name"])
        prefix = f"{group.name}."
        if not name.lower().startswith(prefix.lower()):
            raise InvalidInputError(
                f"The nested filter's property {name!r} is not within {group.name!r}.",
                where="NestedFilters",
                mend=f"Begin its name with {prefix!r}.",
            )
        whole = property_of(name)
        filters.append(read_filter(one, Property(name[len(prefix) :], whole.kind, whole.whole)))
    return NestedFilter(group, tuple(filters))


def read_filter(document: JsonObject, of: Property) -> Filter:
    """Read one filter.

    Args:
        document: As it came.
        of: The property that it names.

    Raises:
        InvalidInputError: If its operator does not go with the property, or its value cannot be compared.
    """
    operator = Operator(str(document.get("Operator") or Operator.EQUALS))
    value = document.get("Value")
    problem = _problem(operator, of.kind, value)
    if problem:
        raise InvalidInputError(
            f"The filter of {of.name!r} cannot be used: {problem}.",
            where="SearchExpression",
            mend="See the API reference of Filter for what goes together.",
        )
    return Filter(of, operator, str(value or ""))


def _problem(operator: Operator, kind: PropertyKind, value: Json) -> str:
    if operator in _WITHOUT_VALUE:
        return f"{operator} takes no Value" if value else ""
    if value is None:
        return f"{operator} needs a Value"
    if operator is Operator.CONTAINS and kind is PropertyKind.GROUP:
        return ""
    is_text = kind in (PropertyKind.TEXT, PropertyKind.LOOSE)
    if kind is PropertyKind.GROUP or (operator in _OF_TEXT and not is_text):
        return f"{operator} is not for a property of this kind"
    if operator in _ORDERS and kind in (PropertyKind.TEXT, PropertyKind.BOOLEAN):
        return f"{operator} is only for numbers and moments"
    return _unreadable(kind, str(value))


def _unreadable(kind: PropertyKind, value: str) -> str:
    if kind is PropertyKind.NUMBER and _number(value) is None:
        return f"{value[:40]!r} is no number"
    if kind is PropertyKind.BOOLEAN and value.lower() not in ("true", "false"):
        return f"{value[:40]!r} is neither true nor false"
    if kind is PropertyKind.MOMENT:
        try:
            moment_of(value)
        except ValueError:
            return f"{value[:40]!r} is no moment such as 2026-01-31T12:00:00"
    return ""


def moment_of(value: Json | datetime) -> datetime:
    """Return the moment that a document or a filter has: UTC if it does not say.

    Raises:
        ValueError: If it is none.
    """
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return aware(moment)


def _number(value: Json) -> float | None:
    try:
        number = None if isinstance(value, bool) else float(str(value))
    except ValueError:
        return None
    # What is not a number equals not even itself; as text it does.
    return number if number is not None and math.isfinite(number) else None


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _count(document: JsonObject) -> int:
    nested = _list(document, "NestedFilters")
    below = _list(document, "SubExpressions")
    return (
        len(_list(document, "Filters"))
        + sum(len(_list(one, "Filters")) for one in nested)
        + sum(1 + _count(one) for one in below)
    )


def _list(document: JsonObject, member: str) -> list[JsonObject]:
    found = document.get(member)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [one for one in found if isinstance(one, Mapping)]
