"""What is wrong with a query, in Athena's words.

Source: Athena user guide, "Athena error catalog"; Trino's ``StandardErrorCode`` for the names.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepmill.catalog.sql.tables import CATALOG
from stepmill.core.errors import StepmillError
from stepmill.core.spelling import did_you_mean

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


def missing_table(database: str, name: str, names: Sequence[str]) -> QueryError:
    """Return what is to be told of a table that is not there.

    Args:
        database: In which it was looked up.
        name: Of the table.
        names: Of the tables that are there. That of a feature group is its name and a number: who asks for
            the group's name alone is told which it is.
    """
    begins = [one for one in names if one.startswith(f"{name}_")]
    mend = did_you_mean(begins[0] if begins else name, names, "SHOW TABLES lists those that there are.")
    return QueryError("TABLE_NOT_FOUND", f"Table '{CATALOG}.{database}.{name}' does not exist", mend=mend)
