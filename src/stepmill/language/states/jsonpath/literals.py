"""Lists and objects in filters, which may be written loosely: ``['a', b, 1]``, ``{a: 1}``."""

from __future__ import annotations

from stepmill.core.json import DEEPEST_NESTING, Json
from stepmill.language.states.jsonpath.errors import PathSyntaxError
from stepmill.language.states.jsonpath.strings import unescape

_WORDS: dict[str, Json] = {"null": None, "true": True, "false": False}
_BLANKS = " \t\r\n"


def read_loose_json(text: str) -> Json:
    """Read JSON in which strings may have single quotes, or none.

    Raises:
        PathSyntaxError: If it cannot be read.

    Example:
        >>> read_loose_json("['a', {b: 1.5}, null]")
        ['a', {'b': 1.5}, None]
    """
    reader = _Reader(text)
    value = reader.value(0)
    reader.skip()
    if reader.position < len(text):
        raise reader.fault()
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def fault(self) -> PathSyntaxError:
        return PathSyntaxError(f"Failed to parse {self._text} at position {self.position}")

    def skip(self) -> None:
        while self.position < len(self._text) and self._text[self.position] in _BLANKS:
            self.position += 1

    def _peek(self) -> str:
        self.skip()
        return self._text[self.position : self.position + 1]

    def value(self, depth: int) -> Json:
        if depth > DEEPEST_NESTING // 2:
            raise self.fault()
        match self._peek():
            case "[":
                return self._list(depth)
            case "{":
                return self._object(depth)
            case "'" | '"':
                return self._quoted()
            case _:
                return _scalar(self._bare(",]}"))

    def _list(self, depth: int) -> list[Json]:
        items: list[Json] = []
        self.position += 1
        while self._peek() != "]":
            items.append(self.value(depth + 1))
            self._comma("]")
        self.position += 1
        return items

    def _object(self, depth: int) -> dict[str, Json]:
        members: dict[str, Json] = {}
        self.position += 1
        while self._peek() != "}":
            name = self._quoted() if self._peek() in ("'", '"') else self._bare(":,]}")
            if self._peek() != ":":
                raise self.fault()
            self.position += 1
            members[name] = self.value(depth + 1)
            self._comma("}")
        self.position += 1
        return members

    def _comma(self, closing: str) -> None:
        match self._peek():
            case ",":
                self.position += 1
            case other if other != closing:
                raise self.fault()

    def _quoted(self) -> str:
        quote = self._text[self.position]
        end = self.position + 1
        while end < len(self._text) and self._text[end] != quote:
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise self.fault()
        text = self._text[self.position + 1 : end]
        self.position = end + 1
        return unescape(text)

    def _bare(self, ends: str) -> str:
        start = self.position
        while self.position < len(self._text) and self._text[self.position] not in ends:
            self.position += 1
        word = self._text[start : self.position].strip()
        if not word:
            raise self.fault()
        return word


def _scalar(word: str) -> Json:
    if word in _WORDS:
        return _WORDS[word]
    if word[0].isdecimal() or word[0] == "-":
        for kind in (int, float):
            try:
                return kind(word)
            except ValueError:
                continue
    return word
