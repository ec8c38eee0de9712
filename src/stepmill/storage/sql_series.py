"""Measured series in the metadata database."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from stepmill.storage.database import Database, from_micros, to_micros
from stepmill.storage.prepared import Prepared
from stepmill.storage.series import POINT_BYTES, SeriesPoint, SeriesSummary, pack, unpack
from stepmill.storage.tables import series, series_points
from stepmill.storage.texts import check_text

# So many points lie in a row, which then fits a page of SQLite. A point that comes alone rewrites no more.
POINTS_PER_ROW = 128
# SQLite takes no more values than some tens of thousands with one statement.
_MOST_OWNERS = 5000

_THIS = (series.c.owner == bindparam("owner_"), series.c.name == bindparam("name_"))
_ROW = (series_points.c.series == bindparam("series_"), series_points.c.number == bindparam("number_"))
_GET = Prepared(select(series).where(*_THIS))
_OF_OWNER = Prepared(select(series).where(series.c.owner == bindparam("owner_")).order_by(series.c.name))
_INSERT = Prepared(
    series.insert().values(
        {column.name: bindparam(f"{column.name}_") for column in series.c if column.name != "id"}
    )
)
_UPDATE = Prepared(series.update().where(series.c.id == bindparam("id_")))
_DELETE = Prepared(series.delete().where(series.c.id == bindparam("id_")))
_GET_POINTS = Prepared(select(series_points).where(*_ROW))
_FROM_ROW = Prepared(
    select(series_points)
    .where(series_points.c.series == bindparam("series_"), series_points.c.number >= bindparam("number_"))
    .order_by(series_points.c.number)
    .limit(bindparam("most"))
)
_INSERT_POINTS = Prepared(series_points.insert())
_UPDATE_POINTS = Prepared(series_points.update().where(*_ROW))
_DELETE_POINTS = Prepared(series_points.delete().where(series_points.c.series == bindparam("series_")))
_ROWS_AT_ONCE = 256


class SqlSeriesStore:
    """Series in the metadata database, each of an owner. Safe to share between threads and processes.

    Args:
        database: Where.
        durable: Whether each change survives a power cut; see ``Database.write``.
    """

    def __init__(self, database: Database, *, durable: bool = True) -> None:
        self._database = database
        self._durable = durable

    def append(self, owner: str, points: Mapping[str, Sequence[SeriesPoint]]) -> None:
        """Add points to series of an owner: all of them, or after a crash none.

        Args:
            owner: Whose.
            points: Name of the series -> what is new, in the order in which it came.

        Raises:
            InvalidInputError: If a name is no Unicode text.
        """
        check_text(owner, *points)
        with self._writing() as connection:
            for name, new in points.items():
                if new:
                    _append(connection, owner, name, new)

    def replace(self, owner: str, points: Mapping[str, Sequence[SeriesPoint]]) -> None:
        """Let series of an owner have these points and no others; other series of his stay as they are."""
        check_text(owner, *points)
        with self._writing() as connection:
            for name, new in points.items():
                if (row := _GET.one(connection, {"owner_": owner, "name_": name})) is not None:
                    _delete(connection, row.id)
                if new:
                    _append(connection, owner, name, new)

    def summaries(self, owner: str) -> dict[str, SeriesSummary]:
        """Return name -> summary of all series of an owner, by name."""
        with self._database.read() as connection:
            rows = _OF_OWNER.all(connection, {"owner_": owner})
        return {row.name: _summary(row) for row in rows}

    def summaries_of(
        self, owners: Sequence[str], names: Sequence[str] | None = None
    ) -> dict[str, dict[str, SeriesSummary]]:
        """Return owner -> name -> summary, of several owners at once.

        Args:
            owners: Whose.
            names: Only series of these names; ``None``: all.
        """
        found: dict[str, dict[str, SeriesSummary]] = defaultdict(dict)
        query = select(series).order_by(series.c.owner, series.c.name)
        if names is not None:
            query = query.where(series.c.name.in_(names))
        with self._database.read() as connection:
            for begin in range(0, len(owners), _MOST_OWNERS):
                some = query.where(series.c.owner.in_(owners[begin : begin + _MOST_OWNERS]))
                for row in connection.execute(some):
                    found[row.owner][row.name] = _summary(row)
        return found

    def points(
        self, owner: str, name: str, *, start: int = 0, limit: int | None = None
    ) -> Iterator[SeriesPoint]:
        """Yield points of a series in the order in which they came; none if there is no such series.

        Args:
            owner: Whose.
            name: Of the series.
            start: So many of the first are left out.
            limit: At most so many; ``None``: all.
        """
        left = math.inf if limit is None else limit
        number, skipped = divmod(start, POINTS_PER_ROW)
        while left > 0:
            with self._database.read() as connection:
                row = _GET.one(connection, {"owner_": owner, "name_": name})
                if row is None:
                    return
                wanted = {"series_": row.id, "number_": number, "most": _ROWS_AT_ONCE}
                rows = _FROM_ROW.all(connection, wanted)
            for found in rows:
                for point in unpack(found.points[skipped * POINT_BYTES :]):
                    if left <= 0:
                        return
                    left -= 1
                    yield point
                skipped = 0
            if len(rows) < _ROWS_AT_ONCE:
                return
            number += len(rows)

    def forget(self, owner: str) -> None:
        """Remove all series of an owner."""
        with self._writing() as connection:
            for row in _OF_OWNER.all(connection, {"owner_": owner}):
                _delete(connection, row.id)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a connection to write with: that of this thread's transaction, if there is one."""
        with self._database.joined_write(durable=self._durable) as connection:
            yield connection


def _append(connection: Connection, owner: str, name: str, new: Sequence[SeriesPoint]) -> None:
    row = _GET.one(connection, {"owner_": owner, "name_": name})
    old = SeriesSummary() if row is None else _summary(row)
    values = _to_row(owner, name, old.with_points(new))
    if row is None:
        _INSERT.run(connection, {f"{column}_": value for column, value in values.items()})
        row = _GET.one(connection, {"owner_": owner, "name_": name})
    else:
        _UPDATE.run(connection, {"id_": row.id, "id": row.id, **values})
    _append_points(connection, row.id, old.count, pack(new))


def _append_points(connection: Connection, key: int, count: int, packed: bytes) -> None:
    """Fill the last row, then as many new ones as it takes."""
    number, filled = divmod(count, POINTS_PER_ROW)
    size = POINTS_PER_ROW * POINT_BYTES
    if filled:
        place = {"series_": key, "number_": number}
        room = (POINTS_PER_ROW - filled) * POINT_BYTES
        old = _GET_POINTS.one(connection, place)
        row = {"series": key, "number": number, "points": old.points + packed[:room]}
        _UPDATE_POINTS.run(connection, {**place, **row})
        packed = packed[room:]
        number += 1
    rows = [
        {"series": key, "number": number + index, "points": packed[begin : begin + size]}
        for index, begin in enumerate(range(0, len(packed), size))
    ]
    if rows:
        _INSERT_POINTS.run(connection, *rows)


def _delete(connection: Connection, key: int) -> None:
    _DELETE_POINTS.run(connection, {"series_": key})
    _DELETE.run(connection, {"id_": key})


def _to_row(owner: str, name: str, summary: SeriesSummary) -> dict[str, Any]:
    return {
        "owner": owner,
        "name": name,
        "count": summary.count,
        "last": _number(summary.last),
        "last_at": to_micros(summary.last_at),
        "last_step": summary.last_step,
        "top": _number(summary.top),
        "top_at": to_micros(summary.top_at),
        "top_step": summary.top_step,
        "least": _number(summary.least),
        "greatest": _number(summary.greatest),
        "mean": _number(summary.mean),
        "squares": _number(summary.squares),
    }


def _summary(row: Any) -> SeriesSummary:
    return SeriesSummary(
        count=row.count,
        last=_value(row.last),
        last_at=from_micros(row.last_at),
        last_step=row.last_step,
        top=_value(row.top),
        top_at=from_micros(row.top_at),
        top_step=row.top_step,
        least=_value(row.least),
        greatest=_value(row.greatest),
        mean=_value(row.mean),
        squares=_value(row.squares),
    )


def _number(value: float) -> float | None:
    """Return a number as the database keeps it: SQLite makes NULL of what is not a number anyway."""
    return None if math.isnan(value) else value


def _value(kept: float | None) -> float:
    return math.nan if kept is None else kept
