"""Calls of what is said of tables: time to live, tags; and of the service.

Source: DynamoDB API reference, UpdateTimeToLive, TagResource, DescribeLimits,
DescribeEndpoints.
"""

from __future__ import annotations

from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.catalog.dynamodb.schema import table_name
from stepmill.platform import Platform

_ACCOUNT_UNITS, _TABLE_UNITS = 80_000, 40_000
_CACHE_MINUTES = 1440


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers calls of what is said of tables."""
    tables = platform.dynamodb.tables

    def update_ttl(call: Call) -> dict[str, Any]:
        asked = call.parameters["TimeToLiveSpecification"]
        name, enabled = table_name(call.parameters["TableName"]), bool(asked["Enabled"])
        tables.set_ttl(name, asked["AttributeName"], enabled=enabled)
        return {"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": asked["AttributeName"]}}

    def describe_ttl(call: Call) -> dict[str, Any]:
        ttl = tables.described(table_name(call.parameters["TableName"])).kept.ttl
        if not ttl:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": ttl}}

    def tag(call: Call) -> None:
        given = {each["Key"]: each["Value"] for each in call.parameters["Tags"]}
        tables.tag(_tagged(call), given)

    def untag(call: Call) -> None:
        tables.untag(_tagged(call), list(call.parameters["TagKeys"]))

    def list_tags(call: Call) -> dict[str, Any]:
        tags = tables.described(_tagged(call)).kept.tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def describe_limits(_call: Call) -> dict[str, Any]:
        return {
            "AccountMaxReadCapacityUnits": _ACCOUNT_UNITS,
            "AccountMaxWriteCapacityUnits": _ACCOUNT_UNITS,
            "TableMaxReadCapacityUnits": _TABLE_UNITS,
            "TableMaxWriteCapacityUnits": _TABLE_UNITS,
        }

    def describe_endpoints(call: Call) -> dict[str, Any]:
        host = call.request.headers.get("host", "")
        return {"Endpoints": [{"Address": host, "CachePeriodInMinutes": _CACHE_MINUTES}]}

    return {
        "UpdateTimeToLive": update_ttl,
        "DescribeTimeToLive": describe_ttl,
        "TagResource": tag,
        "UntagResource": untag,
        "ListTagsOfResource": list_tags,
        "DescribeLimits": describe_limits,
        "DescribeEndpoints": describe_endpoints,
    }


def _tagged(call: Call) -> str:
    arn = str(call.parameters["ResourceArn"])
    if ":table/" not in arn:
        raise ApiError(
            "ValidationException",
            f"Invalid TableArn: Invalid ResourceArn provided as input {arn[:200]}",
        )
    return table_name(arn)
