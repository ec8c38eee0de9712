"""From the text of an intrinsic function, ``States.Format('Hi {}', $.name)``, to its parts.

Source: Amazon States Language, section "Intrinsic Functions".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isinf
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.language.states.jsonpath import Field, PathSyntaxError

LONGEST_TEXT = 50_000
# The service takes ten functions in one field; deeper ones than this are an attack on whoever evaluates them.
DEEPEST_NESTING = 50

# Of a larger number only its size is kept.
_LONGEST_INTEGER = 300

_NAME = re.compile(r"[A-Za-z][\w.]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: dict[str, Json] = {"null": None, "true": True, "false": False}
_ESCAPE = re.compile(r"\\(['{}\\])")


class IntrinsicSyntaxError(InvalidInputError):
    """The text is no call of an intrinsic function."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null.

    Args:
        value: What it means.
        template: A string as it was written, for ``States.Format`` reads braces that are escaped.
    """

    value: Json
    template: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Argument, ...]


Argument: TypeAlias = Literal | Field | Call


def read_call(text: str) -> Call:
    """Read a call.

    Raises:
        IntrinsicSyntaxError: If it is none, if a path in it is none, or if it is too long or too deep.
    """
    if len(text) > LONGEST_TEXT:
        raise IntrinsicSyntaxError(f"An intrinsic function may have {LONGEST_TEXT} characters.")
    reader = _Reader(text)
    call = reader.call(0)
    reader.skip_blanks()
    if reader.position < len(text):
        raise reader.fault("nothing after the function")
    return call


class _Reader:
    """Reads one text, left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def fault(self, expected: str) -> IntrinsicSyntaxError:
        return IntrinsicSyntaxError(f"Expected {expected} at position {self.position} of {self._text!r}.")

    def skip_blanks(self) -> None:
        while self._text[self.position : self.position + 1].isspace():
            self.position += 1

    def _peek(self) -> str:
        self.skip_blanks()
        return self._text[self.position : self.position + 1]

    def call(self, depth: int) -> Call:
        self.skip_blanks()
        name = _NAME.match(self._text, self.position)
        if name is None or depth > DEEPEST_NESTING:
            raise self.fault("a function")
        self.position = name.end()
        if self._peek() != "(":
            raise self.fault("'('")
        self.position += 1
        arguments: list[Argument] = []
        if self._peek() == ")":
            self.position += 1
            return Call(name[0], ())
        while True:
            arguments.append(self._argument(depth + 1))
            separator = self._peek()
            if separator not in (",", ")"):
                raise self.fault("',' or ')'")
            self.position += 1
            if separator == ")":
                return Call(name[0], tuple(arguments))

    def _argument(self, depth: int) -> Argument:
        first = self._peek()
        if first == "'":
            return self._string()
        if first == "$":
            return self._path()
        if number := _NUMBER.match(self._text, self.position):
            is_integer = number[0].lstrip("-").isdigit() and len(number[0]) < _LONGEST_INTEGER
            value = int(number[0]) if is_integer else float(number[0])
            if isinf(value):
                raise self.fault("a number that is less large")
            self.position = number.end()
            return Literal(value)
        word = _NAME.match(self._text, self.position)
        if word and word[0] in _WORDS:
            self.position = word.end()
            return Literal(_WORDS[word[0]])
        return self.call(depth)

    def _string(self) -> Literal:
        start = self.position + 1
        end = start
        while self._text[end : end + 1] not in ("'", ""):
            end += 2 if self._text[end] == "\\" else 1
        if self._text[end : end + 1] != "'":
            raise self.fault("a closing quote for the one")
        self.position = end + 1
        written = self._text[start:end]
        return Literal(_ESCAPE.sub(r"\1", written), written)

    def _path(self) -> Field:
        """A path ends at a comma or bracket that stands in none of its own brackets and quotes."""
        start = self.position
        depth = 0
        while self.position < len(self._text):
            character = self._text[self.position]
            if character == "'" and depth:
                self.position = self._text.find("'", self.position + 1)
                if self.position < 0:
                    self.position = start
                    raise self.fault("a path whose quotes are closed")
            elif character in "([":
                depth += 1
            elif character in ",)" and depth == 0:
                break
            elif character in ")]":
                depth -= 1
            self.position += 1
        text = self._text[start : self.position].strip()
        try:
            return Field.of(text)
        except PathSyntaxError as error:
            raise IntrinsicSyntaxError(f"{text!r} is no path: {error.what}") from error
