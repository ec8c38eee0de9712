"""Operations on partitions.

Source: Glue API reference, CreatePartition, GetPartitions, BatchCreatePartition.
"""

from __future__ import annotations

from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.glue.paging import page_of
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:  # noqa: C901 - one after another
    """Return the operations."""
    metastore = platform.sql.metastore

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        metastore.create_partition(given["DatabaseName"], given["TableName"], given["PartitionInput"])
        return {}

    def create_many(call: Call) -> dict[str, Any]:
        given, errors = call.parameters, []
        for one in given["PartitionInputList"]:
            try:
                metastore.create_partition(given["DatabaseName"], given["TableName"], one)
            except ConflictError as error:
                detail = {"ErrorCode": "AlreadyExistsException", "ErrorMessage": error.what}
                errors.append({"PartitionValues": one.get("Values") or [], "ErrorDetail": detail})
        return {"Errors": errors}

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
        given, errors = call.parameters, []
        for one in given["PartitionsToDelete"]:
            try:
                metastore.delete_partition(given["DatabaseName"], given["TableName"], one["Values"])
            except NotFoundError as error:
                detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": error.what}
                errors.append({"PartitionValues": one["Values"], "ErrorDetail": detail})
        return {"Errors": errors}

    return {
        "CreatePartition": create,
        "BatchCreatePartition": create_many,
        "GetPartition": get,
        "GetPartitions": list_,
        "DeletePartition": delete,
        "BatchDeletePartition": delete_many,
    }
