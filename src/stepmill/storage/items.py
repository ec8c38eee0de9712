"""Items of tables: bytes under a partition and a place in it, in the order of those bytes.

What they mean is their owner's affair. An index has entries of its own, each of which leads to an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import Integer, LargeBinary, bindparam, func, select, tuple_
from sqlalchemy.engine import Connection

from stepmill.storage.database import Database
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import table_entries, table_items


class ItemKey(NamedTuple):
    """Where an item lies in its table.

    Args:
        partition: Its partition.
        place: Its place there; items of a partition are sorted by it.
    """

    partition: bytes
    place: bytes


class Entry(NamedTuple):
    """Where an item lies in an index, and which one it is."""

    partition: bytes
    place: bytes
    item: ItemKey


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item.

    Args:
        key: Where it lies in its table.
        body: What it holds.
        entry: Where it lies in the index that was read; ``None`` if it was the table.
    """

    key: ItemKey
    body: bytes
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """Which items are asked for.

    Args:
        partition: Only those of it; ``None``: of all.
        least: Only those with this place or a later one; ``None``: from the first.
        below: Only those with a place before it; ``None``: to the last.
        after: Only those that come later in the order than this one: an ``ItemKey`` of a table, an
            ``Entry`` of an index.
        descending: Whether the last comes first.
        limit: At most so many.
    """

    partition: bytes | None = None
    least: bytes | None = None
    below: bytes | None = None
    after: ItemKey | Entry | None = None
    descending: bool = False
    limit: int = 100


class SqlItemStore:
    """Items in the metadata database. Safe to share between threads; several processes may use the same one.

    Every change is on the disk when its method, or the transaction around it, returns.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make one of all that this thread does in this ``with``, or in a record store's ``transaction``.

        Nobody else writes meanwhile, so that what is read in it still holds when it is written.
        """
        with self._database.joined_write():
            yield

    def get(self, table: str, key: ItemKey) -> bytes | None:
        """Return what an item holds; ``None`` if there is none."""
        with self._database.read() as connection:
            row = _GET.one(connection, _of_item(table, key))
        return None if row is None else row.body

    def put(self, table: str, key: ItemKey, body: bytes, size_bytes: int) -> None:
        """Keep an item, in place of what was there."""
        values = {"table": table, "partition": key.partition, "place": key.place}
        with self._database.joined_write() as connection:
            _DELETE.run(connection, _of_item(table, key))
            _INSERT.run(connection, {**values, "size_bytes": size_bytes, "body": body})

    def delete(self, table: str, key: ItemKey) -> None:
        """Remove an item; what is not there is no error."""
        with self._database.joined_write() as connection:
            _DELETE.run(connection, _of_item(table, key))

    def put_entries(self, index: str, entries: Iterable[Entry]) -> None:
        """Add entries to an index."""
        rows = [_to_row(index, entry) for entry in entries]
        if rows:
            with self._database.joined_write() as connection:
                _INSERT_ENTRY.run(connection, *rows)

    def delete_entry(self, index: str, entry: Entry) -> None:
        """Remove an entry; what is not there is no error."""
        values = {f"{name}_": value for name, value in _to_row(index, entry).items()}
        with self._database.joined_write() as connection:
            _DELETE_ENTRY.run(connection, values)

    def page(self, table: str, wanted: Slice) -> list[StoredItem]:
        """Return items of a table, in the order of their partitions and places."""
        with self._database.read() as connection:
            rows = _rows(connection, _ITEM_ORDER, {"table_": table}, wanted)
        return [StoredItem(ItemKey(row.partition, row.place), row.body) for row in rows]

    def index_page(self, table: str, index: str, wanted: Slice) -> list[StoredItem]:
        """Return items of a table, in the order of an index."""
        with self._database.read() as connection:
            rows = _rows(connection, _ENTRY_ORDER, {"table_": table, "index_": index}, wanted)
        found = []
        for row in rows:
            key = ItemKey(row.item_partition, row.item_place)
            found.append(StoredItem(key, row.body, Entry(row.partition, row.place, key)))
        return found

    def count(self, table: str) -> tuple[int, int]:
        """Return how many items a table has, and how many bytes these count."""
        with self._database.read() as connection:
            count, size = connection.execute(_COUNT, {"table_": table}).one()
        return int(count), int(size or 0)

    def count_entries(self, index: str) -> int:
        """Return how many entries an index has."""
        with self._database.read() as connection:
            return int(connection.scalar(_COUNT_ENTRIES, {"index_": index}) or 0)

    def clear(self, table: str, indexes: Iterable[str]) -> None:
        """Remove all items of a table, and its indexes' entries."""
        with self._database.joined_write() as connection:
            connection.execute(table_items.delete().where(table_items.c.table == table))
            for index in indexes:
                self.clear_index(index)

    def clear_index(self, index: str) -> None:
        """Remove all entries of an index."""
        with self._database.joined_write() as connection:
            connection.execute(table_entries.delete().where(table_entries.c.index == index))


_THIS = (
    table_items.c.table == bindparam("table_"),
    table_items.c.partition == bindparam("partition_"),
    table_items.c.place == bindparam("place_"),
)
_GET = Prepared(select(table_items.c.body).where(*_THIS))
_DELETE = Prepared(table_items.delete().where(*_THIS))
_INSERT = Prepared(table_items.insert())
_INSERT_ENTRY = Prepared(table_entries.insert())
_DELETE_ENTRY = Prepared(
    table_entries.delete().where(*(column == bindparam(f"{column.name}_") for column in table_entries.c))
)
_COUNT = select(func.count(), func.sum(table_items.c.size_bytes)).where(
    table_items.c.table == bindparam("table_")
)
_COUNT_ENTRIES = (
    select(func.count()).select_from(table_entries).where(table_entries.c.index == bindparam("index_"))
)
_ITEM_ORDER, _ENTRY_ORDER = "items", "entries"


def _rows(connection: Connection, order: str, values: dict[str, Any], wanted: Slice) -> list[Any]:
    given: dict[str, Any] = {**values, "most": wanted.limit}
    for name in ("partition", "least", "below"):
        if (value := getattr(wanted, name)) is not None:
            given[f"{name}_"] = value
    if wanted.after is not None:
        after = wanted.after
        flat = (after.partition, after.place, *(after.item if isinstance(after, Entry) else ()))
        given |= {f"after{number}": value for number, value in enumerate(flat)}
    statement = _statement(order, frozenset(given.keys() - values.keys()), wanted.descending)
    return statement.all(connection, given)


# There are as many as there are ways to ask, and those are few.
@lru_cache(maxsize=128)
def _statement(order: str, given: frozenset[str], descending: bool) -> Prepared:
    columns: tuple[sqlalchemy.Column[Any], ...]
    if order == _ITEM_ORDER:
        of = table_items.c
        columns = (of.partition, of.place)
        query = select(*columns, of.body).where(of.table == bindparam("table_"))
    else:
        entry = table_entries.c
        columns = (entry.partition, entry.place, entry.item_partition, entry.item_place)
        query = (
            select(*columns, table_items.c.body)
            .join_from(
                table_entries,
                table_items,
                (table_items.c.partition == entry.item_partition)
                & (table_items.c.place == entry.item_place)
                & (table_items.c.table == bindparam("table_")),
            )
            .where(entry.index == bindparam("index_"))
        )
    partition, place = columns[:2]
    conditions = {
        "partition_": partition == bindparam("partition_"),
        "least_": place >= bindparam("least_"),
        "below_": place < bindparam("below_"),
    }
    query = query.where(*(condition for name, condition in conditions.items() if name in given))
    if "after0" in given:
        here = tuple_(*columns)
        there = tuple_(*(bindparam(f"after{number}", type_=LargeBinary()) for number in range(len(columns))))
        query = query.where(here < there if descending else here > there)
    query = query.order_by(*(column.desc() if descending else column for column in columns))
    return Prepared(query.limit(bindparam("most", type_=Integer())))


def _of_item(table: str, key: ItemKey) -> dict[str, object]:
    return {"table_": table, "partition_": key.partition, "place_": key.place}


def _to_row(index: str, entry: Entry) -> dict[str, object]:
    return {
        "index": index,
        "partition": entry.partition,
        "place": entry.place,
        "item_partition": entry.item.partition,
        "item_place": entry.item.place,
    }
