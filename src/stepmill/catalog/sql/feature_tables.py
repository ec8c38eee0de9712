"""The tables of feature groups, as queries and Glue see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.groups import FeatureGroups
from stepmill.catalog.features.offline.files import OfflineFiles
from stepmill.catalog.features.offline.layout import DATABASE, hive_columns
from stepmill.catalog.sql.tables import (
    PARQUET_INPUT,
    PARQUET_OUTPUT,
    PARQUET_SERDE,
    Column,
    DataTable,
    Part,
)
from stepmill.core.clock import as_text
from stepmill.core.json import JsonObject


class FeatureTables:
    """A source of tables: each feature group with an offline store is one.

    Args:
        groups: The groups.
        files: Their files.
        settle: Waits until all that was acknowledged to a group is in its files.
    """

    def __init__(
        self, groups: FeatureGroups, files: OfflineFiles, settle: Callable[[FeatureGroup], object]
    ) -> None:
        self._groups = groups
        self._files = files
        self._settle = settle

    def databases(self) -> Sequence[str]:
        """Return the names of the databases that hold groups' tables; SageMaker's own among them."""
        return sorted({DATABASE, *(database for database, _ in self._names())})

    def tables(self, database: str) -> Sequence[str]:
        """Return the names of the tables of a database."""
        return sorted(table for of, table in self._names() if of == database)

    def describe(self, database: str, table: str) -> JsonObject | None:
        """Return a group's table as Glue describes it, or ``None``."""
        group = self._groups.of_table(database, table)
        if group is None or group.offline is None:
            return None
        columns = [{"Name": name, "Type": kind} for name, kind in hive_columns(group.schema)]
        return cast(
            JsonObject,
            {
                "Name": table,
                "DatabaseName": database,
                "TableType": "EXTERNAL_TABLE",
                "CreateTime": as_text(group.created_at),
                "UpdateTime": as_text(group.created_at),
                "PartitionKeys": [],
                "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
                "StorageDescriptor": {
                    "Columns": columns,
                    "Location": str(group.offline.data),
                    "InputFormat": PARQUET_INPUT,
                    "OutputFormat": PARQUET_OUTPUT,
                    "SerdeInfo": {"SerializationLibrary": PARQUET_SERDE, "Parameters": {}},
                },
            },
        )

    def find(self, database: str, table: str) -> DataTable | None:
        """Return a group's table with all records that were acknowledged, or ``None``."""
        group = self._groups.of_table(database, table)
        if group is None or group.offline is None:
            return None
        self._settle(group)
        files = tuple(file.path for file in self._files.list(group))
        columns = tuple(Column(name, kind) for name, kind in hive_columns(group.schema))
        return DataTable(columns, (Part(files),))

    def _names(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for group in self._groups.tables():
            offline: Any = group.offline
            if offline is not None:
                found.append((offline.database.lower(), offline.table.lower()))
        return found
