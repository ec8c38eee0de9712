from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline import sources
from stepmill.catalog.features.offline.ingest import Ingested
from stepmill.catalog.features.online import decode_values
from stepmill.core.errors import InvalidInputError, InvalidRowsError, NotFoundError, StorageFullError
from support.features import Stored, make_group, record, stored

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z", "2026-01-01T02:00:00Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


def table(*rows: tuple[int, str, int | None, float | None]) -> pa.Table:
    names = ("id", "at", "age", "score")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    types = (pa.int64(), pa.string(), pa.int64(), pa.float64())
    return pa.table(columns, schema=pa.schema(list(zip(names, types, strict=True))))


ROWS = table((1, T1, 30, 0.5), (2, T1, None, 1.0), (1, T3, 31, None))


def offline(store: Stored, group: FeatureGroup) -> list[dict[str, Any]]:
    """All rows of a group's files, without what the store adds."""
    read = store.features.offline.history(group, duplicates=True, keep_deleted=True)
    return read.select(["id", "at", "age", "score"]).to_pylist()


def online(store: Stored, group: FeatureGroup, identifier: str) -> dict[str, Any] | None:
    row = store.rows.get(group.id, identifier)
    return None if row is None else decode_values(row.body)


def ingest(store: Stored, group: FeatureGroup, source: object, **more: Any) -> Ingested:
    return store.features.ingests.ingest(group, source, **more)


def test_rows_are_in_files_and_the_newest_ones_online(store: Stored) -> None:
    group = make_group(store)
    told: list[tuple[str, int]] = []
    done = ingest(store, group, ROWS, progress=lambda what, count: told.append((what, count)))
    assert (done.rows, done.files, done.online, done.is_new) == (3, 2, 2, True)
    assert offline(store, group) == [
        {"id": 1, "at": T1, "age": 30, "score": 0.5},
        {"id": 1, "at": T3, "age": 31, "score": None},
        {"id": 2, "at": T1, "age": None, "score": 1.0},
    ]
    assert online(store, group, "1") == {"id": "1", "at": T3, "age": "31"}
    assert online(store, group, "2") == {"id": "2", "at": T1, "score": "1.0"}
    assert told == [("read", 3), ("online", 2)]


def test_the_files_have_the_columns_that_the_store_adds(store: Stored) -> None:
    group = make_group(store)
    ingest(store, group, ROWS)
    read = pq.read_table(store.features.files.list(group)[0].path)
    assert read.column_names[-3:] == ["write_time", "api_invocation_time", "is_deleted"]
    now = store.clock.now().replace(tzinfo=None)
    assert read["write_time"].to_pylist() == [now, now]
    assert read["is_deleted"].to_pylist() == [False, False]


def test_the_same_rows_given_again_are_the_same_ingest(store: Stored) -> None:
    group = make_group(store)
    first = ingest(store, group, ROWS)
    again = ingest(store, group, ROWS)
    assert again == Ingested(first.ingest, 3, 2, 0, is_new=False)
    assert len(offline(store, group)) == 3


def test_the_same_id_is_the_same_ingest_and_another_one_is_not(store: Stored) -> None:
    group = make_group(store)
    assert ingest(store, group, ROWS, ingest_id="monday").is_new
    assert not ingest(store, group, ROWS.slice(0, 1), ingest_id="monday").is_new
    assert ingest(store, group, ROWS, ingest_id="tuesday").is_new
    assert len(offline(store, group)) == 6


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 201, "a b"])
def test_an_id_that_could_lead_elsewhere_is_refused(store: Stored, name: str) -> None:
    if name:
        with pytest.raises(InvalidInputError, match="cannot be the id"):
            ingest(store, make_group(store), ROWS, ingest_id=name)


def test_older_rows_do_not_replace_newer_ones_online(store: Stored) -> None:
    group = make_group(store)
    ingest(store, group, table((1, T3, 40, None)))
    ingest(store, group, table((1, T1, 30, None), (2, T1, 20, None)))
    ingest(store, group, table((1, T3, 50, None)))
    assert online(store, group, "1") == {"id": "1", "at": T3, "age": "40"}
    assert online(store, group, "2") == {"id": "2", "at": T1, "age": "20"}


def test_of_equal_event_times_the_first_row_is_online_as_if_put_one_by_one(store: Stored) -> None:
    group, beside = make_group(store), make_group(store, name="Beside")
    ingest(store, group, table((1, T1, 1, None), (1, T1, 2, None)))
    for age in (1, 2):
        from stepmill.catalog.features.writing import Put

        store.features.writing.put(Put(beside, record(id=1, at=T1, age=age)))
    assert online(store, group, "1") == online(store, beside, "1") == {"id": "1", "at": T1, "age": "1"}


def test_what_was_put_is_older_or_newer_as_its_event_time_says(store: Stored) -> None:
    from stepmill.catalog.features.writing import Put

    group = make_group(store)
    store.features.writing.put(Put(group, record(id=1, at=T2, age=5)))
    ingest(store, group, table((1, T1, 4, None), (1, T3, 6, None)))
    store.features.writing.put(Put(group, record(id=1, at="2026-01-01T01:00:00Z", age=7)))
    assert online(store, group, "1") == {"id": "1", "at": T3, "age": "6"}
    assert [row["age"] for row in offline(store, group)] == [4, 5, 7, 6]


def test_nothing_goes_online_where_it_is_not_wanted_or_not_there(store: Stored) -> None:
    group = make_group(store)
    assert ingest(store, group, ROWS, online=False).online == 0
    assert online(store, group, "1") is None
    without = make_group(store, name="Without", OnlineStoreConfig={"EnableOnlineStore": False})
    assert ingest(store, without, ROWS).online == 0
    assert len(offline(store, without)) == 3


def test_a_group_without_files_gets_the_newest_rows(store: Stored) -> None:
    group = make_group(store, name="Online", OfflineStoreConfig=None)
    done = ingest(store, group, ROWS)
    assert (done.files, done.online) == (0, 2)
    assert online(store, group, "1") == {"id": "1", "at": T3, "age": "31"}


def test_records_live_as_long_as_their_group_says(store: Stored) -> None:
    config = {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Hours", "Value": 1}}
    group = make_group(store, OnlineStoreConfig=config)
    ingest(store, group, table((1, T1, 30, None)))
    row = store.rows.get(group.id, "1")
    assert row is not None
    assert row.expires_at == row.event_time + 3_600_000_000


def test_many_parts_are_one_ingest(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PART_ROWS", 7)
    rows = [(i % 10, f"2026-01-01T{i % 3:02}:00:{i % 60:02}Z", i, i / 2) for i in range(100)]
    whole, parts = make_group(store, name="Whole"), make_group(store, name="Parts")
    done = ingest(store, parts, table(*rows))
    monkeypatch.undo()
    assert ingest(store, whole, table(*rows)).online == 10
    assert done.rows == 100
    assert sorted(row["age"] for row in offline(store, parts)) == list(range(100))
    for identifier in map(str, range(10)):
        assert online(store, parts, identifier) == online(store, whole, identifier)


def test_wrong_rows_are_all_told_and_nothing_is_written(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PART_ROWS", 2)
    frame = pd.DataFrame(
        {
            "id": [1, 2, None, 4],
            "at": [T1, "yesterday", T1, None],
            "age": ["1", "x", "2.5", ""],
            "scores": [1.0, 2.0, 3.0, 4.0],
        }
    )
    group = make_group(store)
    with pytest.raises(InvalidRowsError) as caught:
        ingest(store, group, frame)
    found = {finding.code: finding for finding in caught.value.findings}
    assert set(found) == {
        "UNKNOWN_COLUMN", "WRONG_TYPE", "MISSING_IDENTIFIER", "WRONG_EVENT_TIME", "MISSING_EVENT_TIME",
    }  # fmt: skip
    assert "'x' (row 1), '2.5' (row 2), '' (row 3)" in found["WRONG_TYPE"].message
    assert found["WRONG_TYPE"].path == "age[1]"
    assert found["MISSING_IDENTIFIER"].path == "id[2]"
    assert found["MISSING_EVENT_TIME"].path == "at[3]"
    assert "'yesterday' (row 1)" in found["WRONG_EVENT_TIME"].message
    assert "Did you mean 'score'?" in found["UNKNOWN_COLUMN"].mend
    assert offline(store, group) == []
    assert online(store, group, "1") is None
    assert list((store.features.files._folder).glob("ingest-*")) == []


def test_columns_that_have_to_be_there_are_missed(store: Stored) -> None:
    with pytest.raises(InvalidRowsError) as caught:
        ingest(store, make_group(store), pa.table({"age": [1]}))
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("MISSING_COLUMN", "id"),
        ("MISSING_COLUMN", "at"),
    ]


def test_a_record_that_is_too_large_is_refused(store: Stored) -> None:
    group = make_group(
        store,
        FeatureDefinitions=[
            {"FeatureName": "id", "FeatureType": "String"},
            {"FeatureName": "at", "FeatureType": "Fractional"},
            {"FeatureName": "text", "FeatureType": "String"},
        ],
    )
    source = pa.table({"id": ["a", "b" * 3000, ""], "at": [1.0, 2e12, 3.0], "text": ["x" * 400_000, "", ""]})
    with pytest.raises(InvalidRowsError) as caught:
        ingest(store, group, source)
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("LONG_IDENTIFIER", "id[1]"),
        ("MISSING_IDENTIFIER", "id[2]"),
        ("WRONG_EVENT_TIME", "at[1]"),
        ("LARGE_RECORD", "rows[0]"),
    ]


def test_csv_and_parquet_files_and_folders_of_them_are_read(store: Stored, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    pa.csv.write_csv(ROWS, folder / "a.csv")
    pq.write_table(ROWS, folder / "b.parquet")
    ROWS.to_pandas().to_csv(folder / "c.csv.gz", index=False, float_format="%.1f")
    (folder / "_SUCCESS").write_text("")
    groups = [make_group(store, name=f"G{i}") for i in range(4)]
    for group, source in zip(groups, ["a.csv", "b.parquet", "", "c.csv.gz"], strict=True):
        ingest(store, group, folder / source)
    # In that of pandas whole numbers with gaps are written like 30.0.
    assert offline(store, groups[0]) == offline(store, groups[1]) == offline(store, groups[3])
    assert len(offline(store, groups[2])) == 9


def test_a_ragged_line_is_told_by_its_number(store: Stored, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"id,at,age,score\n1,{T1},3,1\n2,{T1},3\n3,{T1},3,1,7\n")
    with pytest.raises(InvalidRowsError) as caught:
        ingest(store, make_group(store), path)
    (finding,) = caught.value.findings
    assert finding.code == "RAGGED_ROW"
    assert "'3 values' (row 1), '5 values' (row 2)" in finding.message
    assert str(path) in finding.path


def test_names_and_values_in_any_script_and_with_quotes_come_through(store: Stored, tmp_path: Path) -> None:
    group = make_group(
        store,
        FeatureDefinitions=[
            {"FeatureName": "id", "FeatureType": "String"},
            {"FeatureName": "at", "FeatureType": "String"},
            {"FeatureName": "age", "FeatureType": "String"},
            {"FeatureName": "score", "FeatureType": "String"},
        ],
    )
    source = pd.DataFrame({"id": ["Zoë \"q\" 'x'"], "at": [T1], "age": ["a,b\nc"], "score": ["日本"]})
    path = tmp_path / "rows.csv"
    source.to_csv(path, index=False)
    ingest(store, group, path)
    assert offline(store, group) == source.to_dict("records")
    assert online(store, group, "Zoë \"q\" 'x'") is not None


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("x.parquet", "no parquet", InvalidInputError),
        ("x.txt", "a", InvalidInputError),
        ("x.csv", "a,a\n1,2\n", InvalidInputError),
        ("x.csv", "", InvalidInputError),
        ("none.csv", None, NotFoundError),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    store: Stored, tmp_path: Path, name: str, text: str | None, error: type[Exception]
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error) as caught:
        ingest(store, make_group(store), tmp_path / name)
    assert name in str(caught.value)


def test_what_is_no_table_is_refused(store: Stored) -> None:
    with pytest.raises(InvalidInputError, match="A int cannot be ingested"):
        ingest(store, make_group(store), 7)


def test_no_rows_at_all_are_an_ingest(store: Stored) -> None:
    done = ingest(store, make_group(store), ROWS.slice(0, 0))
    assert (done.rows, done.files, done.online) == (0, 0, 0)


def test_features_added_since_are_null_in_older_rows(store: Stored) -> None:
    group = make_group(store)
    ingest(store, group, ROWS)
    more = [{"FeatureName": "tags", "FeatureType": "String", "CollectionType": "List"}]
    group = store.features.groups.update(group.name, {"FeatureAdditions": more})
    ingest(store, group, [{"id": 9, "at": T2, "tags": ["a", "b"]}])
    read = store.features.offline.snapshot(group, ["id", "tags"])
    assert read.to_pylist() == [
        {"id": 1, "tags": None},
        {"id": 2, "tags": None},
        {"id": 9, "tags": ["a", "b"]},
    ]
    assert online(store, group, "9") == {"id": "9", "at": T2, "tags": ["a", "b"]}


def test_a_group_that_has_gone_gets_nothing(store: Stored) -> None:
    group = make_group(store)
    store.features.delete(group.name)
    with pytest.raises(NotFoundError):
        ingest(store, group, ROWS)
    assert store.features.files.list(group) == []


def test_two_ingests_at_once_are_both_there(store: Stored) -> None:
    group = make_group(store)
    tables = [table(*((i, T1, n, float(i)) for i in range(500))) for n in range(3)]
    threads = [threading.Thread(target=ingest, args=(store, group, each)) for each in [*tables, tables[0]]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(offline(store, group)) == 1500
    assert {online(store, group, str(i))["age"] for i in range(500)} <= {"0", "1", "2"}  # type: ignore[index]


def test_datetimes_become_event_times(store: Stored) -> None:
    group = make_group(store)
    at = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    ingest(store, group, pd.DataFrame({"id": [1], "at": [at]}))
    assert offline(store, group)[0]["at"] == T2


def test_an_ingest_that_was_killed_before_the_end_is_finished_by_the_next_one(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(store)
    ingests = store.features.ingests

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store.rows, "put_newer", die)
        with pytest.raises(KeyboardInterrupt):
            ingest(store, group, ROWS)
    assert ingests.is_pending(group)
    assert len(offline(store, group)) == 3
    assert store.features.compaction.compact(group, least=1).before == 0
    assert online(store, group, "1") is None
    again = ingest(store, group, ROWS)
    assert (again.is_new, again.finished) == (False, (again.ingest,))
    assert ingest(store, group, ROWS).finished == ()
    assert online(store, group, "1") == {"id": "1", "at": T3, "age": "31"}
    assert not ingests.is_pending(group)
    assert len(offline(store, group)) == 3


def test_a_store_that_fails_half_way_tells_how_the_rest_is_done(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(store)

    def full(*_args: object) -> None:
        raise StorageFullError("No room is left.", where="disk", mend="Free some.")

    with monkeypatch.context() as patched:
        patched.setattr(store.rows, "put_newer", full)
        with pytest.raises(StorageFullError, match="not all of them in the online store") as failed:
            ingest(store, group, ROWS, ingest_id="mine")
    assert failed.value.where == "disk"
    assert failed.value.mend == ("Free some. Then ingest the same rows again, or others: that finishes mine.")
    other = ingest(store, group, table((9, T1, 9, 0.5)))
    assert (other.is_new, other.finished) == (True, ("mine",))
    assert online(store, group, "1") == {"id": "1", "at": T3, "age": "31"}
