"""Queries and scans: pages of the items of a table or an index, in order."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stepmill.catalog.dynamodb.conditions import Condition, holds
from stepmill.catalog.dynamodb.expiry import is_over
from stepmill.catalog.dynamodb.items import ItemRows, read_body
from stepmill.catalog.dynamodb.key_conditions import KeyRange
from stepmill.catalog.dynamodb.keys import entry_of, key_of
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.schema import IndexSchema
from stepmill.catalog.dynamodb.values import Item, Value, item_size
from stepmill.catalog.dynamodb.writing import Writing
from stepmill.core.clock import Clock
from stepmill.storage.items import Entry, ItemKey, Slice, StoredItem

LARGEST_PAGE_BYTES = 1024 * 1024
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Args:
        table: Whose items.
        index: In whose order; ``None``: in the table's.
        key_range: Only those in it; ``None``: all.
        condition: Only those that fulfil it; ``None``: all.
        limit: Look at so many at most; ``None``: as many as fit into a page.
        after: Where the page before ended: the keys of its last item; ``None``: from the beginning.
        descending: Whether the last comes first.
        segment: Which part of the table, and how many there are.
    """

    table: Table
    index: IndexSchema | None = None
    key_range: KeyRange | None = None
    condition: Condition | None = None
    limit: int | None = None
    after: Item | None = None
    descending: bool = False
    segment: tuple[int, int] | None = None

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes that say where an item lies in the order."""
        own = self.table.schema.key.names
        return own if self.index is None else tuple(dict.fromkeys((*self.index.key.names, *own)))


@dataclass(slots=True)
class FoundPage:
    """A page.

    Args:
        items: Those that were asked for, as the index shows them.
        scanned: How many were looked at.
        size_bytes: How many bytes these count.
        last_key: Where it ended; ``None`` if there is nothing more.
    """

    items: list[Item] = field(default_factory=list)
    scanned: int = 0
    size_bytes: int = 0
    last_key: dict[str, Value] | None = None


class Reading:
    """Reads items. Safe to share between threads and processes.

    Args:
        rows: Where they are.
        writing: Removes those whose time is over.
        clock: Says whose that is.
    """

    def __init__(self, rows: ItemRows, writing: Writing, clock: Clock) -> None:
        self._rows = rows
        self._writing = writing
        self._clock = clock

    def page(self, wanted: Wanted) -> FoundPage:
        """Return the page that is asked for."""
        page = FoundPage()
        now = self._clock.now()
        over: list[ItemKey] = []
        last: Item | None = None
        for stored in self._stored(wanted):
            item = read_body(stored.body)
            if is_over(item, wanted.table.kept.ttl, now):
                over.append(stored.key)
                continue
            size = item_size(item)
            if page.scanned and page.size_bytes + size > LARGEST_PAGE_BYTES:
                page.last_key = _keys(wanted, last)
                break
            page.scanned += 1
            page.size_bytes += size
            last = item
            seen = _seen(wanted, item)
            if wanted.condition is None or holds(wanted.condition, seen):
                page.items.append(seen)
            if page.scanned == wanted.limit:
                page.last_key = _keys(wanted, last)
                break
        self._writing.sweep(wanted.table, over)
        return page

    def _stored(self, wanted: Wanted) -> Iterator[StoredItem]:
        of = wanted.key_range
        asked = Slice(
            partition=of.partition if of else None,
            least=of.least if of else None,
            below=of.below if of else None,
            after=_place(wanted),
            descending=wanted.descending,
            limit=min(wanted.limit or _AT_ONCE, _AT_ONCE),
        )
        while found := self._rows.page(wanted.table, wanted.index, asked):
            yield from (each for each in found if _is_in_segment(each, wanted.segment))
            if len(found) < asked.limit:
                return
            asked = replace(asked, after=found[-1].entry or found[-1].key)


def _place(wanted: Wanted) -> ItemKey | Entry | None:
    if wanted.after is None:
        return None
    schema = wanted.table.schema
    if wanted.index is None:
        return key_of(schema.key, wanted.after)
    return entry_of(schema, wanted.index, wanted.after)


def _keys(wanted: Wanted, item: Item | None) -> dict[str, Value] | None:
    return None if item is None else {name: item[name] for name in wanted.key_names}


def _seen(wanted: Wanted, item: Item) -> Item:
    """Return an item as a condition sees it: a global index has only what is projected to it."""
    if wanted.index is None or wanted.index.is_local:
        return item
    shown = wanted.table.schema.shown_in(wanted.index)
    return item if shown is None else {name: item[name] for name in item if name in shown}


def _is_in_segment(stored: StoredItem, segment: tuple[int, int] | None) -> bool:
    if segment is None:
        return True
    partition = stored.entry.partition if stored.entry else stored.key.partition
    return zlib.crc32(partition) % segment[1] == segment[0]
