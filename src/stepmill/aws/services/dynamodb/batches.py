"""Calls of several items, each for itself.

All of a call is done here at once: nothing is left unprocessed but what does not fit into an answer.

Source: DynamoDB API reference, BatchGetItem, BatchWriteItem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.dynamodb.asked import (
    PROJECTION,
    Expressions,
    capacity,
    gathered,
    read_units,
    write_units,
)
from stepmill.aws.services.dynamodb.items import read_put
from stepmill.catalog.dynamodb.keys import key_of, read_key
from stepmill.catalog.dynamodb.paths import project
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.schema import table_name
from stepmill.catalog.dynamodb.values import Item, item_size
from stepmill.catalog.dynamodb.writing import Put, Remove
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

MOST_READS, MOST_WRITES = 100, 25
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024

_DUPLICATES = "Provided list of item keys contains duplicates"


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers calls of several items."""
    tables, writing = platform.dynamodb.tables, platform.dynamodb.writing

    def get(call: Call) -> dict[str, Any]:
        asked: Mapping[str, Any] = call.parameters["RequestItems"]
        if sum(len(each["Keys"]) for each in asked.values()) > MOST_READS:
            raise InvalidInputError("Too many items requested for the BatchGetItem call")
        answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {}}
        room = LARGEST_ANSWER_BYTES
        consumed = []
        for name, each in asked.items():
            table = tables.get(table_name(name))
            expressions = Expressions(each, PROJECTION)
            paths = expressions.projection()
            expressions.check()
            keys = [read_key(table.schema, key) for key in each["Keys"]]
            _check_apart(table, keys)
            found: list[Item] = answer["Responses"].setdefault(name, [])
            for place, key in enumerate(keys):
                item = writing.find(table, key)
                size = item_size(item or {})
                if size > room:
                    answer["UnprocessedKeys"][name] = {**each, "Keys": each["Keys"][place:]}
                    break
                room -= size
                units = read_units(size, consistent=bool(each.get("ConsistentRead")))
                consumed.append(capacity(call.parameters, table, units))
                if item is not None:
                    found.append(item if paths is None else project(item, paths))
        return {**answer, **gathered(consumed)}

    def write(call: Call) -> dict[str, Any]:
        asked: Mapping[str, Any] = call.parameters["RequestItems"]
        if sum(map(len, asked.values())) > MOST_WRITES:
            raise InvalidInputError("Too many items requested for the BatchWriteItem call")
        writes: list[Put | Remove] = []
        for name, requests in asked.items():
            table = tables.get(table_name(name))
            own = [_read(table, request) for request in requests]
            _check_apart(table, [each.item if isinstance(each, Put) else each.key for each in own])
            writes += own
        writing.write_each(writes)
        consumed = [
            capacity(call.parameters, each.table, write_units(each.item if isinstance(each, Put) else None))
            for each in writes
        ]
        return {"UnprocessedItems": {}, **gathered(consumed)}

    return {"BatchGetItem": get, "BatchWriteItem": write}


def _read(table: Table, request: Mapping[str, Any]) -> Put | Remove:
    if len(request) != 1:
        raise InvalidInputError(
            "Supplied WriteRequest has more than one request set, must contain exactly one of PutRequest or "
            "DeleteRequest"
            if request
            else "Supplied WriteRequest is empty, must contain exactly one of PutRequest or DeleteRequest"
        )
    if "PutRequest" in request:
        return read_put(table, request["PutRequest"])
    return Remove(table, read_key(table.schema, request["DeleteRequest"]["Key"]))


def _check_apart(table: Table, keys: Sequence[Item]) -> None:
    if len({key_of(table.schema.key, key) for key in keys}) != len(keys):
        raise InvalidInputError(_DUPLICATES)
