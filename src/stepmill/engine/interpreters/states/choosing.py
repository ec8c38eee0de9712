"""The tests of a Choice in JSONPath, compiled.

Source: Amazon States Language, "Choice State": a value of another type than the operator's is no match.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from stepmill.core.json import Json
from stepmill.engine.interpreters.states.evaluation import MISSING, Scope, compile_lookup
from stepmill.engine.interpreters.states.failure import runtime_failure
from stepmill.engine.interpreters.states.times import parse_moment
from stepmill.language.states.definition import AllOf, AnyOf, ChoiceTest, Comparison, NotTrue

Test: TypeAlias = Callable[[Scope], bool]
_Compare: TypeAlias = Callable[[Json, Json], bool]

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def compile_test(test: ChoiceTest) -> Test:
    """Return a function that tells whether a test holds."""
    match test:
        case AllOf(rules):
            parts = [compile_test(rule) for rule in rules]
            return lambda scope: all(part(scope) for part in parts)
        case AnyOf(rules):
            parts = [compile_test(rule) for rule in rules]
            return lambda scope: any(part(scope) for part in parts)
        case NotTrue(rule):
            part = compile_test(rule)
            return lambda scope: not part(scope)
        case Comparison():
            return _compile_comparison(test)


def _compile_comparison(test: Comparison) -> Test:
    variable = compile_lookup(test.variable)
    if test.operator in _KINDS:
        holds, wanted = _KINDS[test.operator], test.operand
        if test.operator == "IsPresent":
            return lambda scope: (variable(scope) is not MISSING) == wanted
        return lambda scope: holds(_value(variable(scope), test.variable)) == wanted
    is_path = test.operator.endswith("Path")
    compare = _comparer(test.operator.removesuffix("Path"))
    if not is_path:
        fixed = test.operand
        return lambda scope: compare(_value(variable(scope), test.variable), fixed)
    path = str(test.operand)
    other = compile_lookup(path)
    return lambda scope: compare(_value(variable(scope), test.variable), _value(other(scope), path))


def _value(found: object, path: str) -> Json:
    if found is MISSING:
        raise runtime_failure(
            f"Invalid path '{path}': The choice state's condition path references an invalid value."
        )
    return found  # type: ignore[return-value]


def _comparer(name: str) -> _Compare:
    if name == "StringMatches":
        return lambda value, wanted: (
            isinstance(value, str) and isinstance(wanted, str) and matches_pattern(wanted, value)
        )
    for kind, key in _KEYS.items():
        if name.startswith(kind):
            order = _ORDER[name.removeprefix(kind)]
            return _ordered(key, order)
    raise ValueError(f"{name} is no operator of a Choice.")


def _ordered(key: Callable[[Json], object], order: Callable[[Any, Any], bool]) -> _Compare:
    def compare(value: Json, wanted: Json) -> bool:
        left, right = key(value), key(wanted)
        return left is not None and right is not None and order(left, right)

    return compare


def _string(value: Json) -> object:
    # Java compares UTF-16 units; up to U+D7FF that is the order of code points.
    if not isinstance(value, str):
        return None
    return value.encode("utf-16-be", "surrogatepass")


def _number(value: Json) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Json) -> object:
    return value if isinstance(value, bool) else None


_KEYS: Mapping[str, Callable[[Json], object]] = {
    "String": _string,
    "Numeric": _number,
    "Boolean": _boolean,
    "Timestamp": parse_moment,
}

_KINDS: Mapping[str, Callable[[Json], bool]] = {
    "IsPresent": lambda _: True,
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: parse_moment(value) is not None,
}


def matches_pattern(pattern: str, text: str) -> bool:
    r"""Return whether a text is as a pattern with ``*`` says; ``\*`` and ``\\`` stand for themselves.

    Takes time linear in the text for each star, whatever the pattern.

    Example:
        >>> matches_pattern("log-*.txt", "log-7.txt"), matches_pattern("\\*", "a")
        (True, False)
    """
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        return text == pieces[0]
    first, last = pieces[0], pieces[-1]
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _pieces(pattern: str) -> list[str]:
    pieces = [""]
    for escaped, star, plain in re.findall(r"\\([*\\])|(\*)|(.)", pattern, re.DOTALL):
        if star:
            pieces.append("")
        else:
            pieces[-1] += escaped or plain
    return pieces
