"""Operations on partitions.

Source: Glue API reference, CreatePartition, GetPartitions, BatchCreatePartition.
"""

from __future__ import annotations

from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.glue.batches import done_each
from stepmill.aws.services.glue.paging import page_of
from stepmill.core.errors import NotFoundError
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    metastore = platform.sql.metastore

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        metastore.create_partition(given["DatabaseName"], given["TableName"], given["PartitionInput"])
        return {}

    def create_many(call: Call) -> dict[str, Any]:
        given = call.parameters
        return done_each(
            given["PartitionInputList"],
            lambda one: metastore.create_partition(given["DatabaseName"], given["TableName"], one),
            lambda one: {"PartitionValues": one.get("Values") or []},
        )

    def get(call: Call) -> dict[str, Any]:
        given = call.parameters
        metastore.table(given["DatabaseName"], given["TableName"])
        found = metastore.partition(given["DatabaseName"], given["TableName"], given["PartitionValues"])
        if found is None:
            raise NotFoundError("Cannot find partition.")
        return {
            "Partition": {**found, "DatabaseName": given["DatabaseName"], "TableName": given["TableName"]}
        }

    def list_(call: Call) -> dict[str, Any]:
        given = call.parameters
        if given.get("Expression"):
            raise ApiError(
                "InvalidInputException",
                "Expressions over partitions are not offered: list them all, or ask SQL.",
                where="Expression",
            )
        metastore.table(given["DatabaseName"], given["TableName"])
        page, token = page_of(list(metastore.partitions(given["DatabaseName"], given["TableName"])), given)
        return {"Partitions": list(page), **token}

    def delete(call: Call) -> dict[str, Any]:
        given = call.parameters
        metastore.delete_partition(given["DatabaseName"], given["TableName"], given["PartitionValues"])
        return {}

    def delete_many(call: Call) -> dict[str, Any]:
        given = call.parameters
        return done_each(
            given["PartitionsToDelete"],
            lambda one: metastore.delete_partition(given["DatabaseName"], given["TableName"], one["Values"]),
            lambda one: {"PartitionValues": one["Values"]},
        )

    return {
        "CreatePartition": create,
        "BatchCreatePartition": create_many,
        "GetPartition": get,
        "GetPartitions": list_,
        "DeletePartition": delete,
        "BatchDeletePartition": delete_many,
    }
