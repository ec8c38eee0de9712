"""Lineage in the metadata database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from stepmill.core.json import write_json
from stepmill.storage import sql_lineage_statements as statements
from stepmill.storage.database import Database, to_micros
from stepmill.storage.lineage import (
    Arrival,
    Association,
    Edge,
    EdgeSelection,
    Entity,
    EntitySelection,
    Link,
    Mark,
)
from stepmill.storage.prepared import Prepared, Values
from stepmill.storage.sql_lineage_listing import (
    association_page,
    entity_of,
    entity_page,
)
from stepmill.storage.texts import check_text

# So many ids or addresses go with one statement.
_AT_ONCE = 5000


_LINKS = msgspec.json.Decoder(list[Link])


class SqlLineageStore:
    """Lineage in the metadata database. See ``LineageStore`` for what each method promises.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> AbstractContextManager[None]:
        """Let what this thread reads inside cost less; it still sees what is there at its time."""
        return self._database.reading()

    def record(
        self,
        entities: Sequence[Entity],
        edges: Sequence[Edge] = (),
        marks: Sequence[Mark] = (),
        renewed: Sequence[Entity] = (),
    ) -> None:
        """Write these, all in one transaction."""
        rows = [_row(entity) for entity in entities]
        # What it is made of stays: after a power cut it is only written again.
        with self._database.write(durable=False) as connection:
            if rows:
                statements.ADD.run(connection, *rows)
            if renewed:
                statements.RENEW.run(connection, *map(_row, renewed))
            _connect_all(connection, edges)
            if marks:
                statements.MARK_IT.run(
                    connection, *({"kind": m.kind, "name": m.name, "stamp": m.stamp} for m in marks)
                )

    def add(self, entity: Entity) -> bool:
        """Write an entity; return whether it is new."""
        row = _row(entity)
        with self._database.write() as connection:
            return statements.ADD.run(connection, row) == 1

    def connect(self, edge: Edge) -> bool:
        """Write an edge between entities that are there; return whether it is new."""
        with self._database.write() as connection:
            return _connect_all(connection, [edge]) == 1

    def disconnect(self, source: str, destination: str) -> bool:
        """Remove the edge between two; return whether there was one."""
        with self._database.write() as connection:
            ids = _ids(connection, [source, destination])
            if len(ids) < len({source, destination}):
                return False
            ends = {"source_": ids[source], "destination_": ids[destination]}
            return statements.DISCONNECT.run(connection, ends) == 1

    def find(self, arn: str) -> Entity | None:
        """Return an entity, or ``None``."""
        check_text(arn)
        with self._database.read() as connection:
            return _find(connection, arn)

    def update(self, arn: str, change: Callable[[Entity], Entity]) -> Entity | None:
        """Change name, digest and body of an entity with nobody else's change in between."""
        check_text(arn)
        with self._database.write() as connection:
            old = _find(connection, arn)
            if old is None:
                return None
            new = change(old)
            if new is old:
                return old
            statements.UPDATE.run(
                connection,
                {
                    "id_": old.id,
                    "name_": new.name,
                    "type_": new.type,
                    "digest_": new.digest,
                    "body_": write_json(new.body),
                    "modified_": to_micros(new.modified_at),
                },
            )
        return new

    def delete(self, arn: str) -> bool:
        """Remove an entity that has no edges; return whether that was done."""
        check_text(arn)
        with self._database.write() as connection:
            found = _find(connection, arn)
            if found is None or _degree(connection, found.id, 1):
                return False
            return statements.DELETE.run(connection, {"id_": found.id}) == 1

    def degree(self, arn: str, *, limit: int = 1) -> int:
        """Return how many edges an entity has, counting no further than ``limit`` each way."""
        with self._database.read() as connection:
            found = _find(connection, arn)
            return 0 if found is None else _degree(connection, found.id, limit)

    def entities(self, ids: Sequence[int], *, with_body: bool = True) -> dict[int, Entity]:
        """Return entities by the ids of their rows; with an empty body where nobody needs it."""
        statement = statements.BY_ID if with_body else statements.BARE_BY_ID
        found: dict[int, Entity] = {}
        with self._database.read() as connection:
            for some in _portions(ids):
                for entity in _entities(connection, statement, _many(some)):
                    found[entity.id] = entity
        return found

    def at(self, places: Sequence[str], *, limit: int = 1000) -> list[Entity]:
        """Return the artifacts at these places, newest first."""
        check_text(*places)
        # What is no artifact is at no place.
        wanted = _many([place for place in places if place])
        with self._database.read() as connection:
            return _entities(connection, statements.AT, {**wanted, "most": limit})

    def named(self, arn: str, place: str, *, limit: int) -> list[Entity]:
        """Return the entity of an ARN, if there is one, and so many artifacts at a place, newest first."""
        check_text(arn, place)
        values = {"arn_": arn, "place_": place, "most": limit}
        with self._database.read() as connection:
            return _entities(connection, statements.NAMED, values)

    def below(self, place: str, *, limit: int = 1000) -> list[Entity]:
        """Return the artifacts whose place begins with this one and a slash, newest first."""
        check_text(place)
        # Behind the slash comes the zero: what is between them begins with the slash.
        values = {"first_": f"{place}/", "end_": f"{place}0", "most": limit}
        with self._database.read() as connection:
            return _entities(connection, statements.BELOW, values)

    def oldest_with(self, digests: Collection[str]) -> dict[str, Entity]:
        """Return, of each of these contents, the oldest artifact, if there is one."""
        wanted = [digest for digest in digests if digest]
        if not wanted:
            return {}
        with self._database.read() as connection:
            found = _entities(connection, statements.OLDEST_WITH, _many(wanted))
        return {one.digest: one for one in found}

    def digested(self, digests: Mapping[str, str], edges: Sequence[Edge] = ()) -> None:
        """Write the digests of artifacts by their ARNs, unless they were deleted, and what came to light."""
        # They can be computed again.
        with self._database.write(durable=False) as connection:
            rows = ({"arn_": arn, "digest_": digest} for arn, digest in digests.items())
            statements.DIGESTED.run(connection, *rows)
            _connect_all(connection, edges)

    def pending(self, first: str, last: str, *, limit: int) -> list[Entity]:
        """Return artifacts whose digest lies between these texts, or is one of them, in its order."""
        values = {"first_": first, "last_": last, "most": limit}
        with self._database.read() as connection:
            return _entities(connection, statements.PENDING, values)

    def like(self, text: str, *, limit: int = 10) -> list[Entity]:
        """Return entities whose name or source contains a text, newest first."""
        check_text(text)
        escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
        with self._database.read() as connection:
            return _entities(connection, statements.LIKE, {"text_": escaped, "most": limit})

    def links(self, ids: Sequence[int], *, upstream: bool, limit: int) -> list[Link]:
        """Return the edges that lead away from rows, up or down the stream."""
        with self._database.read() as connection:
            return _links(connection, ids, upstream, limit)

    def neighbours(self, ids: Sequence[int], *, upstream: bool, limit: int) -> list[int]:
        """Return the other ends of what ``links`` gives, in the same order."""
        values = {**_many(ids), "most": limit}
        with self._database.read() as connection:
            row = statements.NEIGHBOURS[upstream].one(connection, values)
        return msgspec.json.decode(row.all, type=list[int])

    def between(self, ids: Sequence[int]) -> list[Link]:
        """Return the edges of which both ends are among these rows."""
        with self._database.read() as connection:
            row = statements.BETWEEN.one(connection, _many(ids))
        return _LINKS.decode(row.all)

    def fan(self, ids: Sequence[int], *, upstream: bool, most: int) -> tuple[list[Link], dict[int, int]]:
        """Return at most so many edges that lead away from each row, and row -> how many there are."""
        with self._database.read() as connection:
            rows = statements.COUNTING[upstream].all(connection, _many(ids))
            counts = {int(row.near): int(row.number) for row in rows}
            few = [one for one in ids if 0 < counts.get(one, 0) <= most]
            found = _links(connection, few, upstream, len(few) * most)
            for one in ids:
                if counts.get(one, 0) > most:
                    found += _links(connection, [one], upstream, most)
        return found, counts

    def feature_groups(self) -> frozenset[int]:
        """Return the rows of all feature groups."""
        with self._database.read() as connection:
            row = statements.FEATURE_GROUPS.one(connection, {})
        return msgspec.json.decode(row.all, type=frozenset[int])

    def arrivals(self, row: int, *, upstream: bool) -> list[Arrival]:
        """Return all edges by which a walk that goes up or down may come to a row."""
        with self._database.read() as connection:
            rows = statements.ARRIVALS[upstream].each(connection, {"id_": row})
            return [Arrival(other, at, bool(is_job)) for other, at, is_job in rows]

    def passing(self, row: int, moment: int, *, upstream: bool, limit: int) -> tuple[list[Link], int]:
        """Return at most so many edges that lead away from a row, and how many there are."""
        values = {"id_": row, "moment_": moment, "most": limit}
        with self._database.read() as connection:
            found = [Link(*one) for one in statements.PASSING[upstream].each(connection, values)]
            if len(found) < limit:
                return found, len(found)
            return found, int(statements.COUNT_PASSING[upstream].one(connection, values).number)

    def page(self, selection: EntitySelection) -> tuple[list[Entity], str | None]:
        """Return the entities asked for, and the token of the next page."""
        check_text(selection.source_uri, selection.type)
        with self._database.read() as connection:
            return entity_page(connection, selection)

    def associations(self, selection: EdgeSelection) -> tuple[list[Association], str | None]:
        """Return the associations asked for, and the token of the next page."""
        check_text(selection.source, selection.destination, selection.source_type, selection.destination_type)
        with self._database.read() as connection:
            ends = [arn for arn in (selection.source, selection.destination) if arn]
            return association_page(connection, selection, _ids(connection, ends))

    def unrecorded(
        self, kinds: Sequence[str], statuses: Sequence[str], *, since: int, limit: int
    ) -> list[tuple[str, str, int]]:
        """Return kind, name and last change of records of which nothing was written since that change."""
        found: list[tuple[str, str, int]] = []
        with self._database.read() as connection:
            for kind in kinds:
                values = {
                    **_many(statuses),
                    "any_": 0 if statuses else 1,
                    "kind_": kind,
                    "since_": since,
                    "most": limit,
                }
                rows = statements.UNRECORDED.all(connection, values)
                found += [(row.kind, row.name, row.modified_at) for row in rows]
        return sorted(found, key=lambda one: one[2])[:limit]

    def unrecorded_executions(
        self, statuses: Sequence[str], *, since: int, limit: int
    ) -> list[tuple[str, int]]:
        """Return id and last change of executions of pipelines of which nothing was written since."""
        values = {**_many(statuses), "since_": since, "most": limit}
        with self._database.read() as connection:
            return [
                (row.id, row.modified_at) for row in statements.UNRECORDED_EXECUTIONS.all(connection, values)
            ]

    def stamp(self, kind: str, name: str) -> int:
        """Return the stamp of a mark; 0 if there is none."""
        with self._database.read() as connection:
            row = statements.STAMP.one(connection, {"kind_": kind, "name_": name})
        return 0 if row is None else int(row.stamp)


def _find(connection: Connection, arn: str) -> Entity | None:
    return next(iter(_entities(connection, statements.FIND, {"arn_": arn})), None)


def _entities(connection: Connection, statement: Prepared, values: Values) -> list[Entity]:
    return [entity_of(row) for row in statement.each(connection, values)]


def _links(connection: Connection, ids: Sequence[int], upstream: bool, limit: int) -> list[Link]:
    if not ids:
        return []
    rows = statements.LEADING[upstream].each(connection, {**_many(ids), "most": limit})
    return [Link._make(row) for row in rows]


def _connect_all(connection: Connection, edges: Sequence[Edge]) -> int:
    """Write edges, and return how many were new."""
    if not edges:
        return 0
    ids = _ids(connection, {arn for edge in edges for arn in (edge.source, edge.destination)})
    rows = [
        {
            "source": ids[edge.source],
            "destination": ids[edge.destination],
            "type": edge.type,
            "created_at": to_micros(edge.created_at),
        }
        for edge in edges
        if edge.source in ids and edge.destination in ids
    ]
    return statements.CONNECT.run(connection, *rows) if rows else 0


def _ids(connection: Connection, arns: Iterable[str]) -> dict[str, int]:
    wanted = list(arns)
    check_text(*wanted)
    found: dict[str, int] = {}
    for some in _portions(wanted):
        found |= {row.arn: row.id for row in statements.BY_ARN.all(connection, _many(some))}
    return found


def _degree(connection: Connection, identifier: int, limit: int) -> int:
    values = {"id_": identifier, "most": limit}
    return len(statements.OUT.all(connection, values)) + len(statements.IN.all(connection, values))


def _portions(things: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (things[start : start + _AT_ONCE] for start in range(0, len(things), _AT_ONCE))


def _many(things: Sequence[Any]) -> dict[str, object]:
    return {"many_": msgspec.json.encode(list(things)).decode()}


def _row(entity: Entity) -> dict[str, object]:
    check_text(entity.arn, entity.name, entity.type, entity.source_uri)
    return {
        "arn": entity.arn,
        "kind": str(entity.kind),
        "type": entity.type,
        "name": entity.name,
        "source_uri": entity.source_uri,
        "place": entity.place,
        "digest": entity.digest,
        "created_at": to_micros(entity.created_at),
        "modified_at": to_micros(entity.modified_at),
        "body": write_json(entity.body),
    }
