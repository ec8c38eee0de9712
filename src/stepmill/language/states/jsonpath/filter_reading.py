"""From the text of a filter, ``[?(@.a == 'x' && !@.b)]``, to its test.

Source: Jayway's JsonPath, ``FilterCompiler``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stepmill.language.states.jsonpath.cursor import Cursor
from stepmill.language.states.jsonpath.errors import PathSyntaxError
from stepmill.language.states.jsonpath.filter_nodes import (
    Node,
    NotOfThatKindError,
    Null,
    PathValue,
    Pattern,
    Structure,
    Text,
    Truth,
    number,
    quoted,
)
from stepmill.language.states.jsonpath.filter_tests import (
    OPERATORS,
    AllOf,
    AnyOf,
    Compared,
    Exists,
    NotTrue,
    Whole,
)
from stepmill.language.states.jsonpath.literals import read_loose_json
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.segments import Test

Compile: TypeAlias = Callable[[str, int], Path]

_FLAGS = "dixmsuU"
_DEEPEST_BRACKETS = 50


def read_filter(text: str, depth: int, compile_: Compile) -> Test:
    """Read a filter with its square brackets.

    Args:
        text: ``[?(...)]``.
        depth: In how many filters of other paths it stands.
        compile_: Compiles the paths in it.

    Raises:
        PathSyntaxError: With the complaint of the library.
    """
    inner = text[1:-1].strip(" ")[1:].strip(" ")
    if not (inner.startswith("(") and inner.endswith(")")):
        raise PathSyntaxError(f"Filter must start with '[?(' and end with ')]'. {text}")
    reader = _Reader(text, lambda path: compile_(path, depth + 1))
    return Whole(reader.read())


class _NoNumberError(PathSyntaxError):
    """Where a number is expected, none stands. That ends the reading, other complaints do not."""


class _Reader:
    """Reads one filter. ``||`` binds less than ``&&``, that less than ``!``."""

    def __init__(self, text: str, compile_: Callable[[str], Path]) -> None:
        self._cursor = Cursor(text)
        cursor = self._cursor
        cursor.position = 1
        cursor.end -= 1
        cursor.trim()
        cursor.position += 1
        cursor.trim()
        self._compile = compile_
        self._brackets = 0

    def read(self) -> Test:
        cursor = self._cursor
        test = self._any_of()
        cursor.skip_blanks()
        if cursor.is_within(cursor.position):
            rest = cursor.text[cursor.position : cursor.end + 1]
            raise PathSyntaxError(f"Expected end of filter expression instead of: {rest}")
        return test

    def _any_of(self) -> Test:
        tests = [self._all_of()]
        while self._takes("||"):
            tests.append(self._all_of())
        return tests[0] if len(tests) == 1 else AnyOf(tuple(tests))

    def _all_of(self) -> Test:
        tests = [self._operand()]
        while self._takes("&&"):
            tests.append(self._operand())
        return tests[0] if len(tests) == 1 else AllOf(tuple(tests))

    def _takes(self, word: str) -> bool:
        start = self._cursor.position
        if self._cursor.takes(word):
            return True
        self._cursor.position = start
        return False

    def _operand(self) -> Test:
        cursor = self._cursor
        cursor.skip_blanks()
        self._brackets += 1
        if self._brackets > _DEEPEST_BRACKETS:
            raise PathSyntaxError(f"A filter may have {_DEEPEST_BRACKETS} brackets in one another.")
        try:
            if cursor.current == "!" and cursor.significant(cursor.position) not in "$@":
                cursor.position += 1
                return NotTrue(self._operand())
            if cursor.current == "(":
                cursor.position += 1
                test = self._any_of()
                cursor.skip_blanks()
                if cursor.current != ")":
                    raise PathSyntaxError("Expected character: )")
                cursor.position += 1
                return test
        finally:
            self._brackets -= 1
        return self._comparison()

    def _comparison(self) -> Test:
        cursor = self._cursor
        left = self._value()
        start = cursor.position
        try:
            return Compared(left, self._operator(), self._value())
        except _NoNumberError:
            raise
        except PathSyntaxError:
            # As in the library, whatever is no comparison is a test of existence, or else an error.
            cursor.position = start
        if not isinstance(left, PathValue):
            raise PathSyntaxError("Expected path node")
        return Exists(left)

    def _operator(self) -> str:
        cursor = self._cursor
        cursor.skip_blanks()
        start = cursor.position
        if cursor.current in "<>=~!":
            while cursor.is_within(cursor.position) and cursor.current in "<>=~!":
                cursor.position += 1
        else:
            while cursor.is_within(cursor.position) and cursor.current != " ":
                cursor.position += 1
        word = cursor.text[start : cursor.position]
        if word.upper() not in OPERATORS:
            raise PathSyntaxError(f"Filter operator {word} is not supported!")
        return word.upper()

    def _value(self) -> Node:
        cursor = self._cursor
        cursor.skip_blanks()
        if cursor.current == "!":
            cursor.position += 1
            cursor.skip_blanks()
            if cursor.current not in "$@":
                raise PathSyntaxError("Unexpected character: !")
            return self._path(must_be=False)
        if cursor.current in "$@":
            return self._path(must_be=True)
        return self._literal()

    def _literal(self) -> Node:
        cursor = self._cursor
        match cursor.current:
            case "'" | '"':
                return self._string()
            case "t" | "f":
                return self._word("true", "false", complaint="Expected boolean literal")
            case "n":
                return self._word("null", complaint="Expected <null> value")
            case "{" | "[":
                return self._structure()
            case "/":
                return self._pattern()
            case _:
                return self._number()

    def _word(self, *words: str, complaint: str) -> Node:
        for word in words:
            if self._cursor.takes(word):
                return Null() if word == "null" else Truth(word == "true")
        raise PathSyntaxError(complaint)

    def _string(self) -> Text:
        cursor = self._cursor
        start, quote = cursor.position, cursor.current
        end = cursor.find_unescaped(quote, start)
        if end < 0:
            raise PathSyntaxError(
                f"String literal does not have matching quotes. Expected {quote} in {cursor.text}"
            )
        cursor.position = end + 1
        return quoted(cursor.text[start : end + 1])

    def _structure(self) -> Structure:
        cursor = self._cursor
        start, opening = cursor.position, cursor.current
        end = cursor.find_closing(start, opening, "]" if opening == "[" else "}", skips_patterns=False)
        if end < 0:
            raise PathSyntaxError(f"String not closed. Expected ' in {cursor.text}")
        cursor.position = end + 1
        text = cursor.text[start : end + 1]
        return Structure(read_loose_json(text), text)

    def _pattern(self) -> Pattern:
        cursor = self._cursor
        start = cursor.position
        end = cursor.find_unescaped("/", start)
        if end < 0:
            raise PathSyntaxError(f"Pattern not closed. Expected / in {cursor.text}")
        cursor.position = end + 1
        while cursor.is_within(cursor.position) and cursor.current in _FLAGS:
            cursor.position += 1
        return Pattern(cursor.text[start + 1 : end], cursor.text[end + 1 : cursor.position])

    def _number(self) -> Node:
        cursor = self._cursor
        start = cursor.position
        while cursor.is_within(cursor.position) and (cursor.current.isdecimal() or cursor.current in "-.Ee"):
            cursor.position += 1
        try:
            return number(cursor.text[start : cursor.position])
        except NotOfThatKindError:
            raise self._unparsable() from None

    def _unparsable(self) -> PathSyntaxError:
        cursor = self._cursor
        return _NoNumberError(
            f"Failed to parse filter: {cursor.text}, error on position: {cursor.position}, "
            f"char: {cursor.current}"
        )

    def _path(self, *, must_be: bool) -> PathValue:
        cursor = self._cursor
        start = cursor.position
        cursor.position += 1
        while cursor.is_within(cursor.position):
            if cursor.current == "[":
                end = cursor.find_closing(cursor.position, "[", "]", skips_patterns=False)
                if end < 0:
                    raise PathSyntaxError(f"Square brackets does not match in filter {cursor.text}")
                cursor.position = end + 1
            if not cursor.is_within(cursor.position) or cursor.current in "<>=~! ":
                break
            if cursor.current == ")" and not self._closes_function(start):
                break
            cursor.position += 1
        return PathValue(self._compile(cursor.text[start : cursor.position]), must_be)

    def _closes_function(self, start: int) -> bool:
        """Return whether the bracket here is the end of ``.name()``."""
        cursor = self._cursor
        before = cursor.previous_significant_index(cursor.position)
        if before < 0 or cursor.at(before) != "(":
            return False
        return "." in cursor.text[start + 1 : before]
