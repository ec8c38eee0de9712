"""What a text asks for: a query, or one of the statements that change the catalog or show what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.json import JsonObject


@dataclass(frozen=True)
class TableName:
    """A table as a statement names it; the database may be empty."""

    database: str
    name: str


@dataclass(frozen=True)
class Query:
    """A query whose rows are the result.

    Args:
        text: Of the query, everything else of the statement blanked out, so that places in it hold.
    """

    text: str


@dataclass(frozen=True)
class CreateTable:
    """A table over files that are there.

    Args:
        name: Of the table.
        document: Glue's TableInput, without the name.
        may_exist: IF NOT EXISTS.
    """

    name: TableName
    document: JsonObject
    may_exist: bool


@dataclass(frozen=True)
class CreateTableAs:
    """A table made of the rows of a query.

    Args:
        name: Of the table.
        text: Of the query.
        properties: What stands in WITH, as it is written: texts, lists of texts.
        may_exist: IF NOT EXISTS.
        with_data: Whether rows are written.
    """

    name: TableName
    text: str
    properties: Mapping[str, str | tuple[str, ...]]
    may_exist: bool
    with_data: bool


@dataclass(frozen=True)
class InsertInto:
    """Rows of a query put into a table.

    Args:
        name: Of the table.
        columns: To which they belong; empty: all, in order.
        text: Of the query.
    """

    name: TableName
    columns: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class CreateView:
    """A query that is given a name."""

    name: TableName
    text: str
    may_replace: bool


@dataclass(frozen=True)
class CreateDatabase:
    """A new database; the document is Glue's DatabaseInput."""

    document: JsonObject
    may_exist: bool


@dataclass(frozen=True)
class Drop:
    """Something to be removed.

    Args:
        kind: ``TABLE``, ``VIEW`` or ``DATABASE``.
        name: Of a database, the name.
        may_be_missing: IF EXISTS.
        cascade: A database with all its tables.
    """

    kind: str
    name: TableName
    may_be_missing: bool
    cascade: bool = False


@dataclass(frozen=True)
class Show:
    """Something to be listed or described.

    Args:
        what: ``TABLES``, ``VIEWS``, ``DATABASES``, ``COLUMNS``, ``PARTITIONS``, ``CREATE``,
            ``TBLPROPERTIES``, ``DESCRIBE``.
        name: The table, or only a database.
        pattern: Of the names; empty: all.
    """

    what: str
    name: TableName
    pattern: str = ""


@dataclass(frozen=True)
class AddPartitions:
    """Partitions to be known: values by column, and where; none: whatever is found in the table's place."""

    name: TableName
    partitions: tuple[tuple[Mapping[str, str], str], ...]
    may_exist: bool
    is_repair: bool = False


@dataclass(frozen=True)
class DropPartitions:
    """Partitions to be forgotten."""

    name: TableName
    partitions: tuple[Mapping[str, str], ...]
    may_be_missing: bool


@dataclass(frozen=True)
class AddColumns:
    """Columns that a table's files have got, as Glue's documents."""

    name: TableName
    columns: tuple[JsonObject, ...]


Statement: TypeAlias = (
    Query
    | CreateTable
    | CreateTableAs
    | InsertInto
    | CreateView
    | CreateDatabase
    | Drop
    | Show
    | AddPartitions
    | DropPartitions
    | AddColumns
)

_KINDS: Mapping[type, tuple[str, str]] = {
    Query: ("DML", "SELECT"),
    CreateTable: ("DDL", "CREATE_TABLE"),
    CreateTableAs: ("DDL", "CREATE_TABLE_AS_SELECT"),
    InsertInto: ("DML", "INSERT"),
    CreateView: ("DDL", "CREATE_VIEW"),
    CreateDatabase: ("DDL", "CREATE_DATABASE"),
    AddPartitions: ("DDL", "ALTER_TABLE_ADD_PARTITION"),
    DropPartitions: ("DDL", "ALTER_TABLE_DROP_PARTITION"),
    AddColumns: ("DDL", "ALTER_TABLE_ADD_COLUMN"),
}


def kinds_of(statement: Statement) -> tuple[str, str]:
    """Return what Athena tells of a statement: its type and its subtype.

    Example:
        >>> kinds_of(Query("SELECT 1"))
        ('DML', 'SELECT')
    """
    if isinstance(statement, Drop):
        return "DDL", f"DROP_{statement.kind}"
    if isinstance(statement, Show):
        return "UTILITY", {"DESCRIBE": "DESCRIBE", "CREATE": "SHOW_CREATE_TABLE"}.get(
            statement.what, f"SHOW_{statement.what}"
        )
    if isinstance(statement, AddPartitions) and statement.is_repair:
        return "DDL", "MSCK"
    return _KINDS[type(statement)]
