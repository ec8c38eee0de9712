"""The graph of lineage in the metadata database: what is kept, found, and reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.catalog.lineage.walk import Direction, Filters, Question, ask, walk
from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import Database, to_micros
from stepmill.storage.lineage import Edge, EdgeSelection, Entity, EntitySelection, LineageKind, Mark
from stepmill.storage.sql_lineage import SqlLineageStore
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing import FakeClock

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> SqlLineageStore:
    return SqlLineageStore(database)


def entity(name: str, place: str = "", kind: LineageKind = LineageKind.ARTIFACT, second: int = 0) -> Entity:
    at = START + timedelta(seconds=second)
    return Entity(f"arn:{name}", kind, "DataSet", name, place, at, at, place=place)


def edge(source: str, destination: str) -> Edge:
    return Edge(f"arn:{source}", f"arn:{destination}", "ContributedTo", START)


class TestKeeping:
    def test_what_is_there_stays_as_it_is(self, store: SqlLineageStore) -> None:
        store.record([entity("a", "s3://b/1")])
        store.record([entity("a", "s3://b/2"), entity("b")], [edge("a", "b"), edge("a", "b")])
        found = store.find("arn:a")
        assert found is not None
        assert found.source_uri == "s3://b/1"
        assert store.degree("arn:a", limit=5) == 1
        assert not store.add(entity("a"))

    def test_neighbours_are_the_other_ends_of_links(self, store: SqlLineageStore) -> None:
        store.record([entity(name) for name in "abcd"], [edge("a", "b"), edge("a", "c"), edge("b", "d")])
        ids = [found.id for name in "abcd" if (found := store.find(f"arn:{name}"))]
        for upstream in (True, False):
            for limit in (1, 2, 10):
                links = store.links(ids, upstream=upstream, limit=limit)
                others = [link.source if upstream else link.destination for link in links]
                assert store.neighbours(ids, upstream=upstream, limit=limit) == others
        assert store.neighbours([], upstream=True, limit=10) == []
        assert len(store.between(ids)) == 3

    def test_entities_come_without_their_bodies_where_nobody_needs_them(self, store: SqlLineageStore) -> None:
        store.record([replace(entity("a", "s3://b/1", second=3), body={"Properties": {"x": "1"}})])
        whole = store.find("arn:a")
        assert whole is not None
        [bare] = store.entities([whole.id], with_body=False).values()
        assert whole.body == {"Properties": {"x": "1"}}
        assert bare == replace(whole, body={})

    def test_edges_to_nowhere_are_passed_over(self, store: SqlLineageStore) -> None:
        store.record([entity("a")], [edge("a", "missing"), edge("missing", "a")])
        assert store.degree("arn:a") == 0
        assert not store.connect(edge("a", "missing"))
        assert not store.disconnect("arn:a", "arn:missing")

    def test_an_entity_is_changed(self, store: SqlLineageStore) -> None:
        store.add(entity("a"))
        later = START + timedelta(hours=1)
        store.update("arn:a", lambda old: replace(old, digest="sha256:1", body={"x": 1}, modified_at=later))
        found = store.find("arn:a")
        assert found is not None
        assert (found.digest, found.body, found.modified_at) == ("sha256:1", {"x": 1}, later)
        assert store.update("arn:missing", lambda old: old) is None

    def test_of_a_content_the_oldest_is_found(self, store: SqlLineageStore) -> None:
        some = [replace(entity(f"e{n}", second=9 - n), digest=f"sha256:{n % 2}") for n in range(6)]
        store.record([*some, entity("none")])
        found = store.oldest_with(["sha256:0", "sha256:1", "sha256:x", ""])
        assert {digest: one.arn for digest, one in found.items()} == {
            "sha256:0": "arn:e4",
            "sha256:1": "arn:e5",
        }
        assert store.oldest_with([]) == {}

    def test_what_is_to_be_digested_comes_in_the_order_of_its_size(self, store: SqlLineageStore) -> None:
        sizes = (300, 5, 70)
        some = [replace(entity(f"e{n}"), digest=f"pending:{size:020}") for n, size in enumerate(sizes)]
        store.record([*some, replace(entity("old"), digest="pending:12"), entity("none")])

        def names(first: str, last: str, limit: int = 10) -> list[str]:
            return [one.name for one in store.pending(first, last, limit=limit)]

        everything = ("pending:", "pending:\uffff")
        # What was written before sizes had zeros in front comes last.
        assert names(*everything) == ["e1", "e2", "e0", "old"]
        assert names(*everything, limit=2) == ["e1", "e2"]
        assert names(f"pending:{6:020}", f"pending:{70:020}") == ["e2"]
        store.digested({"arn:e1": "sha256:1", "arn:gone": "sha256:2"}, [edge("e1", "e0")])
        assert names(*everything) == ["e2", "e0", "old"]
        assert store.degree("arn:e1") == 1

    def test_only_what_has_no_edges_is_deleted(self, store: SqlLineageStore) -> None:
        store.record([entity("a"), entity("b")], [edge("a", "b")])
        assert not store.delete("arn:b")
        assert store.disconnect("arn:a", "arn:b")
        assert store.delete("arn:b")
        assert not store.delete("arn:b")

    def test_half_a_character_is_refused(self, store: SqlLineageStore) -> None:
        with pytest.raises(InvalidInputError):
            store.add(entity("a\udc80"))
        with pytest.raises(InvalidInputError):
            store.find("\udc80")


class TestPlaces:
    def test_what_lies_below_a_place(self, store: SqlLineageStore) -> None:
        places = ("s3://b/data", "s3://b/data/x", "s3://b/data/x/y", "s3://b/data2", "s3://b/data%/z")
        store.record([entity(f"e{n}", place, second=n) for n, place in enumerate(places)])
        assert [one.place for one in store.below("s3://b/data")] == ["s3://b/data/x/y", "s3://b/data/x"]
        assert [one.place for one in store.at(["s3://b/data2", "s3://b/data", "none"])] == [
            "s3://b/data2",
            "s3://b/data",
        ]

    @pytest.mark.parametrize(("text", "found"), [("data%", ["e4"]), ("_", []), ("E3", ["e3"])])
    def test_texts_are_looked_for_as_they_are(
        self, store: SqlLineageStore, text: str, found: list[str]
    ) -> None:
        places = ("s3://b/data", "s3://b/data2", "s3://b/x", "s3://b/y", "s3://b/data%/z")
        store.record([entity(f"e{n}", place, second=n) for n, place in enumerate(places)])
        assert [one.name for one in store.like(text)] == found


class TestWhatIsStillToBeRecorded:
    def test_records_until_they_are_marked_and_again_when_they_change(
        self, store: SqlLineageStore, database: Database
    ) -> None:
        clock = FakeClock()
        records = SqlRecordStore(database, clock)
        for name, status in (("one", "Completed"), ("two", "InProgress"), ("three", "Failed")):
            clock.advance(timedelta(seconds=1))
            records.create("job", name, {}, status=status)

        def names() -> list[str]:
            found = store.unrecorded(["job", "other"], ["Completed", "Failed"], since=0, limit=10)
            return [name for _, name, _ in found]

        assert names() == ["one", "three"]
        assert len(store.unrecorded(["job"], [], since=0, limit=10)) == 3
        assert store.unrecorded(["job"], [], since=to_micros(clock.now()) + 1, limit=10) == []
        stamp = to_micros(records.get("job", "one").modified_at)
        store.record([], marks=[Mark("job", "one", stamp)])
        assert (names(), store.stamp("job", "one"), store.stamp("job", "x")) == (["three"], stamp, 0)
        clock.advance(timedelta(seconds=1))
        records.update("job", "one", lambda old: replace(old, body={"changed": True}))
        assert names() == ["three", "one"]


_GRAPHS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16)


def reachable(edges: set[tuple[int, int]], start: int, depth: int) -> set[int]:
    seen, frontier = {start}, {start}
    for _ in range(depth):
        frontier = {b for a, b in edges if a in frontier} - seen
        seen |= frontier
    return seen - {start}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_GRAPHS, st.integers(0, 7), st.integers(1, 5), st.integers(1, 4))
def test_a_walk_comes_to_all_that_can_be_reached_and_to_nothing_twice(
    database: Database, pairs: list[tuple[int, int]], start: int, depth: int, limit: int
) -> None:
    store = SqlLineageStore(database)
    with database.write() as connection:
        for table in ("lineage_edges", "lineage_entities"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    store.record([entity(str(n)) for n in range(8)], [edge(str(a), str(b)) for a, b in pairs])
    edges = set(pairs)
    here = store.find(f"arn:{start}")
    assert here is not None
    question = Question([here.arn], Direction.DOWN, depth=depth, limit=limit, include_edges=True)
    names: list[str] = []
    told: set[tuple[str, str]] = set()
    after: str | None = None
    while True:
        found = ask(store, [here], replace(question, after=after))
        names += [one.name for one in found.entities]
        told |= {(one.source, one.destination) for one in found.edges}
        after = found.next_token
        if after is None:
            break
    down = reachable(edges, start, depth)
    assert names[0] == str(start)
    assert sorted(names) == sorted(map(str, {start, *down}))
    inside = {start, *down}
    assert told == {(f"arn:{a}", f"arn:{b}") for a, b in edges if {a, b} <= inside}
    up = ask(store, [here], replace(question, direction=Direction.UP, limit=100))
    assert {int(one.name) for one in up.entities} - {start} == reachable(
        {(b, a) for a, b in edges}, start, depth
    )
    filtered = Filters(kinds=frozenset({"Artifact"}))
    both = ask(store, [here], Question([here.arn], depth=depth, filters=filtered))
    assert {one.name for one in both.entities} == {
        str(n) for n in (down | {int(one.name) for one in up.entities}) - {start}
    }


def test_of_several_properties_one_is_enough(store: SqlLineageStore) -> None:
    told = {"b": {"team": "churn"}, "c": {"stage": "test"}, "d": {"team": "other"}, "e": {}}
    some = [replace(entity(name), body={"Properties": properties}) for name, properties in told.items()]
    store.record([entity("a"), *some], [edge("a", name) for name in told])
    here = store.find("arn:a")
    assert here is not None
    filters = Filters(properties={"team": "churn", "stage": "test"})
    found = ask(store, [here], Question([here.arn], Direction.DOWN, filters))
    assert [one.name for one in found.entities] == ["b", "c"]
    assert found.entities[0].body == {"Properties": {"team": "churn"}}


def test_a_walk_stops_at_its_bound(store: SqlLineageStore) -> None:
    store.record([entity(str(n)) for n in range(50)], [edge("0", str(n)) for n in range(1, 50)])
    here = store.find("arn:0")
    assert here is not None
    reached = [one for far in walk(store, [here.id], Direction.DOWN, most_links=10) for one in far.ids]
    assert len(reached) == 10


@pytest.mark.parametrize("token", ["x", "bm8=", ""])
def test_tokens_of_others_are_refused(store: SqlLineageStore, token: str) -> None:
    store.record([entity("a"), entity("b")], [edge("a", "b")])
    for call in (
        lambda: store.page(EntitySelection(LineageKind.ARTIFACT, after=token)),
        lambda: store.associations(EdgeSelection(after=token)),
        lambda: ask(store, [], Question([], after=token)),
    ):
        with pytest.raises(InvalidInputError):
            call()
