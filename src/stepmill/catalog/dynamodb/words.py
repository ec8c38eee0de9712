"""What all expressions are made of: document paths and values, with names and values by placeholders.

Pure. What a client sends is hostile: expressions have at most 4 KB, 300 operators, and paths of 32 names.

Source: DynamoDB developer guide, "Referring to item attributes when using expressions", "Quotas".
"""

from __future__ import annotations

from stepmill.catalog.dynamodb.lexing import Kind, Tokens
from stepmill.catalog.dynamodb.paths import Part, Path
from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.reserved import RESERVED
from stepmill.catalog.dynamodb.values import Value
from stepmill.core.errors import InvalidInputError

MOST_OPERATORS = 300
_DEEPEST_PATH = 32


class Words:
    """Reads what all expressions are made of: paths and values. ``kind`` is ``condition`` or ``update``.

    Args:
        text: The expression.
        what: What errors call it.
        placeholders: Of the call.
    """

    def __init__(self, text: str, what: str, placeholders: Placeholders) -> None:
        self.tokens = Tokens(text, what)
        self.kind = what.removesuffix("Expression").lower()
        self._placeholders = placeholders
        self._operators = 0

    def error(self, text: str) -> InvalidInputError:
        """Return an error of the expression."""
        return self.tokens.error(text)

    def count_operator(self) -> None:
        """Count an operator or a function.

        Raises:
            InvalidInputError: If there are too many.
        """
        self._operators += 1
        if self._operators > MOST_OPERATORS:
            raise self.error(
                f"The expression contains too many operators; maximum operator count: {MOST_OPERATORS}"
            )

    def value(self) -> Value:
        """Read a value's placeholder."""
        if self.tokens.next.kind is not Kind.VALUE:
            raise self.tokens.unexpected()
        placeholder = self.tokens.take().text
        try:
            return self._placeholders.value(placeholder)
        except KeyError:
            raise self.error(
                "An expression attribute value used in expression is not defined; "
                f"attribute value: {placeholder}"
            ) from None

    def path(self) -> Path:
        """Read a document path."""
        parts: list[Part] = [self._name()]
        while symbol := self.tokens.take_symbol(".", "["):
            if symbol == ".":
                parts.append(self._name())
            else:
                parts.append(self._index())
            if len(parts) > _DEEPEST_PATH:
                raise self.error("The document path has too many nesting elements")
        return Path(tuple(parts))

    def _name(self) -> str:
        token = self.tokens.next
        if token.kind is Kind.NAME:
            if token.text.upper() in RESERVED:
                raise self.error(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
            return self.tokens.take().text
        if token.kind is not Kind.ALIAS:
            raise self.tokens.unexpected()
        placeholder = self.tokens.take().text
        try:
            return self._placeholders.name(placeholder)
        except KeyError:
            raise self.error(
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {placeholder}"
            ) from None

    def _index(self) -> int:
        if self.tokens.next.kind is not Kind.NUMBER:
            raise self.tokens.unexpected()
        digits = self.tokens.take().text
        self.tokens.expect("]")
        index = int(digits) if len(digits) < len(str(1 << 31)) else 1 << 31
        if index >= 1 << 31:
            raise self.error(f"List index is not within the allowable range; index: [{digits[:40]}]")
        return index
