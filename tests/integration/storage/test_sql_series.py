from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import Database
from stepmill.storage.series import SeriesPoint, SeriesSummary
from stepmill.storage.sql_series import POINTS_PER_ROW, SqlSeriesStore

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["loss", 'val/löss \'n "acc"', "%_", "", "x" * 2000]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlSeriesStore]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield SqlSeriesStore(database)
    database.close()


def points(count: int, begin: int = 0) -> list[SeriesPoint]:
    return [SeriesPoint(START + timedelta(seconds=n), n / 4, n) for n in range(begin, begin + count)]


@pytest.mark.parametrize("name", NAMES)
def test_points_come_back_in_order_with_their_summary(store: SqlSeriesStore, name: str) -> None:
    store.append("run", {name: points(3), "other": points(1)})
    store.append("run", {name: points(2, begin=3)})
    assert list(store.points("run", name)) == points(5)
    assert store.summaries("run")[name] == SeriesSummary().with_points(points(5))
    assert list(store.points("run", "none")) == list(store.points("none", name)) == []


@pytest.mark.parametrize("size", [1, 7, POINTS_PER_ROW - 1, POINTS_PER_ROW, POINTS_PER_ROW + 1, 1000])
def test_it_does_not_matter_in_how_many_pieces_they_came(store: SqlSeriesStore, size: int) -> None:
    everything = points(1000)
    for begin in range(0, 1000, size):
        store.append("run", {"loss": everything[begin : begin + size]})
    assert list(store.points("run", "loss")) == everything
    assert store.summaries("run") == {"loss": SeriesSummary().with_points(everything)}
    for start, limit in ((0, 1), (127, 3), (128, 128), (999, 5), (1000, 5), (5000, 1), (300, None), (3, 0)):
        end = None if limit is None else start + limit
        assert list(store.points("run", "loss", start=start, limit=limit)) == everything[start:end]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 5e-324])
def test_every_number_is_kept(store: SqlSeriesStore, value: float) -> None:
    store.append("run", {"loss": [SeriesPoint(START, value)]})
    (found,) = store.points("run", "loss")
    summary = store.summaries("run")["loss"]
    assert str(found.value) == str(summary.last) == str(summary.top) == str(value)
    assert found.step is None is summary.last_step


def test_others_stay_as_they_are(store: SqlSeriesStore) -> None:
    for owner in ("one", "two"):
        store.append(owner, {"a": points(200), "b": points(2)})
    store.replace("one", {"a": points(1, begin=9), "b": []})
    assert list(store.points("one", "a")) == points(1, begin=9)
    assert list(store.summaries("one")) == ["a"]
    store.forget("one")
    assert store.summaries("one") == {}
    assert list(store.points("two", "a")) == points(200)
    found = store.summaries_of(["one", "two"], ["b"])
    assert found == {"two": {"b": SeriesSummary().with_points(points(2))}}


def test_all_of_a_call_are_kept_or_none(store: SqlSeriesStore) -> None:
    with pytest.raises(OverflowError):
        store.append("run", {"a": points(1), "b": [SeriesPoint(START, 10**400)]})
    assert store.summaries("run") == {}
    with pytest.raises(InvalidInputError):
        store.append("run", {"a": points(1), "\ud800": points(1)})
    assert store.summaries("run") == {}


def test_no_point_of_two_writers_is_lost(store: SqlSeriesStore) -> None:
    def write(begin: int) -> None:
        for n in range(100):
            store.append("run", {"loss": points(1, begin=begin + n)})

    writers = [threading.Thread(target=write, args=(begin,)) for begin in (0, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = list(store.points("run", "loss"))
    assert sorted(found, key=lambda point: point.at) == points(200)
    assert store.summaries("run")["loss"].count == 200
