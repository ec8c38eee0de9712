from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.files import by_hours
from stepmill.catalog.features.offline.layout import arrow_schema
from stepmill.core.errors import NotFoundError, WrongStateError
from support.features import BUCKET, Stored, group_request, make_group, stored

HOUR = 3_600_000_000
DAY = 1_767_225_600_000_000  # 2026-01-01


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


def rows(group: FeatureGroup, *event_times: int) -> tuple[pa.Table, pa.Array]:
    count = len(event_times)
    columns = {
        "id": list(range(count)), "at": [str(time) for time in event_times], "age": [None] * count,
        "score": [0.5] * count, "write_time": [0] * count, "api_invocation_time": list(event_times),
        "is_deleted": [False] * count,
    }  # fmt: skip
    schema = arrow_schema(group.schema)
    return pa.Table.from_pydict(columns, schema=schema), pa.array(event_times, pa.int64())


def test_records_are_written_by_the_hours_of_their_event_times(store: Stored) -> None:
    group = make_group(store)
    uris = store.features.files.write(group, *rows(group, DAY + HOUR + 5_000_000, DAY, DAY + HOUR))
    assert group.offline is not None
    keys = [uri.key.removeprefix(f"{group.offline.data.key}/") for uri in uris]
    assert [key[: key.index("_")] for key in keys] == [
        "year=2026/month=01/day=01/hour=00/20260101T000000Z",
        "year=2026/month=01/day=01/hour=01/20260101T010005Z",
    ]
    files = store.features.files.list(group)
    assert [file.uri for file in files] == uris
    tables = [pq.read_table(file.path) for file in files]
    assert [table["id"].to_pylist() for table in tables] == [[1], [2, 0]]
    assert tables[0].schema.equals(arrow_schema(group.schema))
    names = [str(file.path) for file in files]
    found = duckdb.sql(
        f"select count(*), max(api_invocation_time)::text from read_parquet({names})"
    ).fetchall()
    assert found == [(3, "2026-01-01 01:00:05")]


def test_times_before_1970_and_at_the_ends_of_time_have_hours(store: Stored) -> None:
    group = make_group(store)
    earliest, latest = -62_135_596_800_000_000, 253_402_300_799_999_999
    uris = store.features.files.write(group, *rows(group, -1, earliest, latest, -HOUR))
    assert [uri.key.split("/data/")[1].rpartition("/")[0] for uri in uris] == [
        "year=0001/month=01/day=01/hour=00",
        "year=1969/month=12/day=31/hour=23",
        "year=9999/month=12/day=31/hour=23",
    ]


def test_the_same_seed_gives_the_same_files(store: Stored) -> None:
    group = make_group(store)
    files = store.features.files
    first = files.write(group, *rows(group, DAY), seed="7")
    assert files.write(group, *rows(group, DAY), seed="7") == first
    other = files.write(group, *rows(group, DAY), seed="8")
    assert {file.uri for file in files.list(group)} == {*first, *other}
    assert files.write(group, *rows(group, DAY)) != files.write(group, *rows(group, DAY))


def test_files_are_replaced_in_one_moment(store: Stored) -> None:
    group = make_group(store)
    files = store.features.files
    old = [files.write(group, *rows(group, DAY + number))[0] for number in range(3)]
    new = files.write(group, *rows(group, DAY, DAY + 1, DAY + 2), instead_of=old)
    assert [file.uri for file in files.list(group)] == new


def test_nothing_is_written_of_nothing(store: Stored) -> None:
    group = make_group(store)
    assert store.features.files.write(group, *rows(group)) == []
    assert store.features.files.list(group) == []


def test_other_objects_and_groups_are_passed_over(store: Stored) -> None:
    one, other = make_group(store, FeatureGroupName="a"), make_group(store, FeatureGroupName="ab")
    assert one.offline is not None
    store.objects.put_bytes(one.offline.data.joined("note.txt"), b"x")
    store.features.files.write(other, *rows(other, DAY))
    assert store.features.files.list(one) == []


def test_without_an_offline_store_there_are_no_files(store: Stored) -> None:
    request = group_request()
    del request["OfflineStoreConfig"]
    group = store.features.groups.create(request)
    with pytest.raises(WrongStateError, match="has no offline store"):
        store.features.files.list(group)


def test_without_its_bucket_nothing_is_written(store: Stored) -> None:
    group = make_group(store)
    store.objects.delete_bucket(BUCKET)
    with pytest.raises(NotFoundError):
        store.features.files.write(group, *rows(group, DAY))


def test_only_one_at_a_time_moves_records_of_a_group(store: Stored) -> None:
    group = make_group(store)
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        with store.features.files.exclusive(group):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.features.files.exclusive(group):
        inside.set()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_rows_are_cut_where_the_hour_changes() -> None:
    table = pa.table({"n": [1, 2, 3, 4]})
    times = pa.array([HOUR, HOUR - 1, 2 * HOUR - 1, 0], pa.int64())
    parts = [(part["n"].to_pylist(), latest) for part, latest in by_hours(table, times)]
    assert parts == [([4, 2], HOUR - 1), ([1, 3], 2 * HOUR - 1)]
