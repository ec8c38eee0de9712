"""The patterns of AWS's service models: regular expressions in Java's dialect, matched with bounded effort.

A value must match as a whole. Patterns that Python cannot express, and those that a hostile text could
keep busy, are not held against it: a check that is left out refuses nothing.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

# By how many parts of a pattern may repeat, as far as the text may be matched in some milliseconds: each may
# have to give back what it took before the others are tried.
_LONGEST = {0: sys.maxsize, 1: sys.maxsize, 2: 1024}
_LONGEST_OF_MANY = 256

# Repeats within a repeat can take exponential time, unless each round begins where the last one cannot go
# on: a separator and one letter (`(-*[a-z0-9])`), or a separator that must be there (`(-[a-z0-9]+)`).
_SEPARATOR = r"(?:-|\\?/| |\[[-_.]+\])"
_LETTERS = r"\[(?:a-z|A-Z|0-9)+\]"
_HARMLESS = re.compile(rf"\((?:\?:)?(?:{_SEPARATOR}[*?]?{_LETTERS}|{_SEPARATOR}{_LETTERS}\+|-\[?\\w\]?\+)\)")
_TOKEN = re.compile(
    r"\\[pP]\{\w+\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<least>\d+)(?P<range>,\d*)?\}|.", re.DOTALL
)

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([pP])\{(\w+)\}|(.))", re.DOTALL)
_SURROGATES = re.compile(r"\\uD800\\uDC00-\\uDBFF\\uDFFF", re.IGNORECASE)
_POSIX = {
    "ASCII": r"\x00-\x7f",
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "Digit": "0-9",
    "Graph": "!-~",
    "Lower": "a-z",
    "Print": " -~",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r" \t-\r",
    "Upper": "A-Z",
    "XDigit": "0-9a-fA-F",
}


def matches(pattern: str, text: str) -> bool:
    r"""Return whether a text matches a pattern as a whole, or the pattern is not held against it.

    Example:
        >>> matches("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", "my-job")
        True
        >>> matches(r"[\p{L}\p{N} ]*", "Grüße 3"), matches(r"[\p{L}\p{N} ]*", "a?")
        (True, False)
    """
    compiled = _compiled(pattern)
    if compiled is None or len(text) > compiled.longest:
        return True
    expression = compiled.ascii if text.isascii() else _compiled_wide(pattern)
    return expression is None or expression.fullmatch(text) is not None


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return ``matches`` of one pattern: for whoever holds many texts against it.

    Example:
        >>> is_name = matcher("[a-z]+")
        >>> is_name("abc"), is_name("a-c")
        (True, False)
    """

    @lru_cache(maxsize=1)
    def compiled() -> tuple[Callable[[str], object] | None, int]:
        # With the first text: most patterns of a service are never asked for.
        found = _compiled(pattern)
        return (None, 0) if found is None else (found.ascii.fullmatch, found.longest)

    def holds(text: str) -> bool:
        fullmatch, longest = compiled()
        if fullmatch is None or len(text) > longest:
            return True
        return fullmatch(text) is not None if text.isascii() else matches(pattern, text)

    return holds


@dataclass(frozen=True, slots=True)
class _Compiled:
    ascii: re.Pattern[str]
    longest: int


@lru_cache(maxsize=2048)
def _compiled(pattern: str) -> _Compiled | None:
    repeats = _repeats(pattern)
    expression = _expression(pattern, 128)
    if repeats is None or expression is None:
        return None
    return _Compiled(expression, _LONGEST.get(repeats, _LONGEST_OF_MANY))


@lru_cache(maxsize=256)
def _compiled_wide(pattern: str) -> re.Pattern[str] | None:
    """Return the expression for texts beyond ASCII; the classes of all characters take their time."""
    return _expression(pattern, sys.maxunicode + 1)


def _repeats(pattern: str) -> int | None:
    """Return how many parts of a pattern may repeat; ``None`` if a repeat holds another."""
    pattern = _HARMLESS.sub("x", pattern)
    tokens = list(_TOKEN.finditer(pattern))
    repeats = 0
    # For each open group, whether something in it repeats.
    groups = [False]
    for index, token in enumerate(tokens):
        if token[0] == "(":
            groups.append(False)
        elif token[0] == ")":
            inner = groups.pop()
            if not groups:
                return None
            after = tokens[index + 1] if index + 1 < len(tokens) else None
            if inner and after and _may_repeat(after):
                return None
            groups[-1] = groups[-1] or inner
        elif _may_repeat(token):
            repeats += 1
            groups[-1] = True
    return repeats


def _may_repeat(token: re.Match[str]) -> bool:
    if token["least"] is not None:
        return token["range"] is not None or int(token["least"]) > 1
    return token[0] in ("*", "+")


def _expression(pattern: str, characters: int) -> re.Pattern[str] | None:
    """Return a pattern of Java's in Python's dialect, for texts of the first so many characters."""
    try:
        # Java's classes `\w`, `\d` and `\s` know ASCII alone.
        return re.compile(_translated(pattern, characters), re.ASCII)
    except (re.error, OverflowError, RecursionError, KeyError):
        return None


def _translated(pattern: str, characters: int) -> str:
    pattern = _SURROGATES.sub(lambda _: r"\U00010000-\U0010ffff", pattern)
    parts = []
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text.startswith("[") and text.endswith("]"):
            parts.append(_translated_class(text, characters))
        elif text.startswith(("\\p{", "\\P{")):
            negated = "^" if text[1] == "P" else ""
            parts.append(f"[{negated}{_class_of(text[3:-1], characters)}]")
        else:
            parts.append(r"\Z" if text == r"\z" else text)
    return "".join(parts)


def _translated_class(text: str, characters: int) -> str:
    if "&&" in text:
        raise re.error("Python knows no intersection of classes")
    start = 2 if text.startswith("[^") else 1

    def replaced(escape: re.Match[str]) -> str:
        hexadecimal, kind, name, other = escape.groups()
        if kind == "P":
            raise re.error("Python knows no complement within a class")
        if kind:
            return _class_of(name, characters)
        return f"\\u{hexadecimal}" if hexadecimal else f"\\{other}"

    inner = text[start:-1]
    # A hyphen after a class of characters is itself; a bracket within brackets, too.
    inner = re.sub(r"(\\[wds])-", r"\1\\-", inner)
    inner = re.sub(r"(?<!\\)\[", r"\\[", inner)
    inner = re.sub(r"(--|~~|\|\|)", lambda pair: "\\" + pair[0][0] + "\\" + pair[0][1], inner)
    return text[:start] + _ESCAPE.sub(replaced, inner) + "]"


def _class_of(name: str, characters: int) -> str:
    if name in _POSIX:
        return _POSIX[name]
    ranges = _ranges(characters).get(name)
    # U+FFFF is no character: a class that is empty must not be written as one.
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges) if ranges else r"\uffff"


@lru_cache(maxsize=2)
def _ranges(characters: int) -> dict[str, list[tuple[int, int]]]:
    """Return the ranges of each general category of Unicode, and of its first letter: ``Lu``, ``L``."""
    found: dict[str, list[tuple[int, int]]] = {}
    first = 0
    for category, run in groupby(map(unicodedata.category, map(chr, range(characters)))):
        last = first + sum(1 for _ in run) - 1
        for name in (category, category[0]):
            found.setdefault(name, []).append((first, last))
        first = last + 1
    return found
