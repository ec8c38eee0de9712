"""Patterns of dates of three makers mean with DuckDB what their makers say."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.sql.dialect.formats import joda_pattern, mysql_pattern, teradata_pattern
from stepmill.catalog.sql.faults import QueryError

MOMENT = datetime(2026, 3, 5, 14, 7, 9, 120000, UTC).replace(tzinfo=None)


def written(pattern: str) -> str:
    (row,) = duckdb.execute("SELECT strftime(?, ?)", [MOMENT, pattern]).fetchall()
    return str(row[0])


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%Y-%m-%d %H:%i:%s", "2026-03-05 14:07:09"),
        ("%e. %M %y, %l:%i %p", "5. March 26, 2:07 PM"),
        ("%W %a %b %c %k %j", "Thursday Thu Mar 3 14 064"),
        ("%T.%f", "14:07:09.120000"),
        ("%r", "02:07:09 PM"),
        ("100%%", "100%"),
    ],
)
def test_mysql(pattern: str, text: str) -> None:
    assert written(mysql_pattern(pattern)) == text


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss", "2026-03-05T14:07:09"),
        ("d MMM yy", "5 Mar 26"),
        ("EEEE, MMMM d", "Thursday, March 5"),
        ("h:mm a", "2:07 PM"),
        ("ss.SSS", "09.120"),
        ("yyyy''MM", "2026'03"),
        ("'it''s' yyyy", "it's 2026"),
        ("yyyy 100%", "2026 100%"),
        ("'%Y'", "%Y"),
    ],
)
def test_joda(pattern: str, text: str) -> None:
    assert written(joda_pattern(pattern)) == text


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-mm-dd hh24:mi:ss", "2026-03-05 14:07:09"),
        ("DD/MM/YY HH:MI", "05/03/26 02:07"),
        ("yyyy %", "2026 %"),
    ],
)
def test_teradata(pattern: str, text: str) -> None:
    assert written(teradata_pattern(pattern)) == text


@pytest.mark.parametrize("pattern", ["%Q", "%D", "%\n", "%é"])
def test_what_mysql_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(QueryError, match="not supported in date format string"):
        mysql_pattern(pattern)


@pytest.mark.parametrize("pattern", ["yyyyy", "Q", "yyyy 'open", "yyyy-MM-dd'T", "MMMMM", "YYYY-xx"])
def test_what_joda_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(QueryError, match="Invalid format"):
        joda_pattern(pattern)


@pytest.mark.parametrize("pattern", ["yyyy-q", "hh25h", "month"])
def test_what_teradata_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(QueryError, match="Invalid format"):
        teradata_pattern(pattern)


@given(st.text(alphabet="yMdHhmsaESQ'%-: é", min_size=1, max_size=12))
def test_no_text_of_a_client_becomes_a_pattern_that_it_did_not_write(text: str) -> None:
    for translate in (joda_pattern, teradata_pattern):
        try:
            made = translate(text)
        except QueryError as error:
            assert error.name == "INVALID_FUNCTION_ARGUMENT"
            continue
        # Each percent sign that was written is one in what comes out, and DuckDB takes all of it.
        assert written(made).count("%") == text.count("%")
