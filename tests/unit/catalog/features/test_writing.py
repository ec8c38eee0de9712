"""What is written to which store, and which record the online store keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.online import DeletionMode
from stepmill.catalog.features.writing import Put
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from support.features import Stored, definition, group_request, make_group, offline_rows, record, stored

DAY = "2026-01-{:02}T00:00:00Z"
MINUTE, HOUR = 60_000_000, 3_600_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


@pytest.fixture
def group(store: Stored) -> FeatureGroup:
    return make_group(store)


def put(store: Stored, group: FeatureGroup, day: int, identifier: int = 1, **more: Any) -> None:
    values = {"id": identifier, "at": DAY.format(day), **more.pop("values", {})}
    store.features.writing.put(Put(group, record(**values), **more))


def online(store: Stored, group: FeatureGroup, identifier: str = "1") -> dict[str, Any] | None:
    found = store.features.reading.get(group, identifier)
    return None if found is None else found.values


def days(store: Stored, group: FeatureGroup) -> list[tuple[str, bool]]:
    return [(row["at"][8:10], row["is_deleted"]) for row in offline_rows(store, group)]


def test_a_record_goes_to_both_stores(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 1, values={"age": 30, "score": 0.5})
    assert online(store, group) == {"id": "1", "at": DAY.format(1), "age": "30", "score": "0.5"}
    (row,) = offline_rows(store, group)
    now = store.clock.now().replace(tzinfo=None)
    assert row == {
        "id": 1, "at": DAY.format(1), "age": 30, "score": 0.5,
        "write_time": now, "api_invocation_time": now, "is_deleted": False,
    }  # fmt: skip


def test_an_older_record_goes_to_the_offline_store_alone(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 5, values={"age": 5})
    put(store, group, 3, values={"age": 3})
    put(store, group, 5, values={"age": 55})  # as old is not newer
    assert online(store, group) == {"id": "1", "at": DAY.format(5), "age": "5"}
    put(store, group, 6)
    # It is written over as a whole.
    assert online(store, group) == {"id": "1", "at": DAY.format(6)}
    assert [day for day, _ in days(store, group)] == ["03", "05", "05", "06"]


@pytest.mark.parametrize(
    ("stores", "is_online", "offline"),
    [(("OnlineStore",), True, 0), (("OfflineStore",), False, 1), (("OfflineStore", "OnlineStore"), True, 1)],
)
def test_a_record_goes_where_it_is_sent(
    store: Stored, group: FeatureGroup, stores: tuple[str, ...], is_online: bool, offline: int
) -> None:
    put(store, group, 1, stores=stores)
    assert (online(store, group) is not None) is is_online
    assert len(days(store, group)) == offline


@pytest.mark.parametrize(
    ("name", "target"), [("OnlineStoreConfig", "OnlineStore"), ("OfflineStoreConfig", "OfflineStore")]
)
def test_a_store_that_is_none_is_refused_and_passed_over(store: Stored, name: str, target: str) -> None:
    request = group_request("half")
    del request[name]
    half = store.features.groups.create(request)
    put(store, half, 1)
    with pytest.raises(InvalidInputError, match=f"{target}, which is not enabled"):
        put(store, half, 2, stores=[target])


def test_a_soft_deletion_hides_and_keeps_older_ones_away(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 3, values={"age": 3})
    store.features.writing.delete(group, "1", DAY.format(5))
    assert online(store, group) is None
    put(store, group, 4)
    assert online(store, group) is None
    put(store, group, 6)
    assert online(store, group) == {"id": "1", "at": DAY.format(6)}
    assert days(store, group) == [("03", False), ("04", False), ("05", True), ("06", False)]
    marker = offline_rows(store, group)[2]
    assert (marker["id"], marker["at"], marker["age"]) == (1, DAY.format(5), None)


def test_a_soft_deletion_that_is_not_newer_is_only_told(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 5)
    for day in (4, 5):
        store.features.writing.delete(group, "1", DAY.format(day))
    assert online(store, group) == {"id": "1", "at": DAY.format(5)}
    assert [deleted for _, deleted in days(store, group)] == [True, False, True]


def test_a_hard_deletion_leaves_nothing(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 5)
    for day in (4, 5):
        with pytest.raises(InvalidInputError, match="EventTime"):
            store.features.writing.delete(group, "1", DAY.format(day), mode=DeletionMode.HARD)
    assert online(store, group) is not None
    store.features.writing.delete(group, "1", DAY.format(6), mode=DeletionMode.HARD)
    assert online(store, group) is None
    put(store, group, 1)
    assert online(store, group) == {"id": "1", "at": DAY.format(1)}
    assert days(store, group) == [("01", False), ("05", False), ("06", True)]


def test_what_is_not_there_can_be_deleted(store: Stored, group: FeatureGroup) -> None:
    store.features.writing.delete(group, "7", DAY.format(2), mode=DeletionMode.HARD)
    store.features.writing.delete(group, "8", DAY.format(2))
    assert days(store, group) == [("02", True), ("02", True)]
    put(store, group, 1, 8)
    assert online(store, group, "8") is None


@pytest.mark.parametrize("text", ["yesterday", "", "2026-01-01"])
def test_a_deletion_has_a_moment(store: Stored, group: FeatureGroup, text: str) -> None:
    with pytest.raises(InvalidInputError, match="not in the format"):
        store.features.writing.delete(group, "1", text)


def test_a_record_lives_as_long_as_it_or_its_group_says(store: Stored) -> None:
    config = {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Hours", "Value": 2}}
    group = make_group(store, OnlineStoreConfig=config)
    put(store, group, 1, 1)
    put(store, group, 1, 2, ttl_micros=MINUTE)
    found = store.features.reading.get(group, "1")
    assert found is not None
    assert found.expires_at == "2026-01-01T02:00:00Z"
    store.clock.advance(timedelta(minutes=1))
    assert online(store, group, "2") is None
    assert online(store, group, "1") is not None
    store.clock.advance(timedelta(hours=2))
    assert online(store, group, "1") is None


def test_a_record_whose_time_is_over_keeps_nobody_away(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 5, ttl_micros=MINUTE)
    store.clock.advance(timedelta(days=6))
    put(store, group, 3)
    assert online(store, group) == {"id": "1", "at": DAY.format(3)}


def test_those_whose_time_is_over_are_removed_and_told(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 1, 1, ttl_micros=HOUR)
    put(store, group, 1, 2)
    writing, groups = store.features.writing, {group.id: group}
    assert writing.expire(groups) == 0
    store.clock.advance(timedelta(hours=1))
    assert writing.expire(groups) == 1
    assert store.rows.get(group.id, "1") is None
    assert [(row["id"], row["at"], row["is_deleted"]) for row in offline_rows(store, group)] == [
        (1, "2026-01-01T00:00:00Z", False),
        (2, "2026-01-01T00:00:00Z", False),
        (1, "2026-01-01T01:00:00Z", True),
    ]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 28), st.sampled_from(["put", "soft"])), max_size=8))
def test_in_whatever_order_they_come_the_newest_stays(
    store: Stored, group: FeatureGroup, events: list[tuple[int, str]]
) -> None:
    store.rows.clear(group.id)
    before = len(days(store, group))
    newest: tuple[int, str] = (0, "soft")
    for day, what in events:
        if what == "put":
            put(store, group, day)
        else:
            store.features.writing.delete(group, "1", DAY.format(day))
        newest = (day, what) if day > newest[0] else newest
    expected = None if newest[1] == "soft" else {"id": "1", "at": DAY.format(newest[0])}
    assert online(store, group) == expected
    assert len(days(store, group)) - before == len(events)


def test_two_writers_on_one_group_do_no_harm(store: Stored, group: FeatureGroup) -> None:
    def write(first: int) -> None:
        for day in range(first, 29, 2):
            put(store, group, day, values={"age": day})

    threads = [threading.Thread(target=write, args=(first,)) for first in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert online(store, group) == {"id": "1", "at": DAY.format(28), "age": "28"}
    assert [day for day, _ in days(store, group)] == [f"{day:02}" for day in range(1, 29)]


def test_of_several_records_those_that_can_be_are_written(store: Stored, group: FeatureGroup) -> None:
    entries = [
        Put(group, record(id=1, at=DAY.format(1))),
        Put(group, record(id=2, at="never")),
        Put(group, record(id=1, at=DAY.format(2))),
        Put(group, record(id=3, at=DAY.format(1)), ("Elsewhere",)),
    ]
    outcomes = store.features.writing.put_each(entries)
    assert [type(outcome) for outcome in outcomes] == [type(None), InvalidInputError, type(None), type(None)]
    assert online(store, group) == {"id": "1", "at": DAY.format(2)}
    assert store.features.writing.put_each([]) == []


def test_nothing_is_written_to_a_group_that_has_gone(store: Stored, group: FeatureGroup) -> None:
    store.features.delete("customers")
    anew = make_group(store)
    with pytest.raises(NotFoundError, match="can't find a FeatureGroup with name Customers"):
        put(store, group, 1)
    (outcome,) = store.features.writing.put_each([Put(group, record(id=1, at=DAY.format(1)))])
    assert isinstance(outcome, NotFoundError)
    assert online(store, anew) is None
    assert store.rows.groups_waiting() == []


def test_quotes_and_unicode_come_back_as_they_were(store: Stored) -> None:
    definitions = [definition("id"), definition("at"), definition("text")]
    group = make_group(store, FeatureDefinitions=definitions)
    values = {"id": 'O\'Brien "日本" ; drop table', "at": DAY.format(1), "text": "é\u0000\t🎈' OR 1=1 --"}
    store.features.writing.put(Put(group, record(**values)))
    assert online(store, group, values["id"]) == values
    (row,) = offline_rows(store, group)
    assert {name: row[name] for name in values} == values


def test_collections_are_kept_as_lists(store: Stored) -> None:
    definitions = [*group_request()["FeatureDefinitions"], definition("l", "Integral", CollectionType="List")]
    group = make_group(store, FeatureDefinitions=definitions)
    put(store, group, 1, values={"l": [3, 1]})
    found = online(store, group)
    assert found is not None
    assert found["l"] == ["3", "1"]
    assert offline_rows(store, group)[0]["l"] == [3, 1]


@pytest.fixture
def updatable(store: Stored) -> FeatureGroup:
    return make_group(
        store, name="v2", OnlineStoreConfig={"EnableOnlineStore": True, "StorageType": "Standard_V2"}
    )


def test_some_values_of_a_record_are_changed(store: Stored, updatable: FeatureGroup) -> None:
    put(store, updatable, 3, values={"age": 3, "score": 1})
    update = store.features.writing.update
    update(updatable, "1", record(age=4))
    assert online(store, updatable) == {"id": "1", "at": DAY.format(3), "score": "1", "age": "4"}
    update(updatable, "1", record(at=DAY.format(4), score=2))
    assert online(store, updatable) == {"id": "1", "at": DAY.format(4), "score": "2", "age": "4"}
    assert [(row["age"], row["score"]) for row in offline_rows(store, updatable)] == [(3, 1), (4, 1), (4, 2)]


@pytest.mark.parametrize(
    ("identifier", "features", "ttl", "kind", "said"),
    [
        ("7", {"age": 1}, None, NotFoundError, "has no record '7'"),
        ("1", {"at": DAY.format(2)}, None, ConflictError, "older than the record's current EventTime"),
        ("1", {"age": "x"}, None, InvalidInputError, "'age' as type 'Integral' failed"),
        ("1", {"id": 2}, None, InvalidInputError, "'id' cannot be updated"),
        ("1", {"age": 1}, MINUTE, InvalidInputError, "needs an EventTime"),
        ("1", {}, None, InvalidInputError, "1 to 100 features"),
    ],
)
def test_changes_that_are_refused(
    store: Stored, updatable: FeatureGroup, identifier: str, features: dict[str, Any], ttl: int | None,
    kind: type[Exception], said: str,
) -> None:  # fmt: skip
    put(store, updatable, 3)
    with pytest.raises(kind, match=said):
        store.features.writing.update(updatable, identifier, record(**features), ttl_micros=ttl)
    assert online(store, updatable) == {"id": "1", "at": DAY.format(3)}


def test_only_some_types_of_stores_can_be_changed(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 3)
    with pytest.raises(InvalidInputError, match="Standard_V2 or InMemory"):
        store.features.writing.update(group, "1", record(age=1))
    new = store.features.groups.update("customers", {"OnlineStoreConfig": {"StorageType": "Standard_V2"}})
    store.features.writing.update(new, "1", record(age=1))
    with pytest.raises(InvalidInputError, match="cannot be changed into Standard"):
        store.features.groups.update("customers", {"OnlineStoreConfig": {"StorageType": "Standard"}})


def test_a_change_keeps_or_sets_how_long_a_record_lives(store: Stored, updatable: FeatureGroup) -> None:
    put(store, updatable, 1, ttl_micros=HOUR)
    update, get = store.features.writing.update, store.features.reading.get

    def expires_at() -> str | None:
        found = get(updatable, "1")
        return found.expires_at if found else "gone"

    update(updatable, "1", record(age=1))
    assert expires_at() == "2026-01-01T01:00:00Z"
    update(updatable, "1", record(at=DAY.format(2)))
    assert expires_at() == "2026-01-02T01:00:00Z"
    update(updatable, "1", record(at=DAY.format(2)), ttl_micros=MINUTE)
    assert expires_at() == "2026-01-02T00:01:00Z"


def test_no_time_to_live_takes_it_away(store: Stored) -> None:
    config = {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Hours", "Value": 2}}
    make_group(store, OnlineStoreConfig=config)
    none = {"TtlDuration": {"Unit": None, "Value": None}}
    new = store.features.groups.update("customers", {"OnlineStoreConfig": none})
    assert new.online is not None
    assert new.online.ttl_micros is None


def test_some_features_are_read(store: Stored, group: FeatureGroup) -> None:
    put(store, group, 1, values={"age": 30})
    found = store.features.reading.get(group, "1", ["age", "score"])
    assert found is not None
    assert found.values == {"age": "30"}
    with pytest.raises(InvalidInputError, match="'none' is not in FeatureGroup Customers"):
        store.features.reading.get(group, "1", ["none"])


def test_without_an_online_store_nothing_is_read(store: Stored) -> None:
    group = make_group(store, OnlineStoreConfig={"EnableOnlineStore": False})
    put(store, group, 1)
    for ask in (
        lambda: store.features.reading.get(group, "1"),
        lambda: store.features.reading.identifiers(group),
    ):
        with pytest.raises(InvalidInputError, match="online store of FeatureGroup Customers is not enabled"):
            ask()


def test_identifiers_are_listed_page_by_page(store: Stored, group: FeatureGroup) -> None:
    for identifier in range(7):
        put(store, group, 2, identifier)
    for identifier in (0, 1, 2, 5):
        store.features.writing.delete(group, str(identifier), DAY.format(3))
    reading = store.features.reading
    assert reading.identifiers(group, limit=2) == (["3", "4"], "4")
    assert reading.identifiers(group, limit=2, after="4") == (["6"], None)
    assert reading.identifiers(group, limit=3) == (["3", "4", "6"], None)
    assert reading.identifiers(group, with_deleted=True)[0] == [str(number) for number in range(7)]
    assert reading.identifiers(group, limit=7, with_deleted=True)[1] is None
