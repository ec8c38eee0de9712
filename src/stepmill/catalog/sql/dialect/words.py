"""The words of a statement: names, texts, numbers and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from stepmill.catalog.sql.dialect.reading import place
from stepmill.catalog.sql.faults import MalformedQueryError

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/
    |(?P<text>'(?:[^'\\]|''|\\.)*')
    |(?P<quoted>"(?:[^"\\]|""|\\.)*"|`(?:[^`]|``)*`)
    |(?P<name>[^\W\d][\w$]*|\d+[^\W\d]\w*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3][0-7]{2}|.)", re.DOTALL)


class Kind(Enum):
    """Of a word."""

    NAME = auto()
    QUOTED = auto()
    TEXT = auto()
    NUMBER = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True)
class Word:
    """One word.

    Args:
        kind: What it is.
        value: Without its quotes.
        start: Where it begins in the text.
        end: Where it ends.
    """

    kind: Kind
    value: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it can name something."""
        return self.kind in (Kind.NAME, Kind.QUOTED)


class Words:
    """Reads the words of a statement, one after another. Hive's and Presto's statements have the same.

    Raises:
        MalformedQueryError: By all methods, where something else stands than is expected.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = _words(text)
        self._at = 0
        # A semicolon ends it.
        if self._words and self._words[-1].value == ";" and self._words[-1].kind is Kind.SIGN:
            self._words.pop()

    def peek(self, ahead: int = 0) -> Word:
        """Return a word that comes, without going on."""
        index = self._at + ahead
        return (
            self._words[index]
            if index < len(self._words)
            else Word(Kind.END, "<EOF>", len(self.text), len(self.text))
        )

    def next(self) -> Word:
        """Return the next word, and go on."""
        word = self.peek()
        self._at += 1
        return word

    def last(self, count: int) -> list[Word]:
        """Return the last words of all."""
        return self._words[-count:]

    def at(self, *keywords: str) -> bool:
        """Return whether these keywords or signs come next."""
        return all(
            self.peek(index).kind in (Kind.NAME, Kind.SIGN) and self.peek(index).value.upper() == keyword
            for index, keyword in enumerate(keywords)
        )

    def take(self, *keywords: str) -> bool:
        """Go past these keywords if they come next, and return whether they did."""
        if not self.at(*keywords):
            return False
        self._at += len(keywords)
        return True

    def expect(self, *keywords: str) -> None:
        """Go past these keywords or signs, which must come next."""
        for keyword in keywords:
            if not self.take(keyword):
                raise self.refusal(f"'{keyword}'")

    def name(self) -> str:
        """Return the name that must come next, in lower case, as Glue keeps all names."""
        word = self.next()
        if not word.is_name or not word.value:
            self._at -= 1
            raise self.refusal("<identifier>")
        return word.value.lower()

    def string(self) -> str:
        """Return the text that must come next, in single or double quotes."""
        word = self.next()
        if word.kind is Kind.TEXT or (word.kind is Kind.QUOTED and self.text[word.start] == '"'):
            return word.value
        self._at -= 1
        raise self.refusal("<string>")

    def end(self) -> None:
        """Refuse whatever still comes."""
        if self.peek().kind is not Kind.END:
            raise self.refusal("<EOF>")

    def refusal(self, expected: str = "") -> MalformedQueryError:
        """Return the error that says that something else was expected here."""
        word = self.peek()
        line, column = place(self.text, word.start)
        shown = self.text[word.start : word.end][:80] or "<EOF>"
        more = f". Expecting: {expected}" if expected else ""
        return MalformedQueryError(f"mismatched input '{shown}'{more}", line=line, column=column)

    def rest_from(self, word: Word, until: int | None = None) -> str:
        """Return the text from a word on, all before it blanked out, so that places hold."""
        before = re.sub(r"[^\n]", " ", self.text[: word.start])
        return before + self.text[word.start : until]


def _words(text: str) -> list[Word]:
    found = []
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        if group is None:
            continue
        start, end, value = match.start(), match.end(), match[0]
        match group:
            case "text":
                found.append(Word(Kind.TEXT, _unescaped(value[1:-1].replace("''", "'")), start, end))
            case "quoted":
                mark = value[0]
                inner = value[1:-1].replace(mark * 2, mark)
                # Hive writes texts in double quotes too.
                found.append(Word(Kind.QUOTED, _unescaped(inner) if mark == '"' else inner, start, end))
            case "name":
                found.append(Word(Kind.NAME, value, start, end))
            case "number":
                found.append(Word(Kind.NUMBER, value, start, end))
            case _:
                found.append(Word(Kind.SIGN, value, start, end))
    return found


def _unescaped(value: str) -> str:
    def translated(found: re.Match[str]) -> str:
        escape = found[1]
        if escape[0] == "u" and len(escape) > 1:
            return chr(int(escape[1:], 16))
        if len(escape) > 1:
            return chr(int(escape, 8))
        return _ESCAPES.get(escape, escape)

    return _ESCAPE.sub(translated, value) if "\\" in value else value
