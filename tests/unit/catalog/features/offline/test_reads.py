from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.reading import GroupToJoin
from stepmill.catalog.features.offline.reads import Bounds
from stepmill.catalog.features.writing import Put
from stepmill.core.errors import InvalidInputError, WrongStateError
from support.features import Stored, make_group, record, stored

BASE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


def at(minute: float) -> str:
    return (BASE + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def put(store: Stored, group: FeatureGroup, identifier: int, minute: float, age: int) -> None:
    store.features.writing.put(Put(group, record(id=identifier, at=at(minute), age=age)))


def delete(store: Stored, group: FeatureGroup, identifier: int, minute: float) -> None:
    store.features.writing.delete(group, str(identifier), at(minute))


def rows(*pairs: tuple[int | None, float]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([pair[0] for pair in pairs], pa.int64()),
            "ts": pa.array([BASE + timedelta(minutes=pair[1]) for pair in pairs], pa.timestamp("us", "UTC")),
        }
    )


def ages(store: Stored, group: FeatureGroup, asked: pa.Table, **more: Any) -> list[int | None]:
    side = GroupToJoin(group, ["age"], tolerance=more.pop("tolerance", None))
    joined = store.features.offline.join(asked, [side], event_time="ts", **more)
    found: list[int | None] = joined["age"].to_pylist()
    return found


def test_a_row_sees_the_newest_record_that_is_not_from_its_future(store: Stored) -> None:
    group = make_group(store)
    for minute, age in ((10, 1), (20, 2), (30, 3)):
        put(store, group, 7, minute, age)
    asked = rows((7, 9.9), (7, 10), (7, 29), (7, 30), (7, 9999), (8, 30), (None, 30))
    assert ages(store, group, asked) == [None, 1, 2, 3, 3, None, None]


def test_what_is_too_old_is_not_seen(store: Stored) -> None:
    group = make_group(store)
    put(store, group, 7, 10, 1)
    asked = rows((7, 15), (7, 15.5))
    assert ages(store, group, asked, tolerance=timedelta(minutes=5)) == [1, None]


def test_a_deletion_hides_from_its_moment_on_or_altogether(store: Stored) -> None:
    group = make_group(store)
    put(store, group, 7, 10, 1)
    delete(store, group, 7, 20)
    put(store, group, 7, 30, 3)
    asked = rows((7, 15), (7, 25), (7, 35))
    assert ages(store, group, asked) == [1, None, 3]
    assert ages(store, group, asked, forget_deleted=True) == [None, None, 3]


def test_of_equal_event_times_the_one_that_was_given_last_counts(store: Stored) -> None:
    group = make_group(store)
    for age in (5, 4):
        put(store, group, 7, 10, age)
        store.clock.advance(timedelta(seconds=1))
    assert ages(store, group, rows((7, 10))) == [4]
    assert store.features.offline.snapshot(group, ["age"]).to_pylist() == [{"age": 4}]
    both = store.features.offline.history(group, ["age"], duplicates=True)
    assert both["age"].to_pylist() == [5, 4]
    assert store.features.offline.history(group, ["age"])["age"].to_pylist() == [4]


def test_time_travel_by_event_time_and_by_write_time(store: Stored) -> None:
    group = make_group(store)
    put(store, group, 7, 10, 1)
    store.features.flushing.settle(group)
    then = store.clock.now()
    store.clock.advance(timedelta(hours=1))
    put(store, group, 7, 5, 0)
    put(store, group, 7, 20, 2)
    reading = store.features.offline

    def seen(bounds: Bounds) -> list[int]:
        found: list[int] = reading.history(group, ["age"], bounds=bounds)["age"].to_pylist()
        return found

    assert seen(Bounds()) == [0, 1, 2]
    assert seen(Bounds(event_time=BASE + timedelta(minutes=10))) == [0, 1]
    assert seen(Bounds(write_time=then)) == [1]
    assert ages(store, group, rows((7, 30)), bounds=Bounds(write_time=then)) == [1]
    assert ages(store, group, rows((7, 7)), bounds=Bounds(write_time=then)) == [None]
    assert reading.snapshot(group, ["age"], bounds=Bounds(write_time=then))["age"].to_pylist() == [1]


def test_the_snapshot_has_no_deleted_records_unless_asked(store: Stored) -> None:
    group = make_group(store)
    put(store, group, 1, 10, 1)
    put(store, group, 2, 10, 2)
    delete(store, group, 1, 20)
    reading = store.features.offline
    assert reading.snapshot(group).to_pylist() == [{"id": 2, "at": at(10), "age": 2, "score": None}]
    kept = reading.snapshot(group, ["id", "at"], keep_deleted=True).to_pylist()
    assert kept == [{"id": 1, "at": at(20)}, {"id": 2, "at": at(10)}]
    everything = reading.history(group, ["id"], keep_deleted=True)
    assert everything.select(["id", "is_deleted"]).to_pylist() == [
        {"id": 1, "is_deleted": False}, {"id": 1, "is_deleted": True}, {"id": 2, "is_deleted": False},
    ]  # fmt: skip
    assert reading.history(group, ["id"])["id"].to_pylist() == [2]


def test_several_groups_by_columns_of_their_own(store: Stored) -> None:
    customers = make_group(store)
    shops = make_group(store, name="Shops")
    put(store, customers, 7, 10, 1)
    put(store, shops, 9, 10, 2)
    asked = rows((7, 15)).append_column("shop", pa.array(["9"]))
    sides = [GroupToJoin(customers), GroupToJoin(shops, on="shop", prefix="shop_")]
    joined = store.features.offline.join(asked, sides, event_time="ts")
    assert joined.column_names == ["id", "ts", "shop", "age", "score", "shop_age", "shop_score"]
    assert joined.to_pylist()[0]["shop_age"] == 2


@pytest.mark.parametrize(
    ("asked", "side", "message"),
    [
        ({"id": [1], "ts": ["x"]}, {}, "1 rows of 'ts' hold no moment; the first one is row 0: 'x'"),
        ({"id": [1]}, {}, "no column 'ts'"),
        ({"ts": [1.0]}, {}, "no column 'id' with identifiers"),
        ({"id": ["a"], "ts": [1.0]}, {}, "values that are no identifiers"),
        ({"id": [1], "ts": [1.0], "age": [1]}, {}, "would be named 'age'"),
        ({"id": [1], "ts": [1.0]}, {"features": ["agee"]}, "has no feature 'agee'"),
    ],
)
def test_what_cannot_be_joined_is_told(
    store: Stored, asked: dict[str, Any], side: dict[str, Any], message: str
) -> None:
    group = make_group(store)
    with pytest.raises(InvalidInputError, match=message):
        store.features.offline.join(pa.table(asked), [GroupToJoin(group, **side)], event_time="ts")


def test_a_group_without_files_cannot_be_read(store: Stored) -> None:
    group = make_group(store, OfflineStoreConfig=None)
    with pytest.raises(WrongStateError, match="no offline store"):
        store.features.offline.snapshot(group)


def test_no_records_and_no_rows_give_the_columns(store: Stored) -> None:
    group = make_group(store)
    assert store.features.offline.snapshot(group).column_names == ["id", "at", "age", "score"]
    assert ages(store, group, rows((7, 15))) == [None]
    assert ages(store, group, rows()) == []


_RECORDS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 180), st.integers(0, 9)), min_size=1, max_size=30
)
_ASKED = st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 200)), max_size=20)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_RECORDS, min_size=1, max_size=3), _ASKED, st.one_of(st.none(), st.integers(0, 60)))
def test_joins_of_ingested_files_are_those_of_brute_force(
    store: Stored,
    ingests: list[list[tuple[int, int, int]]],
    asked: list[tuple[int, int]],
    tolerance: int | None,
) -> None:
    name = f"G{len(list(store.features.groups.all()))}"
    group = make_group(store, name=name)
    came: list[tuple[int, int, int]] = []
    for place, given_rows in enumerate(ingests):
        columns = {"id": [r[0] for r in given_rows], "at": [at(r[1]) for r in given_rows]}
        source = pd.DataFrame({**columns, "age": [r[2] for r in given_rows]})
        store.features.ingests.ingest(group, source, ingest_id=str(place))
        store.clock.advance(timedelta(seconds=1))
        came += given_rows
    expected: list[int | None] = []
    for identifier, minute in asked:
        seen = [r for r in came if r[0] == identifier and r[1] <= minute]
        # Of equal event times the last one that came.
        newest = max(enumerate(seen), key=lambda pair: (pair[1][1], pair[0]), default=(0, None))[1]
        is_old = newest is not None and tolerance is not None and minute - newest[1] > tolerance
        expected.append(None if newest is None or is_old else newest[2])
    limit = None if tolerance is None else timedelta(minutes=tolerance)
    assert ages(store, group, rows(*asked), tolerance=limit) == expected
    before = store.features.offline.history(group, duplicates=True).to_pylist()
    store.features.compaction.compact(group, least=2)
    assert store.features.offline.history(group, duplicates=True).to_pylist() == before
    assert ages(store, group, rows(*asked), tolerance=limit) == expected
