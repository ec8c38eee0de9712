"""Changes of tables: how they are paid, whether they can be deleted, their global indexes.

Source: DynamoDB API reference, UpdateTable.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.dynamodb.tables import BY_REQUEST, described, read_throughput, refuse
from stepmill.catalog.dynamodb.records import Kept, Table
from stepmill.catalog.dynamodb.schema import read_global_index, table_name
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.platform import Platform

_NOT_OFFERED = ("ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates")
_SETTINGS = (
    "BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass", "StreamSpecification",
    "SSESpecification", "GlobalSecondaryIndexUpdates", "OnDemandThroughput", "WarmThroughput",
)  # fmt: skip


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers changes of tables."""

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        refuse(given)
        for name in _NOT_OFFERED:
            if given.get(name):
                raise ApiError("UnsupportedOperation", f"Stepmill does not offer {name}.", where=name)
        if all(given.get(name) is None for name in _SETTINGS):
            raise InvalidInputError(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
            )
        name = table_name(given["TableName"])
        changes = given.get("GlobalSecondaryIndexUpdates") or ()
        if sum("Create" in change or "Delete" in change for change in changes) > 1:
            raise ApiError(
                "LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
                "per table",
            )
        # All of it, or nothing if an index cannot be.
        with platform.records.transaction():
            table = platform.dynamodb.tables.change(name, lambda kept: _changed(kept, given))
            for change in changes:
                table = _change_index(platform, table, given, change)
        return {"TableDescription": described(platform, table, status="UPDATING")}

    return {"UpdateTable": update}


def _changed(kept: Kept, given: Mapping[str, Any]) -> Kept:
    billing = given.get("BillingMode") or kept.billing
    changes: dict[str, Any] = {"billing": billing}
    if given.get("ProvisionedThroughput") is not None or billing != kept.billing:
        units = read_throughput(given, billing, "")
        others = {} if billing == BY_REQUEST else kept.throughput
        changes["throughput"] = {**others, "": units}
    if billing == BY_REQUEST and kept.billing != billing:
        changes["billed_at"] = time.time()
    if given.get("DeletionProtectionEnabled") is not None:
        changes["is_protected"] = bool(given["DeletionProtectionEnabled"])
    if given.get("TableClass"):
        changes["table_class"] = given["TableClass"]
    return msgspec.structs.replace(kept, **changes)


def _change_index(
    platform: Platform, table: Table, given: Mapping[str, Any], change: Mapping[str, Any]
) -> Table:
    tables = platform.dynamodb.tables
    if len(change) != 1:
        raise InvalidInputError(
            "One or more parameter values were invalid: Only one global secondary index update per index is "
            "allowed simultaneously."
        )
    kind, asked = next(iter(change.items()))
    if kind == "Delete":
        return tables.remove_index(table.name, asked["IndexName"])
    if kind == "Create":
        index = read_global_index(asked)
        units = read_throughput(asked, table.kept.billing, f" for index: {index.name}")
        definitions = given.get("AttributeDefinitions") or ()
        types = {each["AttributeName"]: each["AttributeType"] for each in definitions}
        tables.add_index(table.name, index, types)
    else:
        index_name = asked["IndexName"]
        if index_name not in table.schema.indexes:
            raise NotFoundError(f"Requested resource not found: Index: {index_name} not found")
        if asked.get("ProvisionedThroughput") is None:
            return table
        units = read_throughput(asked, table.kept.billing, f" for index: {index_name}")
    name = asked["IndexName"]

    def with_units(kept: Kept) -> Kept:
        return msgspec.structs.replace(kept, throughput={**kept.throughput, name: units})

    return tables.change(table.name, with_units)
