"""Statements that list, describe and change the catalog of data, without looking into files.

Source: Athena user guide, "DDL statements"; how Athena pads the lines of DESCRIBE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from stepmill.catalog.sql.dialect.statements import (
    AddColumns,
    AddPartitions,
    CreateDatabase,
    CreateTable,
    Drop,
    DropPartitions,
    Show,
    Statement,
    TableName,
)
from stepmill.catalog.sql.external import folder_of, is_hidden
from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.metastore import Metastore, matches
from stepmill.catalog.sql.views import read_view
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.objects.store import ObjectStore

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Listing:
    """A result that is a list of lines.

    Args:
        columns: Names of its columns, parted by tabs in the lines.
        lines: The rows.
    """

    columns: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def show(metastore: Metastore, statement: Show, database: str) -> Listing:
    """Answer SHOW and DESCRIBE.

    Raises:
        QueryError: If there is no such table.
        NotFoundError: If there is no such database.
    """
    of = statement.name.database or database
    if statement.what == "DATABASES":
        names = [str(one["Name"]) for one in metastore.databases()]
        return Listing(("database_name",), _matching(names, statement.pattern))
    if statement.what in ("TABLES", "VIEWS"):
        metastore.database(of)
        names = metastore.table_names(of)
        if statement.what == "VIEWS":
            names = [name for name in names if _is_view(metastore.table(of, name))]
            return Listing(("views",), _matching(names, statement.pattern))
        return Listing(("tab_name",), _matching(names, statement.pattern))
    table = _table(metastore, of, statement.name.name)
    match statement.what:
        case "COLUMNS":
            names = [str(column["Name"]) for column in (*_columns(table), *_keys(table))]
            return Listing(("field",), tuple(f"{name:<20}" for name in names))
        case "PARTITIONS":
            return Listing(("partition",), tuple(_partition_lines(metastore, of, table)))
        case "TBLPROPERTIES":
            parameters = _members(table, "Parameters")
            return Listing(("prpt_name", "prpt_value"), tuple(f"{k}\t{v}" for k, v in parameters.items()))
        case "CREATE":
            return Listing(("createtab_stmt",), tuple(_create_text(table, of).split("\n")))
        case _:
            return Listing(("col_name", "data_type", "comment"), tuple(_described(table)))


def change(metastore: Metastore, objects: ObjectStore, statement: Statement, database: str) -> Listing:
    """Carry out a statement that changes the catalog.

    Raises:
        QueryError: If it cannot be done.
        ConflictError: If something of that name is there.
        NotFoundError: If something is not there.
    """
    match statement:
        case CreateTable():
            _create_table(metastore, statement, database)
        case CreateDatabase():
            if not (statement.may_exist and metastore.has_database(str(statement.document["Name"]))):
                metastore.create_database(statement.document)
        case Drop():
            _drop(metastore, statement, database)
        case AddPartitions() if statement.is_repair:
            return Listing((), tuple(_repair(metastore, objects, statement.name, database)))
        case AddPartitions():
            _add_partitions(metastore, statement, database)
        case DropPartitions():
            _drop_partitions(metastore, statement, database)
        case AddColumns():
            of = statement.name.database or database
            table = dict(_table(metastore, of, statement.name.name))
            storage = dict(_members(table, "StorageDescriptor"))
            storage["Columns"] = [*_columns(table), *statement.columns]
            table["StorageDescriptor"] = storage
            metastore.update_table(of, cast(JsonObject, table))
    return Listing()


def _create_table(metastore: Metastore, statement: CreateTable, database: str) -> None:
    of, name = statement.name.database or database, statement.name.name
    if metastore.find_table(of, name) is not None:
        if statement.may_exist:
            return
        raise ConflictError(f"Table {name} already exists.")
    storage = _members(statement.document, "StorageDescriptor")
    folder_of(str(storage["Location"]))
    metastore.create_table(of, {**statement.document, "Name": name})


def _drop(metastore: Metastore, statement: Drop, database: str) -> None:
    name = statement.name
    if statement.kind == "DATABASE":
        if statement.may_be_missing and not metastore.has_database(name.database):
            return
        metastore.delete_database(name.database, cascade=statement.cascade)
        return
    of = name.database or database
    found = metastore.find_table(of, name.name)
    if found is None:
        if statement.may_be_missing:
            return
        kind = "View" if statement.kind == "VIEW" else "Table"
        raise QueryError(
            "TABLE_NOT_FOUND" if kind == "Table" else "",
            f"{kind} 'awsdatacatalog.{of}.{name.name}' does not exist",
        )
    if _is_view(found) != (statement.kind == "VIEW"):
        other = "view" if _is_view(found) else "table"
        raise QueryError(
            "", f"FAILED: SemanticException '{of}.{name.name}' is a {other}: use DROP {other.upper()}"
        )
    metastore.delete_table(of, name.name)


def _add_partitions(metastore: Metastore, statement: AddPartitions, database: str) -> None:
    of, name = statement.name.database or database, statement.name.name
    table = _table(metastore, of, name)
    for given, location in statement.partitions:
        values = _ordered(table, given)
        place = location or f"{_location(table)}{_path(table, values)}"
        try:
            _put_partition(metastore, of, table, values, place)
        except ConflictError:
            if not statement.may_exist:
                raise


def _drop_partitions(metastore: Metastore, statement: DropPartitions, database: str) -> None:
    of, name = statement.name.database or database, statement.name.name
    table = _table(metastore, of, name)
    for given in statement.partitions:
        try:
            metastore.delete_partition(of, name, _ordered(table, given))
        except NotFoundError:
            if not statement.may_be_missing:
                raise


def _repair(metastore: Metastore, objects: ObjectStore, of: TableName, database: str) -> Iterator[str]:
    """Find partitions in the names of folders, as Hive writes them: ``year=2020/month=01``."""
    where = of.database or database
    table = _table(metastore, where, of.name)
    names = [str(key["Name"]) for key in _keys(table)]
    if not names:
        raise QueryError("", f"FAILED: SemanticException Table {of.name} is not a partitioned table")
    folder = folder_of(_location(table))
    seen: set[tuple[str, ...]] = set()
    for info in objects.all(folder):
        if is_hidden(info.key, folder.key):
            continue
        steps = info.key[len(folder.key) :].split("/")[:-1][: len(names)]
        pairs = [step.partition("=") for step in steps]
        if len(pairs) < len(names) or any(
            not sign or key.lower() != name for (key, sign, _), name in zip(pairs, names, strict=True)
        ):
            continue
        values = tuple(value for _, _, value in pairs)
        if values in seen:
            continue
        seen.add(values)
        if metastore.partition(where, of.name, values) is None:
            yield f"Partitions not in metastore:\t{of.name}:{'/'.join(steps)}"
            _put_partition(metastore, where, table, values, f"{folder}{'/'.join(steps)}/")
            yield f"Repair: Added partition to metastore {of.name}:{'/'.join(steps)}"


def _put_partition(
    metastore: Metastore, database: str, table: Mapping[str, Any], values: Sequence[str], location: str
) -> None:
    storage = {**_members(table, "StorageDescriptor"), "Location": location}
    document: Mapping[str, Any] = {"Values": list(values), "StorageDescriptor": storage, "Parameters": {}}
    metastore.create_partition(database, str(table["Name"]), document)


def _ordered(table: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    names = [str(key["Name"]) for key in _keys(table)]
    if sorted(names) != sorted(given):
        raise QueryError(
            "", "FAILED: SemanticException partition spec does not match the partition keys of the table"
        )
    return [given[name] for name in names]


def _path(table: Mapping[str, Any], values: Sequence[str]) -> str:
    return "/".join(f"{key['Name']}={value}" for key, value in zip(_keys(table), values, strict=True)) + "/"


def _partition_lines(metastore: Metastore, database: str, table: Mapping[str, Any]) -> Iterator[str]:
    if not _keys(table):
        raise QueryError("", f"FAILED: SemanticException Table {table['Name']} is not a partitioned table")
    for partition in metastore.partitions(database, str(table["Name"])):
        yield _path(table, cast(Sequence[str], partition["Values"]))[:-1]


def _table(metastore: Metastore, database: str, name: str) -> JsonObject:
    metastore.database(database)
    found = metastore.find_table(database, name)
    if found is None:
        raise QueryError("", f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}")
    return found


def _described(table: Mapping[str, Any]) -> Iterator[str]:
    for column in (*_columns(table), *_keys(table)):
        yield _column_line(column)
    if keys := _keys(table):
        yield "\t \t "
        yield "# Partition Information\t \t "
        yield f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}"
        yield "\t \t "
        for column in keys:
            yield _column_line(column)


def _column_line(column: Mapping[str, Any]) -> str:
    return f"{column['Name']:<20}\t{column.get('Type', ''):<20}\t{column.get('Comment', ''):<20}"


def _create_text(table: Mapping[str, Any], database: str) -> str:
    if _is_view(table):
        return f"CREATE VIEW {database}.{table['Name']} AS\n{read_view(table).text}"
    storage = _members(table, "StorageDescriptor")
    serde = _members(storage, "SerdeInfo")
    columns = ", \n".join(f"  `{one['Name']}` {one['Type']}" for one in _columns(table))
    lines = [f"CREATE EXTERNAL TABLE `{table['Name']}`(\n{columns})"]
    if keys := _keys(table):
        inner = ", \n".join(f"  `{one['Name']}` {one['Type']}" for one in keys)
        lines.append(f"PARTITIONED BY ( \n{inner})")
    lines += ["ROW FORMAT SERDE ", f"  '{serde.get('SerializationLibrary', '')}' "]
    if parameters := _members(serde, "Parameters"):
        inner = ", \n".join(f"  {_quoted(key)}={_quoted(str(value))}" for key, value in parameters.items())
        lines.append(f"WITH SERDEPROPERTIES ( \n{inner}) ")
    lines += [
        "STORED AS INPUTFORMAT ",
        f"  '{storage.get('InputFormat', '')}' ",
        "OUTPUTFORMAT ",
        f"  '{storage.get('OutputFormat', '')}'",
        "LOCATION",
        f"  '{storage.get('Location', '')}'",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _matching(names: Sequence[str], pattern: str) -> tuple[str, ...]:
    return tuple(name for name in names if not pattern or matches(name, pattern))


def _is_view(table: Mapping[str, Any]) -> bool:
    return table.get("TableType") == "VIRTUAL_VIEW"


def _location(table: Mapping[str, Any]) -> str:
    return str(folder_of(str(_members(table, "StorageDescriptor").get("Location") or "")))


def _columns(table: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return cast(Sequence[Mapping[str, Any]], _members(table, "StorageDescriptor").get("Columns") or ())


def _keys(table: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return cast(Sequence[Mapping[str, Any]], table.get("PartitionKeys") or ())


def _members(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return cast(Mapping[str, Any], found) if isinstance(found, Mapping) else {}
