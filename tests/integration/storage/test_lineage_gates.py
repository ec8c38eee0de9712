"""Through feature groups a walk goes as time does: what was put there later led to nothing that was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.catalog.lineage.graph import shown
from stepmill.catalog.lineage.walk import Direction, walk
from stepmill.storage.database import Database
from stepmill.storage.lineage import Edge, Entity, LineageKind
from stepmill.storage.sql_lineage import SqlLineageStore

START = datetime(2026, 1, 1, tzinfo=UTC)
JOBS, GROUPS, OTHERS = 5, 3, 2
# From where, to where, in which second. Jobs are told by numbers, groups and others by letters.
Edges = list[tuple[str, str, int]]


class Graph:
    """Jobs, feature groups and data, and who wrote and read what when."""

    def __init__(self, database: Database, edges: Edges) -> None:
        self.edges = edges
        self.store = SqlLineageStore(database)
        # What another example left is not there any more.
        with database.write() as connection:
            for table in ("lineage_edges", "lineage_entities"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        names = {end for edge in edges for end in edge[:2]}
        self.store.record([_entity(name) for name in names], [_edge(*one) for one in edges])
        self.rows = {name: found.id for name in names if (found := self.store.find(f"arn:{name}"))}
        self.names = {row: name for name, row in self.rows.items()}

    def reached(self, start: str, *, upstream: bool) -> set[str]:
        """Return what a walk reaches."""
        way = Direction.UP if upstream else Direction.DOWN
        found = [row for far in walk(self.store, [self.rows[start]], way, depth=50) for row in far.ids]
        assert len(found) == len(set(found))
        return {self.names[row] for row in found}

    def shown(self, start: str, *, upstream: bool, most_each: int = 100) -> tuple[set[str], int]:
        """Return what people are shown, and how much is left out."""
        entity = self.store.find(f"arn:{start}")
        assert entity is not None
        graph = shown(self.store, entity, upstream=upstream, most_each=most_each)
        return {one.name for one in graph.entities.values()} - {start}, sum(graph.more.values())

    def expected(self, start: str, *, upstream: bool) -> set[str]:
        """Return the same, by going on until nothing more is found."""
        edges = self.edges if upstream else [(b, a, -at) for a, b, at in self.edges]
        found = {start}
        while True:
            # Whatever leads to one that was found; through a group only what was in time for one of them.
            new = {
                source
                for source, target, at in edges
                if target in found and (target == start or _passes(source, target, at, edges, found))
            }
            if new <= found:
                return found - {start}
            found |= new


def _passes(source: str, target: str, at: int, edges: Edges, found: set[str]) -> bool:
    return not target.startswith("g") or any(
        at <= until or not source.isdigit() or not reader.isdigit()
        for of, reader, until in edges
        if of == target and reader in found
    )


def _entity(name: str) -> Entity:
    kind = LineageKind.COMPONENT if name.isdigit() else LineageKind.ARTIFACT
    kind = LineageKind.CONTEXT if name.startswith("g") else kind
    return Entity(
        f"arn:{name}", kind, "FeatureGroup" if name.startswith("g") else "x", name, "", START, START
    )


def _edge(source: str, destination: str, second: int) -> Edge:
    return Edge(f"arn:{source}", f"arn:{destination}", "ContributedTo", START + timedelta(seconds=second))


def test_only_what_was_there_in_time_led_to_it(database: Database) -> None:
    graph = Graph(database, [("1", "g", 1), ("2", "g", 5), ("g", "3", 3), ("g", "4", 6), ("3", "m", 4)])
    assert graph.reached("m", upstream=True) == {"3", "g", "1"}
    assert graph.reached("4", upstream=True) == {"g", "1", "2"}
    assert graph.reached("1", upstream=False) == {"g", "3", "4", "m"}
    assert graph.reached("2", upstream=False) == {"g", "4"}
    # Of the group itself all is told.
    assert graph.reached("g", upstream=True) == {"1", "2"}
    assert graph.reached("g", upstream=False) == {"3", "4", "m"}
    for start in graph.rows:
        for upstream in (True, False):
            assert graph.shown(start, upstream=upstream) == (graph.reached(start, upstream=upstream), 0)


def test_a_group_that_is_come_to_twice_is_asked_for_the_later_moment(database: Database) -> None:
    # The model is the later job's, too, but one step further on.
    edges = [("2", "g", 5), ("g", "3", 3), ("g", "4", 6), ("4", "x", 7), ("x", "m", 8), ("3", "m", 8)]
    graph = Graph(database, edges)
    assert graph.reached("m", upstream=True) == {"3", "x", "4", "g", "2"}
    assert graph.shown("m", upstream=True) == (graph.reached("m", upstream=True), 0)


def test_what_people_note_down_themselves_counts_whenever_they_did(database: Database) -> None:
    graph = Graph(database, [("data", "g", 9), ("g", "3", 3), ("g", "copy", 1), ("1", "g", 2)])
    assert graph.reached("3", upstream=True) == {"g", "data", "1"}
    assert graph.reached("data", upstream=False) == {"g", "3", "copy"}
    assert graph.reached("copy", upstream=True) == {"g", "data", "1"}


def test_of_many_writers_the_newest_are_shown_and_of_many_readers_the_oldest(database: Database) -> None:
    edges = [(str(number), "g", number) for number in range(10, 30)]
    edges += [("g", str(number), number) for number in range(40, 60)]
    graph = Graph(database, edges)
    assert graph.shown("45", upstream=True, most_each=3) == ({"g", "27", "28", "29"}, 17)
    assert graph.shown("10", upstream=False, most_each=3) == ({"g", "40", "41", "42"}, 17)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_walk_reaches_what_going_on_until_the_end_reaches(database: Database, data: st.DataObject) -> None:
    jobs = [str(number) for number in range(JOBS)]
    others = [f"a{number}" for number in range(OTHERS)]
    groups = [f"g{number}" for number in range(GROUPS)]
    ends = st.sampled_from([*jobs, *others, *groups])
    pairs = data.draw(st.lists(st.tuples(ends, ends), min_size=1, max_size=14, unique=True))
    drawn = [(a, b, data.draw(st.integers(0, 6))) for a, b in pairs if a != b and {a[0], b[0]} != {"g"}]
    if not drawn:
        return
    graph = Graph(database, drawn)
    for start in graph.rows:
        for upstream in (True, False):
            expected = graph.expected(start, upstream=upstream)
            assert graph.reached(start, upstream=upstream) == expected
            assert graph.shown(start, upstream=upstream) == (expected, 0)
