"""The values of JSONata: JSON, "undefined", sequences and functions, and how they compare and convert.

JSON's values are Python's (``None`` is null, and never means undefined). A sequence is an array that the
evaluation made itself: with one item it stands for that item, with none for undefined.

Source: the JSONata documentation, "Sequences" and "Boolean functions"; its reference implementation 2.0.6.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from stepmill.language.states.jsonata.errors import QueryError

Value: TypeAlias = Any

# Beyond these bounds a double no longer holds every whole number.
_EXACT = 2**53
# From here on, ECMAScript writes a number with an exponent.
_PLAIN_BELOW = 1e21


class Undefined(enum.Enum):
    """The type of ``UNDEFINED``: what a query finds where there is nothing."""

    UNDEFINED = "undefined"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined.UNDEFINED


class Items(list[Value]):
    """An array with the marks that the evaluation leaves on it.

    ``sequence``: made by the evaluation. ``keep_singleton``: one item stays an array. ``cons``: built by
    ``[...]`` as a step, not to be flattened. ``tuple_stream``: its items carry bound variables.
    """

    sequence = False
    keep_singleton = False
    cons = False
    tuple_stream = False
    # The array that an expression as a whole is asked about: one value, not its items.
    outer_wrapper = False


def sequence(items: Iterable[Value] = ()) -> Items:
    """Return a sequence of the items."""
    made = Items(items)
    made.sequence = True
    return made


class Function:
    """Whatever can be called. ``arity``: how many arguments it takes at most."""

    arity: int = 1


class Lambda(Function):
    """A function that an expression defines, with the place that it was defined in."""

    __slots__ = ("arity", "body", "frame", "input", "is_thunk", "parameters", "signature", "token")

    def __init__(
        self,
        parameters: tuple[str, ...],
        body: Any,
        input: Value,  # noqa: A002 - JSONata's word
        frame: Any,
        *,
        signature: Any = None,
        is_thunk: bool = False,
    ) -> None:
        self.parameters = parameters
        self.body = body
        self.input = input
        self.frame = frame
        self.signature = signature
        self.is_thunk = is_thunk
        self.arity = len(parameters)
        self.token: str | None = None


class Builtin(Function):
    """A function that this package provides. It is called with the run, then its arguments."""

    __slots__ = ("arity", "call", "name", "signature", "takes")

    def __init__(
        self,
        name: str,
        call: Callable[..., Value],
        takes: int,
        signature: Any = None,
        *,
        arity: int | None = None,
    ) -> None:
        self.name = name
        self.call = call
        # How many arguments it is given; -1: as many as there are.
        self.takes = takes
        self.arity = takes if arity is None else arity
        self.signature = signature


def is_number(value: Value) -> bool:
    """Return whether a value is a number.

    Raises:
        QueryError: D1001, if it is infinite: no operator takes that.
    """
    kind = type(value)
    if kind is int:
        return True
    if kind is not float:
        return False
    if math.isinf(value):
        raise QueryError("D1001", value=value)
    return not math.isnan(value)


def to_double(value: int | float) -> float:
    """Return a number as a double; infinite, if it is beyond all doubles."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def tidy(number: int | float) -> int | float:
    """Return a computed number as JSON shall show it: whole ones without a fraction."""
    if isinstance(number, int):
        return number if -_EXACT <= number <= _EXACT else tidy(to_double(number))
    if number.is_integer() and -_PLAIN_BELOW < number < _PLAIN_BELOW:
        # Beyond what is exact, as few digits as tell the double.
        return int(number) if -_EXACT <= number <= _EXACT else int(Decimal(repr(number)))
    return number


def truth(value: Value) -> bool | Undefined:
    """Return a value as ``$boolean`` casts it.

    Source: the JSONata documentation, ``$boolean``: the table of casts.
    """
    if value is UNDEFINED:
        return Undefined.UNDEFINED
    if isinstance(value, list):
        return any(truth(item) is True for item in value)
    if isinstance(value, Function):
        return False
    if type(value) is float and is_number(value) is False:
        return False
    return bool(value)


def equal(left: Value, right: Value) -> bool:
    """Return whether two values are deeply equal. A Boolean never equals a number."""
    if isinstance(left, list):
        return (
            isinstance(right, list)
            and len(left) == len(right)
            and all(equal(one, other) for one, other in zip(left, right, strict=True))
        )
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(equal(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def copied(value: Value) -> Value:
    """Return a deep copy of a value, with empty texts for functions."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {name: copied(member) for name, member in value.items()}
    return "" if isinstance(value, Function) else value


def append(first: Value, second: Value) -> Value:
    """Return both values in one array; the other one, where one is undefined."""
    if first is UNDEFINED:
        return second
    if second is UNDEFINED:
        return first
    return (list(first) if isinstance(first, list) else [first]) + (
        list(second) if isinstance(second, list) else [second]
    )


def number_text(number: int | float) -> str:
    """Return a number as ECMAScript writes it.

    Example:
        >>> number_text(1e21), number_text(1e20), number_text(1e-7), number_text(0.1), number_text(5.0)
        ('1e+21', '100000000000000000000', '1e-7', '0.1', '5')
    """
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    if -_EXACT <= number <= _EXACT and number == int(number):
        return str(int(number))
    sign, digits, exponent = Decimal(repr(to_double(number))).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + int(exponent)
    minus = "-" if sign else ""
    if len(text) <= point <= 21:
        return minus + text + "0" * (point - len(text))
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    shift = point - 1
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{'+' if shift > 0 else '-'}{abs(shift)}"


def fifteen_digits(number: int | float) -> int | float:
    """Return a number rounded to the fifteen significant digits that ``$string`` keeps."""
    if isinstance(number, int):
        return number
    rounded = float(f"{number:.14e}")
    return tidy(rounded if math.isfinite(rounded) else number)
