"""What a query may ask: tables over files, and views. And who knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from stepmill.core.json import JsonObject

CATALOG = "awsdatacatalog"
DEFAULT_DATABASE = "default"

# How Hive calls whoever reads and writes files.
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LAZY_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON_SERDES = ("org.openx.data.jsonserde.JsonSerDe", "org.apache.hive.hcatalog.data.JsonSerDe")
PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"


class Format(StrEnum):
    """How the files of a table are written."""

    PARQUET = "parquet"
    # One record a line: values quoted as the table says, or parted by a letter, or a JSON object.
    QUOTED = "quoted"
    DELIMITED = "delimited"
    JSON = "json"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        name: In lower case.
        type: Hive's: ``bigint``, ``array<string>``.
        comment: For humans.
    """

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class Part:
    """Files of a table that belong together: those of a partition, or all.

    Args:
        files: Of this machine.
        values: Of the partition's columns, as they are written in its path.
        is_packed: Whether the files are packed with gzip.
    """

    files: tuple[Path, ...]
    values: tuple[str | None, ...] = ()
    is_packed: bool = False


@dataclass(frozen=True)
class DataTable:
    """A table whose rows are in files.

    Args:
        columns: Those that are in the files.
        partitions: Those whose values are in the paths.
        format: How the files are written.
        options: What the format leaves open: ``delimiter``, ``quote``, ``escape``, ``skip`` (lines).
        parts: The files.
    """

    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    partitions: tuple[Column, ...] = ()
    format: Format = Format.PARQUET
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """How many bytes the files have in all."""
        return sum(path.stat().st_size for part in self.parts for path in part.files if path.exists())


@dataclass(frozen=True)
class View:
    """A query that has a name.

    Args:
        text: The query.
        database: In which its tables are looked up.
    """

    text: str
    database: str


class TableSource(Protocol):
    """Knows tables that others made: those of feature groups. Names are in lower case."""

    def databases(self) -> Sequence[str]:
        """Return the names of the databases that it has tables in."""
        ...

    def tables(self, database: str) -> Sequence[str]:
        """Return the names of the tables of a database."""
        ...

    def describe(self, database: str, table: str) -> JsonObject | None:
        """Return a table as Glue describes it, or ``None``: its columns and where its files lie."""
        ...

    def find(self, database: str, table: str) -> DataTable | None:
        """Return a table with its files, all that was acknowledged among them, or ``None``."""
        ...
