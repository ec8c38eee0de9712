from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.compaction import Compacted
from stepmill.catalog.features.writing import Put
from support.features import Stored, make_group, offline_rows, record, stored


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


def fill(store: Stored, group: FeatureGroup, count: int, hour: int = 0) -> None:
    for number in range(count):
        store.features.writing.put(Put(group, record(id=1, at=f"2026-01-01T{hour:02}:00:00Z", age=number)))
        store.features.flushing.settle(group)
        store.clock.advance(timedelta(seconds=1))


def test_the_files_of_a_crowded_hour_become_one_with_all_records(store: Stored) -> None:
    group = make_group(store)
    fill(store, group, 8)
    fill(store, group, 2, hour=1)
    before = offline_rows(store, group)
    assert store.features.compaction.compact(group) == Compacted(8, 1)
    files = store.features.files.list(group)
    assert len(files) == 3
    assert sorted(map(repr, offline_rows(store, group))) == sorted(map(repr, before))
    assert store.features.offline.snapshot(group, ["age"])["age"].to_pylist() == [1]
    assert store.features.compaction.compact(group) == Compacted(0, 0)
    assert store.features.compaction.compact(group, least=1) == Compacted(2, 1)


def test_features_added_since_are_null_in_joined_files(store: Stored) -> None:
    group = make_group(store)
    fill(store, group, 1)
    more = [{"FeatureName": "city", "FeatureType": "String"}]
    group = store.features.groups.update(group.name, {"FeatureAdditions": more})
    fill(store, group, 1)
    store.features.compaction.compact(group, least=2)
    (file,) = store.features.files.list(group)
    assert pq.read_table(file.path)["city"].to_pylist() == [None, None]


def test_who_has_begun_to_read_is_not_disturbed(store: Stored) -> None:
    group = make_group(store)
    fill(store, group, 3)
    begun = [pq.ParquetFile(file.path) for file in store.features.files.list(group)]
    store.features.compaction.compact(group, least=2)
    store.objects.collect_garbage()
    assert sorted(file.read()["age"].to_pylist() for file in begun) == [[0], [1], [2]]
    assert store.features.offline.history(group, ["age"], duplicates=True)["age"].to_pylist() == [0, 1, 2]


def test_files_freed_while_they_are_looked_up_are_read_from_the_new_ones(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(store)
    fill(store, group, 3)
    listed = store.features.files.list
    joined = threading.Event()

    def list_and_lose(group: FeatureGroup) -> object:
        files = listed(group)
        if not joined.is_set():
            joined.set()
            store.features.compaction.compact(group, least=2)
            store.objects.collect_garbage()
        return files

    monkeypatch.setattr(store.features.offline._files, "list", list_and_lose)
    assert store.features.offline.history(group, ["age"], duplicates=True)["age"].to_pylist() == [0, 1, 2]


def test_a_failure_in_the_middle_changes_nothing(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    group = make_group(store)
    fill(store, group, 3)
    before = store.features.files.list(group)

    def fail(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store.objects._shelf, "commit", fail)
    with pytest.raises(KeyboardInterrupt):
        store.features.compaction.compact(group, least=2)
    assert store.features.files.list(group) == before


def test_the_background_joins_what_was_flushed(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    from stepmill.catalog.features.offline import flushing

    monkeypatch.setattr(flushing, "PAUSE", timedelta(milliseconds=1))
    group = make_group(store)
    fill(store, group, 9)
    store.features.flushing.resume()
    for _ in range(3000):
        if len(store.features.files.list(group)) < 8:
            break
        threading.Event().wait(0.01)
    store.features.close()
    assert len(store.features.files.list(group)) < 8
    assert len(offline_rows(store, group)) == 9


def test_writers_and_compaction_at_once_lose_and_double_nothing(store: Stored) -> None:
    group = make_group(store)
    done = threading.Event()

    def compact() -> None:
        while not done.is_set():
            store.features.compaction.compact(group, least=2)

    compacting = threading.Thread(target=compact)
    compacting.start()
    try:
        for number in range(6):
            source = pa.table({"id": [number], "at": ["2026-01-01T00:00:00Z"]})
            store.features.ingests.ingest(group, source)
            fill(store, group, 1)
    finally:
        done.set()
        compacting.join()
    assert len(offline_rows(store, group)) == 12
