"""Calls of several items at once: all of them are done, or none.

Source: DynamoDB API reference, TransactWriteItems, TransactGetItems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.dynamodb.asked import (
    CONDITION,
    PROJECTION,
    Expressions,
    capacity,
    gathered,
    read_units,
    table_in,
    write_units,
)
from stepmill.aws.services.dynamodb.items import read_change, read_put, read_remove
from stepmill.aws.services.sagemaker.refusals import told_as
from stepmill.catalog.dynamodb.keys import key_of, read_key
from stepmill.catalog.dynamodb.paths import project
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.tokens import OtherRequestError
from stepmill.catalog.dynamodb.values import item_size
from stepmill.catalog.dynamodb.writing import Check, ConditionFailedError, Put, TransactionFailedError, Write
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

LARGEST_BYTES = 4 * 1024 * 1024


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers transactions."""
    writing, tokens = platform.dynamodb.writing, platform.dynamodb.tokens

    def write(call: Call) -> dict[str, Any]:
        asked = call.parameters["TransactItems"]
        writes = [_read(platform, each) for each in asked]
        places = {(each.table.name, key_of(each.table.schema.key, _key(each))) for each in writes}
        if len(places) != len(writes):
            raise InvalidInputError("Transaction request cannot include multiple operations on one item")
        token = call.parameters.get("ClientRequestToken") or ""
        try:
            if token:
                digest = sha256(msgspec.msgpack.encode(asked, order="deterministic")).hexdigest()
                with told_as("IdempotentParameterMismatchException", OtherRequestError):
                    tokens.once(token, digest, lambda: writing.write_all(writes))
            else:
                writing.write_all(writes)
        except TransactionFailedError as error:
            raise _cancelled(error, asked) from error
        consumed = [
            capacity(
                call.parameters,
                each.table,
                2 * write_units(each.item if isinstance(each, Put) else None),
                told_units="WriteCapacityUnits",
            )
            for each in writes
        ]
        return gathered(consumed)

    def get(call: Call) -> dict[str, Any]:
        keys, shown = [], []
        for each in call.parameters["TransactItems"]:
            given = each["Get"]
            expressions = Expressions(given, PROJECTION)
            shown.append(expressions.projection())
            expressions.check()
            table = table_in(platform, given)
            keys.append((table, read_key(table.schema, given["Key"])))
        found = writing.find_all(keys)
        if sum(item_size(item or {}) for item in found) > LARGEST_BYTES:
            raise InvalidInputError("Transaction response size cannot exceed 4 MB")
        responses: list[dict[str, Any]] = []
        consumed = []
        for (table, _), item, paths in zip(keys, found, shown, strict=True):
            if item is None:
                responses.append({})
            else:
                responses.append({"Item": item if paths is None else project(item, paths)})
            units = 2 * read_units(item_size(item or {}), consistent=True)
            consumed.append(capacity(call.parameters, table, units, told_units="ReadCapacityUnits"))
        return {"Responses": responses, **gathered(consumed)}

    return {"TransactWriteItems": write, "TransactGetItems": get}


def _read(platform: Platform, asked: Mapping[str, Any]) -> Write:
    if len(asked) != 1:
        raise InvalidInputError("TransactItems can only contain one of Check, Put, Update or Delete")
    kind, given = next(iter(asked.items()))
    table = table_in(platform, given)
    readers: Mapping[str, Callable[[Table, Mapping[str, Any]], Write]] = {
        "ConditionCheck": _read_check,
        "Put": read_put,
        "Update": read_change,
        "Delete": read_remove,
    }
    return readers[kind](table, given)


def _read_check(table: Table, given: Mapping[str, Any]) -> Check:
    expressions = Expressions(given, CONDITION)
    condition = expressions.condition()
    expressions.check()
    if condition is None:
        raise InvalidInputError("The expression can not be empty;")
    return Check(table, read_key(table.schema, given["Key"]), condition)


def _key(write: Write) -> Mapping[str, Any]:
    return write.item if isinstance(write, Put) else write.key


def _cancelled(error: TransactionFailedError, asked: list[Mapping[str, Any]]) -> ApiError:
    reasons = []
    for reason, each in zip(error.reasons, asked, strict=True):
        told: dict[str, Any] = {"Code": "None"}
        if isinstance(reason, ConditionFailedError):
            told = {"Code": "ConditionalCheckFailed", "Message": reason.what}
            given = next(iter(each.values()))
            if given.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and reason.item is not None:
                told["Item"] = reason.item
        elif reason is not None:
            told = {"Code": "ValidationError", "Message": reason.what}
        reasons.append(told)
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ApiError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        members={"CancellationReasons": reasons},
    )
