"""Records and cached results in the metadata database keep the promises of all such stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.storage.cache import CacheEntry, CacheStore, SqlCacheStore
from stepmill.storage.database import Database
from stepmill.storage.records import RecordStore, SortBy
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing import CacheStoreContract, FakeClock, RecordStoreContract


class TestSqlRecordStore(RecordStoreContract):
    @pytest.fixture
    def store(self, database: Database, clock: FakeClock) -> RecordStore:
        return SqlRecordStore(database, clock)


class TestSqlCacheStore(CacheStoreContract):
    @pytest.fixture
    def store(self, database: Database) -> CacheStore:
        return SqlCacheStore(database)


_RECORDS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_RECORDS, st.sampled_from(list(SortBy)), st.booleans(), st.integers(1, 5))
def test_pages_are_a_sorted_list_cut_into_pieces(
    database: Database, made: dict[str, tuple[int, int]], sort_by: SortBy, descending: bool, limit: int
) -> None:
    clock = FakeClock()
    store = SqlRecordStore(database, clock)
    for record in store.list("thing", limit=1000).records:
        store.delete("thing", record.name)
    start = clock.now()
    for name, (second, number) in made.items():
        clock.set(start + timedelta(seconds=second))
        store.create("thing", name, {}, number=number, status="odd" if number % 2 else "")
    gathered, after = [], None
    while True:
        page = store.list("thing", sort_by=sort_by, descending=descending, limit=limit, after=after)
        gathered += [record.name for record in page.records]
        after = page.next_token
        if after is None:
            break

    def place(name: str) -> tuple[object, bytes]:
        second, number = made[name]
        values = {SortBy.NAME: 0, SortBy.NUMBER: number, SortBy.STATUS: number % 2}
        return values.get(sort_by, second), name.encode()

    assert gathered == sorted(made, key=place, reverse=descending)


def test_listings_use_an_index(database: Database) -> None:
    """A page must not cost more when there are more records."""
    plans = []
    for column in ("created_at", "modified_at", "name"):
        query = f"SELECT * FROM records WHERE kind = 'job' ORDER BY {column}, name LIMIT 10"
        with database.read() as connection:
            plans.append(
                " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}"))
            )
    assert all("USE TEMP B-TREE" not in plan and "SEARCH" in plan for plan in plans), plans


def test_an_entry_of_the_cache_is_found_by_an_index(database: Database) -> None:
    for where in ("key = 'x' ORDER BY created_at DESC", "scope = 'x' ORDER BY created_at DESC"):
        query = f"EXPLAIN QUERY PLAN SELECT * FROM cache WHERE {where} LIMIT 1"
        with database.read() as connection:
            plan = " ".join(str(row) for row in connection.exec_driver_sql(query))
        assert "SEARCH" in plan
        assert "USE TEMP B-TREE" not in plan


def test_it_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "again.db"
    at = datetime(2026, 1, 1, tzinfo=UTC)
    first = Database.open_sqlite(path)
    record = SqlRecordStore(first, FakeClock(at)).create("job", "one", {"ä": [1]})
    entry = CacheEntry("scope", "key", at, "source", output=[1], metadata={"m": {}}, parts={"p": "1"})
    SqlCacheStore(first).put(entry)
    first.close()
    second = Database.open_sqlite(path)
    assert SqlRecordStore(second, FakeClock()).get("job", "one") == record
    assert SqlCacheStore(second).newest("key") == entry
    second.close()
