"""Operations on feature groups, and on what is said of their features.

Source: SageMaker API reference, CreateFeatureGroup, DescribeFeatureGroup, UpdateFeatureGroup,
DeleteFeatureGroup, ListFeatureGroups, DescribeFeatureMetadata, UpdateFeatureMetadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import listed_in_memory, read_listing
from stepmill.catalog.features.configs import offline_status, told_configs
from stepmill.catalog.features.group import FeatureGroup
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform
from stepmill.storage.records import SortBy

CREATED = "Created"
_NAME = "FeatureGroupName"
_ARN = "FeatureGroupArn"
_SORT = {
    "CreationTime": SortBy.CREATED,
    "Name": SortBy.NAME,
    "FeatureGroupStatus": SortBy.STATUS,
    # Sorted in memory: nothing that is kept says it.
    "OfflineStoreStatus": SortBy.CREATED,
}


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {**_groups(platform), **_features(platform)}


def _groups(platform: Platform) -> dict[str, Handler]:
    def create(call: Call) -> dict[str, Any]:
        return {_ARN: platform.features.groups.create(call.parameters).arn}

    def describe(call: Call) -> dict[str, Any]:
        if call.parameters.get("NextToken"):
            raise InvalidInputError(
                "Invalid NextToken: all features of a group are in the first answer.", where="NextToken"
            )
        return describe_group(platform, platform.features.groups.get(call.parameters[_NAME]))

    def update(call: Call) -> dict[str, Any]:
        return {_ARN: platform.features.groups.update(call.parameters[_NAME], call.parameters).arn}

    def delete(call: Call) -> None:
        platform.features.delete(call.parameters[_NAME])

    return {
        "CreateFeatureGroup": create,
        "DescribeFeatureGroup": describe,
        "UpdateFeatureGroup": update,
        "DeleteFeatureGroup": delete,
        "ListFeatureGroups": lambda call: _list(platform, call),
    }


def _features(platform: Platform) -> dict[str, Handler]:
    def describe(call: Call) -> dict[str, Any]:
        groups = platform.features.groups
        return groups.metadata.describe(groups.get(call.parameters[_NAME]), call.parameters["FeatureName"])

    def update(call: Call) -> None:
        groups, given = platform.features.groups, call.parameters
        groups.metadata.update(groups.get(given[_NAME]), given["FeatureName"], given)

    return {"DescribeFeatureMetadata": describe, "UpdateFeatureMetadata": update}


def describe_group(platform: Platform, group: FeatureGroup) -> dict[str, Any]:
    """Return what DescribeFeatureGroup answers of a group."""
    request = group.request
    described: dict[str, Any] = {
        _ARN: group.arn,
        _NAME: group.name,
        "RecordIdentifierFeatureName": group.schema.record_identifier,
        "EventTimeFeatureName": group.schema.event_time,
        "FeatureDefinitions": group.schema.write(),
        "CreationTime": group.created_at,
        "LastModifiedTime": group.modified_at,
        **told_configs(group, has_bucket=platform.objects.bucket_exists),
        "FeatureGroupStatus": CREATED,
        # Required, and at most 2,500 features are answered at a time, which is all that a group can have.
        "NextToken": "",
    }
    for member in ("RoleArn", "Description"):
        if request.get(member) is not None:
            described[member] = request[member]
    if group.body.get("updated"):
        described["LastUpdateStatus"] = {"Status": "Successful"}
    if group.online is not None:
        described["OnlineStoreTotalSizeBytes"] = platform.features.online_size(group)
    return described


def _list(platform: Platform, call: Call) -> dict[str, Any]:
    given = call.parameters
    listing = read_listing(call, sort=_SORT).within(status=given.get("FeatureGroupStatusEquals"))
    wanted = given.get("OfflineStoreStatusEquals")
    by_status = given.get("SortBy") == "OfflineStoreStatus"
    if wanted is None and not by_status:
        found, token = platform.features.groups.list(listing.selection)
        return listing.answer("FeatureGroupSummaries", (_summary(platform, one) for one in found), token)
    # Whether an offline store can be written to is seen when it is asked for.
    summaries = [_summary(platform, one) for one in platform.features.groups.all(listing.selection)]
    if wanted is not None:
        summaries = [one for one in summaries if one["OfflineStoreStatus"]["Status"] == wanted]
    if by_status:
        is_descending = listing.selection.descending
        summaries.sort(key=lambda one: str(one["OfflineStoreStatus"]["Status"]), reverse=is_descending)
    page, next_token = listed_in_memory(call, summaries, key=lambda one: str(one[_ARN]))
    return {"FeatureGroupSummaries": page, **({"NextToken": next_token} if next_token else {})}


def _summary(platform: Platform, group: FeatureGroup) -> dict[str, Any]:
    return {
        _NAME: group.name,
        _ARN: group.arn,
        "CreationTime": group.created_at,
        "FeatureGroupStatus": CREATED,
        "OfflineStoreStatus": offline_status(group, platform.objects.bucket_exists),
    }
