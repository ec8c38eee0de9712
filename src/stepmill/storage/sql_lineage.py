"""Lineage in the metadata database.

A list of ids or addresses is handed over as one JSON text: a statement with a thousand values is
compiled anew for each number of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Integer, String, bindparam, func, literal, or_, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from stepmill.core.json import write_json
from stepmill.storage.database import Database, to_micros
from stepmill.storage.lineage import (
    Association,
    Edge,
    EdgeSelection,
    Entity,
    EntitySelection,
    Link,
    Mark,
)
from stepmill.storage.prepared import Prepared
from stepmill.storage.sql_lineage_listing import (
    association_page,
    entity_of,
    entity_page,
)
from stepmill.storage.tables import executions, lineage_edges, lineage_entities, lineage_marks, records
from stepmill.storage.texts import check_text

# So many ids or addresses go with one statement.
_AT_ONCE = 5000

_e, _x, _m = lineage_entities, lineage_edges, lineage_marks
_NUMBERS = func.json_each(bindparam("many_")).table_valued("value", type_=Integer())
_TEXTS = func.json_each(bindparam("many_")).table_valued("value", type_=String())
_ADD = Prepared(
    insert(_e)
    .values({column: bindparam(column.name) for column in _e.c if column.name != "id"})
    .on_conflict_do_nothing(index_elements=["arn"])
)
_RENEWED = insert(_e).values({column: bindparam(column.name) for column in _e.c if column.name != "id"})
_RENEW = Prepared(
    _RENEWED.on_conflict_do_update(
        index_elements=["arn"],
        set_={"body": _RENEWED.excluded.body, "modified_at": _RENEWED.excluded.modified_at},
    )
)
_CONNECT = Prepared(insert(_x).on_conflict_do_nothing())
_MARK = insert(_m)
_MARK_IT = Prepared(
    _MARK.on_conflict_do_update(index_elements=["kind", "name"], set_={"stamp": _MARK.excluded.stamp})
)
_STAMP = Prepared(select(_m.c.stamp).where(_m.c.kind == bindparam("kind_"), _m.c.name == bindparam("name_")))
_FIND = Prepared(select(_e).where(_e.c.arn == bindparam("arn_")))
_BY_ARN = Prepared(select(_e.c.id, _e.c.arn).where(_e.c.arn.in_(select(_TEXTS.c.value))))
_BY_ID = Prepared(select(_e).where(_e.c.id.in_(select(_NUMBERS.c.value))))
_UPDATE = Prepared(
    _e.update()
    .where(_e.c.id == bindparam("id_"))
    .values(
        name=bindparam("name_"),
        type=bindparam("type_"),
        digest=bindparam("digest_"),
        body=bindparam("body_"),
        modified_at=bindparam("modified_"),
    )
)
_DISCONNECT = Prepared(
    _x.delete().where(_x.c.source == bindparam("source_"), _x.c.destination == bindparam("destination_"))
)
_DELETE = Prepared(_e.delete().where(_e.c.id == bindparam("id_")))
_OUT = Prepared(select(func.count().label("number")).select_from(_x).where(_x.c.source == bindparam("id_")))
_COUNT_IN = Prepared(
    select(func.count().label("number")).select_from(_x).where(_x.c.destination == bindparam("id_"))
)
_OUT = Prepared(
    select(_x.c.source).where(_x.c.source == bindparam("id_")).limit(bindparam("most", type_=Integer()))
)
_IN = Prepared(
    select(_x.c.source).where(_x.c.destination == bindparam("id_")).limit(bindparam("most", type_=Integer()))
)
_MOST = bindparam("most", type_=Integer())
_AT = Prepared(
    select(_e)
    .where(_e.c.place.in_(select(_TEXTS.c.value)))
    .order_by(_e.c.created_at.desc(), _e.c.id.desc())
    .limit(_MOST)
)
_BELOW = Prepared(
    select(_e)
    .where(_e.c.place >= bindparam("first_"), _e.c.place < bindparam("end_"))
    .order_by(_e.c.created_at.desc(), _e.c.id.desc())
    .limit(_MOST)
)
_WITH_DIGEST = Prepared(
    select(_e).where(_e.c.digest == bindparam("digest_")).order_by(_e.c.created_at, _e.c.id).limit(_MOST)
)
_DIGESTED = Prepared(_e.update().where(_e.c.arn == bindparam("arn_")).values(digest=bindparam("digest_")))
_PENDING = Prepared(
    select(_e)
    .where(_e.c.digest >= bindparam("first_"), _e.c.digest < bindparam("end_"))
    .order_by(_e.c.id)
    .limit(_MOST)
)
_LIKE = Prepared(
    select(_e)
    .where(
        or_(
            _e.c.name.contains(bindparam("text_"), escape="/"),
            _e.c.source_uri.contains(bindparam("text_"), escape="/"),
            _e.c.arn.contains(bindparam("text_"), escape="/"),
        )
    )
    .order_by(_e.c.created_at.desc(), _e.c.id.desc())
    .limit(_MOST)
)
_BETWEEN = Prepared(
    select(_x.c.source, _x.c.destination, _x.c.type).where(
        _x.c.destination.in_(select(_NUMBERS.c.value)),
        # As a value, not as a part of the key: else each pair of a thousand rows would be looked up.
        (_x.c.source + 0).in_(select(_NUMBERS.c.value)),
    )
)


def _leading(upstream: bool) -> Prepared:
    """Return the statement of the edges that lead away. It takes them as its index has them: no sorting."""
    near = _x.c.destination if upstream else _x.c.source
    columns = (_x.c.source, _x.c.destination, _x.c.type)
    return Prepared(select(*columns).where(near.in_(select(_NUMBERS.c.value))).limit(_MOST))


def _counting(upstream: bool) -> Prepared:
    """Return the statement of how many edges lead away from each."""
    near = _x.c.destination if upstream else _x.c.source
    query = select(near.label("near"), func.count().label("number"))
    return Prepared(query.where(near.in_(select(_NUMBERS.c.value))).group_by(near))


_LEADING = {upstream: _leading(upstream) for upstream in (True, False)}
_COUNTING = {upstream: _counting(upstream) for upstream in (True, False)}
_SINCE = bindparam("since_", type_=Integer())
_UNRECORDED = Prepared(
    select(records.c.kind, records.c.name, records.c.modified_at)
    .where(
        records.c.kind == bindparam("kind_"),
        records.c.modified_at >= _SINCE,
        or_(bindparam("any_", type_=Integer()) == 1, records.c.status.in_(select(_TEXTS.c.value))),
        ~select(literal(1))
        .where(_m.c.kind == records.c.kind, _m.c.name == records.c.name, _m.c.stamp >= records.c.modified_at)
        .exists(),
    )
    .order_by(records.c.modified_at, records.c.name)
    .limit(_MOST)
)
_UNRECORDED_EXECUTIONS = Prepared(
    select(executions.c.id, executions.c.modified_at)
    .where(
        executions.c.language == "pipelines",
        executions.c.modified_at >= _SINCE,
        executions.c.status.in_(select(_TEXTS.c.value)),
        ~select(literal(1))
        .where(_m.c.kind == "execution", _m.c.name == executions.c.id, _m.c.stamp >= executions.c.modified_at)
        .exists(),
    )
    .order_by(executions.c.modified_at, executions.c.id)
    .limit(_MOST)
)


class SqlLineageStore:
    """Lineage in the metadata database. See ``LineageStore`` for what each method promises.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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
                _ADD.run(connection, *rows)
            if renewed:
                _RENEW.run(connection, *map(_row, renewed))
            _connect_all(connection, edges)
            if marks:
                _MARK_IT.run(connection, *({"kind": m.kind, "name": m.name, "stamp": m.stamp} for m in marks))

    def add(self, entity: Entity) -> bool:
        """Write an entity; return whether it is new."""
        row = _row(entity)
        with self._database.write() as connection:
            return _ADD.run(connection, row) == 1

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
            return _DISCONNECT.run(connection, ends) == 1

    def find(self, arn: str) -> Entity | None:
        """Return an entity, or ``None``."""
        check_text(arn)
        with self._database.read() as connection:
            row = _FIND.one(connection, {"arn_": arn})
        return None if row is None else entity_of(row)

    def update(self, arn: str, change: Callable[[Entity], Entity]) -> Entity | None:
        """Change name, digest and body of an entity with nobody else's change in between."""
        check_text(arn)
        with self._database.write() as connection:
            row = _FIND.one(connection, {"arn_": arn})
            if row is None:
                return None
            old = entity_of(row)
            new = change(old)
            if new is old:
                return old
            _UPDATE.run(
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
            row = _FIND.one(connection, {"arn_": arn})
            if row is None or _degree(connection, row.id, 1):
                return False
            return _DELETE.run(connection, {"id_": row.id}) == 1

    def degree(self, arn: str, *, limit: int = 1) -> int:
        """Return how many edges an entity has, counting no further than ``limit`` each way."""
        with self._database.read() as connection:
            row = _FIND.one(connection, {"arn_": arn})
            return 0 if row is None else _degree(connection, row.id, limit)

    def entities(self, ids: Sequence[int]) -> dict[int, Entity]:
        """Return entities by the ids of their rows."""
        found: dict[int, Entity] = {}
        with self._database.read() as connection:
            for some in _portions(ids):
                found |= {row.id: entity_of(row) for row in _BY_ID.all(connection, _many(some))}
        return found

    def at(self, places: Sequence[str], *, limit: int = 1000) -> list[Entity]:
        """Return the artifacts at these places, newest first."""
        check_text(*places)
        # What is no artifact is at no place.
        wanted = _many([place for place in places if place])
        with self._database.read() as connection:
            return [entity_of(row) for row in _AT.all(connection, {**wanted, "most": limit})]

    def below(self, place: str, *, limit: int = 1000) -> list[Entity]:
        """Return the artifacts whose place begins with this one and a slash, newest first."""
        check_text(place)
        # Behind the slash comes the zero: what is between them begins with the slash.
        values = {"first_": f"{place}/", "end_": f"{place}0", "most": limit}
        with self._database.read() as connection:
            return [entity_of(row) for row in _BELOW.all(connection, values)]

    def with_digest(self, digest: str, *, limit: int = 100) -> list[Entity]:
        """Return the artifacts of this content, oldest first."""
        if not digest:
            return []
        with self._database.read() as connection:
            rows = _WITH_DIGEST.all(connection, {"digest_": digest, "most": limit})
        return [entity_of(row) for row in rows]

    def digested(self, arn: str, digest: str) -> None:
        """Say what the digest of an artifact is, unless it was deleted."""
        # It can be computed again.
        with self._database.write(durable=False) as connection:
            _DIGESTED.run(connection, {"arn_": arn, "digest_": digest})

    def pending(self, beginning: str, *, limit: int) -> list[Entity]:
        """Return artifacts whose digest begins so, oldest first."""
        values = {"first_": beginning, "end_": f"{beginning}\uffff", "most": limit}
        with self._database.read() as connection:
            return [entity_of(row) for row in _PENDING.all(connection, values)]

    def like(self, text: str, *, limit: int = 10) -> list[Entity]:
        """Return entities whose name or source contains a text, newest first."""
        check_text(text)
        escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
        with self._database.read() as connection:
            return [entity_of(row) for row in _LIKE.all(connection, {"text_": escaped, "most": limit})]

    def links(self, ids: Sequence[int], *, upstream: bool, limit: int) -> list[Link]:
        """Return the edges that lead away from rows, up or down the stream."""
        with self._database.read() as connection:
            return _links(connection, ids, upstream, limit)

    def between(self, ids: Sequence[int]) -> list[Link]:
        """Return the edges of which both ends are among these rows."""
        with self._database.read() as connection:
            rows = _BETWEEN.all(connection, _many(ids))
        return [Link(row.source, row.destination, row.type) for row in rows]

    def fan(self, ids: Sequence[int], *, upstream: bool, most: int) -> tuple[list[Link], dict[int, int]]:
        """Return at most so many edges that lead away from each row, and row -> how many there are."""
        with self._database.read() as connection:
            rows = _COUNTING[upstream].all(connection, _many(ids))
            counts = {int(row.near): int(row.number) for row in rows}
            few = [one for one in ids if 0 < counts.get(one, 0) <= most]
            found = _links(connection, few, upstream, len(few) * most)
            for one in ids:
                if counts.get(one, 0) > most:
                    found += _links(connection, [one], upstream, most)
        return found, counts

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
                rows = _UNRECORDED.all(connection, values)
                found += [(row.kind, row.name, row.modified_at) for row in rows]
        return sorted(found, key=lambda one: one[2])[:limit]

    def unrecorded_executions(
        self, statuses: Sequence[str], *, since: int, limit: int
    ) -> list[tuple[str, int]]:
        """Return id and last change of executions of pipelines of which nothing was written since."""
        values = {**_many(statuses), "since_": since, "most": limit}
        with self._database.read() as connection:
            return [(row.id, row.modified_at) for row in _UNRECORDED_EXECUTIONS.all(connection, values)]

    def stamp(self, kind: str, name: str) -> int:
        """Return the stamp of a mark; 0 if there is none."""
        with self._database.read() as connection:
            row = _STAMP.one(connection, {"kind_": kind, "name_": name})
        return 0 if row is None else int(row.stamp)


def _links(connection: Connection, ids: Sequence[int], upstream: bool, limit: int) -> list[Link]:
    rows = _LEADING[upstream].all(connection, {**_many(ids), "most": limit}) if ids else []
    return [Link(row.source, row.destination, row.type) for row in rows]


def _connect_all(connection: Connection, edges: Sequence[Edge]) -> int:
    """Write edges, and return how many were new."""
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
    return _CONNECT.run(connection, *rows) if rows else 0


def _ids(connection: Connection, arns: Iterable[str]) -> dict[str, int]:
    wanted = list(arns)
    check_text(*wanted)
    found: dict[str, int] = {}
    for some in _portions(wanted):
        found |= {row.arn: row.id for row in _BY_ARN.all(connection, _many(some))}
    return found


def _degree(connection: Connection, identifier: int, limit: int) -> int:
    values = {"id_": identifier, "most": limit}
    return len(_OUT.all(connection, values)) + len(_IN.all(connection, values))


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
