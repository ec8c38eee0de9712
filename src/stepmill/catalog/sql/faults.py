"""What is wrong with a query, in Athena's words.

Source: Athena user guide, "Athena error catalog"; Trino's ``StandardErrorCode`` for the names.
"""

from __future__ import annotations

from stepmill.core.errors import StepmillError

_SYSTEM, _USER, _OTHER = 1, 2, 3


class QueryError(StepmillError):
    """A query that cannot be answered.

    Args:
        name: Of the error: ``COLUMN_NOT_FOUND``; empty: none is told.
        text: What is wrong.
        line: Where in the query, from 1; 0: nowhere in particular.
        column: The same.
        is_ours: Whether the query is not to blame.
        mend: What to do about it; told at the terminal, not in Athena's reason.
    """

    def __init__(
        self, name: str, text: str, *, line: int = 0, column: int = 0, is_ours: bool = False, mend: str = ""
    ) -> None:
        self.name = name
        self.text = text
        self.line = line
        self.column = column
        self.is_ours = is_ours
        place = f"line {line}:{column}: " if line else ""
        super().__init__(f"{name}: {place}{text}" if name else f"{place}{text}", mend=mend)

    @property
    def reason(self) -> str:
        """The text that Athena tells as the reason of the query's failure."""
        return self.what

    @property
    def category(self) -> int:
        """Athena's category: 1 the system, 2 the user, 3 other."""
        if self.is_ours:
            return _SYSTEM
        return _USER if self.name else _OTHER


class MalformedQueryError(QueryError):
    """A text that is no statement: refused before there is an execution.

    Args:
        text: What is wrong.
        line: Where, from 1; 0: nowhere in particular.
        column: The same.
    """

    def __init__(self, text: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__("", text, line=line, column=column)
