"""Tables: made, described, changed and deleted. Their items lie beside them in the store."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from stepmill.catalog.dynamodb.expiry import MOST_NAME_BYTES
from stepmill.catalog.dynamodb.items import ItemRows
from stepmill.catalog.dynamodb.records import TABLE_KIND, Kept, Table, read_table, write_table
from stepmill.catalog.dynamodb.schema import IndexSchema, TableSchema, check_name, with_indexes
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.records import RecordStore, Selection, SortBy

MOST_TAGS = 50
_PAGE = 1000
_NOT_FOUND = "Requested resource not found"
_INVALID = "One or more parameter values were invalid: "


@dataclass(frozen=True, slots=True)
class Size:
    """How much a table holds.

    Args:
        items: How many items.
        size_bytes: How many bytes these count.
        entries: How many items each index has, by name.
    """

    items: int
    size_bytes: int
    entries: Mapping[str, int]


class Tables:
    """Keeps tables. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        rows: Where their items are kept.
    """

    def __init__(self, records: RecordStore, rows: ItemRows) -> None:
        self._records = records
        self._rows = rows

    def create(self, name: str, kept: Kept) -> Table:
        """Make a table; its items can be written at once.

        Raises:
            InvalidInputError: If it cannot have that name.
            ConflictError: If there is one of it.
        """
        check_name(name, "TableName")
        kept = msgspec.structs.replace(kept, id=uuid.uuid4().hex)
        with self._records.transaction():
            if self._records.find(TABLE_KIND, name) is not None:
                raise ConflictError(f"Table already exists: {name}")
            return read_table(self._records.create(TABLE_KIND, name, write_table(kept)))

    def find(self, name: str) -> Table | None:
        """Return a table, or ``None`` if there is none."""
        record = self._records.find(TABLE_KIND, name)
        return None if record is None else read_table(record)

    def get(self, name: str) -> Table:
        """Return a table whose items are asked for.

        Raises:
            NotFoundError: If there is none of that name.
        """
        found = self.find(name)
        if found is None:
            raise NotFoundError(_NOT_FOUND)
        return found

    def described(self, name: str) -> Table:
        """Return a table that is asked for itself.

        Raises:
            NotFoundError: If there is none of that name.
        """
        found = self.find(name)
        if found is None:
            raise NotFoundError(f"{_NOT_FOUND}: Table: {name} not found")
        return found

    def size(self, table: Table) -> Size:
        """Return how much a table holds."""
        count, size_bytes = self._rows.count(table.id)
        entries = {name: self._rows.count_entries(table.index_id(name)) for name in table.schema.indexes}
        return Size(count, size_bytes, entries)

    def names(self, after: str = "") -> Iterator[str]:
        """Yield the names of all tables in order, from the one after a name."""
        for record in Selection(sort_by=SortBy.NAME, limit=_PAGE).all(self._records, TABLE_KIND):
            if record.name > after:
                yield record.name

    def delete(self, name: str) -> Table:
        """Remove a table and its items.

        Raises:
            NotFoundError: If there is none of that name.
            InvalidInputError: If it is protected.
        """
        with self._records.transaction():
            table = self.described(name)
            if table.kept.is_protected:
                raise InvalidInputError(
                    "Resource cannot be deleted as it is currently protected against deletion. "
                    "Disable deletion protection first."
                )
            self._rows.clear(table.id, map(table.index_id, table.schema.indexes))
            self._records.delete(TABLE_KIND, name)
        return table

    def change(self, name: str, change: Callable[[Kept], Kept]) -> Table:
        """Keep something else of a table; of its schema only ``add_index`` and ``remove_index`` can.

        Raises:
            NotFoundError: If there is none of that name.
        """
        with self._records.transaction():
            kept = change(self.described(name).kept)
            record = self._records.update(TABLE_KIND, name, lambda old: replace(old, body=write_table(kept)))
        return read_table(record)

    def add_index(self, name: str, index: IndexSchema, types: Mapping[str, str]) -> Table:
        """Give a table a global index of the items that it has and will have.

        Args:
            name: Of the table.
            index: Which.
            types: Attribute -> type, of those that are asked for with it.

        Raises:
            NotFoundError: If there is no such table.
            InvalidInputError: If DynamoDB would refuse it.
        """

        def added(kept: Kept) -> Kept:
            old = kept.schema
            known = TableSchema({**types, **old.types}, old.key, old.indexes)
            return _with_schema(kept, with_indexes(known, [index]))

        with self._records.transaction():
            table = self.change(name, added)
            self._rows.fill_index(table, index)
        return table

    def remove_index(self, name: str, index: str) -> Table:
        """Take a global index from a table.

        Raises:
            NotFoundError: If there is no such table, or it has no such index.
        """

        def without(kept: Kept) -> Kept:
            old = kept.schema
            if index not in old.indexes or old.indexes[index].is_local:
                raise NotFoundError(f"{_NOT_FOUND}: Index: {index} not found")
            indexes = {key: each for key, each in old.indexes.items() if key != index}
            used = {*old.key.names, *(n for each in indexes.values() for n in each.key.names)}
            types = {key: kind for key, kind in old.types.items() if key in used}
            return _with_schema(kept, TableSchema(types, old.key, indexes))

        with self._records.transaction():
            table = self.change(name, without)
            self._rows.clear_index(table.index_id(index))
        return table

    def set_ttl(self, name: str, attribute: str, *, enabled: bool) -> Table:
        """Say which attribute tells when an item's time is over, or that none does.

        Raises:
            NotFoundError: If there is no such table.
            InvalidInputError: If it is so already, or another attribute does.
        """
        if not 1 <= len(attribute.encode()) <= MOST_NAME_BYTES:
            raise InvalidInputError(f"{_INVALID}AttributeName must have 1 to {MOST_NAME_BYTES} bytes")

        def changed(kept: Kept) -> Kept:
            if enabled and kept.ttl == attribute:
                raise InvalidInputError("TimeToLive is already enabled")
            if enabled and kept.ttl:
                raise InvalidInputError("TimeToLive is active on a different AttributeName")
            if not enabled and not kept.ttl:
                raise InvalidInputError("TimeToLive is already disabled")
            if not enabled and kept.ttl != attribute:
                raise InvalidInputError("TimeToLive is active on a different AttributeName")
            return msgspec.structs.replace(kept, ttl=attribute if enabled else "")

        return self.change(name, changed)

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Give a table tags.

        Raises:
            NotFoundError: If there is no such table.
            InvalidInputError: If it would have too many.
        """

        def tagged(kept: Kept) -> Kept:
            merged = {**kept.tags, **tags}
            if len(merged) > MOST_TAGS:
                raise InvalidInputError(f"{_INVALID}Too many tags: a table has at most {MOST_TAGS}")
            return msgspec.structs.replace(kept, tags=merged)

        self.change(name, tagged)

    def untag(self, name: str, keys: list[str]) -> None:
        """Take tags from a table.

        Raises:
            NotFoundError: If there is no such table.
        """

        def untagged(kept: Kept) -> Kept:
            left = {key: text for key, text in kept.tags.items() if key not in keys}
            return msgspec.structs.replace(kept, tags=left)

        self.change(name, untagged)


def _with_schema(kept: Kept, schema: TableSchema) -> Kept:
    return msgspec.structs.replace(kept, schema=schema)
