from __future__ import annotations

import threading
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
from stepmill.catalog.features.offline import copies as copies_module
from stepmill.catalog.features.offline import copying
from stepmill.catalog.features.offline.copies import Cover
from stepmill.catalog.features.offline.copying import CopyWriter
from stepmill.catalog.features.offline.reading import GroupToJoin
from stepmill.catalog.features.writing import Put
from support.features import Stored, definition, make_group, record, stored

BASE = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 6


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    """A store in which as few as three files are worth a copy."""
    monkeypatch.setattr(copies_module, "MANY", 3)
    monkeypatch.setattr(copying, "MANY", 3)
    with stored(tmp_path) as opened:
        yield opened


def at(minute: int) -> str:
    return (BASE + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def ingest(store: Stored, group: FeatureGroup, *rows: tuple[int, int, int]) -> None:
    """Ingest rows: identifier, minute, age."""
    columns = {"id": [r[0] for r in rows], "at": [at(r[1]) for r in rows], "age": [r[2] for r in rows]}
    store.features.ingests.ingest(group, pd.DataFrame(columns), ingest_id=f"i{store.clock.now():%H%M%S%f}")
    store.clock.advance(timedelta(seconds=1))


def one_by_one(store: Stored, group: FeatureGroup, hours: int = HOURS, age: int = 0) -> None:
    """Ingest a row for each hour; each is a file of its own, of which no copy is made on the way."""
    for hour in range(hours):
        ingest(store, group, (1, 60 * hour, age + hour))


def cover(store: Stored, group: FeatureGroup) -> Cover:
    return store.features.copies.cover(group, [file.path for file in store.features.files.list(group)])


def ages(store: Stored, group: FeatureGroup) -> list[int]:
    found: list[int] = store.features.offline.history(group, ["age"])["age"].to_pylist()
    return found


def folder(store: Stored, group: FeatureGroup) -> Path:
    return store.features.copies._of(group)


def names(store: Stored, group: FeatureGroup) -> list[str]:
    return sorted(path.suffix for path in folder(store, group).glob("*"))


def test_the_first_read_makes_a_copy_of_many_files(store: Stored) -> None:
    group = make_group(store)
    one_by_one(store, group)
    assert not cover(store, group).pieces
    assert ages(store, group) == list(range(HOURS))
    covered = cover(store, group)
    assert (len(covered.pieces), list(covered.rest)) == (1, [])
    assert names(store, group) == [".arrow", ".json"]
    assert ages(store, group) == list(range(HOURS))


def test_few_files_have_no_copy(store: Stored) -> None:
    group = make_group(store)
    one_by_one(store, group, 2)
    assert ages(store, group) == [0, 1]
    assert not folder(store, group).exists()


def test_who_asks_for_few_of_very_many_features_does_not_wait_for_a_copy(store: Stored) -> None:
    wide = [definition("id", "Integral"), definition("at"), definition("age", "Integral")]
    wide += [definition(f"x{number}") for number in range(100)]
    group = make_group(store, FeatureDefinitions=wide)
    one_by_one(store, group)
    assert ages(store, group) == list(range(HOURS))
    assert not cover(store, group).pieces
    assert store.features.offline.history(group).num_rows == HOURS
    assert ages(store, group) == list(range(HOURS))
    assert cover(store, group).rest == []


def test_large_files_have_no_copy(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies_module, "SMALL_BYTES", 10)
    group = make_group(store)
    one_by_one(store, group)
    assert ages(store, group) == list(range(HOURS))
    assert not folder(store, group).exists()


def test_an_ingest_of_many_hours_makes_its_copy_on_the_way(store: Stored) -> None:
    group = make_group(store)
    ingest(store, group, *((1, 60 * hour, hour) for hour in reversed(range(HOURS))))
    covered = cover(store, group)
    assert (len(covered.pieces), list(covered.rest)) == (1, [])
    assert ages(store, group) == list(range(HOURS))


def test_an_ingest_of_several_parts_has_one_copy_of_all(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stepmill.catalog.features.offline import sources

    monkeypatch.setattr(sources, "PART_ROWS", 12)
    group = make_group(store)
    ingest(store, group, *((number % 4, 60 * (number % HOURS), number) for number in range(24)))
    covered = cover(store, group)
    assert (len(covered.pieces), list(covered.rest)) == (1, [])
    assert sorted(store.features.offline.history(group, ["age"], duplicates=True)["age"].to_pylist()) == list(
        range(24)
    )


def test_an_ingest_that_adds_nothing_has_no_second_copy(store: Stored) -> None:
    group = make_group(store)
    frame = pd.DataFrame({"id": [1] * HOURS, "at": [at(60 * hour) for hour in range(HOURS)]})
    for _ in range(2):
        store.features.ingests.ingest(group, frame)
    assert names(store, group) == [".arrow", ".json"]


def test_files_that_come_later_are_read_beside_the_copy_and_copied_when_they_are_many(store: Stored) -> None:
    group = make_group(store)
    one_by_one(store, group)
    ages(store, group)
    ingest(store, group, (2, 1, 100))
    assert sorted(ages(store, group)) == [*range(HOURS), 100]
    assert len(cover(store, group).rest) == 1
    for number in range(2):
        ingest(store, group, (2, 2 + number, 101 + number))
    assert sorted(ages(store, group)) == [*range(HOURS), 100, 101, 102]
    # They were half as many as those of the copy: all of them are in a new one, and the old one has gone.
    assert (len(cover(store, group).pieces), list(cover(store, group).rest)) == (1, [])
    assert names(store, group) == [".arrow", ".json"]


def test_a_large_copy_stays_beside_a_small_one(store: Stored) -> None:
    group = make_group(store)
    ingest(store, group, *((1, 60 * hour, hour) for hour in range(20)))
    for number in range(3):
        ingest(store, group, (2, number, 100 + number))
    assert sorted(ages(store, group)) == [*range(20), 100, 101, 102]
    assert (len(cover(store, group).pieces), list(cover(store, group).rest)) == (2, [])


def test_rows_of_files_that_were_joined_are_not_read_from_the_copy(store: Stored) -> None:
    group = make_group(store)
    ingest(store, group, *((1, 60 * hour, hour) for hour in range(20)))
    for number in range(2):
        ingest(store, group, (2, 60 * 5 + number, 100 + number))
    before = store.features.offline.history(group, duplicates=True)
    assert store.features.compaction.compact(group, least=2).before == 3
    covered = cover(store, group)
    assert [[rows for _, rows in piece.ranges] for piece in covered.pieces] == [[5, 14]]
    assert len(covered.rest) == 1
    assert store.features.offline.history(group, duplicates=True).equals(before)


def test_a_copy_that_holds_mostly_what_has_gone_is_made_anew(store: Stored) -> None:
    group = make_group(store)
    for age in (0, 100):
        ingest(store, group, *((1 + age, 60 * hour, age + hour) for hour in range(HOURS)))
    before = store.features.offline.history(group)
    store.features.compaction.compact(group, least=2)
    assert not cover(store, group).pieces
    assert store.features.offline.history(group).equals(before)
    assert (len(cover(store, group).pieces), list(cover(store, group).rest)) == (1, [])
    assert names(store, group) == [".arrow", ".json"]


def test_features_added_since_are_null_in_what_was_copied(store: Stored) -> None:
    group = make_group(store)
    one_by_one(store, group)
    ages(store, group)
    group = store.features.groups.update(group.name, {"FeatureAdditions": [definition("town")]})
    store.features.ingests.ingest(group, pa.table({"id": [2], "at": [at(1)], "town": ["Bern"]}))
    assert cover(store, group).pieces
    assert store.features.offline.history(group, ["town"])["town"].to_pylist() == [None] * HOURS + ["Bern"]


def test_the_copies_of_a_deleted_group_go(store: Stored) -> None:
    group = make_group(store)
    one_by_one(store, group)
    ages(store, group)
    store.features.delete(group.name)
    assert not folder(store, group).exists()


def test_a_copy_that_is_done_after_the_group_was_deleted_goes(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(store)
    one_by_one(store, group)
    finish = CopyWriter.finish

    def finish_late(writer: CopyWriter) -> None:
        finish(writer)
        store.features.groups.delete(group.name)

    monkeypatch.setattr(CopyWriter, "finish", finish_late)
    assert ages(store, group) == list(range(HOURS))
    assert not folder(store, group).exists()


def test_copies_of_groups_that_are_no_more_are_swept_away_and_others_not(
    store: Stored, tmp_path: Path
) -> None:
    kept, gone = make_group(store, name="Kept"), make_group(store, name="Gone")
    for group in (kept, gone):
        one_by_one(store, group)
        ages(store, group)
    # The process is killed before it has removed the copy.
    store.features.groups.delete("Gone")
    with stored(tmp_path, store.clock) as opened:
        assert opened.features.copies.cover(kept, []).rest == []
    assert folder(store, kept).exists()
    assert not folder(store, gone).exists()


class Killed(BaseException):
    """The process dies: nobody mends or removes anything."""


@pytest.mark.parametrize("moment", ["add", "finish", "publish", "rename"])
def test_a_process_that_is_killed_while_it_copies_harms_nobody(
    store: Stored, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    group = make_group(store)
    one_by_one(store, group)

    def die(*_args: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "rename":
            # The rows are in place; what would let them count is not.
            patch.setattr("stepmill.catalog.features.offline.copying.msgspec.json.encode", die)
        else:
            patch.setattr(CopyWriter, moment, die)
        patch.setattr(CopyWriter, "close", lambda writer: writer._file.close())
        with pytest.raises(Killed):
            ages(store, group)
    assert not cover(store, group).pieces
    assert len(names(store, group)) == 1
    assert ages(store, group) == list(range(HOURS))
    assert names(store, group) == [".arrow", ".json"]


@pytest.mark.parametrize("spoil", ["truncate", "remove", "no index", "broken index"])
def test_a_copy_that_is_not_whole_does_not_count(store: Stored, spoil: str) -> None:
    group = make_group(store)
    one_by_one(store, group)
    ages(store, group)
    (data,) = folder(store, group).glob("*.arrow")
    index = data.with_suffix(".json")
    if spoil == "truncate":
        data.write_bytes(data.read_bytes()[:-100])
    elif spoil == "remove":
        data.unlink()
    elif spoil == "no index":
        index.unlink()
    else:
        index.write_bytes(index.read_bytes()[:-2])
    assert not cover(store, group).pieces
    assert ages(store, group) == list(range(HOURS))
    assert names(store, group) == [".arrow", ".json"]


def test_without_room_on_the_disk_the_files_are_read(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    group = make_group(store)
    one_by_one(store, group)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(CopyWriter, "add", full)
        assert ages(store, group) == list(range(HOURS))
        # An ingest does without it, too.
        ingest(store, group, *((2, 60 * hour, hour) for hour in range(HOURS)))
        assert len(ages(store, group)) == 2 * HOURS
        assert not cover(store, group).pieces
    with monkeypatch.context() as patch:
        patch.setattr(copying, "SHARE_OF_FREE", 10**15)
        assert len(ages(store, group)) == 2 * HOURS
        ingest(store, group, *((3, 60 * hour, hour) for hour in range(HOURS)))
        assert len(ages(store, group)) == 3 * HOURS
        assert not cover(store, group).pieces


def test_many_readers_writers_and_compaction_at_once(store: Stored) -> None:
    group = make_group(store)
    one_by_one(store, group)
    done = threading.Event()
    wrong: list[object] = []

    def until_done(work: Any) -> None:
        while not done.is_set():
            try:
                work()
            except Exception as error:
                wrong.append(error)
                return

    def read() -> None:
        found = ages(store, group)
        if found[:HOURS] != list(range(HOURS)) or len(set(found)) != len(found):
            wrong.append(found)

    works = [read, read, lambda: store.features.compaction.compact(group, least=2)]
    works.append(lambda: store.features.copies.drop(group))
    threads = [threading.Thread(target=until_done, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for number in range(8):
        ingest(store, group, *((2, 60 * hour + number, 100 * (1 + number) + hour) for hour in range(3)))
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(ages(store, group)) == HOURS + 24


_ROW = st.tuples(st.integers(0, 3), st.integers(0, 300), st.integers(0, 9))
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(_ROW, min_size=1, max_size=12)),
        st.tuples(st.just("put"), _ROW),
        st.tuples(st.just("delete"), st.tuples(st.integers(0, 3), st.integers(0, 300))),
        st.tuples(st.sampled_from(["read", "settle", "compact", "drop"]), st.none()),
    ),
    min_size=1,
    max_size=10,
)
_ASKED = st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 320)), max_size=20)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS, _ASKED, st.one_of(st.none(), st.integers(0, 90)))
def test_whatever_happens_joins_are_those_of_brute_force(
    store: Stored, steps: list[tuple[str, Any]], asked: list[tuple[int, int]], tolerance: int | None
) -> None:
    """Late events, deletions, ties and lifetimes, with copies that are old, new, cut or gone."""
    group = make_group(store, name=f"G{len(list(store.features.groups.all()))}")
    came: list[tuple[int, int, int | None]] = []
    for what, value in steps:
        if what == "ingest":
            ingest(store, group, *value)
            came += value
        elif what == "put":
            identifier, minute, age = value
            store.features.writing.put(Put(group, record(id=identifier, at=at(minute), age=age)))
            came.append(value)
        elif what == "delete":
            identifier, minute = value
            store.features.writing.delete(group, str(identifier), at(minute))
            came.append((identifier, minute, None))
        elif what == "settle":
            store.features.flushing.settle(group)
        elif what == "compact":
            store.features.compaction.compact(group, least=2)
        elif what == "drop":
            store.features.copies.drop(group)
        else:
            ages(store, group)
        store.clock.advance(timedelta(seconds=1))
    rows = pa.table(
        {
            "id": pa.array([each[0] for each in asked], pa.int64()),
            "ts": pa.array([BASE + timedelta(minutes=each[1]) for each in asked], pa.timestamp("us", "UTC")),
        }
    )
    expected = [_brute_force(came, identifier, minute, tolerance) for identifier, minute in asked]
    limit = None if tolerance is None else timedelta(minutes=tolerance)
    side = GroupToJoin(group, ["age"], tolerance=limit)
    for _ in range(2):
        joined = store.features.offline.join(rows, [side], event_time="ts")
        assert joined["age"].to_pylist() == expected


def _brute_force(
    came: list[tuple[int, int, int | None]], identifier: int, minute: int, tolerance: int | None
) -> int | None:
    seen = [(each[1], place, each[2]) for place, each in enumerate(came) if each[0] == identifier]
    newest = max((each for each in seen if each[0] <= minute), default=None)
    if newest is None or (tolerance is not None and minute - newest[0] > tolerance):
        return None
    return newest[2]
