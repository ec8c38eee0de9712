"""Calls of tables: made, described, listed, deleted.

Source: DynamoDB API reference, CreateTable, DescribeTable, ListTables, DeleteTable.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.catalog.dynamodb.records import Kept, Table
from stepmill.catalog.dynamodb.schema import read_schema, table_name
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

PROVISIONED, BY_REQUEST = "PROVISIONED", "PAY_PER_REQUEST"
LARGEST_PAGE = 100

_INVALID = "One or more parameter values were invalid: "
# What would change what a table does, and is not done here.
_NOT_OFFERED = (
    "ResourcePolicy",
    "GlobalTableSourceArn",
    "VectorIndexes",
    "GlobalTableSettingsReplicationMode",
)


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers calls of tables."""
    tables = platform.dynamodb.tables

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        refuse(given)
        schema = read_schema(given)
        kept = Kept(
            id="",
            schema=schema,
            billing=given.get("BillingMode") or PROVISIONED,
            throughput=_throughput(given),
            tags={tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()},
            is_protected=bool(given.get("DeletionProtectionEnabled")),
            table_class=given.get("TableClass") or "",
        )
        table = tables.create(table_name(given["TableName"]), kept)
        return {"TableDescription": described(platform, table, status="CREATING")}

    def describe(call: Call) -> dict[str, Any]:
        return {"Table": described(platform, tables.described(table_name(call.parameters["TableName"])))}

    def list_(call: Call) -> dict[str, Any]:
        limit = int(call.parameters.get("Limit") or LARGEST_PAGE)
        after = call.parameters.get("ExclusiveStartTableName") or ""
        names = list(itertools.islice(tables.names(after), limit + 1))
        answer: dict[str, Any] = {"TableNames": names[:limit]}
        return {**answer, "LastEvaluatedTableName": names[limit - 1]} if len(names) > limit else answer

    def delete(call: Call) -> dict[str, Any]:
        table = tables.delete(table_name(call.parameters["TableName"]))
        return {"TableDescription": described(platform, table, status="DELETING")}

    return {"CreateTable": create, "DescribeTable": describe, "ListTables": list_, "DeleteTable": delete}


def described(platform: Platform, table: Table, *, status: str = "ACTIVE") -> dict[str, Any]:
    """Return all that is told of a table."""
    kept, arn = table.kept, platform.settings.arns.table(table.name)
    size = platform.dynamodb.tables.size(table)
    told: dict[str, Any] = {
        "TableName": table.name,
        "TableStatus": status,
        "CreationDateTime": table.created_at,
        "TableArn": arn,
        "TableId": _as_uuid(table.id),
        "TableSizeBytes": size.size_bytes,
        "ItemCount": size.items,
        "DeletionProtectionEnabled": kept.is_protected,
    }
    if status != "DELETING":
        told["KeySchema"] = kept.schema.key.described()
        told["AttributeDefinitions"] = [
            {"AttributeName": name, "AttributeType": kind} for name, kind in sorted(kept.schema.types.items())
        ]
    told["ProvisionedThroughput"] = _described_throughput(kept, "")
    if kept.billing == BY_REQUEST:
        told["BillingModeSummary"] = {
            "BillingMode": BY_REQUEST,
            "LastUpdateToPayPerRequestDateTime": kept.billed_at or table.created_at,
        }
    if kept.table_class:
        told["TableClassSummary"] = {"TableClass": kept.table_class}
    for index in kept.schema.indexes.values():
        entry = {
            **index.described(),
            "IndexArn": f"{arn}/index/{index.name}",
            "IndexSizeBytes": 0,
            "ItemCount": size.entries.get(index.name, 0),
        }
        if not index.is_local:
            entry["IndexStatus"] = status
            entry["ProvisionedThroughput"] = _described_throughput(kept, index.name)
        told.setdefault(f"{'Local' if index.is_local else 'Global'}SecondaryIndexes", []).append(entry)
    return told


def refuse(given: Mapping[str, Any]) -> None:
    """Refuse what a table cannot do here.

    Raises:
        ApiError: If it is asked for.
    """
    wanted = {name: given.get(name) for name in _NOT_OFFERED}
    for name, switch in (("StreamSpecification", "StreamEnabled"), ("SSESpecification", "Enabled")):
        wanted[name] = (given.get(name) or {}).get(switch)
    for name, value in wanted.items():
        if value:
            raise ApiError(
                "UnsupportedOperation",
                f"Stepmill does not offer {name} of tables.",
                where=name,
                mend="Leave it out.",
            )


def read_throughput(given: Mapping[str, Any], billing: str, what: str) -> tuple[int, int]:
    """Return the units of capacity that are asked for: of reads, of writes.

    Args:
        given: Of the table or the index.
        billing: How the table is paid.
        what: What errors call it: ``""`` of the table, `` for index: NAME`` of an index.

    Raises:
        InvalidInputError: If there are some and must not be, or none and must be.
    """
    asked = given.get("ProvisionedThroughput")
    if billing == BY_REQUEST:
        if asked is not None:
            raise InvalidInputError(
                f"{_INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                f"BillingMode is PAY_PER_REQUEST{what}"
            )
        return (0, 0)
    if asked is None:
        if what:
            raise InvalidInputError(f"{_INVALID}ProvisionedThroughput must be specified{what}")
        raise InvalidInputError(
            f"{_INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when "
            "BillingMode is PROVISIONED"
        )
    return (int(asked["ReadCapacityUnits"]), int(asked["WriteCapacityUnits"]))


def _throughput(given: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    billing = given.get("BillingMode") or PROVISIONED
    found = {"": read_throughput(given, billing, "")}
    for index in given.get("GlobalSecondaryIndexes") or ():
        name = index["IndexName"]
        found[name] = read_throughput(index, billing, f" for index: {name}")
    return found


def _described_throughput(kept: Kept, index: str) -> dict[str, int]:
    reads, writes = kept.throughput.get(index, (0, 0))
    return {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": reads, "WriteCapacityUnits": writes}


def _as_uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
