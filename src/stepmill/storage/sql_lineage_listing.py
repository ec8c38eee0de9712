"""Listings of lineage, page by page. A page's token names a place in the order, not a count of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Integer, Select, bindparam, or_, select, tuple_
from sqlalchemy.engine import Connection

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.storage.database import from_micros, to_micros
from stepmill.storage.lineage import (
    Association,
    EdgeOrder,
    EdgeSelection,
    Entity,
    EntitySelection,
    LineageKind,
)
from stepmill.storage.paging import decode_place, encode_place
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import lineage_edges, lineage_entities

_e, _x = lineage_entities, lineage_edges
_s, _d = lineage_entities.alias("source_entity"), lineage_entities.alias("destination_entity")
_MOST = bindparam("most", type_=Integer())
_NOTHING: JsonObject = MappingProxyType({})
_KINDS = {str(kind): kind for kind in LineageKind}

_ENTITY_FILTERS = {
    "source_uri": _e.c.source_uri == bindparam("source_uri"),
    "type": _e.c.type == bindparam("type"),
    "created_after": _e.c.created_at > bindparam("created_after"),
    "created_before": _e.c.created_at < bindparam("created_before"),
}
_EDGE_FILTERS = {
    "source": _x.c.source == bindparam("source"),
    "destination": _x.c.destination == bindparam("destination"),
    "source_type": or_(_s.c.type == bindparam("source_type"), _s.c.kind == bindparam("source_type")),
    "destination_type": or_(
        _d.c.type == bindparam("destination_type"), _d.c.kind == bindparam("destination_type")
    ),
    "type": _x.c.type == bindparam("type"),
    "created_after": _x.c.created_at > bindparam("created_after"),
    "created_before": _x.c.created_at < bindparam("created_before"),
}
_EDGE_ORDERS: Mapping[EdgeOrder, Any] = {
    EdgeOrder.CREATED: _x.c.created_at,
    EdgeOrder.SOURCE: _s.c.arn,
    EdgeOrder.DESTINATION: _d.c.arn,
    EdgeOrder.SOURCE_TYPE: _s.c.type,
    EdgeOrder.DESTINATION_TYPE: _d.c.type,
}


def entity_of(row: Sequence[Any]) -> Entity:
    """Return the entity of a row that has the columns of the table, in order; its body may be empty."""
    number, arn, kind, type_, name, uri, place, digest, created, modified, body = row
    at = from_micros(created)
    # Most were never changed.
    changed = at if modified == created else from_micros(modified)
    told = msgspec.json.decode(body) if body else _NOTHING
    return Entity(arn, _KINDS[kind], type_, name, uri, at, changed, place, digest, told, number)


def entity_page(connection: Connection, selection: EntitySelection) -> tuple[list[Entity], str | None]:
    """Return the entities asked for, and the token of the next page.

    Raises:
        InvalidInputError: If the token is none of ours.
    """
    values = _given(
        source_uri=selection.source_uri,
        type=selection.type,
        created_after=None if selection.created_after is None else to_micros(selection.created_after),
        created_before=None if selection.created_before is None else to_micros(selection.created_before),
    )
    label = _label("name" if selection.by_name else "created", selection.descending)
    statement = _entities(
        selection.by_name, selection.descending, frozenset(values), selection.after is not None
    )
    values |= {"kind_": str(selection.kind), "most": selection.limit + 1}
    if selection.after is not None:
        value, number = decode_place(selection.after, label, text=selection.by_name)
        values |= {"place": value, "place_id": _number(number)}
    rows = list(statement.each(connection, values))
    found = [entity_of(row) for row in rows[: selection.limit]]
    if len(rows) <= selection.limit:
        return found, None
    last = found[-1]
    place: int | str = last.name if selection.by_name else to_micros(last.created_at)
    return found, encode_place(label, place, str(last.id))


def association_page(
    connection: Connection, selection: EdgeSelection, ids: Mapping[str, int]
) -> tuple[list[Association], str | None]:
    """Return the associations asked for, and the token of the next page.

    Args:
        connection: To read with.
        selection: What is asked for.
        ids: Of the rows of the ends that it names; one that is missing has no associations.

    Raises:
        InvalidInputError: If the token is none of ours.
    """
    if any(arn and arn not in ids for arn in (selection.source, selection.destination)):
        return [], None
    values = _given(
        source=ids.get(selection.source),
        destination=ids.get(selection.destination),
        source_type=selection.source_type,
        destination_type=selection.destination_type,
        type=selection.type,
        created_after=None if selection.created_after is None else to_micros(selection.created_after),
        created_before=None if selection.created_before is None else to_micros(selection.created_before),
    )
    label = _label(str(selection.order), selection.descending)
    statement = _associations(
        selection.order, selection.descending, frozenset(values), selection.after is not None
    )
    values["most"] = selection.limit + 1
    if selection.after is not None:
        is_text = selection.order is not EdgeOrder.CREATED
        value, ends = decode_place(selection.after, label, text=is_text)
        source, _, destination = ends.partition(".")
        values |= {
            "place": value,
            "place_source": _number(source),
            "place_destination": _number(destination),
        }
    rows = statement.all(connection, values)
    found = [_association_of(row) for row in rows[: selection.limit]]
    if len(rows) <= selection.limit:
        return found, None
    row = rows[selection.limit - 1]
    return found, encode_place(label, row.sorted_by, f"{row.source_id}.{row.destination_id}")


# Built anew for each call, a statement costs several times what SQLite needs for it.
@lru_cache(maxsize=128)
def _entities(by_name: bool, descending: bool, filters: frozenset[str], has_place: bool) -> Prepared:
    query = select(_e).where(_e.c.kind == bindparam("kind_"))
    for name in sorted(filters):
        query = query.where(_ENTITY_FILTERS[name])
    column = _e.c.name if by_name else _e.c.created_at
    return Prepared(
        _placed(query, (column, _e.c.id), ("place", "place_id"), descending, has_place).limit(_MOST)
    )


@lru_cache(maxsize=128)
def _associations(order: EdgeOrder, descending: bool, filters: frozenset[str], has_place: bool) -> Prepared:
    column = _EDGE_ORDERS[order]
    ends = [
        end.c[column_of.name].label(f"{side}_{column_of.name}")
        for side, end in (("source", _s), ("destination", _d))
        for column_of in _e.c
    ]
    query = (
        select(_x.c.type, _x.c.created_at, column.label("sorted_by"), *ends)
        .join_from(_x, _s, _s.c.id == _x.c.source)
        .join(_d, _d.c.id == _x.c.destination)
    )
    for name in sorted(filters):
        query = query.where(_EDGE_FILTERS[name])
    columns = (column, _x.c.source, _x.c.destination)
    places = ("place", "place_source", "place_destination")
    return Prepared(_placed(query, columns, places, descending, has_place).limit(_MOST))


def _placed(
    query: Select[Any], columns: tuple[Any, ...], places: tuple[str, ...], descending: bool, has_place: bool
) -> Select[Any]:
    """Add the order, and the place to begin."""
    if has_place:
        here = tuple_(*columns)
        place = tuple_(*(bindparam(n, type_=c.type) for n, c in zip(places, columns, strict=True)))
        query = query.where(here < place if descending else here > place)
    return query.order_by(*(column.desc() if descending else column for column in columns))


def _association_of(row: Any) -> Association:
    return Association(_end(row, "source"), _end(row, "destination"), row.type, from_micros(row.created_at))


def _end(row: Any, side: str) -> Entity:
    return Entity(
        arn=getattr(row, f"{side}_arn"),
        kind=LineageKind(getattr(row, f"{side}_kind")),
        type=getattr(row, f"{side}_type"),
        name=getattr(row, f"{side}_name"),
        source_uri=getattr(row, f"{side}_source_uri"),
        created_at=from_micros(getattr(row, f"{side}_created_at")),
        modified_at=from_micros(getattr(row, f"{side}_modified_at")),
        place=getattr(row, f"{side}_place"),
        digest=getattr(row, f"{side}_digest"),
        body=msgspec.json.decode(getattr(row, f"{side}_body")),
        id=getattr(row, f"{side}_id"),
    )


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _label(order: str, descending: bool) -> str:
    return f"{order}{'-' if descending else '+'}"


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise InvalidInputError("This is no token of this listing.", mend="Give the token of the page before.")
