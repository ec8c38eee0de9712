"""Databases, tables, views and partitions: the catalog of data that Glue has on AWS.

Documents are kept as Glue takes them. Names are in lower case. A table that another part of Stepmill made, a
feature group's, is seen here too, and cannot be changed from here.

Source: Glue API reference, DatabaseInput, TableInput, PartitionInput.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.tables import DEFAULT_DATABASE, TableSource
from stepmill.core.clock import as_text
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

DATABASE_KIND = "data-database"
TABLE_KIND = "data-table"
PARTITION_KIND = "data-partition"
_LONGEST_NAME = 255
_BY_NAME = Selection(sort_by=SortBy.NAME, limit=1000)


class Metastore:
    """Keeps them. Safe to share between threads.

    Args:
        records: Where they are kept.
        source: Knows the tables that others made.
    """

    def __init__(self, records: RecordStore, source: TableSource) -> None:
        self._records = records
        self._source = source

    def databases(self) -> list[JsonObject]:
        """Return all databases, as Glue describes them, by name."""
        found: dict[str, JsonObject] = {
            name: {"Name": name} for name in (DEFAULT_DATABASE, *self._source.databases())
        }
        for record in _BY_NAME.all(self._records, DATABASE_KIND):
            found[record.name] = _database(record)
        return [found[name] for name in sorted(found)]

    def database(self, name: str) -> JsonObject:
        """Return a database as Glue describes it.

        Raises:
            NotFoundError: If there is none.
        """
        key = name.lower()
        record = self._records.find(DATABASE_KIND, key) if key and len(key) <= _LONGEST_NAME else None
        if record is not None:
            return _database(record)
        if key == DEFAULT_DATABASE or key in self._source.databases():
            return {"Name": key}
        raise NotFoundError(f"Database {key} not found.")

    def has_database(self, name: str) -> bool:
        """Return whether there is such a database."""
        with suppress(NotFoundError):
            self.database(name)
            return True
        return False

    def create_database(self, document: JsonObject) -> None:
        """Make a database of Glue's DatabaseInput.

        Raises:
            ConflictError: If there is one of that name.
            InvalidInputError: If it cannot have that name.
        """
        name = _checked(document.get("Name"), "Name")
        if self.has_database(name):
            raise ConflictError("Database already exists.")
        try:
            self._records.create(DATABASE_KIND, name, {"document": {**document, "Name": name}})
        except ConflictError as error:
            raise ConflictError("Database already exists.") from error

    def update_database(self, name: str, document: JsonObject) -> None:
        """Replace what is said of a database.

        Raises:
            NotFoundError: If there is none that was made by a user.
        """
        key = name.lower()

        def changed(record: Record) -> Record:
            return replace(record, body={"document": {**document, "Name": key}})

        try:
            self._records.update(DATABASE_KIND, key, changed)
        except NotFoundError as error:
            raise NotFoundError(f"Database {key} not found.") from error

    def delete_database(self, name: str, *, cascade: bool = True) -> None:
        """Remove a database, its tables and their partitions; files stay.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it holds tables, unless ``cascade``, or if it is not a user's.
        """
        key = name.lower()
        self.database(key)
        if self._records.find(DATABASE_KIND, key) is None:
            raise WrongStateError(f"The database {key} cannot be deleted: it is always there.")
        if not cascade and self.table_names(key):
            raise WrongStateError(f"Database {key} is not empty. One or more tables exist.")
        with self._records.transaction():
            for table in self.table_names(key):
                if self._records.find(TABLE_KIND, _key(key, table)) is not None:
                    self.delete_table(key, table)
            self._records.delete(DATABASE_KIND, key)

    def table_names(self, database: str, pattern: str = "") -> list[str]:
        """Return the names of the tables of a database, those that match Hive's pattern: ``a*|b*``."""
        key = database.lower()
        own = [
            str(cast(Mapping[str, Any], record.body["document"])["Name"])
            for record in replace(_BY_NAME, parent=key).all(self._records, TABLE_KIND)
        ]
        names = sorted({*own, *self._source.tables(key)})
        return [name for name in names if not pattern or matches(name, pattern)]

    def table(self, database: str, name: str) -> JsonObject:
        """Return a table or view as Glue describes it.

        Raises:
            NotFoundError: If there is none.
        """
        found = self.find_table(database, name)
        if found is None:
            raise NotFoundError(f"Table {name.lower()} not found.")
        return found

    def find_table(self, database: str, name: str) -> JsonObject | None:
        """Return a table or view as Glue describes it, or ``None``."""
        where, key = database.lower(), name.lower()
        if not where or not key or len(where) > _LONGEST_NAME or len(key) > _LONGEST_NAME:
            return None
        record = self._records.find(TABLE_KIND, _key(where, key))
        if record is not None:
            return _table(record)
        return self._source.describe(where, key)

    def create_table(self, database: str, document: JsonObject) -> None:
        """Make a table or view of Glue's TableInput.

        Raises:
            NotFoundError: If there is no such database.
            ConflictError: If there is a table of that name.
            InvalidInputError: If it cannot have that name.
        """
        where = str(self.database(database)["Name"])
        name = _checked(document.get("Name"), "TableInput.Name")
        if self.find_table(where, name) is not None:
            raise ConflictError("Table already exists.")
        body: JsonObject = {"document": {**document, "Name": name}}
        try:
            self._records.create(TABLE_KIND, _key(where, name), body, parent=where)
        except ConflictError as error:
            raise ConflictError("Table already exists.") from error

    def update_table(self, database: str, document: JsonObject) -> None:
        """Replace a table's document.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is not a user's.
        """
        where, name = database.lower(), _checked(document.get("Name"), "TableInput.Name")
        self.table(where, name)
        self._own(where, name)

        def changed(record: Record) -> Record:
            return replace(record, body={"document": {**document, "Name": name}})

        self._records.update(TABLE_KIND, _key(where, name), changed)

    def delete_table(self, database: str, name: str) -> None:
        """Remove a table or view and its partitions; files stay.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is not a user's.
        """
        where, key = database.lower(), name.lower()
        self.table(where, key)
        self._own(where, key)
        with self._records.transaction():
            for record in list(replace(_BY_NAME, parent=_key(where, key)).all(self._records, PARTITION_KIND)):
                self._records.delete(PARTITION_KIND, record.name)
            self._records.delete(TABLE_KIND, _key(where, key))

    def partitions(self, database: str, table: str) -> Iterator[JsonObject]:
        """Yield the partitions of a table, as Glue describes them, by their values."""
        parent = _key(database.lower(), table.lower())
        for record in replace(_BY_NAME, parent=parent).all(self._records, PARTITION_KIND):
            yield {
                **cast(Mapping[str, Any], record.body["document"]),
                "DatabaseName": database.lower(),
                "TableName": table.lower(),
                "CreationTime": as_text(record.created_at),
            }

    def partition(self, database: str, table: str, values: Sequence[str]) -> JsonObject | None:
        """Return a partition by its values, or ``None``."""
        parent = _key(database.lower(), table.lower())
        record = self._records.find(PARTITION_KIND, _partition_key(parent, values))
        return None if record is None else cast(JsonObject, record.body["document"])

    def create_partition(self, database: str, table: str, document: JsonObject) -> None:
        """Make a partition of Glue's PartitionInput.

        Raises:
            NotFoundError: If there is no such table.
            ConflictError: If there is a partition of those values.
            InvalidInputError: If it has not a value for each of the table's partition keys.
        """
        described = self.table(database, table)
        values = [str(value) for value in cast(Sequence[Any], document.get("Values") or ())]
        if len(values) != len(cast(Sequence[Any], described.get("PartitionKeys") or ())):
            raise InvalidInputError(
                "The number of partition keys do not match the number of partition values"
            )
        self._own(database.lower(), table.lower())
        parent = _key(database.lower(), table.lower())
        try:
            self._records.create(
                PARTITION_KIND, _partition_key(parent, values), {"document": document}, parent=parent
            )
        except ConflictError as error:
            raise ConflictError("Partition already exists.") from error

    def delete_partition(self, database: str, table: str, values: Sequence[str]) -> None:
        """Forget a partition; its files stay.

        Raises:
            NotFoundError: If there is none.
        """
        parent = _key(database.lower(), table.lower())
        try:
            self._records.delete(PARTITION_KIND, _partition_key(parent, values))
        except NotFoundError as error:
            raise NotFoundError("Cannot find partition.") from error

    def _own(self, database: str, name: str) -> None:
        if self._records.find(TABLE_KIND, _key(database, name)) is None:
            raise WrongStateError(
                f"The table {database}.{name} is that of a feature group.",
                mend="Change the group, or make a table of your own over its files.",
            )


def matches(name: str, pattern: str) -> bool:
    """Return whether a name matches a pattern of Hive's: ``*`` is anything, ``|`` parts alternatives.

    Example:
        >>> matches("sales_2020", "x*|sales*"), matches("sales", "sal")
        (True, False)
    """
    return any(fnmatch.fnmatchcase(name, one.strip().lower()) for one in pattern.replace("%", "*").split("|"))


def as_query_error(error: NotFoundError | ConflictError | WrongStateError | InvalidInputError) -> QueryError:
    """Return an error of the catalog as the reason of a query's failure."""
    names = {
        NotFoundError: "EntityNotFoundException",
        ConflictError: "AlreadyExistsException",
        InvalidInputError: "InvalidInputException",
    }
    name = names.get(type(error), "InvalidOperationException")
    return QueryError(
        "",
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
        f"{name}: {error.what}",
        mend=error.mend,
    )


def _key(database: str, name: str) -> str:
    return f"{database}.{name}"


def _partition_key(table: str, values: Sequence[str]) -> str:
    # Values may be of any length; their places must not be mixed up.
    from hashlib import sha256

    digest = sha256("\0".join(values).encode()).hexdigest()
    return f"{sha256(table.encode()).hexdigest()[:32]}/{'/'.join(values)[:200]}/{digest}"


def _database(record: Record) -> JsonObject:
    return {**cast(Mapping[str, Any], record.body["document"]), "CreateTime": as_text(record.created_at)}


def _table(record: Record) -> JsonObject:
    return {
        **cast(Mapping[str, Any], record.body["document"]),
        "DatabaseName": record.parent,
        "CreateTime": as_text(record.created_at),
        "UpdateTime": as_text(record.modified_at),
    }


def _checked(name: object, where: str) -> str:
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable() and name.strip():
        return name.lower()
    raise InvalidInputError(f"{str(name)[:80]!r} cannot be taken for a name.", where=where)
