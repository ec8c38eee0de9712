"""Filters, ``[?(@.a == 'x' && !@.b)]``: from their text to their test, and what the test says.

Source: Jayway's JsonPath 2.0.0, ``Filter`` and ``Criteria``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias, TypeGuard

from stepmill.core.json import Json
from stepmill.language.states.java_text import java_text
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathNotFoundError, PathSyntaxError
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.regexes import (
    LinearPattern,
    UnboundedPatternError,
    compile_pattern,
)
from stepmill.language.states.jsonpath.segments import Search, Test

Compile: TypeAlias = Callable[[str, int], Path]
# A side of a comparison. What is neither a path, nor in single quotes, nor between slashes, is a string too:
# ``10``, ``true``, ``null``; what it is compared with says what it means.
Side: TypeAlias = "Path | LinearPattern | str"

MOST_TESTS = 100
_LOGIC = re.compile(r"(&&|\|\|)")
_FORBIDDEN_IN_NUMBERS = re.compile(r"[^0-9eE.+-]")


class _IncomparableError(Exception):
    """Two values are of kinds that have no order."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """``&&``: tried in order."""

    tests: tuple[Test, ...]

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        return all(test.holds(item, search) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Either:
    """``||``."""

    left: Test
    right: Test

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        return self.left.holds(item, search) or self.right.holds(item, search)


@dataclass(frozen=True, slots=True)
class Exists:
    """``@.a`` or ``!@.a``; what is null does not exist. Even a path from ``$`` starts at the item."""

    path: Path
    must_be: bool

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        try:
            value = self.path.search(item, search.root, search.budget, is_strict=True)
        except PathNotFoundError:
            return not self.must_be
        return (value is not None) == self.must_be


@dataclass(frozen=True, slots=True)
class Compared:
    """``left operator right``; false where a path leads nowhere, or the kinds cannot be compared."""

    left: Side
    operator: str
    right: Side

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        try:
            left, right = _valued(self.left, item, search), _valued(self.right, item, search)
            if self.operator == "=~":
                return _matches(left, right)
            if self.operator not in ("==", "!=") and (left is None) != (right is None):
                return False
            return _HOLDS[self.operator](_compare(right, left))
        except (PathNotFoundError, _IncomparableError):
            return False


_HOLDS: Mapping[str, Callable[[int], bool]] = {
    "==": lambda sign: sign == 0,
    ">=": lambda sign: sign <= 0,
    "<=": lambda sign: sign >= 0,
    "!=": lambda sign: sign != 0,
    "<": lambda sign: sign > 0,
    ">": lambda sign: sign < 0,
}
# In this order they are looked for, anywhere in the text.
_OPERATORS = ("==", ">=", "<=", "!=", "<", ">", "=~")


def _valued(side: Side, item: Json, search: Search) -> Json | LinearPattern:
    if not isinstance(side, Path):
        return side
    return side.search(search.root if side.is_root else item, search.root, search.budget)


def _compare(expected: Json | LinearPattern, value: Json | LinearPattern) -> int:
    """Return the sign of the difference of what was written right and left of the operator."""
    if expected is value:
        return 0
    is_null, other_is_null = expected in (None, "null"), value in (None, "null")
    if is_null or other_is_null:
        return other_is_null - is_null
    if isinstance(expected, str) and isinstance(value, str):
        first = expected.replace("\\'", "'").encode("utf-16-be", "surrogatepass")
        second = value.encode("utf-16-be", "surrogatepass")
        return (first > second) - (first < second)
    if isinstance(value, bool):
        if isinstance(expected, (str, bool)):
            truth = expected if isinstance(expected, bool) else expected.lower() == "true"
            return truth - value
    elif isinstance(value, (int, float)) and _is_like_a_number(expected):
        first_number, second_number = _number(expected), _number(value)
        return (first_number > second_number) - (first_number < second_number)
    raise _IncomparableError


def _is_like_a_number(value: Json | LinearPattern) -> TypeGuard[str | float]:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _number(value: str | float) -> Decimal:
    text = value if isinstance(value, str) else java_text(value)
    wrong = _FORBIDDEN_IN_NUMBERS.search(text)
    if wrong:
        raise PathEvaluationError(
            f"Character {wrong[0]} is neither a decimal digit number, decimal point, nor "
            '"e" notation exponential mark.'
        )
    try:
        return Decimal(text)
    except InvalidOperation:
        raise PathEvaluationError(f"{text!r} is not a number.") from None


def _matches(left: Json | LinearPattern, right: Json | LinearPattern) -> bool:
    pattern, value = (left, right) if isinstance(left, LinearPattern) else (right, left)
    if not isinstance(pattern, LinearPattern):
        raise PathEvaluationError("class java.lang.String cannot be cast to class java.util.regex.Pattern")
    if value is None or isinstance(value, LinearPattern):
        return False
    return pattern.matches(java_text(value))


def read_filter(text: str, depth: int, compile_: Compile) -> Test:
    """Read a filter with its square brackets.

    Args:
        text: ``[?(...)]``.
        depth: In how many filters of other paths it stands.
        compile_: Compiles the paths in it.

    Raises:
        PathSyntaxError: With the complaint of the library.
    """
    inner = text.strip()[1:-1].strip()[1:].strip()
    if not (inner.startswith("(") and inner.endswith(")")):
        raise PathSyntaxError(f"Filter must start with '[?(' and end with ')]'. {inner}")
    tests: list[Test] = []
    operators: list[str] = []
    for part in _LOGIC.split(inner[1:-1].strip()):
        if part in ("&&", "||"):
            operators.append(part)
        elif part or not operators:
            tests.append(_test(part.strip().lstrip("[?( ").rstrip(") "), depth, compile_))
        if len(operators) > MOST_TESTS:
            raise PathSyntaxError(f"A filter may have {MOST_TESTS} operators.")
    return _combined(tests, operators, inner)


def _combined(tests: list[Test], operators: list[str], text: str) -> Test:
    """Put tests together from the last to the first, as the library does; brackets do not count."""
    if len(tests) != len(operators) + 1:
        raise PathSyntaxError(f"Invalid operators {text}")
    root = tests.pop()
    while operators:
        operator, test = operators.pop(), tests.pop()
        if operator == "||":
            root = Either(root, test)
        elif isinstance(root, AllOf):
            root = AllOf((*root.tests, test))
        elif isinstance(root, Either):
            root = Either(root.left, AllOf((root.right, test)))
        else:
            root = AllOf((root, test))
    return root


def _test(text: str, depth: int, compile_: Compile) -> Test:
    if not text:
        raise PathSyntaxError("String index out of range: 0")
    operator = next((operator for operator in _OPERATORS if operator in text), "")
    left_text, _, right_text = text.partition(operator) if operator else (text, "", "")
    left, right = left_text.strip(), right_text.strip()
    is_negated = left.startswith("!@")
    left_side = _side(left[1:] if is_negated else left, depth, compile_)
    if isinstance(left_side, Path) and not operator:
        return Exists(left_side, not is_negated)
    if right.startswith("!@"):
        raise PathSyntaxError("Invalid negation! Can only be used for existence check e.g [?(!@.foo)]")
    if not operator:
        raise PathSyntaxError("CriteriaType  can not be parsed")
    return Compared(left_side, operator, _side(right, depth, compile_))


def _side(text: str, depth: int, compile_: Compile) -> Side:
    if text.startswith(("$", "@")):
        path = compile_(text, depth + 1)
        if not path.is_definite:
            raise PathSyntaxError(f"the predicate path: {text} is not definite")
        return path
    if text[:1] == "'" and text[-1:] == "'":
        return text[1:-1]
    if text[:1] == "/" and text.endswith(("/", "/i")):
        source, _, flags = text[1:].rpartition("/")
        try:
            return compile_pattern(source, ignores_case=bool(flags))
        except UnboundedPatternError as error:
            raise PathSyntaxError(f"The regular expression {text} cannot be used: {error}.") from error
    return text
