"""Texts in policies that may hold variables: ``arn:aws:s3:::data/${aws:PrincipalTag/team}/*``.

Source: IAM user guide, "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.permissions.patterns import Pattern, Token, tokens_of

# A key has no braces; a default stands in single quotes.
_VARIABLE = re.compile(r"\$\{([^${}']{1,256})(?:,\s*'([^']{0,256})')?\}")
_LITERAL = frozenset("*?$")


@dataclass(frozen=True)
class Template:
    """A text of a policy.

    Args:
        text: As it stands there.
        has_variables: Whether ``${...}`` means a variable there; it does since version 2012-10-17.
        lower: Whether upper and lower case are the same.
    """

    text: str
    has_variables: bool = False
    lower: bool = False

    @cached_property
    def _fixed(self) -> Pattern | None:
        """The pattern, if it is the same for all requests."""
        if self.has_variables and "${" in self.text:
            return None
        return Pattern.read(self.text.lower() if self.lower else self.text)

    def matches(self, text: str, circumstances: Circumstances) -> bool:
        """Return whether a text matches, its wildcards and variables replaced.

        Raises:
            UnknownKeyError: If a variable is none that is known here.
        """
        if self._fixed is not None:
            return self._fixed.matches(text.lower() if self.lower else text)
        tokens = self._tokens(circumstances)
        return tokens is not None and Pattern.of(tokens).matches(text)

    def plain(self, circumstances: Circumstances) -> str | None:
        """Return the text with its variables replaced, wildcards standing for themselves.

        ``None`` if a variable has no value here.

        Raises:
            UnknownKeyError: If a variable is none that is known here.
        """
        if self._fixed is not None:
            return self.text
        tokens = self._tokens(circumstances)
        return None if tokens is None else "".join(map(str, tokens))

    def _tokens(self, circumstances: Circumstances) -> Sequence[Token] | None:
        tokens: list[Token] = []
        place = 0
        for match in _VARIABLE.finditer(self.text):
            tokens += tokens_of(self.text[place : match.start()])
            place = match.end()
            name, default = match[1], match[2]
            if name in _LITERAL:
                tokens.append(name)
                continue
            values = circumstances.values(name) or (default,)
            if len(values) != 1 or values[0] is None:
                return None
            # A value never brings wildcards of its own.
            tokens.append(values[0])
        return [*tokens, *tokens_of(self.text[place:])]


@dataclass(frozen=True)
class Fixed:
    """A pattern that no document has, in a template's place: nothing in it is a variable.

    Args:
        pattern: It.
    """

    pattern: Pattern

    def matches(self, text: str, _circumstances: Circumstances) -> bool:
        """See ``Template``."""
        return self.pattern.matches(text)

    def plain(self, _circumstances: Circumstances) -> str | None:
        """Return ``None``: it is for operators that match alone."""
        return None
