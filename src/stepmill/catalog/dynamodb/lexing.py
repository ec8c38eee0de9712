"""Expressions as tokens. Pure.

Source: DynamoDB developer guide, "Condition and filter expressions", "Update expressions".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from stepmill.core.errors import InvalidInputError

LARGEST_EXPRESSION_BYTES = 4096

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<alias>\#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<symbol><>|<=|>=|[()\[\].,=<>+-])|(?P<other>\S))",
    re.ASCII,
)
_NEAR = 1


class Kind(StrEnum):
    """What a token is."""

    NAME = "name"
    ALIAS = "alias"
    VALUE = "value"
    NUMBER = "number"
    SYMBOL = "symbol"
    OTHER = "other"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands.

    Args:
        kind: What it is.
        text: As it stands there; empty at the end.
        start: Index of its first character.
    """

    kind: Kind
    text: str
    start: int

    @property
    def keyword(self) -> str:
        """The word in capitals, if it is one: keywords are written in any case."""
        return self.text.upper() if self.kind is Kind.NAME else ""


class Tokens:
    """The tokens of an expression, one after the other.

    Args:
        text: The expression.
        what: What errors call it: ``ConditionExpression``.

    Raises:
        InvalidInputError: If it is empty or too long.
    """

    def __init__(self, text: str, what: str) -> None:
        self._what = what
        self._text = text
        if not text.strip():
            raise self.error("The expression can not be empty;")
        if (size := len(text.encode())) > LARGEST_EXPRESSION_BYTES:
            raise self.error(
                f"Expression size has exceeded the maximum allowed size; expression size: {size}"
            )
        self._tokens = _read(text)
        self._place = 0

    @property
    def place(self) -> int:
        """How many tokens were taken."""
        return self._place

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._place]

    @property
    def second(self) -> Token:
        """The token after the one that comes next."""
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Return the token that comes next, and go on."""
        token = self.next
        if token.kind is not Kind.END:
            self._place += 1
        return token

    def take_symbol(self, *symbols: str) -> str:
        """Return the symbol that comes next, if it is one of these, and go on; else an empty text."""
        if self.next.kind is Kind.SYMBOL and self.next.text in symbols:
            return self.take().text
        return ""

    def take_keyword(self, *words: str) -> str:
        """Return the keyword that comes next, if it is one of these, and go on; else an empty text."""
        word = self.next.keyword
        if word in words:
            self.take()
            return word
        return ""

    def expect(self, symbol: str) -> None:
        """Go on past a symbol.

        Raises:
            InvalidInputError: If another token comes next.
        """
        if not self.take_symbol(symbol):
            raise self.unexpected()

    def expect_keyword(self, word: str) -> None:
        """Go on past a keyword.

        Raises:
            InvalidInputError: If another token comes next.
        """
        if not self.take_keyword(word):
            raise self.unexpected()

    def expect_end(self) -> None:
        """Hold the expression to its end.

        Raises:
            InvalidInputError: If anything comes next.
        """
        if self.next.kind is not Kind.END:
            raise self.unexpected()

    def unexpected(self) -> InvalidInputError:
        """Return the error of the token that comes next, shown between its neighbours."""
        first = max(self._place - _NEAR, 0)
        last = min(self._place + _NEAR, len(self._tokens) - 1)
        start, end = self._tokens[first].start, self._tokens[last].start + len(self._tokens[last].text)
        token = self.next.text or "<EOF>"
        near = self._text[start:end].strip()
        return self.error(f'Syntax error; token: "{token}", near: "{near}"')

    def error(self, text: str) -> InvalidInputError:
        """Return an error of the expression."""
        return InvalidInputError(f"Invalid {self._what}: {text}")


def _read(text: str) -> list[Token]:
    found = []
    for match in _TOKEN.finditer(text):
        kind = Kind(str(match.lastgroup))
        found.append(Token(kind, match[kind.value], match.start(kind.value)))
    return [*found, Token(Kind.END, "", len(text))]
