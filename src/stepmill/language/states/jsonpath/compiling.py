"""From the text of a path to its parts, with the complaints of the library that AWS runs.

Source: Jayway's JsonPath, ``PathCompiler``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from stepmill.language.states.jsonpath.cursor import Cursor
from stepmill.language.states.jsonpath.errors import PathSyntaxError
from stepmill.language.states.jsonpath.filter_reading import read_filter
from stepmill.language.states.jsonpath.functions import Function, read_arguments
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.segments import Filter, Indexes, Names, Scan, Segment, Slice, Wildcard
from stepmill.language.states.jsonpath.strings import unescape

# Each part may recurse once when it is read; a path that a person wrote has ten.
MOST_SEGMENTS = 100
LONGEST_PATH = 10_000
# Filters hold paths, which hold filters.
DEEPEST_FILTERS = 10

_INDEX_CHARACTERS = re.compile(r"[\d,\-: ]*")
_SLICE_CHARACTERS = re.compile(r"[\d\-:]*")
_INTEGER = re.compile(r"[-+]?\d{1,10}")
_LARGEST_INT = 2**31


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path. The same text gives the same object.

    Raises:
        PathSyntaxError: With the complaint of the library.

    Example:
        >>> compile_path("$.items[-1]['name']").canonical
        "$['items'][-1]['name']"
    """
    return compile_nested(text, 0)


def compile_nested(text: str, depth: int) -> Path:
    """Compile a path that stands in so many filters and functions of other paths.

    Raises:
        PathSyntaxError: With the complaint of the library.
    """
    if len(text) > LONGEST_PATH or depth > DEEPEST_FILTERS:
        raise PathSyntaxError(
            f"A path may have {LONGEST_PATH} characters, and filters in filters {DEEPEST_FILTERS} deep."
        )
    cursor = Cursor(text)
    cursor.trim()
    if cursor.at(0) not in "$@":
        cursor = Cursor(f"$.{text}")
        cursor.trim()
    if cursor.at(cursor.end) == ".":
        raise PathSyntaxError("Path must not end with a '.' or '..'")
    return _Reader(cursor, depth).read(text)


class _Reader:
    """Reads the parts of one path, left to right."""

    def __init__(self, cursor: Cursor, depth: int) -> None:
        self._cursor = cursor
        self._depth = depth
        self._segments: list[Segment] = []

    def read(self, text: str) -> Path:
        cursor = self._cursor
        while cursor.is_within(cursor.position) and cursor.current in " \t\r\n":
            cursor.position += 1
        root = cursor.current
        if root not in "$@":
            raise PathSyntaxError("Path must start with '$' or '@'")
        if not cursor.is_at_end:
            cursor.position += 1
            if cursor.current not in ".[":
                raise PathSyntaxError(f"Illegal character at position {cursor.position} expected '.' or '['")
            self._next()
            while not cursor.is_at_end:
                self._next()
        return Path(text, _turned_around(self._segments), root == "$")

    def _add(self, segment: Segment) -> None:
        if len(self._segments) == MOST_SEGMENTS:
            raise PathSyntaxError(f"A path may have {MOST_SEGMENTS} parts.")
        self._segments.append(segment)

    def _next(self) -> None:
        cursor = self._cursor
        if cursor.current == ".":
            self._dot()
        match cursor.current:
            case "[":
                is_read = self._quoted() or self._indexes() or self._wildcard() or self._filter()
                if not (is_read or self._placeholder()):
                    raise PathSyntaxError(
                        f"Could not parse token starting at position {cursor.position}. "
                        "Expected ?, ', 0-9, * "
                    )
            case "*":
                if not self._wildcard():
                    raise self._unparsable()
            case "." | " ":
                raise self._unparsable()
            case _:
                self._name()

    def _unparsable(self) -> PathSyntaxError:
        return PathSyntaxError(f"Could not parse token starting at position {self._cursor.position}")

    def _dot(self) -> None:
        cursor = self._cursor
        if cursor.is_within(cursor.position + 1) and cursor.at(cursor.position + 1) == ".":
            self._add(Scan())
            cursor.position += 2
        elif cursor.is_at_end:
            raise PathSyntaxError("Path must not end with a '.")
        else:
            cursor.position += 1
        if cursor.current == ".":
            raise PathSyntaxError(f"Character '.' on position {cursor.position} is not valid.")

    def _name(self) -> None:
        """``name`` or ``function(...)``."""
        cursor = self._cursor
        start = end = cursor.position
        while cursor.is_within(end) and cursor.at(end) not in ".[(":
            if cursor.at(end) == " ":
                raise PathSyntaxError(
                    "Use bracket notion ['my prop'] if your property contains blank characters. "
                    f"position: {cursor.position}"
                )
            end += 1
        name = cursor.text[start:end]
        cursor.position = end
        if cursor.is_within(end) and cursor.at(end) == "(":
            self._add(Function(name, read_arguments(cursor, name, self._depth, compile_nested)))
        else:
            self._add(Names((name,)))

    def _quoted(self) -> bool:
        """``['name']`` or ``['a','b']``."""
        cursor = self._cursor
        quote = cursor.significant(cursor.position)
        if quote not in "'\"":
            return False
        names: list[str] = []
        start = index = cursor.position + 1
        end = 0
        is_inside = is_after_comma = False
        while cursor.is_within(index):
            character = cursor.at(index)
            if character == "\\":
                index += 2
                continue
            if character in "],":
                if not is_inside and is_after_comma:
                    raise PathSyntaxError(f"Found empty property at index {index}")
                if not is_inside and character == "]":
                    break
                is_after_comma = is_after_comma or not is_inside
            elif character == quote and is_inside:
                if cursor.significant(index) not in "],":
                    raise PathSyntaxError(
                        "Property must be separated by comma or Property must be terminated close square "
                        f"bracket at index {index}"
                    )
                end = index
                names.append(unescape(cursor.text[start:end]))
                is_inside = False
            elif character == quote:
                start = index + 1
                is_inside = True
                is_after_comma = False
            index += 1
        if is_inside:
            raise PathSyntaxError(f"Property has not been closed - missing closing {quote}")
        closing = cursor.significant_index(end)
        if closing < 0 or cursor.at(closing) != "]":
            raise PathSyntaxError("Property has not been closed - missing closing ]")
        cursor.position = closing + 1
        self._add(Names(tuple(names), quote))
        return True

    def _indexes(self) -> bool:
        """``[1]``, ``[1,2]``, ``[1:]``, ``[:2]`` or ``[1:2]``."""
        cursor = self._cursor
        first = cursor.significant(cursor.position)
        if not (first.isdecimal() or first in "-:"):
            return False
        end = cursor.find("]", cursor.position + 1)
        if end < 0:
            return False
        text = cursor.text[cursor.position + 1 : end].strip()
        if not _INDEX_CHARACTERS.fullmatch(text):
            return False
        self._add(_slice(text) if ":" in text else _indexes(text))
        cursor.position = end + 1
        return True

    def _wildcard(self) -> bool:
        cursor = self._cursor
        if cursor.current == "*":
            cursor.position += 1
        else:
            star = cursor.significant_index(cursor.position)
            if star < 0 or cursor.at(star) != "*":
                return False
            closing = cursor.significant_index(star)
            if closing < 0 or cursor.at(closing) != "]":
                raise PathSyntaxError(f"Expected wildcard token to end with ']' on position {star + 1}")
            cursor.position = closing + 1
        self._add(Wildcard())
        return True

    def _filter(self) -> bool:
        """``[?(...)]``."""
        cursor = self._cursor
        mark = cursor.significant_index(cursor.position)
        if mark < 0 or cursor.at(mark) != "?":
            return False
        opening = cursor.significant_index(mark)
        if opening < 0 or cursor.at(opening) != "(":
            return False
        closing = cursor.find_closing(opening, "(", ")", skips_patterns=True)
        end = cursor.significant_index(closing) if closing >= 0 else -1
        if end < 0 or cursor.at(end) != "]":
            return False
        test = read_filter(cursor.text[cursor.position : end + 1], self._depth, compile_nested)
        self._add(Filter(test))
        cursor.position = end + 1
        return True

    def _placeholder(self) -> bool:
        """``[?]``, for which the library's callers have something to put in, and a path has not."""
        cursor = self._cursor
        mark = cursor.significant_index(cursor.position)
        if mark < 0 or cursor.at(mark) != "?" or cursor.significant(mark) not in "],":
            return False
        end = cursor.find("]", cursor.position + 1)
        if end < 0:
            return False
        text = cursor.text[cursor.position + 1 : end]
        raise PathSyntaxError(
            f"Not enough predicates supplied for filter [{text}] at position {cursor.position}"
        )


def _indexes(text: str) -> Indexes:
    return Indexes(tuple(_index(part) for part in re.split(r"\s*,\s*", text)))


def _index(text: str) -> int:
    try:
        return _integer(text)
    except ValueError:
        raise PathSyntaxError(f"Failed to parse token in ArrayIndexOperation: {text}") from None


def _slice(text: str) -> Slice:
    bounds = [*text.split(":"), ""]
    if not _SLICE_CHARACTERS.fullmatch(text) or not (bounds[0] or bounds[1]):
        raise PathSyntaxError(f"Failed to parse SliceOperation: {text}")
    try:
        start, stop = (_integer(bound) if bound else None for bound in bounds[:2])
    except ValueError as error:
        raise PathSyntaxError(f"java.lang.NumberFormatException: {error}") from None
    return Slice(start, stop)


def _integer(text: str) -> int:
    """Return an integer of 32 bits, as Java reads it."""
    if _INTEGER.fullmatch(text) and -_LARGEST_INT <= int(text) < _LARGEST_INT:
        return int(text)
    raise ValueError(f'For input string: "{text}"')


def _turned_around(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return ``$..a.length()`` as ``$.length($..a)``: a function of all that the scan finds, not of each."""
    if not (segments and isinstance(segments[0], Scan) and isinstance(segments[-1], Function)):
        return tuple(segments)
    first = next(index for index, segment in enumerate(segments) if isinstance(segment, Function))
    function = segments[first]
    assert isinstance(function, Function)
    scanned = Path("".join(segment.fragment for segment in segments[:first]), tuple(segments[:first]))
    return (Function(function.name, (scanned,)), *segments[first + 1 :])
