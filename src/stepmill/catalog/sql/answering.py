"""Carries out one statement: a query in a process of its own, all else on the catalog of data.

Source: Athena user guide, "DDL statements", "Creating a table from query results (CTAS)", "INSERT INTO"; how
its results of SHOW and DESCRIBE look.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from stepmill.catalog.sql import catalog_statements
from stepmill.catalog.sql.dialect.compiling import Compiled, Find, check_query, compile_tree
from stepmill.catalog.sql.dialect.statements import (
    CreateTableAs,
    CreateView,
    InsertInto,
    Query,
    Show,
    Statement,
    TableName,
)
from stepmill.catalog.sql.engine_faults import fault_of
from stepmill.catalog.sql.external import folder_of, read_table
from stepmill.catalog.sql.faults import QueryError, missing_table
from stepmill.catalog.sql.metastore import Metastore, as_query_error
from stepmill.catalog.sql.processes import EngineError, Processes, ResultColumn, Stop
from stepmill.catalog.sql.tables import (
    DEFAULT_DATABASE,
    PARQUET_INPUT,
    PARQUET_OUTPUT,
    PARQUET_SERDE,
    DataTable,
    Format,
    TableSource,
    View,
)
from stepmill.catalog.sql.types import duckdb_type, hive_type
from stepmill.catalog.sql.views import read_view, view_document
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

CATALOG_ERRORS = (NotFoundError, ConflictError, WrongStateError, InvalidInputError)
# Takes a result's columns and its bytes, and keeps them.
Keep = Callable[[Sequence[ResultColumn], Iterator[bytes]], None]


@dataclass(frozen=True)
class Answered:
    """What came of a statement.

    Args:
        columns: Of its result.
        rows: How many rows were returned or written.
        scanned_bytes: Of the files that were asked.
        location: Where a table's new files lie; empty: nowhere.
        tables: That were read, (database, name); of a view those that it reads.
    """

    columns: tuple[ResultColumn, ...] = ()
    rows: int = 0
    scanned_bytes: int = 0
    location: str = ""
    tables: tuple[tuple[str, str], ...] = ()


class Answering:
    """Carries out statements. Safe to share between threads.

    Args:
        metastore: The catalog of data.
        source: The tables of others.
        objects: Where files are kept.
        processes: Run queries.
    """

    def __init__(
        self, metastore: Metastore, source: TableSource, objects: ObjectStore, processes: Processes
    ) -> None:
        self._metastore = metastore
        self._source = source
        self._objects = objects
        self._processes = processes

    def answer(
        self,
        statement: Statement,
        keep: Keep,
        *,
        database: str = "",
        parameters: Sequence[str] = (),
        output: str = "",
        stop: Stop,
    ) -> Answered:
        """Carry out a statement.

        Args:
            statement: As it was read.
            keep: Keeps its result.
            database: In which tables are looked up that name none.
            parameters: For the question marks of a query.
            output: Folder for the files of a table that is made: an address in S3.
            stop: Ends it.

        Raises:
            QueryError: If it cannot be done.
            QueryStoppedError: If it was ended.
        """
        database = (database or DEFAULT_DATABASE).lower()
        try:
            match statement:
                case Query():
                    return self._query(statement.text, keep, database, parameters, stop)
                case CreateTableAs():
                    return self._create_as(statement, database, parameters, output, stop)
                case InsertInto():
                    return self._insert(statement, database, parameters, stop)
                case CreateView():
                    return self._create_view(statement, database, stop)
                case Show():
                    return _kept(catalog_statements.show(self._metastore, statement, database), keep)
                case _:
                    lines = catalog_statements.change(self._metastore, self._objects, statement, database)
                    return _kept(lines, keep)
        except CATALOG_ERRORS as error:
            raise as_query_error(error) from error

    def compile(self, text: str, database: str, parameters: Sequence[str] = ()) -> Compiled:
        """Return a query for DuckDB, with the tables that it asks.

        Raises:
            MalformedQueryError: If it is no query.
            QueryError: If it asks what is not there.
        """
        return compile_tree(check_query(text, parameters), text, database, self.finder(database))

    def finder(self, database: str) -> Find:
        """Return who finds the tables of a query, each once, whatever others change meanwhile."""
        known: dict[tuple[str, str], DataTable | View] = {}

        def find(of: str, name: str) -> DataTable | View:
            key = (of or database, name)
            if key not in known:
                known[key] = self._find(*key)
            return known[key]

        return find

    def _find(self, database: str, name: str) -> DataTable | View:
        found = self._source.find(database, name)
        if found is not None:
            return found
        document = self._metastore.find_table(database, name)
        if document is None:
            if not self._metastore.has_database(database):
                raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
            raise missing_table(database, name, self._metastore.table_names(database))
        if document.get("TableType") == "VIRTUAL_VIEW":
            return read_view(document)
        return read_table(document, self._metastore.partitions(database, name), self._objects)

    def _query(self, text: str, keep: Keep, database: str, parameters: Sequence[str], stop: Stop) -> Answered:
        compiled = self.compile(text, database, parameters)
        try:
            with self._processes.running(compiled, stop) as running:
                keep(running.columns, running.pieces())
                return Answered(running.columns, running.rows, _size(compiled), tables=_tables(compiled))
        except EngineError as error:
            raise fault_of(error, text) from error

    def _columns(self, compiled: Compiled, text: str, stop: Stop) -> tuple[ResultColumn, ...]:
        """Return the columns of a query's result, without its rows."""
        empty = Compiled(f"SELECT * FROM ({compiled.sql}) AS q LIMIT 0", compiled.asked)
        try:
            with self._processes.running(empty, stop) as running:
                for _ in running.pieces():
                    pass
                return running.columns
        except EngineError as error:
            raise fault_of(error, text) from error

    def _create_view(self, statement: CreateView, database: str, stop: Stop) -> Answered:
        name = statement.name
        of = name.database or database
        columns = self._columns(self.compile(statement.text, database), statement.text, stop)
        _check_names(columns)
        document = view_document(
            name.name,
            statement.text,
            database,
            [(column.name.lower(), hive_type(column.type)) for column in columns],
        )
        there = self._metastore.find_table(of, name.name)
        if there is not None and not (statement.may_replace and there.get("TableType") == "VIRTUAL_VIEW"):
            raise QueryError("ALREADY_EXISTS", f"View already exists: '{of}.{name.name}'")
        if there is None:
            self._metastore.create_table(of, document)
        else:
            self._metastore.update_table(of, document)
        return Answered()

    def _create_as(
        self, statement: CreateTableAs, database: str, parameters: Sequence[str], output: str, stop: Stop
    ) -> Answered:
        name, properties = statement.name, statement.properties
        of = name.database or database
        if self._metastore.find_table(of, name.name) is not None:
            if statement.may_exist:
                return Answered()
            raise QueryError("TABLE_ALREADY_EXISTS", f"Table '{of}.{name.name}' already exists")
        self._metastore.database(of)
        _check_properties(properties)
        folder = folder_of(
            str(properties.get("external_location") or f"{output.rstrip('/')}/{secrets.token_hex(16)}")
        )
        if properties.get("external_location") and self._objects.list(folder.bucket, folder.key, limit=1):
            raise QueryError(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory for table '{of}.{name.name}' already exists: {folder}",
            )
        text = statement.text
        compiled = self.compile(text, database, parameters)
        answered = self._write(compiled, text, folder, stop, limit=None if statement.with_data else 0)
        _check_names(answered.columns)
        columns = [{"Name": one.name.lower(), "Type": hive_type(one.type)} for one in answered.columns]
        storage = {
            "Columns": columns,
            "Location": str(folder),
            "InputFormat": PARQUET_INPUT,
            "OutputFormat": PARQUET_OUTPUT,
            "SerdeInfo": {"SerializationLibrary": PARQUET_SERDE, "Parameters": {}},
        }
        document = {
            "Name": name.name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [],
            "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
            "StorageDescriptor": storage,
        }
        self._metastore.create_table(of, cast(JsonObject, document))
        return answered

    def _insert(
        self, statement: InsertInto, database: str, parameters: Sequence[str], stop: Stop
    ) -> Answered:
        name = TableName(statement.name.database or database, statement.name.name)
        if self._source.find(name.database, name.name) is not None:
            raise QueryError(
                "NOT_SUPPORTED",
                f"The table {name.name} is that of a feature group: write it by PutRecord or ingest",
            )
        table = self._find(name.database, name.name)
        if isinstance(table, View):
            raise QueryError("NOT_SUPPORTED", "Inserting into views is not supported")
        if table.format is not Format.PARQUET or table.partitions:
            raise QueryError(
                "NOT_SUPPORTED", "Rows can be inserted into Parquet tables without partitions only"
            )
        names = [column.name for column in table.columns]
        wanted = list(statement.columns) or names
        if missing := [one for one in wanted if one not in names]:
            raise QueryError(
                "COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {missing[0]}"
            )
        types = {column.name: duckdb_type(column.type) for column in table.columns}
        described = self._metastore.table(name.database, name.name)
        storage = cast(Mapping[str, Any], described["StorageDescriptor"])
        return self._write(
            self.compile(statement.text, database, parameters),
            statement.text,
            folder_of(str(storage["Location"])),
            stop,
            names=wanted,
            types=[types[one] for one in wanted],
        )

    def _write(
        self,
        compiled: Compiled,
        text: str,
        folder: S3Uri,
        stop: Stop,
        *,
        limit: int | None = None,
        names: Sequence[str] = (),
        types: Sequence[str] = (),
    ) -> Answered:
        """Write the rows of a query as one Parquet object; it appears whole, or not at all."""
        if limit is not None:
            compiled = Compiled(f"SELECT * FROM ({compiled.sql}) AS q LIMIT {limit}", compiled.asked)
        uri = S3Uri(folder.bucket, f"{folder.key}{secrets.token_hex(8)}.parquet")
        try:
            with self._processes.running(
                compiled, stop, output="parquet", names=names, column_types=types
            ) as running:
                if names and len(running.columns) != len(names):
                    raise QueryError(
                        "TYPE_MISMATCH",
                        f"Insert query has {len(running.columns)} expression(s) but expected "
                        f"{len(names)} target column(s)",
                    )
                self._objects.put_stream(uri, running.pieces())
                return Answered(
                    running.columns, running.rows, _size(compiled), str(folder), _tables(compiled)
                )
        except EngineError as error:
            raise fault_of(error, text) from error


def _kept(listing: catalog_statements.Listing, keep: Keep) -> Answered:
    columns = tuple(ResultColumn(name, "VARCHAR") for name in listing.columns)
    keep(columns, iter(("".join(f"{line}\n" for line in listing.lines).encode(),)))
    return Answered(columns, len(listing.lines))


def _size(compiled: Compiled) -> int:
    return sum(asked.table.size_bytes for asked in compiled.asked)


def _tables(compiled: Compiled) -> tuple[tuple[str, str], ...]:
    return tuple((asked.database, asked.name) for asked in compiled.asked)


def _check_names(columns: Sequence[ResultColumn]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.name.lower().startswith("_col") and column.name[4:].isdecimal():
            raise UnnamedColumnError(column.name)
        if column.name.lower() in seen:
            raise QueryError(
                "DUPLICATE_COLUMN_NAME", f"Column name '{column.name.lower()}' specified more than once"
            )
        seen.add(column.name.lower())


class UnnamedColumnError(QueryError):
    """A column of a table or view that has no name."""

    def __init__(self, name: str) -> None:
        super().__init__("MISSING_COLUMN_NAME", f"Column name not specified at position {int(name[4:]) + 1}")


def _check_properties(properties: Mapping[str, str | tuple[str, ...]]) -> None:
    known = {
        "format",
        "external_location",
        "write_compression",
        "parquet_compression",
        "table_type",
        "is_external",
    }
    for key, value in properties.items():
        if key not in known:
            raise QueryError("NOT_SUPPORTED", f"The table property '{key}' is not supported")
        if key == "format" and str(value).upper() != "PARQUET":
            raise QueryError(
                "NOT_SUPPORTED", f"Tables of format {value} cannot be made of queries: PARQUET can"
            )
        if key == "table_type" and str(value).upper() != "HIVE":
            raise QueryError("NOT_SUPPORTED", f"{value} tables are not supported")
