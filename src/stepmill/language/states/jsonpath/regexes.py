"""Regular expressions of filters, matched in time that grows with the text alone.

A filter and the document it reads may both be hostile, and a matcher that tries one way after the other
can be kept busy for ever. RE2 follows all ways at once; so it knows no look-around and no back-reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import re2

# What one compiled expression may take, in bytes.
_LARGEST_PROGRAM = 1 << 20


class UnboundedPatternError(Exception):
    """The expression is none, or beyond what can be matched with bounded effort."""


@dataclass(frozen=True, slots=True)
class LinearPattern:
    """A compiled expression. Make one with ``compile_pattern``."""

    expression: object

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        is_match: bool = self.expression.fullmatch(text) is not None  # type: ignore[attr-defined]
        return is_match


@lru_cache(maxsize=512)
def compile_pattern(source: str, *, ignores_case: bool = False) -> LinearPattern:
    """Compile an expression.

    Raises:
        UnboundedPatternError: If it is none, too large, or has look-arounds or back-references.

    Example:
        >>> compile_pattern("(a|b)*c", ignores_case=True).matches("ABBAC")
        True
        >>> compile_pattern("a+").matches("aab")
        False
    """
    options = re2.Options()
    options.max_mem = _LARGEST_PROGRAM
    options.log_errors = False
    options.case_sensitive = not ignores_case
    try:
        return LinearPattern(re2.compile(source, options))
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise UnboundedPatternError(
            said.decode(errors="replace") if isinstance(said, bytes) else said
        ) from error
