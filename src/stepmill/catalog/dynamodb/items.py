"""Items as rows: an item and where it lies in its table's indexes are written together, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from stepmill.catalog.dynamodb.keys import entry_of, key_of
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.schema import IndexSchema
from stepmill.catalog.dynamodb.values import Item, item_size
from stepmill.storage.items import ItemKey, Slice, SqlItemStore, StoredItem

_PAGE = 64


class ItemRows:
    """Keeps items of tables. Safe to share between threads and processes.

    Args:
        store: Where.
    """

    def __init__(self, store: SqlItemStore) -> None:
        self._store = store

    def transaction(self) -> AbstractContextManager[None]:
        """Make one of all that this thread does in this ``with``; nobody else writes meanwhile."""
        return self._store.transaction()

    def find(self, table: Table, key: ItemKey) -> Item | None:
        """Return an item, or ``None`` if there is none."""
        body = self._store.get(table.id, key)
        return None if body is None else read_body(body)

    def replace(self, table: Table, old: Item | None, new: Item | None) -> None:
        """Put an item in place of another of the same key.

        Args:
            table: Whose.
            old: What is there; ``None`` if nothing.
            new: What is to be there; ``None`` for nothing.
        """
        with self.transaction():
            for name, index in table.schema.indexes.items():
                before = entry_of(table.schema, index, old) if old else None
                after = entry_of(table.schema, index, new) if new else None
                if before == after:
                    continue
                if before is not None:
                    self._store.delete_entry(table.index_id(name), before)
                if after is not None:
                    self._store.put_entries(table.index_id(name), [after])
            if new is not None:
                key = key_of(table.schema.key, new)
                self._store.put(table.id, key, msgspec.msgpack.encode(new), item_size(new))
            elif old is not None:
                self._store.delete(table.id, key_of(table.schema.key, old))

    def page(self, table: Table, index: IndexSchema | None, wanted: Slice) -> list[StoredItem]:
        """Return items of a table, in the order of an index or its own."""
        if index is None:
            return self._store.page(table.id, wanted)
        return self._store.index_page(table.id, table.index_id(index.name), wanted)

    def fill_index(self, table: Table, index: IndexSchema) -> None:
        """Enter all items of a table into an index, but those whose attributes are of other types."""
        for items in self._all(table):
            fitting = (item for item in items if _fits(table, index, item))
            entries = (entry_of(table.schema, index, item) for item in fitting)
            self._store.put_entries(table.index_id(index.name), [each for each in entries if each])

    def clear_index(self, index: str) -> None:
        """Remove all entries of an index."""
        self._store.clear_index(index)

    def clear(self, table: str, indexes: Iterable[str]) -> None:
        """Remove all items of a table, and its indexes' entries."""
        self._store.clear(table, indexes)

    def count(self, table: str) -> tuple[int, int]:
        """Return how many items a table has, and how many bytes these count."""
        return self._store.count(table)

    def count_entries(self, index: str) -> int:
        """Return how many entries an index has."""
        return self._store.count_entries(index)

    def _all(self, table: Table) -> Iterator[list[Item]]:
        after: ItemKey | None = None
        while found := self._store.page(table.id, Slice(after=after, limit=_PAGE)):
            yield [read_body(stored.body) for stored in found]
            after = found[-1].key


def read_body(body: bytes) -> dict[str, Any]:
    """Return the item that a row holds."""
    item: dict[str, Any] = msgspec.msgpack.decode(body)
    return item


def _fits(table: Table, index: IndexSchema, item: Item) -> bool:
    types = table.schema.types
    return all(types[name] in item[name] for name in index.key.names if name in item)
