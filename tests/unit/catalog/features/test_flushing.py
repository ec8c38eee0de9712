"""From the journal to files: all of it, once, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline import flushing
from stepmill.catalog.features.offline.flushing import table_of
from stepmill.catalog.features.online import encode_values
from stepmill.catalog.features.values import check_record
from stepmill.catalog.features.writing import Put
from stepmill.core.errors import NotFoundError
from stepmill.storage.features import JournalRow
from support.features import (
    BUCKET,
    Stored,
    definition,
    group_request,
    make_group,
    offline_rows,
    record,
    rows_of,
    stored,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


@pytest.fixture
def group(store: Stored) -> FeatureGroup:
    return make_group(store)


_ODD = ["+1.5", "5.", ".5", "1e999", "1E3", "-inf", "Infinity"]


def write(store: Stored, group: FeatureGroup, *identifiers: int, hour: int = 0) -> None:
    for identifier in identifiers:
        given = record(id=identifier, at=f"2026-01-01T{hour:02}:00:00Z")
        store.features.writing.put(Put(group, given))


def identifiers(store: Stored, group: FeatureGroup) -> list[int]:
    return sorted(row["id"] for row in rows_of(store.features.files.list(group)))


def test_what_was_acknowledged_is_in_files_afterwards(store: Stored, group: FeatureGroup) -> None:
    write(store, group, 1, 2)
    write(store, group, 3, hour=1)
    assert store.features.files.list(group) == []
    store.features.flushing.settle(group)
    assert len(store.features.files.list(group)) == 2
    write(store, group, 4)
    store.features.flushing.settle(group)
    store.features.flushing.settle(group)
    assert identifiers(store, group) == [1, 2, 3, 4]
    assert store.rows.waiting(group.id) == 0


def test_many_are_written_part_by_part(
    store: Stored, group: FeatureGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flushing, "MOST_AT_ONCE", 3)
    write(store, group, *range(10))
    store.features.flushing.settle(group)
    assert identifiers(store, group) == list(range(10))
    assert len(store.features.files.list(group)) == 4


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_before(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.objects, "put_files", _raise)


def killed_between(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.rows, "settle", _raise)


def _raise(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("kill", [killed_before, killed_between])
def test_a_crash_loses_and_doubles_nothing(
    store: Stored,
    group: FeatureGroup,
    monkeypatch: pytest.MonkeyPatch,
    kill: Callable[[Stored, pytest.MonkeyPatch], None],
) -> None:
    write(store, group, 1, 2)
    write(store, group, 3, hour=1)
    with monkeypatch.context() as patched:
        kill(store, patched)
        with pytest.raises(Killed):
            store.features.flushing.settle(group)
    # What comes meanwhile is of the same hours, and must not change what the first ones' files are called.
    write(store, group, 4)
    write(store, group, 5, hour=1)
    store.features.flushing.settle(group)
    assert identifiers(store, group) == [1, 2, 3, 4, 5]


def test_several_flushing_at_once_write_each_record_once(
    store: Stored, group: FeatureGroup, tmp_path: Path
) -> None:
    with stored(tmp_path) as other:
        write(store, group, *range(40))
        threads = [
            threading.Thread(target=opened.features.flushing.settle, args=(group,))
            for opened in (store, other, store, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert identifiers(store, group) == list(range(40))


def test_records_from_before_a_feature_was_added_have_none(store: Stored, group: FeatureGroup) -> None:
    write(store, group, 1)
    store.features.flushing.settle(group)
    new = store.features.groups.update("customers", {"FeatureAdditions": [definition("city")]})
    write(store, group, 2)
    store.features.writing.put(Put(new, record(id=3, at="2026-01-01T00:00:00Z", city="Łódź")))
    rows = offline_rows(store, new)
    assert [(row["id"], row.get("city")) for row in sorted(rows, key=lambda row: row["id"])] == [
        (1, None), (2, None), (3, "Łódź"),
    ]  # fmt: skip


@pytest.mark.parametrize("plain", ["7", "-0", "0012", "9223372036854775807"])
@pytest.mark.parametrize("other", ["+5", "-9223372036854775808", None])
def test_integers_come_as_python_reads_them(
    store: Stored, group: FeatureGroup, plain: str, other: str | None
) -> None:
    for identifier, text in enumerate((plain, other)):
        given = record(id=identifier, at="2026-01-01T00:00:00Z", age=text)
        store.features.writing.put(Put(group, given))
    found = {row["id"]: row["age"] for row in offline_rows(store, group)}
    assert found == {0: int(plain), 1: None if other is None else int(other)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_nan=False).map(repr) | st.sampled_from(_ODD), min_size=1))
def test_numbers_come_as_python_reads_them(store: Stored, group: FeatureGroup, texts: list[str]) -> None:
    rows = [
        JournalRow(0, 0, False, encode_values(check_record(group.schema, one).values))
        for one in (record(id=1, at="2026-01-01T00:00:00Z", score=text) for text in texts)
    ]
    assert table_of(group, rows, 0)["score"].to_pylist() == [float(text) for text in texts]


def test_a_deleted_group_leaves_all_its_records_in_files(store: Stored, group: FeatureGroup) -> None:
    write(store, group, 1, 2)
    store.features.delete("customers")
    assert identifiers(store, group) == [1, 2]
    assert group.offline is not None
    table = store.features.table("SageMaker_FeatureStore", group.offline.table)
    assert len(table.files) == 1
    assert table.columns[:2] == [("id", "bigint"), ("at", "string")]
    with pytest.raises(NotFoundError, match="no table"):
        store.features.table("sagemaker_featurestore", "none")


def test_records_wait_for_a_bucket_that_is_gone(store: Stored, group: FeatureGroup, caplog: Any) -> None:
    write(store, group, 1)
    store.objects.delete_bucket(BUCKET)
    assert store.features.flushing.flush() == 0
    assert "'Customers' wait" in caplog.text
    store.objects.create_bucket(BUCKET)
    assert store.features.flushing.flush() == 1
    assert identifiers(store, group) == [1]


def test_a_group_whose_bucket_is_gone_can_be_deleted(store: Stored, group: FeatureGroup) -> None:
    write(store, group, 1)
    store.objects.delete_bucket(BUCKET)
    store.features.delete("customers")
    assert store.features.groups.find("customers") is None
    store.objects.create_bucket(BUCKET)
    assert store.features.flushing.flush() == 1
    assert identifiers(store, group) == [1]


def test_all_groups_are_flushed_and_others_passed_over(store: Stored, group: FeatureGroup) -> None:
    request = group_request("online")
    del request["OfflineStoreConfig"]
    online = store.features.groups.create(request)
    other = make_group(store, name="other")
    for each in (group, other, online):
        write(store, each, 1)
    assert store.features.flushing.flush() == 2
    assert identifiers(store, other) == identifiers(store, group) == [1]


def test_they_are_flushed_in_the_background(
    store: Stored, group: FeatureGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flushing, "MANY", 2)
    done = threading.Event()
    settle = store.rows.settle

    def settled(group: str, last: int) -> None:
        settle(group, last)
        done.set()

    monkeypatch.setattr(store.rows, "settle", settled)
    write(store, group, 1, 2)
    assert done.wait(60)
    store.features.close()
    assert identifiers(store, group) == [1, 2]
    # After that nobody does.
    write(store, group, 3)
    assert store.rows.waiting(group.id) == 1


def test_what_another_process_left_is_flushed(store: Stored, group: FeatureGroup, tmp_path: Path) -> None:
    write(store, group, 1, 2)
    store.features.close()
    with stored(tmp_path) as other:
        other.features.flushing.resume()
        deadline = threading.Event()
        while other.rows.waiting(group.id):
            assert not deadline.wait(0.02)
        other.features.close()
        assert identifiers(other, group) == [1, 2]


def test_where_there_is_no_group_nothing_is_started(store: Stored) -> None:
    before = threading.active_count()
    store.features.flushing.resume()
    assert threading.active_count() == before
