"""Regular expressions of JSONata: ECMAScript's patterns, matched in linear time.

An expression, and the text that it looks through, may come from anyone. RE2 needs no backtracking, so no
pattern keeps it busy. The few patterns that it cannot express (look-around, back-references) are matched by
Python against short texts only.

Source: the JSONata documentation, "Regular expressions"; ECMA-262, "Pattern semantics".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import re2

from stepmill.language.states.jsonata.errors import OUT_OF_MEMORY, OUT_OF_TIME, QueryError, bound_met
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.tokens import Pattern
from stepmill.language.states.jsonata.values import UNDEFINED, Function, Value

# As far as a text may be matched by backtracking, by how many parts of the pattern may repeat or be left out:
# the number of ways to try grows with that power of the length.
_LONGEST_FOR_BACKTRACKING = {0: 256, 1: 256, 2: 256, 3: 96, 4: 48}
_TOKEN = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|(\[\^?)|(\])|(\(\?<)(?=[A-Za-z_$])|(\$)|.", re.DOTALL)
# What ECMAScript calls white space, beyond what RE2 does.
_SPACES = r"\x{feff}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\v"
_REPEAT = re.compile(r"\\.|\(\?|(?P<repeat>[*+?{])", re.DOTALL)
_REPEATED_GROUP = re.compile(r"(?<!\\)\)[*+{]")


class _Matcher(Protocol):
    def search(self, text: str, pos: int = 0) -> Any: ...


class Regex(Function):
    """A regular expression. Called with a text, it gives the first match as JSONata describes it."""

    __slots__ = ("arity", "pattern", "position")

    def __init__(self, pattern: Pattern, position: int) -> None:
        self.pattern = pattern
        self.position = position
        self.arity = 2

    def called(self, arguments: list[Value], run: Run) -> Value:
        """Return the first match in a text; undefined, if there is none."""
        text = arguments[0] if arguments else UNDEFINED
        start = arguments[1] if len(arguments) > 1 else 0
        return self.match_from(text, start, run) if isinstance(text, str) else UNDEFINED

    def match_from(self, text: str, start: Value, run: Run) -> Value:
        """Return the match from an index on, with the function that gives the next one."""
        found = self.search(text, start if isinstance(start, int) else 0, run)
        if found is None:
            return UNDEFINED
        groups = [UNDEFINED if group is None else group for group in found.groups()]
        return {
            "match": found[0],
            "start": found.start(),
            "end": found.end(),
            "groups": groups,
            "next": _Next(self, text, found.end()),
        }

    def search(self, text: str, start: int, run: Run) -> Any:
        """Return the match object from an index on, or None.

        Raises:
            QueryError: If the pattern needs backtracking, and the text is long.
        """
        compiled = _compiled(self.pattern)
        if len(text) > compiled.longest:
            raise bound_met(OUT_OF_TIME)
        run.spend(1 + (compiled.size * (len(text) + 1 - start) ** compiled.power >> 10))
        return compiled.matcher.search(text, start)

    def matches(self, text: str, run: Run) -> Iterator[Any]:
        """Yield the matches in a text, one behind the other.

        Raises:
            QueryError: D1004, if one behind the first is empty.
        """
        start = 0
        while (found := self.search(text, start, run)) is not None:
            if found.end() == found.start() and start:
                raise QueryError("D1004", position=self.position, value=self.pattern.source)
            yield found
            start = found.end()
            if start >= len(text):
                return
            if found.end() == found.start():
                raise QueryError("D1004", position=self.position, value=self.pattern.source)


class _Next(Function):
    """The ``next`` of a match: a function without arguments that gives the next match."""

    __slots__ = ("_regex", "_start", "_text", "arity")

    def __init__(self, regex: Regex, text: str, start: int) -> None:
        self.arity = 0
        self._regex = regex
        self._text = text
        self._start = start

    def called(self, arguments: list[Value], run: Run) -> Value:  # noqa: ARG002
        """Return the next match; undefined, if there is none."""
        if self._start >= len(self._text):
            return UNDEFINED
        found = self._regex.match_from(self._text, self._start, run)
        if found is not UNDEFINED and found["match"] == "":
            raise QueryError("D1004", position=self._regex.position, value=self._regex.pattern.source)
        return found


def linear_match(pattern: str, text: str) -> Any:
    """Return the match object of a text that a pattern matches as a whole, in any case; or None.

    Args:
        pattern: In the dialect that RE2 and Python share.
        text: What is matched, in linear time.

    Raises:
        QueryError: If the pattern is too large.
    """
    matcher = _caseless(pattern)
    return matcher.fullmatch(text)


@lru_cache(maxsize=256)
def _caseless(pattern: str) -> Any:
    try:
        return re2.compile(pattern, _options(is_caseless=True))
    except re2.error as error:
        raise bound_met(OUT_OF_MEMORY) from error


def _options(*, is_caseless: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = not is_caseless
    options.log_errors = False
    options.max_mem = 8 << 20
    return options


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A pattern that can be matched.

    ``longest``: how long a text may be. A match takes at most about ``size * length ** power`` steps.
    """

    matcher: _Matcher
    longest: int
    size: int
    power: int


@lru_cache(maxsize=512)
def _compiled(pattern: Pattern) -> _Compiled:
    flags = "(?m)" if "m" in pattern.flags else ""
    try:
        linear = re2.compile(
            flags + _translated(pattern.source, for_python=False), _options(is_caseless="i" in pattern.flags)
        )
        return _Compiled(linear, sys.maxsize, linear.programsize, 1)
    except re2.error:
        pass
    repeats = sum(1 for found in _REPEAT.finditer(pattern.source) if found["repeat"])
    if _REPEATED_GROUP.search(pattern.source) or repeats not in _LONGEST_FOR_BACKTRACKING:
        raise bound_met(OUT_OF_TIME)
    ignoring = re.IGNORECASE if "i" in pattern.flags else 0
    many = re.MULTILINE if "m" in pattern.flags else 0
    try:
        tried = re.compile(_translated(pattern.source, for_python=True), ignoring | many | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise QueryError("", message=f"Invalid regular expression: /{pattern.source}/: {error}") from error
    return _Compiled(tried, _LONGEST_FOR_BACKTRACKING[repeats], 1, repeats + 1)


def _translated(source: str, *, for_python: bool) -> str:
    """Return ECMAScript's pattern in the dialect of RE2, or of Python."""
    parts: list[str] = []
    in_class = False
    for token in _TOKEN.finditer(source):
        code, escaped, opening, closing, named, end = token.groups()
        text = token[0]
        if code:
            text = f"\\u{code}" if for_python else f"\\x{{{code}}}"
        elif escaped:
            text = _escape(escaped, in_class=in_class, for_python=for_python)
        elif opening:
            text = "\\[" + opening[1:] if in_class else opening
            in_class = True
        elif closing:
            in_class = False
        elif named and not in_class:
            text = "(?P<"
        elif end and not in_class and for_python:
            text = "(?!\\n)$" if source else text
        parts.append(text)
    return "".join(parts)


def _escape(letter: str, *, in_class: bool, for_python: bool) -> str:
    if letter == "s" and not for_python:
        return f"\\s{_SPACES}" if in_class else f"[\\s{_SPACES}]"
    if letter == "S" and not for_python and not in_class:
        return f"[^\\s{_SPACES}]"
    if letter.isalnum() and letter not in "dDwWsSbBtnrvfx0123456789ck":
        # An escape that means nothing means its letter.
        return letter
    if letter == "/" or not letter.isascii():
        return letter
    return "\\" + letter
