"""Items of tables in the metadata database: their order, their indexes' entries, and several processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.core.clock import SystemClock
from stepmill.storage.database import Database
from stepmill.storage.items import Entry, ItemKey, Slice, SqlItemStore
from stepmill.storage.sql_records import SqlRecordStore
from support.storage import finish, start_python

_BYTES = st.binary(max_size=2)
_KEYS = st.tuples(st.sampled_from([b"", b"p", b"q"]), _BYTES).map(lambda pair: ItemKey(*pair))


@pytest.fixture
def store(database: Database) -> SqlItemStore:
    return SqlItemStore(database)


@pytest.fixture(scope="module")
def shared() -> Iterator[SqlItemStore]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open_sqlite(Path(folder) / "stepmill.db")
        yield SqlItemStore(database)
        database.close()


def test_an_item_is_put_replaced_and_deleted(store: SqlItemStore) -> None:
    key = ItemKey(b"p", b"1")
    assert store.get("t", key) is None
    store.put("t", key, b"one", 3)
    store.put("t", key, b"another", 7)
    assert store.get("t", key) == b"another"
    assert store.get("other", key) is None
    assert store.count("t") == (1, 7)
    store.delete("t", key)
    store.delete("t", key)
    assert store.count("t") == (0, 0)


@settings(max_examples=60)
@given(
    keys=st.sets(_KEYS, max_size=12),
    partition=st.none() | st.sampled_from([b"", b"p", b"z"]),
    least=st.none() | _BYTES,
    below=st.none() | _BYTES,
    descending=st.booleans(),
    limit=st.integers(1, 4),
)
def test_pages_join_to_what_a_sorted_list_has(
    shared: SqlItemStore,
    keys: set[ItemKey],
    partition: bytes | None,
    least: bytes | None,
    below: bytes | None,
    descending: bool,
    limit: int,
) -> None:
    shared.clear("t", ["i"])
    for key in keys:
        shared.put("t", key, key.place, 1)
    # In the index partition and place change roles.
    entries = [Entry(key.place, key.partition, key) for key in keys]
    shared.put_entries("i", entries)

    def is_wanted(of: bytes, place: bytes) -> bool:
        return (
            (partition is None or of == partition)
            and (least is None or place >= least)
            and (below is None or place < below)
        )

    expected = sorted((key for key in keys if is_wanted(*key)), reverse=descending)
    asked = {"partition": partition, "least": least, "below": below, "descending": descending}
    found: list[ItemKey] = []
    after: ItemKey | None = None
    while page := shared.page("t", Slice(**asked, after=after, limit=limit)):  # type: ignore[arg-type]
        assert len(page) <= limit
        found += [stored.key for stored in page]
        after = page[-1].key
    assert found == expected

    listed: list[Entry] = []
    place: Entry | None = None
    while page := shared.index_page("t", "i", Slice(**asked, after=place, limit=limit)):  # type: ignore[arg-type]
        place = page[-1].entry
        listed += [stored.entry for stored in page if stored.entry]
    wanted = sorted((each for each in entries if is_wanted(each[0], each[1])), reverse=descending)
    assert listed == wanted
    assert shared.count_entries("i") == len(entries)


def test_an_entry_goes_alone(store: SqlItemStore) -> None:
    key = ItemKey(b"p", b"1")
    store.put("t", key, b"", 0)
    first, second = Entry(b"a", b"", key), Entry(b"b", b"", key)
    store.put_entries("i", [first, second])
    store.delete_entry("i", first)
    assert [stored.entry for stored in store.index_page("t", "i", Slice())] == [second]


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database, store: SqlItemStore) -> None:
    records = SqlRecordStore(database, SystemClock())

    def fail() -> None:
        with records.transaction():
            records.create("table", "t", {})
            store.put("t", ItemKey(b"p", b""), b"x", 1)
            with store.transaction():
                store.put_entries("i", [Entry(b"a", b"", ItemKey(b"p", b""))])
            assert store.count("t") == (1, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert records.find("table", "t") is None
    assert store.count("t") == (0, 0)
    assert store.count_entries("i") == 0


_PREPARE = """
    import sys
    from pathlib import Path
    from stepmill.catalog.dynamodb.dynamodb import DynamoDb
    from stepmill.catalog.dynamodb.conditions import Function
    from stepmill.catalog.dynamodb.paths import Path as Place
    from stepmill.catalog.dynamodb.records import Kept
    from stepmill.catalog.dynamodb.schema import KeySchema, TableSchema
    from stepmill.catalog.dynamodb.writing import ConditionFailedError, Put
    from stepmill.core.clock import SystemClock
    from stepmill.storage.database import Database
    from stepmill.storage.items import SqlItemStore
    from stepmill.storage.sql_records import SqlRecordStore

    database = Database.open_sqlite(Path(sys.argv[1]))
    clock = SystemClock()
    dynamodb = DynamoDb(SqlRecordStore(database, clock), SqlItemStore(database), clock)
    absent = Function("attribute_not_exists", (Place(("id",)),))

    def put(number, condition):
        table = dynamodb.tables.get("shared")
        dynamodb.writing.write(Put(table, {"id": {"N": str(number)}}, condition))
"""
_MAKE = """
    schema = TableSchema({"id": "N"}, KeySchema("id"), {})
    dynamodb.tables.create("shared", Kept("", schema, "PAY_PER_REQUEST"))
"""
_CLAIM = """
    won = 0
    for number in range(100):
        try:
            put(number, absent)
            won += 1
        except ConditionFailedError:
            pass
    print(won)
"""
_PUT_FOREVER = """
    number = 0
    while True:
        put(number, None)
        print(number, flush=True)
        number += 1
"""


def test_of_several_processes_one_meets_a_condition(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    finish(start_python(_PREPARE + _MAKE, path))
    running = [start_python(_PREPARE + _CLAIM, path) for _ in range(3)]
    assert sum(int(finish(process)) for process in running) == 100


def test_a_put_that_was_acknowledged_survives_kill_9(tmp_path: Path, database: Database) -> None:
    path = tmp_path / "stepmill.db"
    finish(start_python(_PREPARE + _MAKE, path))
    process = start_python(_PREPARE + _PUT_FOREVER, path)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    rest, _ = process.communicate()
    told += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    with database.read() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM table_items").scalar_one()
    # One more may have been kept than told.
    assert len(told) <= count <= len(told) + 1
