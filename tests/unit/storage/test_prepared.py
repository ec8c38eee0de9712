"""Statements that go straight to the driver do what they do through SQLAlchemy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, create_engine, select
from sqlalchemy.dialects import postgresql

from stepmill.core.errors import StorageError
from stepmill.storage.database import Database
from stepmill.storage.prepared import Prepared, _Text
from stepmill.storage.tables import buckets

ADD = Prepared(buckets.insert())
ALL = Prepared(select(buckets).order_by(buckets.c.name))
FIND = Prepared(select(buckets).where(buckets.c.name == bindparam("named")))
AGE = Prepared(
    buckets.update().where(buckets.c.name == bindparam("named")).values(created_at=bindparam("new"))
)
DROP = Prepared(buckets.delete().where(buckets.c.name == bindparam("named")))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield database
    database.close()


def test_rows_come_as_the_driver_gives_them(database: Database) -> None:
    _add(database, "b", "a")
    with database.read() as connection:
        assert list(ALL.each(connection, {})) == [("a", 7), ("b", 7)]


def _add(database: Database, *names: str) -> int:
    with database.write() as connection:
        return ADD.run(connection, *({"name": name, "created_at": 7} for name in names))


def _names(database: Database) -> list[str]:
    with database.read() as connection:
        return [row.name for row in ALL.all(connection, {})]


def test_rows_have_their_columns_as_attributes(database: Database) -> None:
    _add(database, "one")
    with database.read() as connection:
        row = FIND.one(connection, {"named": "one"})
    assert (row.name, row.created_at) == ("one", 7)


def test_no_row_is_none(database: Database) -> None:
    with database.read() as connection:
        assert FIND.one(connection, {"named": "one"}) is None
        assert ALL.all(connection, {}) == []


def test_it_runs_for_each_of_many_rows(database: Database) -> None:
    assert _add(database, "one", "two", "three") == 3
    assert _names(database) == ["one", "three", "two"]


@pytest.mark.parametrize("statement", [AGE, DROP])
def test_it_says_how_many_rows_it_touched(database: Database, statement: Prepared) -> None:
    _add(database, "one")
    with database.write() as connection:
        assert statement.run(connection, {"named": "two", "new": 8}) == 0
        assert statement.run(connection, {"named": "one", "new": 8}) == 1


def test_a_value_that_is_part_of_the_statement_needs_not_be_given(database: Database) -> None:
    first = Prepared(
        select(buckets.c.name).where(buckets.c.created_at == 7).order_by(buckets.c.name).limit(1)
    )
    _add(database, "two", "one")
    with database.read() as connection:
        assert [row.name for row in first.all(connection, {})] == ["one"]


def test_a_value_that_is_missing_is_a_mistake(database: Database) -> None:
    with pytest.raises(KeyError), database.read() as connection:
        FIND.one(connection, {})


def test_it_belongs_to_the_transaction(database: Database) -> None:
    def change_my_mind() -> None:
        with database.write() as connection:
            ADD.run(connection, {"name": "one", "created_at": 7})
            raise KeyError("changed my mind")

    with pytest.raises(KeyError):
        change_my_mind()
    assert _names(database) == []


def test_a_reader_sees_one_state_and_changes_nothing(database: Database) -> None:
    with database.read() as connection:
        assert ALL.all(connection, {}) == []
        _add(database, "one")
        assert ALL.all(connection, {}) == []
    with database.read() as connection:
        DROP.run(connection, {"named": "one"})
    assert _names(database) == ["one"]


def test_what_the_driver_raises_is_an_error_of_ours(database: Database) -> None:
    _add(database, "one")
    with pytest.raises(StorageError, match="UNIQUE") as caught:
        _add(database, "one")
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


def test_a_database_with_named_values_gets_them_by_name() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    text = _Text(select(buckets).where(buckets.c.name == bindparam("named")), dialect)
    assert text.arguments({"named": "one"}) == {"named": "one"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), unique=True))
def test_any_text_comes_back(names: list[str]) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        buckets.create(connection)
        if names:
            ADD.run(connection, *({"name": name, "created_at": 7} for name in names))
        assert [row.name for row in ALL.all(connection, {})] == sorted(names)
    engine.dispose()
