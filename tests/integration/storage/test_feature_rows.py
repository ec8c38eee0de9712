"""Rows of the feature store: the newest records, the journal, and what of it is claimed."""

from __future__ import annotations

import pytest

from stepmill.core.clock import SystemClock
from stepmill.storage.database import Database
from stepmill.storage.features import FeatureRows, JournalRow, OnlineRow
from stepmill.storage.sql_records import SqlRecordStore


@pytest.fixture
def rows(database: Database) -> FeatureRows:
    return FeatureRows(database)


def online(identifier: str, expires_at: int | None = None, body: bytes = b"x") -> OnlineRow:
    return OnlineRow(identifier, 5, expires_at, False, body)


def written(number: int) -> JournalRow:
    return JournalRow(number, number + 1, number % 2 == 1, b"%d" % number)


def test_a_record_is_put_replaced_and_deleted(rows: FeatureRows) -> None:
    assert rows.get("g", "1") is None
    rows.put("g", online("1"))
    newer = OnlineRow("1", 7, 9, True, b"new")
    rows.put("g", newer)
    assert rows.get("g", "1") == newer
    assert rows.get("other", "1") is None
    assert rows.size("g") == (1, 4)
    rows.delete("g", "1")
    rows.delete("g", "1")
    assert rows.size("g") == (0, 0)


def test_records_are_paged_by_identifier(rows: FeatureRows) -> None:
    for identifier in ("b", "ü", "a", "c"):
        rows.put("g", online(identifier))
    rows.put("other", online("d"))
    assert [row.identifier for row in rows.page("g", limit=2)] == ["a", "b"]
    assert [row.identifier for row in rows.page("g", after="b")] == ["c", "ü"]
    rows.clear("g")
    assert rows.page("g") == []
    assert rows.size("other")[0] == 1


def test_those_whose_time_is_over_are_found(rows: FeatureRows) -> None:
    for identifier, expires_at in (("a", 30), ("b", None), ("c", 10), ("d", 20)):
        rows.put("g", online(identifier, expires_at))
    assert [row.identifier for _, row in rows.expired(20)] == ["c", "d"]
    assert [(group, row.identifier) for group, row in rows.expired(99, limit=1)] == [("g", "c")]


def test_the_journal_is_claimed_read_and_settled(rows: FeatureRows) -> None:
    rows.append("g", [written(number) for number in range(5)])
    rows.append("other", [written(9)])
    assert rows.waiting("g") == 5
    assert sorted(rows.groups_waiting()) == ["g", "other"]
    last = rows.claim("g", 3)
    assert [row.event_time for row in rows.journal("g", last)] == [0, 1, 2]
    # Until that is settled the same ones are claimed, whatever came meanwhile.
    rows.append("g", [written(5)])
    assert rows.claim("g", 100) == last
    rows.settle("g", last)
    found = rows.journal("g", rows.claim("g", 100))
    assert [(row.event_time, row.invoked_at, row.is_deleted, row.body) for row in found] == [
        (3, 4, True, b"3"), (4, 5, False, b"4"), (5, 6, True, b"5"),
    ]  # fmt: skip
    rows.settle("g", found[-1].position)
    assert rows.claim("g", 100) == 0
    assert rows.groups_waiting() == ["other"]


def test_positions_are_never_given_twice(rows: FeatureRows) -> None:
    """A name of a file is made of them: the next rows must not take those of rows that are gone."""
    rows.append("g", [written(1)])
    first = rows.claim("g", 1)
    rows.settle("g", first)
    rows.append("g", [written(2)])
    assert rows.claim("g", 1) > first


def test_what_a_transaction_leaves_by_an_error_was_not_written(rows: FeatureRows) -> None:
    def fail() -> None:
        with rows.transaction():
            rows.put("g", online("1"))
            rows.append("g", [written(1)])
            assert rows.get("g", "1") is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows.get("g", "1") is None
    assert rows.waiting("g") == 0


def test_the_version_of_a_record_tells_it_from_others(database: Database, rows: FeatureRows) -> None:
    records = SqlRecordStore(database, SystemClock())
    assert rows.version("k", "n") is None
    records.create("k", "n", {}, parent="one")
    assert rows.version("k", "n") == ("one", 1)
    records.update("k", "n", lambda record: record.__class__(**{**vars(record), "status": "x"}))
    assert rows.version("k", "n") == ("one", 2)
