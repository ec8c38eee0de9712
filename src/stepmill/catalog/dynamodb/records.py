"""Tables as they are kept: what was asked for, and what the schema makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from stepmill.catalog.dynamodb.schema import TableSchema
from stepmill.core.json import JsonObject
from stepmill.core.typed import converter
from stepmill.storage.records import Record

TABLE_KIND = "table"


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a table, as JSON.

    Args:
        id: Another for each table that there ever was.
        schema: How its items are found.
        billing: ``PROVISIONED`` or ``PAY_PER_REQUEST``.
        throughput: Units of capacity that were asked for, to read and to write: of the table under an empty
            name, and of its indexes. They are told, and limit nothing.
        tags: Of the table.
        ttl: The attribute that says when an item's time is over, in seconds since 1970; empty: none.
        is_protected: Whether it cannot be deleted.
        table_class: ``STANDARD`` or ``STANDARD_INFREQUENT_ACCESS``; empty if none was asked for.
        billed_at: When it began to be paid by request, in seconds since 1970; 0 if it is not.
    """

    id: str
    schema: TableSchema
    billing: str
    throughput: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    ttl: str = ""
    is_protected: bool = False
    table_class: str = ""
    billed_at: float = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        name: Unique here.
        kept: What is kept of it.
        created_at: Aware, UTC.
    """

    name: str
    kept: Kept
    created_at: datetime

    @property
    def id(self) -> str:
        """Another for each table that there ever was."""
        return self.kept.id

    @property
    def schema(self) -> TableSchema:
        """How its items are found."""
        return self.kept.schema

    def index_id(self, index: str) -> str:
        """Return under what the entries of an index are kept."""
        return f"{self.id}/{index}"


_kept = converter(Kept)


def read_table(record: Record) -> Table:
    """Return the table that a record holds."""
    return Table(record.name, _kept(record.body), record.created_at)


def write_table(kept: Kept) -> JsonObject:
    """Return the body of a table's record."""
    body: dict[str, Any] = msgspec.to_builtins(kept)
    return body
