"""From the text of a path to its parts, with the complaints of the library that the service runs.

Source: Jayway's JsonPath 2.0.0, ``PathCompiler``. That it is this version shows in what users report of the
service: ``$.list.length()`` is a property that is not found, ``[-1]`` an index that is out of bounds,
``[(@.length-1)]`` works, and an index on what is no list fails with the library's own text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stepmill.language.states.jsonpath.errors import PathSyntaxError
from stepmill.language.states.jsonpath.filters import read_filter
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.segments import (
    Filter,
    FromEnd,
    Indexes,
    Names,
    Scan,
    Segment,
    Slice,
    Wildcard,
)

# Each part may recurse once when it is read; a path that a person wrote has ten.
MOST_SEGMENTS = 100
LONGEST_PATH = 10_000
# Filters hold paths, which hold filters.
DEEPEST_FILTERS = 10

# What Java's ``trim`` takes away.
_BLANKS = "".join(map(chr, range(33)))
_PLACEHOLDERS = re.compile(r"\[\s*\?\s*[,\s*\?]*?\s*]")
_INTEGER = re.compile(r"[-+]?\d{1,10}")
_LARGEST_INT = 2**31


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path. The same text gives the same object.

    Raises:
        PathSyntaxError: With the complaint of the library.

    Example:
        >>> compile_path("$.items[(@.length-1)].name").canonical
        "$['items'][@.size()-1]['name']"
    """
    return compile_nested(text, 0)


def compile_nested(text: str, depth: int) -> Path:
    """Compile a path that stands in so many filters of other paths.

    Raises:
        PathSyntaxError: With the complaint of the library.
    """
    if len(text) > LONGEST_PATH or depth > DEEPEST_FILTERS:
        raise PathSyntaxError(
            f"A path may have {LONGEST_PATH} characters, and filters in filters {DEEPEST_FILTERS} deep."
        )
    if not text:
        raise PathSyntaxError("Path may not be null empty")
    path = text.strip(_BLANKS)
    if path.endswith(".."):
        raise PathSyntaxError("A path can not end with a scan.")
    if path[:1] not in ("$", "@"):
        path = f"$.{path}"
    is_root = path[0] == "$"
    if len(path) > 1 and path[1] not in ".[":
        raise PathSyntaxError(f"Invalid path ${path[1:]}")
    try:
        segments = _segments(path, depth)
    except IndexError:
        raise PathSyntaxError(f"The path {text} ends before it is complete.") from None
    return Path(text, tuple(segments), is_root)


def _segments(path: str, depth: int) -> list[Segment]:
    segments: list[Segment] = []
    index = 1
    while index < len(path):
        if len(segments) == MOST_SEGMENTS:
            raise PathSyntaxError(f"A path may have {MOST_SEGMENTS} parts.")
        match path[index]:
            case "[":
                end = _end_of_brackets(path, index)
                segments.append(_bracketed(path[index:end], depth))
                index = end
            case "." if path[index + 1] == ".":
                segments.append(Scan())
                index += 2
            case ".":
                end = _end_of_name(path, index + 1)
                if end > index + 1:
                    segments.append(_named(path[index + 1 : end], depth))
                index = end
            case "*":
                segments.append(Wildcard())
                index += 1
            case " ":
                raise PathSyntaxError("Space not allowed in path")
            case "$":
                raise PathSyntaxError(f"Invalid path {path}")
            case _:
                end = _end_of_name(path, index)
                segments.append(_bracketed(f"['{path[index:end]}']", depth))
                index = end
    return segments


def _end_of_name(path: str, index: int) -> int:
    while index < len(path) and path[index] not in ".[ ":
        index += 1
    return index


def _end_of_brackets(path: str, index: int) -> int:
    depth = 0
    while index < len(path):
        depth += (path[index] == "[") - (path[index] == "]")
        index += 1
        if depth == 0:
            break
    return index


def _named(name: str, depth: int) -> Segment:
    """``.name`` or ``.*``."""
    return Wildcard() if name == "*" else _bracketed(f"['{name}']", depth)


def _bracketed(text: str, depth: int) -> Segment:
    """Read what stands in square brackets: the first telling character says what it is.

    Raises:
        PathSyntaxError: If it is nothing.
        IndexError: If it ends too soon.
    """
    if text == "[*]":
        return Wildcard()
    if _PLACEHOLDERS.fullmatch(text):
        raise PathSyntaxError(f"Not enough predicates supplied for filter {text}")
    for index, character in enumerate(text):
        if character == "?":
            return Filter(read_filter(_filter_text(text, index), depth, compile_nested))
        if character == "'":
            return _names(text, index)
        if character == "@":
            return _from_end(text, index)
        if character.isdecimal() or character in ":-":
            return _array(text, index)
    raise PathSyntaxError(f"Could not analyze path component: {text}")


def _names(text: str, index: int) -> Names:
    names: list[str] = []
    name = ""
    is_inside = False
    while text[index] != "]":
        if text[index] == "'":
            if is_inside:
                names.append(name)
                name = ""
            is_inside = not is_inside
        elif is_inside:
            name += text[index]
        index += 1
    return Names(tuple(names))


def _filter_text(text: str, index: int) -> str:
    """Return the filter around a question mark, with its square brackets."""
    start = text.rindex("[", 0, index)
    square = round_ = end = 0
    is_quoted = False
    before = ""
    for position in range(start, len(text)):
        character = text[position]
        if character == "'" and before != "\\":
            is_quoted = not is_quoted
        elif not is_quoted:
            round_ += (character == "(") - (character == ")")
            square += (character == "[") - (character == "]")
            if character == "]" and round_ == 0:
                end = position + 1
                break
        before = character
    if not end:
        raise IndexError
    if square:
        raise PathSyntaxError("Filter brackets are not balanced")
    return text[start:end]


def _from_end(text: str, index: int) -> FromEnd:
    """``[(@.length-1)]`` or ``[(@.size()-1)]``."""
    minus = text.index("-", index + 2) if "-" in text[index + 2 :] else len(text)
    function = re.sub(r"[ ()]", "", text[index + 2 : minus])
    if minus == len(text):
        raise IndexError
    if function not in ("size", "length"):
        raise PathSyntaxError(
            f"Invalid function: @.{function}. Supported functions are: [(@.length - n)] and [(@.size() - n)]"
        )
    if ")" not in text[minus:]:
        raise IndexError
    return FromEnd(_integer(text[minus : text.index(")", minus)].replace(" ", "")))


def _array(text: str, index: int) -> Indexes | Slice:
    """``[1]``, ``[1,2]``, ``[1:]``, ``[:2]`` or ``[1:2]``; blanks do not count."""
    run = ""
    while text[index].isdecimal() or text[index] in ", :-":
        run += text[index]
        index += 1
    run = run.replace(" ", "")
    if ":" not in run:
        return Indexes(tuple(_integer(number) for number in run.split(",")))
    start, _, stop = run.partition(":")
    stop = stop.partition(":")[0]
    if not start:
        return Slice(None, _integer(stop))
    return Slice(_integer(start), _integer(stop) if stop else None)


def _integer(text: str) -> int:
    """Return an integer of 32 bits, as Java reads it.

    Raises:
        PathSyntaxError: If it is none.
    """
    if _INTEGER.fullmatch(text) and -_LARGEST_INT <= int(text) < _LARGEST_INT:
        return int(text)
    raise PathSyntaxError(f'java.lang.NumberFormatException: For input string: "{text}"')
