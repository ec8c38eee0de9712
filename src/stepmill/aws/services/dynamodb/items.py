"""Calls of single items.

Source: DynamoDB API reference, PutItem, GetItem, UpdateItem, DeleteItem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.dynamodb.asked import (
    CONDITION,
    PROJECTION,
    UPDATE,
    Expressions,
    capacity,
    check_updated,
    read_units,
    table_in,
    write_units,
)
from stepmill.catalog.dynamodb.keys import check_item, read_key
from stepmill.catalog.dynamodb.paths import project
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.updates import Update
from stepmill.catalog.dynamodb.values import Item, item_size, read_item
from stepmill.catalog.dynamodb.writing import Change, ConditionFailedError, Put, Remove, Written, check_size
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

_OLD_ONLY = ("NONE", "ALL_OLD")


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers calls of single items."""
    writing = platform.dynamodb.writing

    def put(call: Call) -> dict[str, Any]:
        given = call.parameters
        _check_returns(given)
        table = table_in(platform, given)
        with told_condition(given):
            written = writing.write(read_put(table, given))
        return _answer(given, table, written, {"ALL_OLD": written.old})

    def get(call: Call) -> dict[str, Any]:
        given = call.parameters
        expressions = Expressions(given, PROJECTION)
        paths = expressions.projection()
        expressions.check()
        table = table_in(platform, given)
        item = writing.find(table, read_key(table.schema, given["Key"]))
        units = read_units(item_size(item or {}), consistent=bool(given.get("ConsistentRead")))
        answer = capacity(given, table, units)
        if item is None:
            return answer
        return {"Item": item if paths is None else project(item, paths), **answer}

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        table = table_in(platform, given)
        change = read_change(table, given)
        with told_condition(given):
            written = writing.write(change)
        paths = change.update.paths
        shown = {
            "ALL_OLD": written.old,
            "ALL_NEW": written.new,
            "UPDATED_OLD": project(written.old or {}, paths),
            "UPDATED_NEW": project(written.new or {}, paths),
        }
        return _answer(given, table, written, shown)

    def delete(call: Call) -> dict[str, Any]:
        given = call.parameters
        _check_returns(given)
        table = table_in(platform, given)
        with told_condition(given):
            written = writing.write(read_remove(table, given))
        return _answer(given, table, written, {"ALL_OLD": written.old})

    return {"PutItem": put, "GetItem": get, "UpdateItem": update, "DeleteItem": delete}


def read_put(table: Table, given: Mapping[str, Any]) -> Put:
    """Return the put that a call, or one of a transaction, asks for.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    expressions = Expressions(given, CONDITION)
    condition = expressions.condition()
    expressions.check()
    item = read_item(given["Item"])
    put = Put(table, item, condition)
    check_size(put)
    check_item(table.schema, item)
    return put


def read_change(table: Table, given: Mapping[str, Any]) -> Change:
    """Return the update that a call, or one of a transaction, asks for.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    expressions = Expressions(given, UPDATE, CONDITION)
    update: Update = expressions.update()
    condition = expressions.condition()
    expressions.check()
    key = read_key(table.schema, given["Key"])
    check_updated(table, update)
    return Change(table, key, update, condition)


def read_remove(table: Table, given: Mapping[str, Any]) -> Remove:
    """Return the deletion that a call, or one of a transaction, asks for.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    expressions = Expressions(given, CONDITION)
    condition = expressions.condition()
    expressions.check()
    return Remove(table, read_key(table.schema, given["Key"]), condition)


@contextmanager
def told_condition(given: Mapping[str, Any]) -> Iterator[None]:
    """Tell that a condition does not hold, with the item if the call asks for that.

    Raises:
        ApiError: In place of that error.
    """
    try:
        yield
    except ConditionFailedError as error:
        asked = given.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        members = {"Item": error.item} if asked and error.item is not None else {}
        raise ApiError("ConditionalCheckFailedException", error.what, members=members) from error


def _check_returns(given: Mapping[str, Any]) -> None:
    if (given.get("ReturnValues") or "NONE") not in _OLD_ONLY:
        raise InvalidInputError("ReturnValues can only be ALL_OLD or NONE")


def _answer(
    given: Mapping[str, Any], table: Table, written: Written, shown: Mapping[str, Item | None]
) -> dict[str, Any]:
    answer = capacity(given, table, write_units(written.old, written.new))
    if given.get("ReturnItemCollectionMetrics") == "SIZE" and table.schema.has_local:
        partition = table.schema.key.partition
        key = (written.new or written.old or {}).get(partition)
        if key is not None:
            answer["ItemCollectionMetrics"] = {
                "ItemCollectionKey": {partition: key},
                "SizeEstimateRangeGB": [0.0, 1.0],
            }
    if attributes := shown.get(given.get("ReturnValues") or "NONE"):
        answer["Attributes"] = attributes
    return answer
