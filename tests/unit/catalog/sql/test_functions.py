# ruff: noqa: DTZ001, E501 - moments without a zone are meant, and the table is read line by line
"""What Presto's functions and operators give: as Trino's documentation says, or as follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from stepmill.catalog.sql.faults import QueryError
from support.sql import Sql


@pytest.fixture(scope="module")
def sql() -> Sql:
    return Sql()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # Integers are divided as integers, towards zero.
        ("5 / 2", 2), ("-7 / 2", -3), ("7 / -2", -3), ("a / 2", 0), ("sum(a) / 2", 0), ("5.0 / 2", 2.5),
        ("f / 2", 1.25), ("1e0 / 0", float("inf")), ("-7 % 3", -1), ("mod(5, 3)", 2),
        ("try(a / 0)", None), ("try(1.5 / 0)", None),
        # Casts.
        ("cast(f AS integer)", 3), ("cast(2.5e0 AS bigint)", 2), ("try(cast(b AS integer))", None),
        ("try_cast(b AS integer)", None), ("try_cast('12' AS integer)", 12), ("cast(a AS varchar)", "1"),
        ("cast(f AS varchar)", "2.5E0"), ("cast(ts AS varchar)", "2020-01-01 10:00:00.000"),
        ("cast(d AS varchar)", "2020-01-31"), ("cast(true AS varchar)", "true"), ("cast(b AS varchar(1))", "x"),
        ("cast('2020-01-01' AS date)", date(2020, 1, 1)), ("cast(d AS timestamp)", datetime(2020, 1, 31)),
        ("cast('1.50' AS decimal(5, 2))", Decimal("1.50")),
        ("cast(json_extract(j, '$.a') AS map(varchar, varchar))", {"b": "v"}),
        # NULL.
        ("concat(b, NULL)", None), ("b || NULL", None), ("greatest(a, NULL)", None), ("greatest(a, 2)", 2),
        ("least(a, 2)", 1), ("a IS DISTINCT FROM NULL", True), ("coalesce(NULL, a)", 1), ("nullif(a, 1)", None),
        ("if(a = 2, 1)", None), ("if(a = 1, 'one', 'other')", "one"), ("CASE a WHEN 1 THEN 'x' END", "x"),
        # Texts.
        ("substr('hello', 0)", ""), ("substr('hello', -2)", "lo"), ("substr('hello', 2, 3)", "ell"),
        ("substring('hello', -3, 2)", "ll"), ("substr('hello', -9)", ""), ("split(b, ',')", ["x", "y"]),
        ("split_part(b, ',', 2)", "y"), ("split_part(b, ',', 3)", None), ("strpos(b, ',')", 2),
        ("position(',' IN b)", 2), ("regexp_like(b, '^x')", True), ("regexp_extract(b, '(.),', 1)", "x"),
        ("regexp_extract(b, 'z')", None), ("regexp_replace(b, '(x)', '[$1]')", "[x],y"),
        ("regexp_replace(b, ',')", "xy"), ("replace(b, ',')", "xy"), ("lower('A')", "a"), ("trim('  a ')", "a"),
        ("length('é')", 1), ("reverse('abc')", "cba"), ("lpad('a', 3, '0')", "00a"), ("chr(65)", "A"),
        ("codepoint('A')", 65), ("concat('a', 'b', 'c')", "abc"), ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
        ("starts_with(b, 'x')", True), ("levenshtein_distance('kitten', 'sitting')", 3),
        ("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
        ("from_utf8(from_base64(to_base64(to_utf8('ü'))))", "ü"), ("url_encode('a b')", "a%20b"),
        ("'a' LIKE 'A'", False), ("'50%' LIKE '50!%' ESCAPE '!'", True),
        # Dates and times.
        ("from_unixtime(0)", datetime(1970, 1, 1, tzinfo=UTC)),
        ("from_unixtime(1577836800.5)", datetime(2020, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("to_unixtime(ts)", 1577872800.0), ("to_iso8601(ts)", "2020-01-01T10:00:00.000"),
        ("from_iso8601_timestamp('2020-01-01T05:06:07+02:00')", datetime(2020, 1, 1, 3, 6, 7, tzinfo=UTC)),
        ("from_iso8601_timestamp('2020-01-01T00:00:00Z')", datetime(2020, 1, 1, tzinfo=UTC)),
        ("from_iso8601_timestamp('2020-01-01T05:06')", datetime(2020, 1, 1, 5, 6, tzinfo=UTC)),
        ("from_iso8601_timestamp('2020-01-01')", datetime(2020, 1, 1, tzinfo=UTC)),
        ("from_iso8601_timestamp('2020')", datetime(2020, 1, 1, tzinfo=UTC)),
        ("try(from_iso8601_timestamp('2020-01-01 00:00:00'))", None),
        ("from_iso8601_timestamp('2020-01-01T10:00:00Z') = from_unixtime(to_unixtime(ts))", True),
        ("date_parse('2020-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')", datetime(2020, 1, 2, 3, 4, 5)),
        ("date_format(ts, '%Y/%m/%d %H:%i')", "2020/01/01 10:00"),
        ("to_timestamp('2020-01-01 10:00:00', 'yyyy-mm-dd hh24:mi:ss') <= ts", True),
        ("parse_datetime('2020-01-02', 'yyyy-MM-dd')", datetime(2020, 1, 2, tzinfo=UTC)),
        ("format_datetime(ts, 'yyyy-MM-dd''T''HH:mm')", "2020-01-01T10:00"),
        # Whole units, as they have passed.
        ("date_diff('hour', ts, ts + interval '119' minute)", 1),
        ("date_diff('day', date '2020-01-01', date '2020-03-01')", 60),
        ("date_diff('month', date '2020-01-31', date '2020-02-29')", 1),
        ("date_add('month', 1, d)", date(2020, 2, 29)), ("date_add('hour', -1, ts)", datetime(2020, 1, 1, 9)),
        ("date_trunc('month', d)", date(2020, 1, 1)), ("date_trunc('day', ts)", datetime(2020, 1, 1)),
        ("d + interval '1' day", date(2020, 2, 1)), ("ts - interval '1' hour", datetime(2020, 1, 1, 9)),
        ("year(d)", 2020), ("day_of_week(date '2020-01-05')", 7), ("week(date '2021-01-01')", 53),
        ("year_of_week(date '2021-01-01')", 2020), ("extract(dow FROM ts)", 3), ("hour(ts)", 10),
        ("last_day_of_month(date '2020-02-01')", date(2020, 2, 29)), ("date('2020-01-05')", date(2020, 1, 5)),
        ("timestamp '2020-01-01 00:00:00 UTC'", datetime(2020, 1, 1, tzinfo=UTC)),
        ("current_timestamp > timestamp '2020-01-01 00:00:00'", True), ("now() <= current_timestamp", True),
        # Lists, maps, JSON. Places are counted from 1.
        ("arr[1]", 1), ("element_at(arr, 9)", None), ("element_at(arr, -1)", 3), ("m['k']", 1),
        ("element_at(m, 'z')", None), ("cardinality(arr)", 3), ("contains(arr, 2)", True),
        ("contains(array[1, NULL], 2)", None), ("array_join(array[1, NULL, 2], ',', '?')", "1,?,2"),
        ("transform(arr, x -> x + 1)", [2, 3, 4]), ("filter(arr, x -> x > 1)", [2, 3]),
        ("reduce(arr, 0, (s, x) -> s + x, s -> s * 10)", 60), ("any_match(arr, x -> x > 2)", True),
        ("all_match(arr, x -> x > 2)", False), ("none_match(arr, x -> x > 5)", True),
        ("slice(arr, 2, 2)", [2, 3]), ("slice(arr, -2, 1)", [2]), ("array_max(arr)", 3),
        ("array_sort(array[3, NULL, 1])", [1, 3, None]), ("zip_with(arr, arr, (p, q) -> p * q)", [1, 4, 9]),
        ("flatten(array[array[1], array[2]])", [1, 2]), ("arr || array[9]", [1, 2, 3, 9]),
        ("array_remove(arr, 2)", [1, 3]), ("array_position(arr, 3)", 3), ("arrays_overlap(arr, array[3])", True),
        ("sequence(1, 3)", [1, 2, 3]), ("repeat('x', 2)", ["x", "x"]), ("map_keys(m)", ["k"]),
        ("map(array['a'], array[1])['a']", 1), ("map_concat(m, map(array['z'], array[5]))", {"k": 1, "z": 5}),
        ("json_extract_scalar(j, '$.a.b')", "v"), ("json_extract_scalar(j, '$.a')", None),
        ("json_format(json_parse('{\"x\": 1}'))", '{"x":1}'), ("json_array_length('[1, 2]')", 2),
        ("json_size(j, '$.a')", 1), ("json_array_contains('[1, 2]', 2)", True),
        # Numbers.
        ("round(2.5e0)", 3.0), ("round(2.567, 2)", Decimal("2.57")), ("truncate(2.7e0)", 2.0), ("ceil(2.1e0)", 3.0),
        ("sign(-2)", -1), ("power(2, 3)", 8.0), ("log(2, 8)", 3.0), ("width_bucket(5, 0, 10, 5)", 3),
        ("bitwise_and(5, 4)", 4), ("is_nan(nan())", True), ("random(5) < 5", True), ("pi() > 3", True),
        # Aggregates.
        ("count_if(a > 0)", 1), ("approx_distinct(a)", 1), ("approx_percentile(a, 0.5)", 1), ("arbitrary(a)", 1),
        ("max_by(b, a)", "x,y"), ("array_agg(a ORDER BY b)", [1]), ("every(a > 0)", True), ("avg(a)", 1.0),
        ("map_agg(b, a)", {"x,y": 1}), ("histogram(b)", {"x,y": 1}), ("count(*) FILTER (WHERE a > 1)", 0),
        ("listagg(b, ';') WITHIN GROUP (ORDER BY a)", "x,y"), ("stddev(a)", None),
        ("sum(a) OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)", 1),
        ("lag(a, 1) OVER (ORDER BY a)", None), ("first_value(a) OVER (PARTITION BY b ORDER BY a)", 1),
    ],
)  # fmt: skip
def test_functions_give_what_presto_gives(sql: Sql, expression: str, value: Any) -> None:
    assert sql.value(expression) == value


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("1", "1"), ("1.0", "1.0"), ("f", "2.5"), ("1e7", "1.0E7"), ("9999999.5e0", "9999999.5"),
        ("12345678.9e0", "1.23456789E7"), ("1e-4", "1.0E-4"), ("0.001e0", "0.001"), ("-1.5e-10", "-1.5E-10"),
        ("1e20", "1.0E20"), ("0e0", "0.0"), ("nan()", "NaN"), ("-infinity()", "-Infinity"), ("true", "true"),
        ("cast(3.4 AS real)", "3.4"), ("b", "x,y"), ("NULL", None), ("cast(NULL AS double)", None), ("''", ""),
        ("ts", "2020-01-01 10:00:00.000"), ("from_unixtime(0)", "1970-01-01 00:00:00.000 UTC"),
        ("d", "2020-01-31"), ("arr", "[1, 2, 3]"), ("array['a', NULL]", "[a, null]"), ("m", "{k=1}"),
        ("to_utf8('ab')", "61 62"), ("cast(row(1, 'x') AS row(a integer, b varchar))", "{a=1, b=x}"),
        ("sum(a)", "1"), ("json_parse('[1]')", "[1]"), ("array[1e7]", "[1.0E7]"),
    ],
)  # fmt: skip
def test_values_are_written_as_athena_writes_them(sql: Sql, expression: str, text: str | None) -> None:
    assert sql.text(expression) == text


def test_null_comes_last_whichever_way_rows_are_sorted(sql: Sql) -> None:
    values = "FROM (VALUES 1, NULL, 2) AS x(n)"
    assert sql.rows(f"SELECT n {values} ORDER BY n") == [(1,), (2,), (None,)]
    assert sql.rows(f"SELECT n {values} ORDER BY n DESC") == [(2,), (1,), (None,)]
    assert sql.rows(f"SELECT n {values} ORDER BY n DESC NULLS FIRST") == [(None,), (2,), (1,)]


@pytest.mark.parametrize(
    "expression", ["a / 0", "cast('1.5' AS integer)", "date_parse('x', '%Y')", "cast('x' AS date)"]
)
def test_what_fails_in_presto_fails(sql: Sql, expression: str) -> None:
    with pytest.raises(duckdb.Error):
        sql.value(expression)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("date_format(ts, b)", "NOT_SUPPORTED"),
        ("date_format(ts, '%q')", "INVALID_FUNCTION_ARGUMENT"),
        ("format_datetime(ts, 'G')", "INVALID_FUNCTION_ARGUMENT"),
        ("date_add('fortnight', 1, d)", "INVALID_FUNCTION_ARGUMENT"),
        ("slice(arr)", "FUNCTION_NOT_FOUND"),
        ("now(1)", "FUNCTION_NOT_FOUND"),
    ],
)
def test_arguments_that_cannot_be_taken_are_refused(sql: Sql, expression: str, name: str) -> None:
    with pytest.raises(QueryError) as caught:
        sql.value(expression)
    assert caught.value.name == name
    assert caught.value.line == 1
