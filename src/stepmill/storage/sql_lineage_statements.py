"""The statements of lineage in the metadata database.

A list of ids or addresses is handed over as one JSON text: a statement with a thousand values is
compiled anew for each number of values.
"""

from __future__ import annotations

from sqlalchemy import Integer, String, bindparam, func, literal, literal_column, or_, select
from sqlalchemy.dialects.sqlite import insert

from stepmill.storage.lineage import LineageKind
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import executions, lineage_edges, lineage_entities, lineage_marks, records

_e, _x, _m = lineage_entities, lineage_edges, lineage_marks
_NUMBERS = func.json_each(bindparam("many_")).table_valued("value", type_=Integer())
_TEXTS = func.json_each(bindparam("many_")).table_valued("value", type_=String())
ADD = Prepared(
    insert(_e)
    .values({column: bindparam(column.name) for column in _e.c if column.name != "id"})
    .on_conflict_do_nothing(index_elements=["arn"])
)
_RENEWED = insert(_e).values({column: bindparam(column.name) for column in _e.c if column.name != "id"})
RENEW = Prepared(
    _RENEWED.on_conflict_do_update(
        index_elements=["arn"],
        set_={"body": _RENEWED.excluded.body, "modified_at": _RENEWED.excluded.modified_at},
    )
)
CONNECT = Prepared(insert(_x).on_conflict_do_nothing())
_MARK = insert(_m)
MARK_IT = Prepared(
    _MARK.on_conflict_do_update(index_elements=["kind", "name"], set_={"stamp": _MARK.excluded.stamp})
)
STAMP = Prepared(select(_m.c.stamp).where(_m.c.kind == bindparam("kind_"), _m.c.name == bindparam("name_")))
FIND = Prepared(select(_e).where(_e.c.arn == bindparam("arn_")))
BY_ARN = Prepared(select(_e.c.id, _e.c.arn).where(_e.c.arn.in_(select(_TEXTS.c.value))))
BY_ID = Prepared(select(_e).where(_e.c.id.in_(select(_NUMBERS.c.value))))
_BARE = [
    _e.c[column.name] if column.name != "body" else literal_column("''").label("body") for column in _e.c
]
BARE_BY_ID = Prepared(select(*_BARE).where(_e.c.id.in_(select(_NUMBERS.c.value))))
UPDATE = Prepared(
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
DISCONNECT = Prepared(
    _x.delete().where(_x.c.source == bindparam("source_"), _x.c.destination == bindparam("destination_"))
)
DELETE = Prepared(_e.delete().where(_e.c.id == bindparam("id_")))
OUT = Prepared(
    select(_x.c.source).where(_x.c.source == bindparam("id_")).limit(bindparam("most", type_=Integer()))
)
IN = Prepared(
    select(_x.c.source).where(_x.c.destination == bindparam("id_")).limit(bindparam("most", type_=Integer()))
)
_MOST = bindparam("most", type_=Integer())
AT = Prepared(
    select(_e)
    .where(_e.c.place.in_(select(_TEXTS.c.value)))
    .order_by(_e.c.created_at.desc(), _e.c.id.desc())
    .limit(_MOST)
)
_NEWEST_THERE = (
    select(_e)
    .where(_e.c.place == bindparam("place_"), _e.c.place != "")
    .order_by(_e.c.created_at.desc(), _e.c.id.desc())
    .limit(_MOST)
    .subquery()
)
NAMED = Prepared(select(_e).where(_e.c.arn == bindparam("arn_")).union_all(select(_NEWEST_THERE)))
BELOW = Prepared(
    select(_e)
    .where(_e.c.place >= bindparam("first_"), _e.c.place < bindparam("end_"))
    .order_by(_e.c.created_at.desc(), _e.c.id.desc())
    .limit(_MOST)
)
_OLDER = _e.alias("older")
OLDEST_WITH = Prepared(
    select(_e).where(
        _e.c.id.in_(
            select(
                select(_OLDER.c.id)
                .where(_OLDER.c.digest == _TEXTS.c.value)
                .order_by(_OLDER.c.created_at, _OLDER.c.id)
                .limit(1)
                .scalar_subquery()
            ).select_from(_TEXTS)
        )
    )
)
DIGESTED = Prepared(_e.update().where(_e.c.arn == bindparam("arn_")).values(digest=bindparam("digest_")))
PENDING = Prepared(
    select(_e)
    .where(_e.c.digest >= bindparam("first_"), _e.c.digest <= bindparam("last_"))
    .order_by(_e.c.digest, _e.c.created_at, _e.c.id)
    .limit(_MOST)
)
LIKE = Prepared(
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
# As one text, as are neighbours: each row more is one more time that this thread gives up its turn.
BETWEEN = Prepared(
    select(
        func.json_group_array(func.json_array(_x.c.source, _x.c.destination, _x.c.type)).label("all")
    ).where(
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


def _neighbouring(upstream: bool) -> Prepared:
    """Return the statement of the other ends of those edges, in the same order."""
    near, far = (_x.c.destination, _x.c.source) if upstream else (_x.c.source, _x.c.destination)
    some = select(far.label("far")).where(near.in_(select(_NUMBERS.c.value))).limit(_MOST).subquery()
    return Prepared(select(func.json_group_array(some.c.far).label("all")))


def _counting(upstream: bool) -> Prepared:
    """Return the statement of how many edges lead away from each."""
    near = _x.c.destination if upstream else _x.c.source
    query = select(near.label("near"), func.count().label("number"))
    return Prepared(query.where(near.in_(select(_NUMBERS.c.value))).group_by(near))


FEATURE_GROUPS = Prepared(
    select(func.json_group_array(_e.c.id).label("all")).where(
        _e.c.kind == str(LineageKind.CONTEXT), _e.c.type == "FeatureGroup"
    )
)


def _arriving(upstream: bool) -> Prepared:
    """Return the statement of the edges by which one comes to a row."""
    near, far = (_x.c.source, _x.c.destination) if upstream else (_x.c.destination, _x.c.source)
    rows = select(far, _x.c.created_at, (_e.c.kind == str(LineageKind.COMPONENT)).label("is_job"))
    return Prepared(rows.join_from(_x, _e, _e.c.id == far).where(near == bindparam("id_")))


def _passing(upstream: bool, *, counts: bool) -> Prepared:
    """Return the statement of the edges that lead away from a row, to jobs only before or after a moment."""
    near, far = (_x.c.destination, _x.c.source) if upstream else (_x.c.source, _x.c.destination)
    moment = bindparam("moment_", type_=Integer())
    in_time = _x.c.created_at <= moment if upstream else _x.c.created_at >= moment
    is_passed = (near == bindparam("id_"), or_(_e.c.kind != str(LineageKind.COMPONENT), in_time))
    if counts:
        count = select(func.count().label("number"))
        return Prepared(count.join_from(_x, _e, _e.c.id == far).where(*is_passed))
    order = _x.c.created_at.desc() if upstream else _x.c.created_at
    rows = select(_x.c.source, _x.c.destination, _x.c.type).join_from(_x, _e, _e.c.id == far)
    return Prepared(rows.where(*is_passed).order_by(order, far).limit(_MOST))


ARRIVALS = {upstream: _arriving(upstream) for upstream in (True, False)}
PASSING = {upstream: _passing(upstream, counts=False) for upstream in (True, False)}
COUNT_PASSING = {upstream: _passing(upstream, counts=True) for upstream in (True, False)}
LEADING = {upstream: _leading(upstream) for upstream in (True, False)}
NEIGHBOURS = {upstream: _neighbouring(upstream) for upstream in (True, False)}
COUNTING = {upstream: _counting(upstream) for upstream in (True, False)}
_SINCE = bindparam("since_", type_=Integer())
UNRECORDED = Prepared(
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
UNRECORDED_EXECUTIONS = Prepared(
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
