"""Functions on numbers.

Source: the JSONata documentation, "Numeric functions", "Aggregation functions";
its reference implementation 2.0.6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from stepmill.language.states.jsonata.chance import Chance
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import UNDEFINED, Value, number_text, tidy, to_double

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_PREFIXED = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def total(run: Run, numbers: Value) -> Value:
    """``$sum``: the sum of numbers."""
    if numbers is UNDEFINED:
        return UNDEFINED
    run.spend(len(numbers) >> 4)
    return _sum(numbers)


def _sum(numbers: list[int | float]) -> int | float:
    if all(type(number) is int for number in numbers):
        return tidy(sum(numbers))
    result = 0.0
    for number in numbers:
        result += to_double(number)
    return tidy(result)


def count(_: Run, items: Value) -> Value:
    """``$count``: how many items there are."""
    return 0 if items is UNDEFINED else len(items)


def largest(_: Run, numbers: Value) -> Value:
    """``$max``: the largest number."""
    return UNDEFINED if numbers is UNDEFINED or not numbers else max(numbers)


def smallest(_: Run, numbers: Value) -> Value:
    """``$min``: the smallest number."""
    return UNDEFINED if numbers is UNDEFINED or not numbers else min(numbers)


def average(_: Run, numbers: Value) -> Value:
    """``$average``: the mean of numbers."""
    if numbers is UNDEFINED or not numbers:
        return UNDEFINED
    return tidy(to_double(_sum(numbers)) / len(numbers))


def number(_: Run, value: Value) -> Value:
    """``$number``: the number that a value stands for.

    Raises:
        QueryError: D3030, if it stands for none.
    """
    if value is UNDEFINED:
        return UNDEFINED
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value):
            parsed = float(value)
            if math.isfinite(parsed):
                return tidy(parsed)
        elif _PREFIXED.fullmatch(value):
            return tidy(int(value, 0))
    raise QueryError("D3030", value=value)


def absolute(_: Run, value: Value) -> Value:
    """``$abs``: the size of a number."""
    return UNDEFINED if value is UNDEFINED else abs(value)


def floor(_: Run, value: Value) -> Value:
    """``$floor``: the next whole number below."""
    return UNDEFINED if value is UNDEFINED else _whole(math.floor, value)


def ceiling(_: Run, value: Value) -> Value:
    """``$ceil``: the next whole number above."""
    return UNDEFINED if value is UNDEFINED else _whole(math.ceil, value)


def _whole(round_to: Callable[[int | float], int], value: int | float) -> Value:
    return tidy(round_to(value)) if math.isfinite(value) else value


def rounded(_: Run, value: Value, precision: Value) -> Value:
    """``$round``: a number rounded to so many decimal places; halves go to the even neighbour."""
    if value is UNDEFINED:
        return UNDEFINED
    if precision is not UNDEFINED and not math.isfinite(precision):
        return value
    places = 0 if precision is UNDEFINED else int(precision)
    return round_half_even(value, places)


def round_half_even(value: int | float, places: int) -> int | float:
    """Return a number rounded to so many decimal places, as its shortest decimal form says.

    Example:
        >>> round_half_even(4.525, 2), round_half_even(4.515, 2), round_half_even(12345, -2)
        (4.52, 4.52, 12300)
    """
    if not math.isfinite(value):
        return value
    shifted = _shifted(value, places) if places else to_double(value)
    if not math.isfinite(shifted):
        return value
    return tidy(_shifted(round(shifted), -places)) if places else tidy(round(shifted))


def _shifted(value: int | float, places: int) -> float:
    """Return a number times a power of ten, without the error that a multiplication would bring."""
    mantissa, _, exponent = number_text(value).partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + max(-400, min(400, places))}")


def square_root(_: Run, value: Value) -> Value:
    """``$sqrt``: the square root.

    Raises:
        QueryError: D3060, if the number is negative.
    """
    if value is UNDEFINED:
        return UNDEFINED
    if value < 0:
        raise QueryError("D3060", value=value)
    return tidy(math.sqrt(to_double(value)))


def power(_: Run, base: Value, exponent: Value) -> Value:
    """``$power``: a number to the power of another.

    Raises:
        QueryError: D3061, if the result is no finite number.
    """
    if base is UNDEFINED:
        return UNDEFINED
    if exponent is UNDEFINED:
        raise QueryError("D3061", value=base, exp=None)
    try:
        result = math.pow(to_double(base), to_double(exponent))
    except (OverflowError, ValueError):
        result = math.inf
    if not math.isfinite(result):
        raise QueryError("D3061", value=base, exp=exponent)
    return tidy(result)


def random(run: Run, seed: Value) -> Value:
    """``$random``: a number from 0 up to 1; always the same for the same seed.

    Source: the Step Functions guide, "JSONata functions provided by Step Functions".
    """
    if seed is UNDEFINED:
        return run.chance.double()
    return Chance(math.trunc(seed) if math.isfinite(seed) else 0).double()


def format_base(_: Run, value: Value, radix: Value) -> Value:
    """``$formatBase``: a whole number in another base.

    Raises:
        QueryError: D3100, if the base is not from 2 to 36.
    """
    if value is UNDEFINED:
        return UNDEFINED
    base = 10 if radix is UNDEFINED else round_half_even(radix, 0)
    if not 2 <= base <= 36:
        raise QueryError("D3100", value=base)
    if not math.isfinite(value):
        return number_text(value)
    whole = int(round_half_even(value, 0))
    rest, text = abs(whole), ""
    while rest:
        rest, digit = divmod(rest, int(base))
        text = _DIGITS[digit] + text
    return ("-" if whole < 0 else "") + (text or "0")
