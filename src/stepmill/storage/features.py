"""Rows of the feature store: the newest record of each identifier, and the journal on the way to files.

What a body holds is its owner's affair. Moments are microseconds since 1970-01-01T00:00Z.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert

from stepmill.storage.database import Database
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import feature_claims, feature_journal, feature_records, records


@dataclass(frozen=True, slots=True)
class OnlineRow:
    """The newest record of an identifier.

    Args:
        identifier: Whose.
        event_time: Of when it is.
        expires_at: From when on it counts as gone; ``None``: never.
        is_deleted: Whether it is only there to keep older ones away.
        body: What it holds.
    """

    identifier: str
    event_time: int
    expires_at: int | None
    is_deleted: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class OnlineState:
    """What has to be known of a record before another is written.

    Args:
        version: Parent and revision of the record of its group; see ``FeatureRows.version``.
        is_there: Whether the online store has a row of the identifier.
        event_time: Of when its record is; 0 if there is none.
        expires_at: From when on it counts as gone; ``None``: never.
    """

    version: tuple[str, int]
    is_there: bool
    event_time: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A record that is to be written to a file.

    Args:
        event_time: Of when it is.
        invoked_at: When the server was asked to keep it.
        is_deleted: Whether it says that there is none any more.
        body: What it holds.
        position: Where it stands in the journal; 0: it is not there yet.
    """

    event_time: int
    invoked_at: int
    is_deleted: bool
    body: bytes
    position: int = 0


class FeatureRows:
    """Rows of feature groups in the metadata database. Safe to share between threads and processes.

    Groups are named by their ids. Every change is on the disk when its method, or the transaction around it,
    returns.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make one of all that this thread does in this ``with``; nobody else writes meanwhile."""
        with self._database.joined_write():
            yield

    def version(self, kind: str, name: str) -> tuple[str, int] | None:
        """Return parent and revision of a record without reading what it holds; ``None``: there is none."""
        with self._database.read() as connection:
            row = _VERSION.one(connection, {"kind_": kind, "name_": name})
        return None if row is None else (str(row.parent), int(row.revision))

    def look(self, kind: str, name: str, identifier: str) -> tuple[tuple[str, int], OnlineRow | None] | None:
        """Return the version of the record of a group, and the newest record of an identifier, in one.

        Args:
            kind: Of the group's record.
            name: Of the group's record; the group's id is its parent.
            identifier: Whose record.

        Returns:
            ``None`` if there is no such group.
        """
        with self._database.read() as connection:
            row = _LOOK.one(connection, {"kind_": kind, "name_": name, "identifier_": identifier})
        if row is None:
            return None
        online = None if row.body is None else _online_row(row)
        return (row.parent, row.revision), online

    def state(self, kind: str, name: str, identifier: str) -> OnlineState | None:
        """Return what has to be known before a record is written; see ``look``. Use it in a transaction."""
        with self._database.read() as connection:
            row = _STATE.one(connection, {"kind_": kind, "name_": name, "identifier_": identifier})
        if row is None:
            return None
        is_there = row.event_time is not None
        return OnlineState((row.parent, row.revision), is_there, row.event_time or 0, row.expires_at)

    def get(self, group: str, identifier: str) -> OnlineRow | None:
        """Return the newest record of an identifier, be it deleted or expired; ``None`` if there is none."""
        with self._database.read() as connection:
            row = _GET.one(connection, {"group_": group, "identifier_": identifier})
        return None if row is None else _online_row(row)

    def put(self, group: str, row: OnlineRow) -> None:
        """Keep a record in place of what was there of its identifier."""
        values: dict[str, object] = {
            "event_time": row.event_time,
            "expires_at": row.expires_at,
            "is_deleted": int(row.is_deleted),
            "body": row.body,
        }
        with self._database.joined_write() as connection:
            if not _UPDATE.run(connection, {"group_": group, "identifier_": row.identifier, **values}):
                _INSERT.run(connection, {"group": group, "identifier": row.identifier, **values})

    def put_newer(self, group: str, rows: Sequence[OnlineRow], now: int) -> None:
        """Keep records where there is none of their identifiers, or an older one, or one that has expired.

        Args:
            group: Whose.
            rows: At most one of each identifier; fastest in the order of these.
            now: The moment at which it is looked what has expired.
        """
        with self._database.joined_write() as connection:
            _PUT_NEWER.run(
                connection,
                *(
                    {
                        "group": group,
                        "identifier": row.identifier,
                        "event_time": row.event_time,
                        "expires_at": row.expires_at,
                        "is_deleted": int(row.is_deleted),
                        "body": row.body,
                        "now_": now,
                    }
                    for row in rows
                ),
            )

    def delete(self, group: str, identifier: str) -> None:
        """Remove the record of an identifier; what is not there is no error."""
        with self._database.joined_write() as connection:
            _DELETE.run(connection, {"group_": group, "identifier_": identifier})

    def page(self, group: str, *, after: str = "", limit: int = 100) -> list[OnlineRow]:
        """Return records of a group by their identifiers, from the one after a given one."""
        with self._database.read() as connection:
            rows = _PAGE.all(connection, {"group_": group, "after_": after, "most": limit})
        return [_online_row(row) for row in rows]

    def expired(self, moment: int, *, limit: int = 1000) -> list[tuple[str, OnlineRow]]:
        """Return (group, record) of those whose time was over at a moment, the first one first."""
        with self._database.read() as connection:
            rows = _EXPIRED.all(connection, {"moment_": moment, "most": limit})
        return [(row.group, _online_row(row)) for row in rows]

    def size(self, group: str) -> tuple[int, int]:
        """Return how many records the online store has of a group, and how many bytes these take."""
        with self._database.read() as connection:
            count, size = connection.execute(_SIZE, {"group_": group}).one()
        return int(count), int(size or 0)

    def clear(self, group: str) -> None:
        """Remove all records of a group from the online store."""
        with self._database.joined_write() as connection:
            connection.execute(feature_records.delete().where(feature_records.c.group == group))

    def append(self, group: str, rows: Sequence[JournalRow]) -> None:
        """Write records to the journal, in this order."""
        with self._database.joined_write() as connection:
            _APPEND.run(
                connection,
                *(
                    {
                        "group": group,
                        "event_time": row.event_time,
                        "invoked_at": row.invoked_at,
                        "is_deleted": int(row.is_deleted),
                        "body": row.body,
                    }
                    for row in rows
                ),
            )

    def waiting(self, group: str) -> int:
        """Return how many records of a group are in the journal."""
        with self._database.read() as connection:
            return int(connection.scalar(_WAITING, {"group_": group}) or 0)

    def groups_waiting(self) -> list[str]:
        """Return the groups that have records in the journal."""
        with self._database.read() as connection:
            return [str(group) for group in connection.scalars(_GROUPS)]

    def claim(self, group: str, limit: int) -> int:
        """Say which records of the journal are to be written next: those up to the position that is returned.

        Whoever asks again before ``settle`` gets the same ones, also after a crash.

        Args:
            group: Whose.
            limit: At most so many.

        Returns:
            0 if there is none.
        """
        values = {"group_": group}
        with self._database.joined_write() as connection:
            claimed = _CLAIMED.one(connection, values)
            if claimed is not None:
                return int(claimed.last)
            last = connection.scalar(_LAST, {**values, "most": limit})
            if last is None:
                return 0
            _CLAIM.run(connection, {"group": group, "last": last})
            return int(last)

    def journal(self, group: str, last: int) -> list[JournalRow]:
        """Return the records of the journal up to a position, in order."""
        with self._database.read() as connection:
            rows = _JOURNAL.all(connection, {"group_": group, "last_": last})
        return [
            JournalRow(row.event_time, row.invoked_at, bool(row.is_deleted), row.body, row.position)
            for row in rows
        ]

    def settle(self, group: str, last: int) -> None:
        """Remove what was claimed: it is in files now."""
        with self._database.joined_write() as connection:
            _UNJOURNAL.run(connection, {"group_": group, "last_": last})
            _UNCLAIM.run(connection, {"group_": group, "last_": last})


def _online_row(row: Any) -> OnlineRow:
    return OnlineRow(row.identifier, row.event_time, row.expires_at, bool(row.is_deleted), row.body)


_THIS = (
    feature_records.c.group == bindparam("group_"),
    feature_records.c.identifier == bindparam("identifier_"),
)
_ONLINE = (
    feature_records.c.identifier,
    feature_records.c.event_time,
    feature_records.c.expires_at,
    feature_records.c.is_deleted,
    feature_records.c.body,
)
_MOST = bindparam("most", type_=Integer())
_GET = Prepared(select(*_ONLINE).where(*_THIS))
_DELETE = Prepared(feature_records.delete().where(*_THIS))
_INSERT = Prepared(feature_records.insert())
_UPDATE = Prepared(
    feature_records.update()
    .where(*_THIS)
    .values({name: bindparam(name) for name in ("event_time", "expires_at", "is_deleted", "body")})
)
_OF_RECORD = records.outerjoin(
    feature_records,
    (feature_records.c.group == records.c.parent)
    & (feature_records.c.identifier == bindparam("identifier_")),
)
_RECORD = (records.c.kind == bindparam("kind_"), records.c.name == bindparam("name_"))
_VERSION_OF = (records.c.parent, records.c.revision)
_VERSION = Prepared(select(*_VERSION_OF).where(*_RECORD))
_LOOK = Prepared(select(*_VERSION_OF, *_ONLINE).select_from(_OF_RECORD).where(*_RECORD))
_STATE = Prepared(
    select(*_VERSION_OF, feature_records.c.event_time, feature_records.c.expires_at)
    .select_from(_OF_RECORD)
    .where(*_RECORD)
)
_NEW = insert(feature_records)
_PUT_NEWER = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=["group", "identifier"],
        set_={name: _NEW.excluded[name] for name in ("event_time", "expires_at", "is_deleted", "body")},
        where=(_NEW.excluded.event_time > feature_records.c.event_time)
        | (feature_records.c.expires_at <= bindparam("now_", type_=BigInteger())),
    )
)
_PAGE = Prepared(
    select(*_ONLINE)
    .where(
        feature_records.c.group == bindparam("group_"),
        feature_records.c.identifier > bindparam("after_"),
    )
    .order_by(feature_records.c.identifier)
    .limit(_MOST)
)
_EXPIRED = Prepared(
    select(feature_records.c.group, *_ONLINE)
    .where(feature_records.c.expires_at <= bindparam("moment_"))
    .order_by(feature_records.c.expires_at)
    .limit(_MOST)
)
_SIZE = select(
    func.count(), func.sum(func.length(feature_records.c.body) + func.length(feature_records.c.identifier))
).where(feature_records.c.group == bindparam("group_"))

_OF_GROUP = feature_journal.c.group == bindparam("group_")
_APPEND = Prepared(
    feature_journal.insert().values(
        {column.name: bindparam(column.name) for column in feature_journal.c if column.name != "position"}
    )
)
_WAITING = select(func.count()).select_from(feature_journal).where(_OF_GROUP)
_GROUPS = select(feature_journal.c.group).distinct()
_LAST = select(
    func.max(
        select(feature_journal.c.position)
        .where(_OF_GROUP)
        .order_by(feature_journal.c.position)
        .limit(_MOST)
        .subquery()
        .c.position
    )
)
_JOURNAL = Prepared(
    select(feature_journal)
    .where(_OF_GROUP, feature_journal.c.position <= bindparam("last_"))
    .order_by(feature_journal.c.position)
)
_UNJOURNAL = Prepared(
    feature_journal.delete().where(_OF_GROUP, feature_journal.c.position <= bindparam("last_"))
)
_CLAIMED = Prepared(select(feature_claims.c.last).where(feature_claims.c.group == bindparam("group_")))
_CLAIM = Prepared(feature_claims.insert())
_UNCLAIM = Prepared(
    feature_claims.delete().where(
        feature_claims.c.group == bindparam("group_"), feature_claims.c.last == bindparam("last_")
    )
)
