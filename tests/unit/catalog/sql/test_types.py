"""Types keep their meaning from one system's name to another's."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.types import ResultType, duckdb_type, hive_type, result_type

# Each has one name with Hive, which DuckDB's type leads back to.
_PLAIN = (
    "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string", "binary", "date",
    "timestamp",
)  # fmt: skip
_NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True) | st.sampled_from(
    ["`a b`", "`1st`", '`say "x"`', "`a,b`", "`(`"]
)
_DECIMALS = st.integers(1, 38).flatmap(
    lambda precision: st.integers(0, precision).map(lambda scale: f"decimal({precision},{scale})")
)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    structs = st.lists(st.tuples(_NAMES, inner), min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda pairs: f"struct<{','.join(f'{name}:{kind}' for name, kind in pairs)}>"
    )
    maps = st.tuples(st.sampled_from(_PLAIN), inner).map(lambda pair: f"map<{pair[0]},{pair[1]}>")
    return inner.map(lambda one: f"array<{one}>") | maps | structs


TYPES = st.recursive(st.sampled_from(_PLAIN) | _DECIMALS, _nested, max_leaves=6)


@given(TYPES)
def test_a_type_of_hives_is_the_same_after_a_way_through_duckdb(hive: str) -> None:
    assert hive_type(duckdb_type(hive)) == hive


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        yield connection


@given(hive=TYPES)
def test_duckdb_takes_and_repeats_what_a_type_is_translated_to(
    engine: duckdb.DuckDBPyConnection, hive: str
) -> None:
    (kind,) = engine.sql(f"SELECT CAST(NULL AS {duckdb_type(hive)})").types
    assert hive_type(str(kind)) == hive


@pytest.mark.parametrize(
    ("kind", "hive"),
    [
        ("STRUCT(at TIMESTAMP WITH TIME ZONE)", "struct<at:timestamp>"),
        ("STRUCT(a STRUCT(b INTEGER, c VARCHAR))", "struct<a:struct<b:int,c:string>>"),
        ('STRUCT("a b" MAP(VARCHAR, INTEGER[]))', "struct<`a b`:map<string,array<int>>>"),
        ("JSON", "string"),
        ("UUID", "string"),
        ("NULL", "string"),
        ("HUGEINT", "bigint"),
        ("UINTEGER", "bigint"),
        ("DECIMAL(18,3)", "decimal(18,3)"),
    ],
)
def test_what_a_result_has_is_a_column_of_a_table(kind: str, hive: str) -> None:
    assert hive_type(kind) == hive


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("VARCHAR", ResultType("varchar", 2147483647)),
        ("DECIMAL(12, 2)", ResultType("decimal", 12, 2)),
        ("TIMESTAMP WITH TIME ZONE", ResultType("timestamp with time zone", 3)),
        ("TIMESTAMP_NS", ResultType("timestamp", 3)),
        ("MAP(VARCHAR, INTEGER)", ResultType("map")),
        ("STRUCT(a INTEGER)", ResultType("row")),
        ("STRUCT(a INTEGER)[]", ResultType("array")),
        ("INTEGER[3]", ResultType("array")),
        ("NULL", ResultType("unknown")),
        ("ENUM('a')", ResultType("varchar")),
    ],
)
def test_a_column_of_a_result_is_told_with_its_precision(kind: str, told: ResultType) -> None:
    assert result_type(kind) == told


@pytest.mark.parametrize(
    ("hive", "kind"),
    [
        ("decimal", "DECIMAL(10,0)"),
        ("decimal(5)", "DECIMAL(5,0)"),
        ("varchar(10)", "VARCHAR"),
        ("CHAR(1)", "VARCHAR"),
        (" array < int > ", "INTEGER[]"),
        ('struct<`a"b`:int>', 'STRUCT("a""b" INTEGER)'),
    ],
)
def test_hive_writes_types_in_several_ways(hive: str, kind: str) -> None:
    assert duckdb_type(hive) == kind


@pytest.mark.parametrize(
    "wrong",
    [
        "", "blob", "array", "array<", "array<int", "array<int>>", "array<int,int>", "map<int>",
        "map<int,int", "struct<>", "struct<a>", "struct<a:int", "int int", "int)", "varchar(x)", "varchar(",
        "decimal(0)", "decimal(39)", "decimal(5,6)", "decimal(99999999999999999999)", "int; DROP TABLE t",
        "int -- x",
        "array<" * 40 + "int" + ">" * 40,
    ],
)  # fmt: skip
def test_what_is_no_type_is_refused(wrong: str) -> None:
    with pytest.raises(QueryError, match="Unknown type") as caught:
        duckdb_type(wrong)
    assert caught.value.name == "INVALID_TYPE"
