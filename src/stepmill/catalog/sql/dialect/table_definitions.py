"""CREATE EXTERNAL TABLE, as Hive writes it, read into the document that Glue keeps of a table.

Source: Athena user guide, "CREATE TABLE"; Glue API reference, TableInput, StorageDescriptor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.catalog.sql.dialect.statements import CreateTable, TableName
from stepmill.catalog.sql.dialect.words import Kind, Words
from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.tables import LAZY_SERDE, PARQUET_INPUT, PARQUET_OUTPUT, PARQUET_SERDE
from stepmill.catalog.sql.types import duckdb_type

_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_MOST_COLUMNS = 10_000
_COMPLEX = ("array", "map", "struct")


def create_table(words: Words, name: TableName, *, may_exist: bool, is_external: bool) -> CreateTable:
    """Read what follows the name of a table that is created over files.

    Raises:
        MalformedQueryError: If it is not understood.
        QueryError: If it cannot be taken.
    """
    columns = columns_of(words)
    document: dict[str, Any] = {
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {"EXTERNAL": "TRUE"},
    }
    storage: dict[str, Any] = {
        "Columns": columns,
        "InputFormat": _TEXT_INPUT,
        "OutputFormat": _TEXT_OUTPUT,
        "SerdeInfo": {"SerializationLibrary": LAZY_SERDE, "Parameters": {}},
    }
    while words.peek().kind is not Kind.END:
        _clause(words, document, storage)
    if not is_external:
        kind = str(document["Parameters"].get("table_type", "")).upper()
        if kind == "ICEBERG":
            raise QueryError("NOT_SUPPORTED", "Iceberg tables are not supported")
        raise QueryError("", "External is required: a table over files is created with CREATE EXTERNAL TABLE")
    if not storage.get("Location"):
        raise QueryError(
            "INVALID_TABLE_PROPERTY", "Table location can not be empty: write LOCATION 's3://...'"
        )
    document["StorageDescriptor"] = storage
    return CreateTable(name, document, may_exist)


def _clause(words: Words, document: dict[str, Any], storage: dict[str, Any]) -> None:
    serde = storage["SerdeInfo"]
    if words.take("COMMENT"):
        document["Description"] = words.string()
    elif words.take("PARTITIONED", "BY"):
        document["PartitionKeys"] = columns_of(words)
    elif words.take("ROW", "FORMAT", "SERDE"):
        serde["SerializationLibrary"] = words.string()
        if words.take("WITH", "SERDEPROPERTIES"):
            serde["Parameters"] = properties_of(words)
    elif words.take("ROW", "FORMAT", "DELIMITED"):
        _delimited(words, serde["Parameters"])
    elif words.take("STORED", "AS"):
        _stored(words, storage)
    elif words.take("LOCATION"):
        storage["Location"] = words.string()
    elif words.take("TBLPROPERTIES"):
        document["Parameters"] = {**document["Parameters"], **properties_of(words)}
    elif words.at("CLUSTERED"):
        raise QueryError("NOT_SUPPORTED", "CLUSTERED BY is not supported")
    else:
        raise words.refusal("'LOCATION', 'PARTITIONED', 'ROW', 'STORED', 'TBLPROPERTIES', <EOF>")


def _stored(words: Words, storage: dict[str, Any]) -> None:
    if words.take("INPUTFORMAT"):
        storage["InputFormat"] = words.string()
        words.expect("OUTPUTFORMAT")
        storage["OutputFormat"] = words.string()
        return
    kind = words.name()
    serde = storage["SerdeInfo"]
    if kind == "parquet":
        storage |= {"InputFormat": PARQUET_INPUT, "OutputFormat": PARQUET_OUTPUT}
        serde["SerializationLibrary"] = PARQUET_SERDE
    elif kind != "textfile":
        raise QueryError(
            "NOT_SUPPORTED",
            f"Tables stored as {kind.upper()} are not supported",
            mend="PARQUET and TEXTFILE are.",
        )


def _delimited(words: Words, parameters: dict[str, str]) -> None:
    while True:
        if words.take("FIELDS", "TERMINATED", "BY"):
            parameters["field.delim"] = parameters["serialization.format"] = words.string()
            if words.take("ESCAPED", "BY"):
                parameters["escape.delim"] = words.string()
        elif words.take("LINES", "TERMINATED", "BY"):
            parameters["line.delim"] = words.string()
        elif words.take("COLLECTION", "ITEMS", "TERMINATED", "BY"):
            parameters["colelction.delim"] = words.string()
        elif words.take("MAP", "KEYS", "TERMINATED", "BY"):
            parameters["mapkey.delim"] = words.string()
        elif words.take("NULL", "DEFINED", "AS"):
            parameters["serialization.null.format"] = words.string()
        else:
            return


def properties_of(words: Words) -> dict[str, str]:
    """Read properties in parentheses: ``('has_header' = 'true', ...)``."""
    words.expect("(")
    found: dict[str, str] = {}
    while not words.take(")"):
        key = words.string()
        words.expect("=")
        found[key] = words.string()
        if not words.at(")"):
            words.expect(",")
    return found


def columns_of(words: Words) -> list[Mapping[str, Any]]:
    """Read columns in parentheses, with their types and comments.

    Raises:
        QueryError: If a type is none, or a name is there twice.
    """
    words.expect("(")
    found: dict[str, Mapping[str, Any]] = {}
    has_commas = True
    while True:
        name = words.name()
        column: dict[str, Any] = {"Name": name, "Type": _type(words)}
        if words.take("COMMENT"):
            column["Comment"] = words.string()
        if name not in found:
            found[name] = column
        elif has_commas:
            raise QueryError("", f"FAILED: SemanticException [Error 10036]: Duplicate column name: {name}")
        # Written by the SDK, which adds an event_time to a group's own: the group's own is meant.
        if len(found) > _MOST_COLUMNS:
            raise QueryError("", "The table has too many columns")
        if words.take(")"):
            return list(found.values())
        if not words.take(","):
            # The SDK's as_hive_ddl writes no commas.
            has_commas = False


def _type(words: Words) -> str:
    """Read a type of Hive's, and return it as Glue writes it."""
    text = words.name()
    if text == "double":
        words.take("PRECISION")
    if text in _COMPLEX and words.at("<"):
        text += _brackets(words)
    elif words.take("("):
        numbers = [words.next().value]
        while words.take(","):
            numbers.append(words.next().value)
        words.expect(")")
        text += f"({','.join(numbers)})"
    duckdb_type(text)
    return text


def _brackets(words: Words) -> str:
    text, depth = "", 0
    while True:
        word = words.next()
        if word.kind is Kind.END:
            raise words.refusal("'>'")
        text += word.value.lower() if word.is_name else word.value
        depth += {"<": 1, ">": -1}.get(word.value, 0)
        if not depth:
            return text
