from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError, StorageError
from stepmill.storage.database import Database
from stepmill.storage.grouped import GroupedWrites


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    with database.write() as connection:
        connection.exec_driver_sql("create table numbers (number integer primary key)")
    yield database
    database.close()


@pytest.fixture
def writes(database: Database) -> GroupedWrites:
    return GroupedWrites(database)


def insert(database: Database, number: int) -> int:
    with database.joined_write() as connection:
        connection.exec_driver_sql("insert into numbers values (?)", (number,))
    return number


def numbers(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.exec_driver_sql("select number from numbers order by 1").scalars())


def test_a_change_is_done_and_answered(database: Database, writes: GroupedWrites) -> None:
    assert writes.run(lambda: insert(database, 7)) == 7
    assert numbers(database) == [7]


def test_those_who_come_together_are_written_together(database: Database, writes: GroupedWrites) -> None:
    commits: list[int] = []
    held, go = threading.Event(), threading.Event()

    def slow() -> None:
        held.set()
        go.wait()
        insert(database, 0)

    def one(number: int) -> None:
        def change() -> int:
            with database.read() as connection:
                commits.append(id(connection))
            return insert(database, number)

        assert writes.run(change) == number

    first = threading.Thread(target=writes.run, args=(slow,))
    first.start()
    held.wait()
    others = [threading.Thread(target=one, args=(number,)) for number in range(1, 9)]
    for thread in others:
        thread.start()
    while len(writes._waiting) < 8:
        threading.Event().wait(0.005)
    go.set()
    for thread in (first, *others):
        thread.join()
    assert numbers(database) == list(range(9))
    assert len(set(commits)) == 1


def test_one_that_is_refused_harms_no_other(database: Database, writes: GroupedWrites) -> None:
    def refuse(number: int) -> int:
        raise InvalidInputError(f"not {number}")

    outcomes: dict[int, str] = {}

    def work(number: int) -> None:
        try:
            writes.run(lambda: refuse(number) if number % 2 else insert(database, number))
            outcomes[number] = "written"
        except InvalidInputError as error:
            outcomes[number] = error.what

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {number: f"not {number}" if number % 2 else "written" for number in range(20)}
    assert numbers(database) == list(range(0, 20, 2))


def test_what_fails_in_the_database_is_not_written(database: Database, writes: GroupedWrites) -> None:
    def fail() -> None:
        insert(database, 1)
        insert(database, 1)

    with pytest.raises(StorageError):
        writes.run(fail)
    assert numbers(database) == []
    writes.run(lambda: insert(database, 2))
    assert numbers(database) == [2]


def test_a_bug_is_raised_where_it_was_asked_for(database: Database, writes: GroupedWrites) -> None:
    with pytest.raises(ZeroDivisionError):
        writes.run(lambda: 1 // 0)
    assert writes.run(lambda: insert(database, 3)) == 3


def test_many_threads_get_each_its_own_answer(database: Database, writes: GroupedWrites) -> None:
    found: list[int] = []

    def work(start: int) -> None:
        for number in range(start, 400, 8):
            assert writes.run(lambda number=number: insert(database, number)) == number  # type: ignore[misc]
            found.append(number)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == numbers(database) == list(range(400))
