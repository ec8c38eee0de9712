"""All of DynamoDB over one store."""

from __future__ import annotations

from stepmill.catalog.dynamodb.items import ItemRows
from stepmill.catalog.dynamodb.reading import Reading
from stepmill.catalog.dynamodb.tables import Tables
from stepmill.catalog.dynamodb.tokens import Tokens
from stepmill.catalog.dynamodb.writing import Writing
from stepmill.core.clock import Clock
from stepmill.storage.items import SqlItemStore
from stepmill.storage.records import RecordStore


class DynamoDb:
    """Tables, and who writes and reads their items.

    Args:
        records: Where tables are kept.
        items: Where items are kept: in the same database.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, items: SqlItemStore, clock: Clock) -> None:
        rows = ItemRows(items)
        self.tables = Tables(records, rows)
        self.writing = Writing(self.tables, rows, clock)
        self.tokens = Tokens(records, clock)
        self.reading = Reading(rows, self.writing, clock)
