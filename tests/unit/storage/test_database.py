"""Transactions: what they promise to threads, to nested callers, and when something breaks."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from stepmill.core.errors import IllegalTransitionError, StorageError, StorageFullError
from stepmill.storage import database as module
from stepmill.storage.database import Database, from_micros, to_micros
from stepmill.storage.tables import buckets


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield database
    database.close()


def _add(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute(buckets.insert(), {"name": name, "created_at": 0})


def _names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(buckets.c.name).order_by(buckets.c.name)))


def test_a_moment_is_its_microseconds() -> None:
    assert to_micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert from_micros(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert to_micros(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_storage(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


def test_what_is_written_is_read(database: Database) -> None:
    _add(database, "one")
    assert _names(database) == ["one"]


def test_it_is_there_after_opening_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        database = Database.open_sqlite(tmp_path / "a b?c%d.db")
        _add(database, name)
        database.close()
    database = Database.open_sqlite(tmp_path / "a b?c%d.db")
    assert _names(database) == ["one", "two"]
    database.close()
    assert (tmp_path / "a b?c%d.db").is_file()


def test_the_folder_is_made(tmp_path: Path) -> None:
    Database.open_sqlite(tmp_path / "deep" / "er" / "stepmill.db").close()
    assert (tmp_path / "deep" / "er" / "stepmill.db").is_file()


def test_a_commit_survives_a_power_cut(database: Database) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_an_error_rolls_back(database: Database) -> None:
    def change_my_mind() -> None:
        with database.write() as connection:
            connection.execute(buckets.insert(), {"name": "one", "created_at": 0})
            raise KeyError("changed my mind")

    with pytest.raises(KeyError):
        change_my_mind()
    assert _names(database) == []
    _add(database, "two")
    assert _names(database) == ["two"]


def test_a_reader_sees_one_state(database: Database) -> None:
    _add(database, "one")
    with database.read() as connection:
        count = select(func.count()).select_from(buckets)
        assert connection.scalar(count) == 1
        other = threading.Thread(target=_add, args=(database, "two"))
        other.start()
        other.join()
        assert connection.scalar(count) == 1
    assert _names(database) == ["one", "two"]


def test_what_a_reader_changes_is_not_kept(database: Database) -> None:
    with database.read() as connection:
        connection.execute(buckets.insert(), {"name": "one", "created_at": 0})
    assert _names(database) == []


def test_a_read_inside_a_write_sees_what_was_written(database: Database) -> None:
    with database.write() as connection:
        connection.execute(buckets.insert(), {"name": "one", "created_at": 0})
        assert _names(database) == ["one"]


def test_a_write_inside_a_read_is_possible(database: Database) -> None:
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(buckets)) == 0
        _add(database, "one")
    assert _names(database) == ["one"]


def test_many_reads_by_one_connection_each_see_what_is_there_at_their_time(database: Database) -> None:
    with database.reading(), database.reading():
        with database.read() as first:
            assert _names(database) == []
            _add(database, "one")
            assert _names(database) == [], "one read sees one state"
        with database.read() as second:
            assert second is first
        assert _names(database) == ["one"]
        with database.write() as connection:
            connection.execute(buckets.insert(), {"name": "two", "created_at": 0})
            assert _names(database) == ["one", "two"]
        with pytest.raises(KeyError), database.read():
            raise KeyError
        assert _names(database) == ["one", "two"]
    with database.read() as other:
        assert not other.closed
    assert _names(database) == ["one", "two"]


def test_another_thread_does_not_read_by_that_connection(database: Database) -> None:
    def mine() -> int:
        with database.read() as connection:
            return id(connection)

    with database.reading(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(mine).result() != mine()


def test_a_write_inside_a_write_is_refused_at_once(database: Database) -> None:
    with pytest.raises(IllegalTransitionError, match="inside another"), database.write():
        _add(database, "one")
    _add(database, "two")
    assert _names(database) == ["two"]


def test_no_update_of_several_threads_is_lost(database: Database) -> None:
    _add(database, "count")

    def add(_: int) -> None:
        with database.write() as connection:
            count = connection.scalar(select(buckets.c.created_at))
            assert count is not None
            connection.execute(update(buckets).values(created_at=count + 1))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(200)))
    with database.read() as connection:
        assert connection.scalar(select(buckets.c.created_at)) == 200


def test_many_readers_may_nest(database: Database) -> None:
    """With a pool that ends, all could hold one connection and wait for a second for ever."""
    start = threading.Barrier(40)

    def read(_: int) -> int:
        with database.read() as outer:
            outer.exec_driver_sql("SELECT 1")
            start.wait()
            return len(_names(database))

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(read, range(40))) == {0}


def test_a_writer_that_waits_too_long_for_another_thread_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_LOCK_WAIT_S", 0.01)
    with database.write(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_add, database, "one")
        with pytest.raises(StorageError, match="locked by another writer"):
            waiting.result()
    _add(database, "two")


def test_a_writer_that_waits_too_long_for_another_process_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_LOCK_WAIT_S", 0.01)
    one = Database.open_sqlite(tmp_path / "stepmill.db")
    other = Database.open_sqlite(tmp_path / "stepmill.db")
    with one.write(), pytest.raises(StorageError, match=r"locked.*stepmill\.db.*hanging"):
        _add(other, "one")
    _add(other, "two")
    assert _names(one) == ["two"]
    one.close()
    other.close()


def test_a_full_disk_is_said_and_nothing_is_written(database: Database) -> None:
    _add(database, "one")

    def fill() -> None:
        with database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            for number in range(10_000):
                connection.execute(buckets.insert(), {"name": f"{number}" * 10, "created_at": 0})

    with pytest.raises(StorageFullError, match="stepmill gc"):
        fill()
    assert _names(database) == ["one"]
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    _add(database, "two")


def test_a_constraint_that_fails_is_an_error_of_ours(database: Database) -> None:
    _add(database, "one")
    with pytest.raises(StorageError, match="UNIQUE"):
        _add(database, "one")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    path.write_text("Dear diary, " * 1000)
    with pytest.raises(StorageError, match=r"not a database.*stepmill\.db.*move it away"):
        Database.open_sqlite(path)
    assert path.read_text().startswith("Dear diary")


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    database = Database.open_sqlite(path)
    for number in range(300):
        _add(database, f"bucket-{number}")
    database.close()
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(4096)
        file.write(os.urandom(size - 4096))

    def open_and_read() -> None:
        damaged = Database.open_sqlite(path)
        try:
            _names(damaged)
        finally:
            damaged.close()

    with pytest.raises(StorageError, match=r"stepmill\.db.*backup"):
        open_and_read()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        Database.open_sqlite(tmp_path / "file" / "stepmill.db")


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="unable to open"):
        Database.open_sqlite(tmp_path)


def test_switching_the_journal_waits_for_another_opener(tmp_path: Path) -> None:
    """Another process is just making the file: SQLite itself would give up at once."""
    path = tmp_path / "stepmill.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE something (x)")
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(Database.open_sqlite, path)
        assert not opening.done()
        other.execute("COMMIT")
        other.close()
        opening.result().close()


def test_closing_twice_is_harmless_and_it_opens_again(database: Database) -> None:
    database.close()
    database.close()
    assert _names(database) == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    try:
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    finally:
        database.close()
