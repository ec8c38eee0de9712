"""Records in the metadata database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import Integer, bindparam, func, select, tuple_
from sqlalchemy.engine import Connection

from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject, write_json
from stepmill.storage.database import Database, from_micros, to_micros
from stepmill.storage.paging import decode_place, encode_place
from stepmill.storage.prepared import Prepared
from stepmill.storage.records import LARGEST_PAGE, LONGEST_NAME, GroupName, Page, Record, SortBy
from stepmill.storage.tables import members, records
from stepmill.storage.texts import check_text

# SQLite takes no more values than some tens of thousands with one statement.
_MOST_NAMES = 5000
# Under this kind the last number that was given out for a parent is kept, so that none is given twice
# even when the newest record has been deleted.
_NUMBERS = "last-number"

_FIRST_OF_PARENT = (records.c.kind == bindparam("kind_"), records.c.parent == bindparam("parent_"))
_THIS = (records.c.kind == bindparam("kind_"), records.c.name == bindparam("name_"))
_THIS_MEMBER = [column == bindparam(f"{column.name}_") for column in members.c]
_GET_MEMBER = Prepared(select(members).where(*_THIS_MEMBER))
_INSERT_MEMBER = Prepared(members.insert())
_DELETE_MEMBER = Prepared(members.delete().where(*_THIS_MEMBER))
_GET = Prepared(select(records).where(*_THIS))
_INSERT = Prepared(records.insert())
_DELETE = Prepared(records.delete().where(*_THIS))
_UPDATE = Prepared(records.update().where(*_THIS))
_LAST_NUMBER = select(func.max(records.c.number)).where(*_FIRST_OF_PARENT)
_COLUMNS = {
    SortBy.CREATED: records.c.created_at,
    SortBy.MODIFIED: records.c.modified_at,
    SortBy.NAME: records.c.name,
    SortBy.NUMBER: records.c.number,
    SortBy.STATUS: records.c.status,
}
_LOWER_NAME = func.lower(records.c.name)
_GROUPS = records.alias("groups_")
_MEMBERS = select(members.c.name).where(
    members.c.kind == bindparam("kind_"), members.c.group_kind == bindparam("group_kind")
)
_FILTERS: dict[str, sqlalchemy.ColumnElement[bool]] = {
    "parent": records.c.parent == bindparam("parent"),
    "has_parent": records.c.parent != bindparam("has_parent"),
    "group": records.c.name.in_(_MEMBERS.where(members.c.group_name == bindparam("group"))),
    "group_parent": records.c.name.in_(
        _MEMBERS.where(
            _GROUPS.c.kind == members.c.group_kind,
            _GROUPS.c.name == members.c.group_name,
            _GROUPS.c.parent == bindparam("group_parent"),
        )
    ),
    "status": records.c.status == bindparam("status"),
    "name_contains": _LOWER_NAME.contains(func.lower(bindparam("name_contains")), escape="/"),
    "name_prefix": _LOWER_NAME.startswith(func.lower(bindparam("name_prefix")), escape="/"),
    "created_after": records.c.created_at > bindparam("created_after"),
    "created_before": records.c.created_at < bindparam("created_before"),
    "modified_after": records.c.modified_at > bindparam("modified_after"),
    "modified_before": records.c.modified_at < bindparam("modified_before"),
}


class SqlRecordStore:
    """Records in the metadata database.

    Args:
        database: Where.
        clock: Says when a record was created and changed.
        durable: Whether each change survives a power cut; see ``Database.write``.
    """

    def __init__(self, database: Database, clock: Clock, *, durable: bool = True) -> None:
        self._database = database
        self._clock = clock
        self._durable = durable
        self._in_transaction = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``RecordStore``."""
        if getattr(self._in_transaction, "is_open", False):
            yield
            return
        with self._database.write(durable=self._durable):
            self._in_transaction.is_open = True
            try:
                yield
            finally:
                self._in_transaction.is_open = False

    def create(
        self, kind: str, name: str, body: JsonObject, *, parent: str = "", number: int = 0, status: str = ""
    ) -> Record:
        """See ``RecordStore``."""
        record = self._new(kind, name, body, parent, number, status)
        row = _to_row(record)
        with self._writing() as connection:
            _insert(connection, row)
        return record

    def create_numbered(
        self,
        kind: str,
        parent: str,
        name_for: Callable[[int], str],
        body_for: Callable[[int], JsonObject],
        status: str = "",
    ) -> Record:
        """See ``RecordStore``."""
        with self._writing() as connection:
            number = self._next_number(connection, kind, parent)
            record = self._new(kind, name_for(number), body_for(number), parent, number, status)
            _insert(connection, _to_row(record))
        return record

    def get(self, kind: str, name: str) -> Record:
        """See ``RecordStore``."""
        record = self.find(kind, name)
        if record is None:
            raise _not_found(kind, name)
        return record

    def find(self, kind: str, name: str) -> Record | None:
        """See ``RecordStore``."""
        with self._database.read() as connection:
            return _find(connection, kind, name)

    def update(self, kind: str, name: str, change: Callable[[Record], Record]) -> Record:
        """See ``RecordStore``."""
        with self._writing() as connection:
            old = _find(connection, kind, name)
            if old is None:
                raise _not_found(kind, name)
            wanted = change(old)
            if wanted is old:
                return old
            new = replace(
                old,
                parent=wanted.parent,
                number=wanted.number,
                status=wanted.status,
                body=wanted.body,
                modified_at=self._clock.now(),
                revision=old.revision + 1,
            )
            _UPDATE.run(connection, {"kind_": kind, "name_": name, **_to_row(new)})
        return new

    def delete(self, kind: str, name: str) -> None:
        """See ``RecordStore``."""
        with self._writing() as connection:
            if not _DELETE.run(connection, {"kind_": kind, "name_": name}):
                raise _not_found(kind, name)

    def list(
        self,
        kind: str,
        *,
        parent: str | None = None,
        has_parent: bool = False,
        group: GroupName | None = None,
        group_parent: GroupName | None = None,
        status: str | None = None,
        name_contains: str = "",
        name_prefix: str = "",
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        modified_after: datetime | None = None,
        modified_before: datetime | None = None,
        sort_by: SortBy | str = SortBy.CREATED,
        descending: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> Page:
        """See ``RecordStore``."""
        order = _Order.checked(sort_by, descending)
        if not 1 <= limit <= LARGEST_PAGE:
            raise InvalidInputError(
                f"A page of {limit} is not possible.", mend=f"Ask for 1 to {LARGEST_PAGE}."
            )
        check_text(kind, parent or "", status or "", name_contains, name_prefix)
        check_text(*(group or ()), *(group_parent or ()))
        values: dict[str, object] = {
            "parent": parent,
            "has_parent": "" if has_parent else None,
            "group": None if group is None else group.name,
            "group_parent": None if group_parent is None else group_parent.name,
            "status": status,
            "name_contains": _like(name_contains) or None,
            "name_prefix": _like(name_prefix) or None,
            **_micros("created", created_after, created_before),
            **_micros("modified", modified_after, modified_before),
        }
        given = {name: value for name, value in values.items() if value is not None}
        statement = _listing(order, frozenset(given), after is not None)
        given |= {"kind_": kind, "most": limit + 1}
        if (named := group or group_parent) is not None:
            given["group_kind"] = named.kind
        if after is not None:
            given["place"], given["place_name"] = order.place(after)
        with self._database.read() as connection:
            rows = statement.all(connection, given)
        found = tuple(_from_row(row) for row in rows[:limit])
        return Page(found, order.token_after(found[-1]) if len(rows) > limit else None)

    def find_all(self, kind: str, names: Sequence[str]) -> Sequence[Record]:
        """See ``RecordStore``."""
        check_text(kind, *names)
        query = select(records).where(records.c.kind == kind)
        found: list[Record] = []
        with self._database.read() as connection:
            for some in _portions(sorted(set(names))):
                rows = connection.execute(query.where(records.c.name.in_(some)).order_by(records.c.name))
                found.extend(_from_row(row) for row in rows)
        return found

    def join(self, kind: str, name: str, group: GroupName) -> bool:
        """See ``RecordStore``."""
        check_text(kind, name, *group)
        row = {"kind": kind, "name": name, "group_kind": group.kind, "group_name": group.name}
        with self._writing() as connection:
            if _GET_MEMBER.one(connection, {f"{key}_": value for key, value in row.items()}) is not None:
                return False
            _INSERT_MEMBER.run(connection, row)
        return True

    def leave(self, kind: str, name: str, group: GroupName) -> bool:
        """See ``RecordStore``."""
        check_text(kind, name, *group)
        row = {"kind_": kind, "name_": name, "group_kind_": group.kind, "group_name_": group.name}
        with self._writing() as connection:
            return _DELETE_MEMBER.run(connection, row) > 0

    def groups(self, kind: str, names: Sequence[str]) -> Sequence[tuple[str, GroupName]]:
        """See ``RecordStore``."""
        check_text(kind, *names)
        query = select(members).where(members.c.kind == kind)
        found: list[tuple[str, GroupName]] = []
        with self._database.read() as connection:
            for some in _portions(sorted(set(names))):
                rows = connection.execute(query.where(members.c.name.in_(some)))
                found.extend((row.name, GroupName(row.group_kind, row.group_name)) for row in rows)
        return sorted(found)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a connection to write with: that of this thread's transaction, if there is one."""
        is_open = getattr(self._in_transaction, "is_open", False)
        with self._database.read() if is_open else self._database.write(durable=self._durable) as connection:
            yield connection

    def _new(self, kind: str, name: str, body: JsonObject, parent: str, number: int, status: str) -> Record:
        if not 1 <= len(name) <= LONGEST_NAME:
            raise InvalidInputError(
                f"A name of {len(name)} characters is not possible.",
                where=name[:100],
                mend=f"Take 1 to {LONGEST_NAME} characters.",
            )
        check_text(kind, name, parent, status)
        now = self._clock.now()
        return Record(kind, name, parent, number, status, now, now, 1, body)

    def _next_number(self, connection: Connection, kind: str, parent: str) -> int:
        counter = f"{kind}/{parent}"
        last = _find(connection, _NUMBERS, counter)
        greatest = connection.scalar(_LAST_NUMBER, {"kind_": kind, "parent_": parent}) or 0
        if last is None:
            last = self._new(_NUMBERS, counter, {}, "", 0, "")
            _INSERT.run(connection, _to_row(last))
        number = max(last.number, greatest) + 1
        row = _to_row(replace(last, number=number))
        _UPDATE.run(connection, {"kind_": _NUMBERS, "name_": counter, **row})
        return number


@dataclass(frozen=True)
class _Order:
    """The order of a listing, and the tokens that name a place in it."""

    sort_by: SortBy
    descending: bool

    @classmethod
    def checked(cls, sort_by: SortBy | str, descending: bool) -> _Order:
        try:
            return cls(SortBy(sort_by), descending)
        except ValueError:
            known = ", ".join(SortBy)
            raise InvalidInputError(
                f"Records are not sorted by {sort_by!r}.", mend=f"Take one of {known}."
            ) from None

    @property
    def _label(self) -> str:
        return f"{self.sort_by}{'-' if self.descending else '+'}"

    def place(self, after: str) -> tuple[int | str, str]:
        """Return the place that a token names."""
        return decode_place(after, self._label, text=self.sort_by.is_text)

    def applied(self, query: sqlalchemy.Select[Any], *, has_place: bool) -> sqlalchemy.Select[Any]:
        """Add the order, and the place to begin."""
        column, name = _COLUMNS[self.sort_by], records.c.name
        if has_place:
            place = tuple_(bindparam("place", type_=column.type), bindparam("place_name"))
            here = tuple_(column, name)
            query = query.where(here < place if self.descending else here > place)
        if self.descending:
            return query.order_by(column.desc(), name.desc())
        return query.order_by(column, name)

    def token_after(self, record: Record) -> str:
        value = _to_row(record)[_COLUMNS[self.sort_by].name]
        return encode_place(self._label, value, record.name)


# Built anew for each call, a statement costs several times what SQLite needs for it. There are as many as
# there are ways to ask, and those are few.
@lru_cache(maxsize=256)
def _listing(order: _Order, filters: frozenset[str], has_place: bool) -> Prepared:
    """Return the statement of a listing, with a value of the same name for each filter."""
    query = select(records).where(records.c.kind == bindparam("kind_"))
    for name in sorted(filters):
        query = query.where(_FILTERS[name])
    return Prepared(order.applied(query, has_place=has_place).limit(bindparam("most", type_=Integer())))


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[begin : begin + _MOST_NAMES] for begin in range(0, len(names), _MOST_NAMES))


def _like(text: str) -> str:
    """Return a text as ``LIKE`` finds it."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _micros(what: str, after: datetime | None, before: datetime | None) -> dict[str, int | None]:
    return {
        f"{what}_after": None if after is None else to_micros(after),
        f"{what}_before": None if before is None else to_micros(before),
    }


def _find(connection: Connection, kind: str, name: str) -> Record | None:
    check_text(kind, name)
    row = _GET.one(connection, {"kind_": kind, "name_": name})
    return None if row is None else _from_row(row)


def _insert(connection: Connection, row: dict[str, Any]) -> None:
    try:
        _INSERT.run(connection, row)
    except _integrity_error(connection) as error:
        raise ConflictError(
            f"There is a {row['kind']} {row['name']!r} already.",
            mend="Choose another name, or delete it first.",
        ) from error


def _integrity_error(connection: Connection) -> type[Exception]:
    """Return what the driver raises when a key is taken; prepared statements go straight to it."""
    driver: Any = connection.dialect.dbapi
    error: type[Exception] = driver.IntegrityError
    return error


def _not_found(kind: str, name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no {kind} {name!r}.", mend="Look at the list for the names that are there."
    )


def _to_row(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "name": record.name,
        "parent": record.parent,
        "number": record.number,
        "status": record.status,
        "created_at": to_micros(record.created_at),
        "modified_at": to_micros(record.modified_at),
        "revision": record.revision,
        "body": write_json(record.body),
    }


def _from_row(row: Any) -> Record:
    return Record(
        kind=row.kind,
        name=row.name,
        parent=row.parent,
        number=row.number,
        status=row.status,
        created_at=from_micros(row.created_at),
        modified_at=from_micros(row.modified_at),
        revision=row.revision,
        body=msgspec.json.decode(row.body),
    )
