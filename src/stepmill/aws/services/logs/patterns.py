"""Filter patterns: which events FilterLogEvents gives.

Offered are terms: ``ERROR``, ``"two words"``, ``-debug`` (without it) and ``?a ?b`` (any of them).
Patterns for JSON (``{...}``), for columns (``[...]``) and regular expressions (``%...%``) are refused.

Source: CloudWatch Logs user guide, "Filter pattern syntax": terms are case-sensitive parts of the text, all
must be there; optional terms count only where there are no others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError, UnsupportedError

Matches: TypeAlias = Callable[[str], bool]

_TERM = re.compile(r'\s*(?P<sign>[-?]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s"]+))(?=\s|$)')
_ESCAPED = re.compile(r"\\(.)")
_OTHER_KINDS = {"{": "patterns for JSON", "[": "patterns for columns", "%": "regular expressions"}


def read_pattern(pattern: str) -> Matches:
    """Return what says whether a text matches a pattern; everything matches an empty one.

    Raises:
        UnsupportedError: If it is of a kind that is not offered.
        InvalidInputError: If it is no pattern.

    Example:
        >>> matches = read_pattern('ERROR "out of" -retry')
        >>> matches("ERROR: out of memory"), matches("ERROR: out of memory, retry 2")
        (True, False)
    """
    text = pattern.strip()
    if text[:1] in _OTHER_KINDS:
        raise UnsupportedError(
            f"Of filter patterns, {_OTHER_KINDS[text[0]]} are not offered.",
            where="filterPattern",
            mend='Filter by terms: ERROR "two words" -without ?any ?of.',
        )
    terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise InvalidInputError(
                f"Invalid filter pattern: {pattern[:200]!r}.",
                where="filterPattern",
                mend='Put terms with spaces or quotes into quotes: "two words", "a \\"quoted\\" one".',
            )
        plain, quoted = match["plain"], match["quoted"] or ""
        terms[match["sign"]].append(plain if plain is not None else _ESCAPED.sub(r"\1", quoted))
        position = match.end()
    return _matcher(terms[""], terms["-"], terms["?"])


def _matcher(required: list[str], excluded: list[str], optional: list[str]) -> Matches:
    if required or excluded:
        optional = []

    def matches(text: str) -> bool:
        return (
            all(term in text for term in required)
            and not any(term in text for term in excluded)
            and (not optional or any(term in text for term in optional))
        )

    return matches
