"""What JSONata's operators do with two values.

Source: the JSONata documentation, "Operators"; its reference implementation 2.0.6.
"""

from __future__ import annotations

import math

from stepmill.language.states.jsonata.errors import OUT_OF_MEMORY, QueryError, bound_met
from stepmill.language.states.jsonata.running import MOST_ITEMS, Run
from stepmill.language.states.jsonata.texts import text_of
from stepmill.language.states.jsonata.values import (
    UNDEFINED,
    Value,
    equal,
    is_number,
    sequence,
    tidy,
    to_double,
)

# The largest span that JSONata itself allows.
_LARGEST_SPAN = 10_000_000


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """Return the sum, difference, product, quotient or remainder; undefined, if either side is.

    Raises:
        QueryError: T2001, T2002, if a side is no number; D1001, if it is infinite.
    """
    if left is not UNDEFINED and not is_number(left):
        raise QueryError("T2001", value=left)
    if right is not UNDEFINED and not is_number(right):
        raise QueryError("T2002", value=right)
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if operator == "/":
        return _quotient(to_double(left), to_double(right))
    if operator == "%":
        return math.nan if right == 0 else tidy(math.fmod(to_double(left), to_double(right)))
    try:
        if operator == "+":
            return tidy(left + right)
        if operator == "-":
            return tidy(left - right)
        return tidy(left * right)
    except OverflowError:
        # A whole number beyond all doubles met a double.
        return arithmetic(operator, to_double(left), to_double(right))


def _quotient(left: float, right: float) -> Value:
    if right == 0:
        if left == 0:
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return tidy(left / right)


def negated(value: Value, operator: str) -> Value:
    """Return the negative of a number; undefined of undefined.

    Raises:
        QueryError: D1002, if it is no number.
    """
    if value is UNDEFINED:
        return UNDEFINED
    if not is_number(value):
        raise QueryError("D1002", value=value, token=operator)
    return tidy(-value)


def compared(operator: str, left: Value, right: Value) -> Value:
    """Return whether two numbers or two strings are in an order; undefined, if either side is.

    Raises:
        QueryError: T2010, if a side is neither; T2009, if the sides differ in type.
    """
    left_kind, right_kind = _kind(left), _kind(right)
    if left_kind == "other" or right_kind == "other":
        raise QueryError("T2010", value=left if left_kind in ("other", "undefined") else right)
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if left_kind != right_kind:
        raise QueryError("T2009", value=left, value2=right)
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    if operator == ">":
        return left > right
    return left >= right


def _kind(value: Value) -> str:
    kind = type(value)
    if kind is str:
        return "string"
    if kind is int or kind is float:
        return "number"
    return "undefined" if value is UNDEFINED else "other"


def equality(operator: str, left: Value, right: Value) -> bool:
    """Return whether two values are equal, or are not; false, if either is undefined."""
    if left is UNDEFINED or right is UNDEFINED:
        return False
    return equal(left, right) == (operator == "=")


def concatenated(left: Value, right: Value, run: Run) -> str:
    """Return the texts of two values, one behind the other. Undefined is an empty text."""
    first = "" if left is UNDEFINED else text_of(left)
    second = "" if right is UNDEFINED else text_of(right)
    run.hold_text(len(first) + len(second))
    return first + second


def included(left: Value, right: Value) -> bool:
    """Return whether a value is among those on the right: the same number, string, Boolean or null."""
    if left is UNDEFINED or right is UNDEFINED:
        return False
    if isinstance(left, list | dict):
        return any(item is left for item in (right if isinstance(right, list) else [right]))
    return any(equal(left, item) for item in (right if isinstance(right, list) else [right]))


def span(left: Value, right: Value, run: Run) -> Value:
    """Return the whole numbers from one to another, both included; undefined, if there are none.

    Raises:
        QueryError: T2003, T2004, if a side is no whole number; D2014, or a bound, if they are too many.
    """
    if left is not UNDEFINED and not _is_whole(left):
        raise QueryError("T2003", value=left)
    if right is not UNDEFINED and not _is_whole(right):
        raise QueryError("T2004", value=right)
    if left is UNDEFINED or right is UNDEFINED or left > right:
        return UNDEFINED
    first, last = int(left), int(right)
    size = last - first + 1
    if size > _LARGEST_SPAN:
        raise QueryError("D2014", value=size)
    if size > MOST_ITEMS:
        raise bound_met(OUT_OF_MEMORY)
    run.hold(size)
    return sequence(range(first, last + 1))


def _is_whole(value: Value) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())
