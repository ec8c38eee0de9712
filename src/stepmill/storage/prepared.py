"""Statements that are compiled once and then go straight to the driver.

SQLAlchemy's way to execute a statement costs several times what SQLite needs for it. For statements
that run with every event, only the text that SQLAlchemy makes of them is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy.engine import Connection, Dialect

# What a statement is given: the names of its ``bindparam``s, and the columns that it sets.
Values = Mapping[str, object]


class Prepared:
    """A statement over plain columns, whose values are handed to the driver as they are.

    Args:
        statement: Built with ``bindparam`` for its values; an insert or update is given the table's columns.

    All values have to be given each time; a missing one is a ``KeyError``.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._texts: dict[str, _Text] = {}

    def one(self, connection: Connection, values: Values) -> Any:
        """Return the first row, with its columns as attributes, or ``None``."""
        text = self._text(connection.dialect)
        cursor = _cursor(connection)
        try:
            row = cursor.execute(text.sql, text.arguments(values)).fetchone()
        finally:
            cursor.close()
        return None if row is None else text.row(row)

    def all(self, connection: Connection, values: Values) -> list[Any]:
        """Return all rows, with their columns as attributes."""
        text = self._text(connection.dialect)
        cursor = _cursor(connection)
        try:
            return [text.row(row) for row in cursor.execute(text.sql, text.arguments(values))]
        finally:
            cursor.close()

    def each(self, connection: Connection, values: Values) -> Iterator[tuple[Any, ...]]:
        """Yield all rows as the driver gives them: an answer of thousands costs a third of ``all``."""
        text = self._text(connection.dialect)
        cursor = _cursor(connection)
        try:
            yield from cursor.execute(text.sql, text.arguments(values))
        finally:
            cursor.close()

    def run(self, connection: Connection, *rows: Values) -> int:
        """Execute it for each of the rows; return how many rows of the table that touched."""
        text = self._text(connection.dialect)
        cursor = _cursor(connection)
        try:
            if len(rows) == 1:
                cursor.execute(text.sql, text.arguments(rows[0]))
            else:
                cursor.executemany(text.sql, [text.arguments(values) for values in rows])
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def _text(self, dialect: Dialect) -> _Text:
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = _Text(self._statement, dialect)
        return text


class _Text:
    """A statement as one database takes it."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        # Those that the statement brings with it; the others have to be given.
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._names = compiled.positiontup
        self._columns = [column.name for column in getattr(statement, "selected_columns", ())]

    def arguments(self, values: Values) -> Any:
        merged = {**self._constants, **values}
        return merged if self._names is None else tuple([merged[name] for name in self._names])

    def row(self, values: Sequence[object]) -> SimpleNamespace:
        return SimpleNamespace(**dict(zip(self._columns, values, strict=True)))


def _cursor(connection: Connection) -> Any:
    # As SQLAlchemy does it: a transaction begins with the first statement.
    if not connection.in_transaction():
        connection.begin()
    return connection.connection.cursor()
