from __future__ import annotations

import pytest

from stepmill.catalog.sql.dialect.compiling import compile_query
from stepmill.catalog.sql.dialect.functions import RULES
from stepmill.catalog.sql.faults import MalformedQueryError, QueryError
from support.sql import Sql


@pytest.fixture(scope="module")
def sql() -> Sql:
    return Sql({"v": "SELECT a, count(*) FROM t GROUP BY 1", "loop": "SELECT * FROM loop"})


def refusal(sql: Sql, query: str, *parameters: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        compile_query(query, "default", sql.find, parameters)
    return caught.value


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT A, t.B, a + 1, count(*) OVER () FROM t", ["A", "B", "_col2", "_col3"]),
        ("SELECT * FROM t", ["a", "b", "f", "arr", "m", "ts", "d", "j"]),
        ('SELECT a AS "A b", a AS "quo""te" FROM t', ["A b", 'quo"te']),
        ("SELECT x FROM (SELECT a AS x FROM t)", ["x"]),
        ("SELECT * FROM (SELECT count(*) FROM t)", ["_col0"]),
        ("SELECT 1 UNION ALL SELECT 2", ["_col0"]),
        ("SELECT * FROM v", ["a", "_col1"]),
        ("SELECT cast(row(1, 'a') AS row(x integer, y varchar)).y", ["y"]),
    ],
)
def test_columns_have_the_names_that_presto_gives_them(sql: Sql, query: str, names: list[str]) -> None:
    assert list(sql.relation(query).columns) == names


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM default.t",
        'SELECT * FROM "awsdatacatalog"."default"."t"',
        "SELECT default.t.a FROM default.t",
        "WITH x AS (SELECT a FROM t), y AS (SELECT * FROM x) SELECT * FROM y",
        "WITH t AS (SELECT a FROM t) SELECT * FROM t",
        "SELECT a FROM t WHERE a IN (SELECT a FROM t) AND EXISTS (SELECT 1 FROM t)",
        "SELECT a FROM t FETCH FIRST 1 ROWS ONLY",
        "SELECT a FROM t OFFSET 0 LIMIT 1",
        "SELECT a FROM t TABLESAMPLE BERNOULLI (100)",
        "SELECT t1.a FROM t t1 FULL JOIN t t2 ON t1.a = t2.a AND t1.f >= t2.f",
        "SELECT a FROM t t1 JOIN t t2 USING (a)",
        "SELECT a FROM t CROSS JOIN UNNEST(array[1]) AS u(x)",
        "SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((a)) ORDER BY 1 DESC;",
        "(SELECT a FROM t)",
    ],
)
def test_what_presto_understands_is_answered(sql: Sql, query: str) -> None:
    assert len(sql.rows(query)) == 1


def test_a_query_of_with_may_ask_itself_if_it_is_recursive(sql: Sql) -> None:
    query = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r"
    assert sql.rows(query) == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("UNNEST(arr) AS u(x)", [(1,), (2,), (3,)]),
        ("UNNEST(arr) WITH ORDINALITY AS u(x, n)", [(1, 1), (2, 2), (3, 3)]),
        ("UNNEST(m) AS u(k, v)", [("k", 1)]),
        ("UNNEST(arr, array['a', 'b']) AS u(x, y)", [(1, "a"), (2, "b"), (3, None)]),
    ],
)
def test_lists_and_maps_become_rows(sql: Sql, source: str, rows: list[tuple[object, ...]]) -> None:
    assert sorted(sql.rows(f"SELECT u.* FROM t CROSS JOIN {source}")) == rows


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            "SELECT a FROM nope",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.nope' does not exist",
        ),
        ("SELECT a\nFROM cat.d.t", "CATALOG_NOT_FOUND: line 2:12: Catalog 'cat' not found"),
        ("SELECT nvl(a, 1) FROM t", "FUNCTION_NOT_FOUND: line 1:8: Function 'nvl' not registered"),
        ("SELECT a b c FROM t", "line 1:12: mismatched input 'c'"),
        ("SELECT 'a", "line 1:10: mismatched input '<EOF>'"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed. Got: SELECT 1; SELECT 2"),
        (
            "SELECT extract(epoch FROM ts) FROM t",
            "NOT_SUPPORTED: line 1:27: EXTRACT of EPOCH is not supported",
        ),
    ],
)
def test_refusals_are_worded_and_placed_as_athena_does(sql: Sql, query: str, reason: str) -> None:
    assert refusal(sql, query).reason == reason


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT * FROM sqlite_scan('x', 'y')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM pragma_version()",
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM 's3://b/x.parquet'",
        "SELECT * FROM t0",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM sqlite_master",
        "SELECT getenv('HOME')",
        "SELECT current_setting('memory_limit')",
        "SELECT query('SELECT 1')",
        "SELECT read_blob('/etc/passwd')",
        "SELECT error('x')",
        "SELECT presto_e()",
        "SELECT getvariable('x')",
        "SELECT nextval('x')",
        "SELECT pg_sleep(10)",
        "SELECT * EXCLUDE (a) FROM t",
        "SELECT * REPLACE (1 AS a) FROM t",
        "SELECT COLUMNS('a') FROM t",
        "FROM t",
        "SELECT * FROM (FROM t)",
        "SELECT * FROM t QUALIFY row_number() OVER () = 1",
        "SELECT * FROM t ASOF JOIN t USING (a)",
        "SELECT * FROM t NATURAL JOIN t",
        "SELECT a INTO x FROM t",
        "SELECT a FROM t FOR UPDATE",
        "PIVOT t ON a",
        "SELECT * FROM (PIVOT t ON a)",
        "SUMMARIZE t",
        "DESCRIBE t",
        "COPY t TO 'x.csv'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "ATTACH 'x.db'",
        "DETACH x",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "SET memory_limit = '1TB'",
        "RESET memory_limit",
        "CALL pragma_version()",
        "EXPORT DATABASE 'x'",
        "IMPORT DATABASE 'x'",
        "CREATE TABLE x AS SELECT 1",
        "CREATE MACRO x() AS 1",
        "INSERT INTO t SELECT 1",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "DROP TABLE t",
        "CHECKPOINT",
        "VACUUM",
        "EXECUTE x",
        "SELECT :name",
        "SELECT {'a': 1}",
        "SELECT a::VARCHAR FROM t WHERE a GLOB 'x'",
        "SELECT * FROM t, LATERAL read_csv('/etc/passwd')",
        "SELECT * FROM t CROSS JOIN UNNEST(read_csv('/etc/passwd'))",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
        "SELECT a FROM t ORDER BY (SELECT 1 FROM read_text('/etc/passwd'))",
        "SELECT 1 /* */; ATTACH 'x'",
        "",
        ";",
        "-- nothing",
    ],
)
def test_nothing_leaves_the_tables(sql: Sql, query: str) -> None:
    refused = refusal(sql, query)
    named = {"TABLE_NOT_FOUND", "FUNCTION_NOT_FOUND", "INVALID_PARAMETER_USAGE"}
    assert refused.name in named or isinstance(refused, MalformedQueryError)
    assert not refused.is_ours


@pytest.mark.parametrize("query", ["SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT 1" + " + 1" * 40_000])
def test_what_is_nested_deeply_is_refused_or_answered(sql: Sql, query: str) -> None:
    try:
        said = compile_query(query, "default", sql.find).sql
    except MalformedQueryError as error:
        said = error.reason
    assert said.count("+") == query.count("+") or said == "The query is nested too deeply"


def test_a_query_has_a_longest_length(sql: Sql) -> None:
    assert "262144 bytes" in refusal(sql, "SELECT '" + "é" * 140_000 + "'").reason


def test_a_view_that_asks_itself_ends(sql: Sql) -> None:
    assert refusal(sql, "SELECT * FROM loop").name == "VIEW_IS_RECURSIVE"


def test_question_marks_are_replaced_by_literals(sql: Sql) -> None:
    assert sql.rows("SELECT a FROM t WHERE a = ? AND b = ?", "1", "'x,y'") == [(1,)]
    assert sql.rows("SELECT a FROM t WHERE b = ?", "'it''s'") == []


@pytest.mark.parametrize("value", ["(SELECT 1)", "a", "1; DROP TABLE t", "1 OR 1 = 1", "now()", "'", ""])
def test_a_parameter_is_a_literal(sql: Sql, value: str) -> None:
    reason = refusal(sql, "SELECT a FROM t WHERE a = ?", value).reason
    assert reason in (
        f"{value!r} is no literal",
        "line 1:9: mismatched input '<EOF>'",
        f"Only one sql statement is allowed. Got: SELECT {value}",
    )


def test_there_are_as_many_parameters_as_question_marks(sql: Sql) -> None:
    text = "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 0"
    assert refusal(sql, "SELECT a FROM t WHERE a = ?").reason == text


def test_no_name_of_ours_can_be_called() -> None:
    assert not [name for name in RULES if name.startswith("presto_")]
