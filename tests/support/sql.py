"""Queries in Presto's SQL, run by DuckDB in this process, without a server and its processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from stepmill.catalog.sql.dialect.compiling import compile_query
from stepmill.catalog.sql.faults import missing_table
from stepmill.catalog.sql.macros import needed, written
from stepmill.catalog.sql.tables import Column, DataTable, View

# One row with something of each kind.
TABLE = """
    SELECT 1::BIGINT AS a, 'x,y' AS b, 2.5::DOUBLE AS f, [1, 2, 3] AS arr, map{'k': 1} AS m,
        TIMESTAMP '2020-01-01 10:00:00' AS ts, DATE '2020-01-31' AS d, '{"a":{"b":"v"}}' AS j
"""
COLUMNS = {
    "a": "bigint", "b": "string", "f": "double", "arr": "array<int>", "m": "map<string,int>",
    "ts": "timestamp", "d": "date", "j": "string",
}  # fmt: skip


class Sql:
    """A database with one table, ``t``."""

    def __init__(self, views: Mapping[str, str] | None = None) -> None:
        self.views = views or {}
        self.connection = duckdb.connect(":memory:")
        for setting in (
            "TimeZone = 'UTC'",
            "ieee_floating_point_ops = true",
            "default_null_order = 'nulls_last'",
        ):
            self.connection.execute(f"SET {setting}")
        self.connection.execute(f"CREATE TABLE t0 AS {TABLE}")

    def find(self, database: str, name: str) -> DataTable | View:
        if name in self.views:
            return View(self.views[name], "default")
        if name != "t":
            raise missing_table(database, name, ())
        return DataTable(tuple(Column(*one) for one in COLUMNS.items()), ())

    def relation(self, query: str, *parameters: str) -> Any:
        compiled = compile_query(query, "default", self.find, parameters)
        for macro in needed(compiled.sql):
            self.connection.execute(macro)
        return self.connection.sql(compiled.sql)

    def rows(self, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        return list(self.relation(query, *parameters).fetchall())

    def value(self, expression: str) -> Any:
        """Return what an expression over the one row gives."""
        ((value,),) = self.rows(f"SELECT {expression} FROM t")
        return value

    def text(self, expression: str) -> Any:
        """Return it as Athena writes it into a result."""
        relation = self.relation(f"SELECT {expression} AS c0 FROM t")
        as_text = written("c0", str(relation.types[0]))
        for macro in needed(as_text):
            self.connection.execute(macro)
        ((value,),) = relation.query("q", f"SELECT {as_text} FROM q").fetchall()
        return value
