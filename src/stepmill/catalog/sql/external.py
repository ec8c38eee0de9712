"""Tables over files that lie in the object store: from Glue's document to the files.

Source: Athena user guide, "Supported SerDes and data formats", "Partition your data": names that begin with a
dot or an underscore are hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.tables import (
    CSV_SERDE,
    JSON_SERDES,
    LAZY_SERDE,
    PARQUET_SERDE,
    Column,
    DataTable,
    Format,
    Part,
)
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

_PACKED = ".gz"


def read_table(document: JsonObject, partitions: Iterable[JsonObject], objects: ObjectStore) -> DataTable:
    """Return a table with its files as they are now.

    Args:
        document: Of the table, as Glue describes it.
        partitions: Of the table, as Glue describes them.
        objects: Where the files are.

    Raises:
        QueryError: If its files cannot be read.
    """
    storage = _members(document, "StorageDescriptor")
    keys = _columns(document.get("PartitionKeys"))
    if keys:
        found = [
            part
            for partition in partitions
            for part in _parts(
                objects,
                str(_members(partition, "StorageDescriptor").get("Location") or ""),
                tuple(str(value) for value in cast(Sequence[Any], partition.get("Values") or ())),
            )
        ]
    else:
        found = _parts(objects, str(storage.get("Location") or ""), ())
    kind, options = _format(document, storage)
    return DataTable(
        columns=_columns(storage.get("Columns")),
        parts=tuple(found),
        partitions=keys,
        format=kind,
        options=options,
    )


def folder_of(location: str) -> S3Uri:
    """Return the folder of a table's or a partition's location.

    Raises:
        QueryError: If it is no address in S3.
    """
    try:
        uri = S3Uri.parse(location)
    except InvalidInputError as error:
        raise QueryError(
            "INVALID_TABLE_PROPERTY", f"The location '{location[:200]}' is no address in S3"
        ) from error
    return S3Uri(uri.bucket, uri.key if not uri.key or uri.key.endswith("/") else f"{uri.key}/")


def is_hidden(key: str, folder: str) -> bool:
    """Return whether a file is none of a table's: something below the folder begins with . or _."""
    return any(part.startswith((".", "_")) for part in key[len(folder) :].split("/"))


def _parts(objects: ObjectStore, location: str, values: tuple[str | None, ...]) -> list[Part]:
    if not location:
        return []
    folder = folder_of(location)
    plain: list[Path] = []
    packed: list[Path] = []
    try:
        for info in objects.all(folder):
            if info.size_bytes and not is_hidden(info.key, folder.key):
                (packed if info.key.endswith(_PACKED) else plain).append(objects.path(info.uri))
    except NotFoundError as error:
        if objects.bucket_exists(folder.bucket):
            raise QueryError(
                "HIVE_CANNOT_OPEN_SPLIT", "A file of the table has just gone", is_ours=True
            ) from error
        what = f"The S3 location provided to save your query results is invalid: no bucket {folder.bucket}"
        raise QueryError(
            "PERMISSION_DENIED", what.replace("provided to save your query results", location)
        ) from error
    return [
        Part(tuple(files), values, is_packed)
        for files, is_packed in ((plain, False), (packed, True))
        if files
    ]


def _format(document: JsonObject, storage: Mapping[str, Any]) -> tuple[Format, dict[str, str]]:
    serde = _members(storage, "SerdeInfo")
    library = str(serde.get("SerializationLibrary") or "")
    given = {str(key): str(value) for key, value in _members(serde, "Parameters").items()}
    skip = str(
        _members(document, "Parameters").get("skip.header.line.count")
        or given.get("skip.header.line.count")
        or "0"
    )
    options = {"skip": skip if skip.isdecimal() and len(skip) < 10 else "0"}
    if library == CSV_SERDE:
        options |= {
            "delimiter": _letter(given, "separatorChar", ","),
            "quote": _letter(given, "quoteChar", '"'),
            "escape": _letter(given, "escapeChar", "\\"),
        }
        return Format.QUOTED, options
    if library == LAZY_SERDE:
        delimiter = given.get("field.delim") or given.get("serialization.format") or "\x01"
        options["delimiter"] = "\x01" if delimiter == "1" else delimiter[:1]
        if "escape.delim" in given:
            options["escape"] = given["escape.delim"][:1]
        if "serialization.null.format" in given:
            options["null"] = given["serialization.null.format"]
        return Format.DELIMITED, options
    if library in JSON_SERDES:
        return Format.JSON, options
    if library == PARQUET_SERDE or "parquet" in str(storage.get("InputFormat") or "").lower():
        return Format.PARQUET, options
    raise QueryError(
        "HIVE_UNSUPPORTED_FORMAT",
        f"Tables of the SerDe '{library[:200]}' are not supported",
        mend="Parquet, OpenCSVSerde, LazySimpleSerDe and JSON are.",
    )


def _letter(given: Mapping[str, str], key: str, default: str) -> str:
    return (given.get(key) or default)[:1]


def _columns(documents: object) -> tuple[Column, ...]:
    return tuple(
        Column(str(one["Name"]).lower(), str(one.get("Type") or "string"), str(one.get("Comment") or ""))
        for one in cast(Sequence[Mapping[str, Any]], documents or ())
    )


def _members(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return cast(Mapping[str, Any], found) if isinstance(found, Mapping) else {}
