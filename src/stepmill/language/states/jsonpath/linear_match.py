r"""Regular expressions of filters, matched in time that grows with the text alone.

A filter and the document it reads may both be hostile, and a matcher that tries one way after the other
can be kept busy for ever. This one follows all ways at once, as Thompson described it in 1968; so it
knows no look-around and no back-reference.

Python's own parser reads the expression. Dialect: Java's, where they agree; ``\w``, ``\d``, ``\s`` and
ignoring case know ASCII alone, unless the flags ``u`` or ``U`` say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

# States of the machine times characters of the text is the most work that one match can be.
MOST_STATES = 2_000
LONGEST_TEXT = 100_000

_FLAGS = {"i": re.IGNORECASE, "x": re.VERBOSE, "m": re.MULTILINE, "s": re.DOTALL}
_ASSERTIONS = {op.AT_BEGINNING, op.AT_BEGINNING_STRING, op.AT_END, op.AT_END_STRING}
_BOUNDARIES = {op.AT_BOUNDARY, op.AT_NON_BOUNDARY}


class UnboundedPatternError(Exception):
    """The expression, or the text, is beyond what can be matched with bounded effort."""


@dataclass(slots=True)
class _State:
    """One state: it takes a character and goes on, or goes on without one, perhaps only at some places.

    Args:
        takes: Which characters; ``None``: it takes none.
        holds: Where it may be passed without taking one.
        to: Where it goes on.
    """

    takes: Callable[[str], bool] | None = None
    holds: Callable[[str, int], bool] | None = None
    to: list[int] = field(default_factory=list)


class LinearPattern:
    """A compiled expression. Make one with ``compile_pattern``."""

    def __init__(self, states: list[_State], start: int, accepting: int) -> None:
        self._states = states
        self._start = start
        self._accepting = accepting

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches.

        Raises:
            UnboundedPatternError: If the text is too long.
        """
        if len(text) > LONGEST_TEXT:
            raise UnboundedPatternError(f"the text has more than {LONGEST_TEXT} characters")
        current = self._closure([self._start], text, 0)
        for position, character in enumerate(text, start=1):
            reached = []
            for index in current:
                state = self._states[index]
                if state.takes is not None and state.takes(character):
                    reached.extend(state.to)
            current = self._closure(reached, text, position)
            if not current:
                return False
        return self._accepting in current

    def _closure(self, indexes: list[int], text: str, position: int) -> set[int]:
        """Return the states that can be reached without taking a character."""
        seen: set[int] = set()
        waiting = indexes
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            state = self._states[index]
            if state.takes is None and (state.holds is None or state.holds(text, position)):
                waiting.extend(state.to)
        return seen


@lru_cache(maxsize=512)
def compile_pattern(source: str, flags: str = "") -> LinearPattern:
    """Compile an expression.

    Raises:
        UnboundedPatternError: If it is none, too large, or has look-arounds or back-references.

    Example:
        >>> compile_pattern("(a|b)*c", "i").matches("ABBAC"), compile_pattern("a+").matches("aab")
        (True, False)
    """
    chosen = re.RegexFlag(0)
    for flag in flags:
        chosen |= _FLAGS.get(flag, re.RegexFlag(0))
    if not {"u", "U"} & set(flags):
        chosen |= re.ASCII
    try:
        tree = parser.parse(source, chosen)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise UnboundedPatternError(f"it is not valid ({error})") from error
    builder = _Builder(re.RegexFlag(tree.state.flags))
    accepting = builder.add()
    try:
        start = builder.sequence(tree, accepting, builder.flags)
    except RecursionError as error:
        raise UnboundedPatternError("it is nested too deep") from error
    return LinearPattern(builder.states, start, accepting)


class _Builder:
    """Builds the machine from its end to its start: each part is told where to go on."""

    def __init__(self, flags: re.RegexFlag) -> None:
        self.flags = flags
        self.states: list[_State] = []

    def add(
        self,
        to: Iterable[int] = (),
        *,
        takes: Callable[[str], bool] | None = None,
        holds: Callable[[str, int], bool] | None = None,
    ) -> int:
        if len(self.states) == MOST_STATES:
            raise UnboundedPatternError("it is too large")
        self.states.append(_State(takes, holds, list(to)))
        return len(self.states) - 1

    def sequence(self, tree: Any, to: int, flags: re.RegexFlag) -> int:
        for code, argument in reversed(list(tree)):
            to = self._part(code, argument, to, flags)
        return to

    def _part(self, code: Any, argument: Any, to: int, flags: re.RegexFlag) -> int:
        if code is op.BRANCH:
            return self.add([self.sequence(branch, to, flags) for branch in argument[1]])
        if code is op.SUBPATTERN:
            _, added, removed, tree = argument
            return self.sequence(tree, to, (flags | added) & ~re.RegexFlag(removed))
        if code in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, tree = argument
            return self._repeat(least, most, tree, to, flags)
        if code is op.AT and argument in _ASSERTIONS | _BOUNDARIES:
            return self.add([to], holds=_place(argument, flags))
        if code in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            return self.add([to], takes=_taker(code, argument, flags))
        raise UnboundedPatternError("it has a look-around, a back-reference or a possessive repeat")

    def _repeat(self, least: int, most: Any, tree: Any, to: int, flags: re.RegexFlag) -> int:
        after = to
        if most is op.MAXREPEAT:
            loop = self.add([after])
            self.states[loop].to.append(self.sequence(tree, loop, flags))
            after = loop
        else:
            for _ in range(int(most) - least):
                after = self.add([to, self.sequence(tree, after, flags)])
        for _ in range(least):
            before = len(self.states)
            after = self.sequence(tree, after, flags)
            if len(self.states) == before:
                break
        return after


def _taker(code: Any, argument: Any, flags: re.RegexFlag) -> Callable[[str], bool]:
    """Return which characters a part takes, asking Python for one character at a time."""
    if code is op.ANY:
        return _takes_any if flags & re.DOTALL else _takes_all_but_newlines
    if code is op.LITERAL and not flags & re.IGNORECASE:
        return partial(str.__eq__, chr(argument))
    single = re.compile(_written(code, argument), flags & (re.IGNORECASE | re.ASCII))
    return lambda character: single.fullmatch(character) is not None


def _takes_any(_character: str) -> bool:
    return True


def _takes_all_but_newlines(character: str) -> bool:
    return character not in "\n\r\u0085\u2028\u2029"


_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


def _written(code: Any, argument: Any) -> str:
    """Return a part for one character as an expression of its own."""
    if code is op.LITERAL:
        return re.escape(chr(argument))
    if code is op.NOT_LITERAL:
        return f"[^{re.escape(chr(argument))}]"
    parts = []
    for kind, value in argument:
        if kind is op.NEGATE:
            parts.append("^")
        elif kind is op.LITERAL:
            parts.append(re.escape(chr(value)))
        elif kind is op.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append(_CATEGORIES[value])
    return f"[{''.join(parts)}]"


def _place(kind: Any, flags: re.RegexFlag) -> Callable[[str, int], bool]:
    """Return whether a place in a text is the one that an anchor means."""
    if kind in _BOUNDARIES:
        return lambda text, at: _is_boundary(text, at) == (kind is op.AT_BOUNDARY)
    by_line = bool(flags & re.MULTILINE)
    if kind in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
        return lambda text, at: at == 0 or (by_line and kind is op.AT_BEGINNING and text[at - 1] == "\n")
    if kind is op.AT_END_STRING:
        return lambda text, at: at == len(text)
    return lambda text, at: at == len(text) or text[at:] == "\n" or (by_line and text[at] == "\n")


def _is_boundary(text: str, at: int) -> bool:
    before = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
    after = at < len(text) and (text[at].isalnum() or text[at] == "_")
    return before != after
