"""Values as the Java service writes them out in texts: ``{Arg1=1, Arg2=[]}``, ``1.0E10``.

Source: ``AbstractMap.toString``, ``AbstractCollection.toString`` and ``Double.toString`` of Java.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from stepmill.core.json import Json

_LEAST_PLAIN, _LEAST_SCIENTIFIC = 1e-3, 1e7
_LARGEST_INT, _LARGEST_LONG = 2**31, 2**63


def java_text(value: Json) -> str:
    """Return what ``String.valueOf`` makes of a value.

    Example:
        >>> java_text({"Arg1": 1, "Arg2": [None, "x", 1.5]})
        '{Arg1=1, Arg2=[null, x, 1.5]}'
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return str(value)


def java_double(value: float) -> str:
    """Return a double as Java writes it: plain between 0.001 and 10,000,000, else with an exponent.

    Example:
        >>> java_double(3.3), java_double(1e7), java_double(0.00015), java_double(-0.0)
        ('3.3', '1.0E7', '1.5E-4', '-0.0')
    """
    size = abs(value)
    if size == 0 or _LEAST_PLAIN <= size < _LEAST_SCIENTIFIC:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int):  # Infinity and NaN, which JSON has not.
        return str(value)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = exponent + len(digits) - 1
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def java_class(value: Json) -> str:
    """Return the name of the class that a value has in the service; ``null`` for the JSON null."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "java.lang.String"
    if isinstance(value, bool):
        return "java.lang.Boolean"
    if isinstance(value, float):
        return "java.lang.Double"
    if isinstance(value, int):
        if -_LARGEST_INT <= value < _LARGEST_INT:
            return "java.lang.Integer"
        is_long = -_LARGEST_LONG <= value < _LARGEST_LONG
        return "java.lang.Long" if is_long else "java.math.BigInteger"
    return "java.util.LinkedHashMap" if isinstance(value, Mapping) else "java.util.ArrayList"
