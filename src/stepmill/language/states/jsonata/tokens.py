"""JSONata's text cut into tokens.

Source: the grammar of JSONata's reference implementation 2.0.6. A token's position is the index behind it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from stepmill.language.states.jsonata.errors import ExpressionSyntaxError

# How strongly an operator binds what stands on its left.
BINDING_POWERS = {
    ".": 75, "[": 80, "]": 0, "{": 70, "}": 0, "(": 80, ")": 0, ",": 0, "@": 80, "#": 80, ";": 80, ":": 80,
    "?": 20, "+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "|": 20, "=": 40, "<": 40, ">": 40, "^": 40, "**":
    60, "..": 20, ":=": 10, "!=": 40, "<=": 40, ">=": 40, "~>": 40, "and": 30, "or": 25, "in": 40, "&": 50,
    "!": 0, "~": 0,
}  # fmt: skip
_BLANKS = " \t\n\r\v"
_PAIRS = ("..", ":=", "!=", ">=", "<=", "**", "~>")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{4}")
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression as an expression writes it: ``/source/flags``."""

    source: str
    flags: str


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression. ``kind``: operator, string, number, value, name, variable, regex."""

    kind: str
    value: Any
    position: int


class Tokens:
    """Reads an expression's tokens one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def next(self, *, after_operand: bool) -> Token | None:
        """Return the next token, or None at the end.

        Args:
            after_operand: Whether a slash divides here, rather than opens a regular expression.

        Raises:
            ExpressionSyntaxError: If no token begins here.
        """
        self._skip_blanks()
        text, at = self._text, self._at
        if at >= len(text):
            return None
        char = text[at]
        if char == "/" and not after_operand:
            self._at += 1
            return self._regex()
        if text[at : at + 2] in _PAIRS:
            self._at += 2
            return Token("operator", text[at : at + 2], self._at)
        if char in BINDING_POWERS:
            self._at += 1
            return Token("operator", char, self._at)
        if char in "\"'":
            return self._string(char)
        if number := _NUMBER.match(text, at):
            return self._number(number)
        if char == "`":
            return self._quoted_name()
        return self._name()

    def _skip_blanks(self) -> None:
        text = self._text
        while self._at < len(text):
            if text[self._at] in _BLANKS:
                self._at += 1
            elif text.startswith("/*", self._at):
                end = text.find("*/", self._at + 2)
                if end < 0:
                    raise ExpressionSyntaxError("S0106", self._at)
                self._at = end + 2
            else:
                return

    def _regex(self) -> Token:
        text, start, depth = self._text, self._at, 0
        for at in range(start, len(text)):
            char = text[at]
            if char == "/" and depth == 0 and not _is_escaped(text, at):
                if at == start:
                    raise ExpressionSyntaxError("S0301", at)
                self._at = at + 1
                while self._at < len(text) and text[self._at] in "im":
                    self._at += 1
                return Token("regex", Pattern(text[start:at], text[at + 1 : self._at]), self._at)
            if text[at - 1] != "\\":
                depth += (char in "([{") - (char in ")]}")
        raise ExpressionSyntaxError("S0302", len(text))

    def _string(self, quote: str) -> Token:
        text = self._text
        parts: list[str] = []
        at = self._at + 1
        while at < len(text):
            char = text[at]
            if char == quote:
                self._at = at + 1
                return Token("string", _joined(parts), self._at)
            if char != "\\":
                parts.append(char)
            else:
                at += 1
                char = text[at : at + 1]
                if char in _ESCAPES and char:
                    parts.append(_ESCAPES[char])
                elif char == "u":
                    if not _HEXADECIMAL.match(text, at + 1):
                        raise ExpressionSyntaxError("S0104", at)
                    parts.append(chr(int(text[at + 1 : at + 5], 16)))
                    at += 4
                else:
                    raise ExpressionSyntaxError("S0103", at, token=char)
            at += 1
        raise ExpressionSyntaxError("S0101", at)

    def _number(self, found: re.Match[str]) -> Token:
        number = float(found[0])
        if math.isinf(number):
            raise ExpressionSyntaxError("S0102", self._at, token=found[0])
        self._at = found.end()
        whole = number.is_integer() and abs(number) < 1e21
        return Token("number", int(number) if whole else number, self._at)

    def _quoted_name(self) -> Token:
        start = self._at + 1
        end = self._text.find("`", start)
        if end < 0:
            raise ExpressionSyntaxError("S0105", len(self._text))
        self._at = end + 1
        return Token("name", self._text[start:end], self._at)

    def _name(self) -> Token:
        text, start, end = self._text, self._at, self._at
        while end < len(text) and text[end] not in _BLANKS and text[end] not in BINDING_POWERS:
            end += 1
        self._at = end
        name = text[start:end]
        if name.startswith("$"):
            return Token("variable", name[1:], end)
        if name in ("or", "in", "and"):
            return Token("operator", name, end)
        if name in _CONSTANTS:
            return Token("value", _CONSTANTS[name], end)
        return Token("name", name, end)


def _is_escaped(text: str, at: int) -> bool:
    slashes = 0
    while text[at - slashes - 1] == "\\":
        slashes += 1
    return slashes % 2 == 1


def _joined(parts: list[str]) -> str:
    """Return the text of its parts, where pairs of surrogates may have been written one by one."""
    text = "".join(parts)
    if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
