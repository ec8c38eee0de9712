"""Writes of items, with conditions: one alone, several for themselves, or several all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.catalog.dynamodb.conditions import Condition, holds
from stepmill.catalog.dynamodb.expiry import is_over
from stepmill.catalog.dynamodb.items import ItemRows
from stepmill.catalog.dynamodb.keys import check_item, key_of
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.tables import Tables
from stepmill.catalog.dynamodb.updates import Update, apply_update
from stepmill.catalog.dynamodb.values import (
    DEEPEST,
    LARGEST_ITEM_BYTES,
    Item,
    is_deeper_than,
    item_size,
    type_of,
)
from stepmill.core.clock import Clock
from stepmill.core.errors import InvalidInputError, NotFoundError, WrongStateError
from stepmill.storage.items import ItemKey


@dataclass(frozen=True, slots=True)
class Put:
    """Put an item in place of any other of its key."""

    table: Table
    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Update an item, which is made if it is not there."""

    table: Table
    key: Item
    update: Update
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete an item, if it is there."""

    table: Table
    key: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Only hold an item against a condition."""

    table: Table
    key: Item
    condition: Condition


Write: TypeAlias = Put | Change | Remove | Check


@dataclass(frozen=True, slots=True)
class Written:
    """An item before and after a write; ``None`` where it was not there."""

    old: Item | None
    new: Item | None


class ConditionFailedError(WrongStateError):
    """The condition of a write does not hold.

    Args:
        item: As it is; ``None`` if there is none.
    """

    def __init__(self, item: Item | None) -> None:
        super().__init__("The conditional request failed")
        self.item = item


class TransactionFailedError(WrongStateError):
    """Writes that belong together were not done.

    Args:
        reasons: Of each write the error that it met; ``None`` if none.
    """

    def __init__(self, reasons: Sequence[ConditionFailedError | InvalidInputError | None]) -> None:
        super().__init__("The transaction was cancelled.")
        self.reasons = tuple(reasons)


class Writing:
    """Writes items. Safe to share between threads and processes.

    Args:
        tables: Whose items.
        rows: Where these are.
        clock: Says whose time is over.
    """

    def __init__(self, tables: Tables, rows: ItemRows, clock: Clock) -> None:
        self._tables = tables
        self._rows = rows
        self._clock = clock

    def find(self, table: Table, key: Item) -> Item | None:
        """Return an item by its key; ``None`` if there is none, or its time is over."""
        return self._living(table, self._rows.find(table, key_of(table.schema.key, key)))

    def find_all(self, keys: Sequence[tuple[Table, Item]]) -> list[Item | None]:
        """Return items as they are at one moment."""
        with self._rows.transaction():
            return [self.find(table, key) for table, key in keys]

    def write(self, write: Write) -> Written:
        """Do one write.

        Raises:
            ConditionFailedError: If its condition does not hold.
            InvalidInputError: If the item cannot be as it would be.
            NotFoundError: If the table has gone.
        """
        check_size(write)
        with self._rows.transaction():
            return self._carry_out(write)

    def write_each(self, writes: Sequence[Write]) -> None:
        """Do several writes that have no conditions.

        Raises:
            InvalidInputError: If an item cannot be as it would be. Nothing was done.
            NotFoundError: If a table has gone. Nothing was done.
        """
        for write in writes:
            check_size(write)
        with self._rows.transaction():
            for write in writes:
                self._carry_out(write)

    def write_all(self, writes: Sequence[Write]) -> None:
        """Do several writes, all of them or none.

        Raises:
            TransactionFailedError: If one of them cannot be done. Nothing was done.
            NotFoundError: If a table has gone. Nothing was done.
        """
        reasons: list[ConditionFailedError | InvalidInputError | None] = []
        with self._rows.transaction():
            for write in writes:
                try:
                    self._carry_out(write)
                except (ConditionFailedError, InvalidInputError) as error:
                    reasons.append(error)
                else:
                    reasons.append(None)
            if any(reasons):
                raise TransactionFailedError(reasons)

    def sweep(self, table: Table, keys: Sequence[ItemKey]) -> None:
        """Remove items of a table whose time is over, if it still is."""
        if not keys:
            return
        with self._rows.transaction():
            current = self._current(table)
            for key in keys:
                item = self._rows.find(current, key)
                if item is not None and self._living(current, item) is None:
                    self._rows.replace(current, item, None)

    def _carry_out(self, write: Write) -> Written:
        table = self._current(write.table)
        key = write.item if isinstance(write, Put) else write.key
        stored = self._rows.find(table, key_of(table.schema.key, key))
        old = self._living(table, stored)
        if write.condition is not None and not holds(write.condition, old or {}):
            raise ConditionFailedError(old)
        match write:
            case Put(item=item):
                check_item(table.schema, item)
                new: Item | None = item
            case Change(update=update):
                new = _changed(table, key, old, update)
            case Remove():
                new = None
            case Check():
                return Written(old, old)
        self._rows.replace(table, stored, new)
        return Written(old, new)

    def _current(self, table: Table) -> Table:
        """Return a table as it is now: another process may have given it an index, or deleted it."""
        current = self._tables.get(table.name)
        if current.id != table.id:
            raise NotFoundError("Requested resource not found")
        return current

    def _living(self, table: Table, item: Item | None) -> Item | None:
        is_gone = item is None or is_over(item, table.kept.ttl, self._clock.now())
        return None if is_gone else item


def check_size(write: Write) -> None:
    """Hold an item that is to be put against the largest size.

    Raises:
        InvalidInputError: If it is larger.
    """
    if isinstance(write, Put) and item_size(write.item) > LARGEST_ITEM_BYTES:
        raise InvalidInputError("Item size has exceeded the maximum allowed size")


def _changed(table: Table, key: Item, old: Item | None, update: Update) -> Item:
    new = apply_update(update, old if old is not None else key)
    for index in table.schema.indexes.values():
        for name in index.key.names:
            if name in new and type_of(new[name]) != table.schema.types[name]:
                raise InvalidInputError(
                    "The update expression attempted to update the secondary index key to unsupported type"
                )
    check_item(table.schema, new)
    if item_size(new) > LARGEST_ITEM_BYTES:
        raise InvalidInputError("Item size to update has exceeded the maximum allowed size")
    if any(is_deeper_than(value, DEEPEST) for value in new.values()):
        raise InvalidInputError("Nesting Levels have exceeded supported limits")
    return new
