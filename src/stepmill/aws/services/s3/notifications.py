"""Notifications of a bucket: which functions and queues hear of which changes.

Source: S3 API reference, PutBucketNotificationConfiguration; user guide, "Configuring event notifications
using object key name filtering".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.names import bucket_of, require_bucket
from stepmill.core.errors import InvalidInputError
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.notifications.rules import NotificationRule
from stepmill.platform import Platform

_FUNCTIONS, _QUEUES = "LambdaFunctionConfigurations", "QueueConfigurations"
# Member of the configuration -> where it says whom.
_TARGETS = {_FUNCTIONS: "LambdaFunctionArn", _QUEUES: "QueueArn"}
# Whom a bucket could tell, beside functions and queues.
_NOT_OFFERED = {
    "TopicConfigurations": "Notifications to SNS topics",
    "EventBridgeConfiguration": "Notifications to EventBridge",
}
_EVENTS = frozenset({
    "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
})  # fmt: skip
_LONGEST_FILTER = 1024


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""

    def put(call: Call) -> None:
        bucket = bucket_of(call.parameters)
        require_bucket(platform.objects, bucket)
        given = call.parameters["NotificationConfiguration"]
        for name, what in _NOT_OFFERED.items():
            if name in given and (given[name] or name == "EventBridgeConfiguration"):
                raise ApiError("NotImplemented", f"{what} are not offered.", status=501, where=name)
        rules = [_rule(one, kind) for kind in _TARGETS for one in given.get(kind, ())]
        if not call.parameters.get("SkipDestinationValidation"):
            for rule in rules:
                _check_target(platform, rule)
        try:
            platform.notifications.set(bucket, rules)
        except InvalidInputError as error:
            raise _invalid(str(error)) from error

    def get(call: Call) -> dict[str, Any]:
        answer: dict[str, list[dict[str, Any]]] = {}
        for rule in platform.notifications.rules(bucket_of(call.parameters)):
            kind = _QUEUES if rule.queue else _FUNCTIONS
            answer.setdefault(kind, []).append(_written(rule, _TARGETS[kind]))
        return answer

    return {"PutBucketNotificationConfiguration": put, "GetBucketNotificationConfiguration": get}


def _rule(given: Mapping[str, Any], kind: str) -> NotificationRule:
    for event in given["Events"]:
        if event not in _EVENTS:
            raise ApiError("NotImplemented", f"The event {event[:80]} is not offered.", status=501)
    filters: dict[str, str] = {}
    for rule in given.get("Filter", {}).get("Key", {}).get("FilterRules", ()):
        name = rule.get("Name", "").lower()
        if name not in ("prefix", "suffix"):
            raise _invalid("filter rule name must be either prefix or suffix")
        if name in filters:
            raise _invalid(f"Cannot specify more than one {name} rule in a filter.")
        filters[name] = rule.get("Value", "")
        if len(filters[name]) > _LONGEST_FILTER:
            raise _invalid("Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation")
    rule = NotificationRule(
        id=given.get("Id") or str(uuid.uuid4()),
        target=given[_TARGETS[kind]],
        events=tuple(given["Events"]),
        prefix=filters.get("prefix", ""),
        suffix=filters.get("suffix", ""),
    )
    if bool(rule.queue) != (kind == _QUEUES):
        raise _invalid(f"The ARN is not well formed: {rule.target[:200]}")
    return rule


def _check_target(platform: Platform, rule: NotificationRule) -> None:
    if not _is_there(platform, rule):
        raise ApiError(
            "InvalidArgument",
            "Unable to validate the following destination configurations",
            mend=f"There is no {rule.target[:200]}.",
            members={"ArgumentName": rule.target, "ArgumentValue": "There is no such destination."},
        )


def _is_there(platform: Platform, rule: NotificationRule) -> bool:
    arns = platform.settings.arns
    if rule.queue:
        return rule.target == arns.queue(rule.queue) and platform.queues.exists(rule.queue)
    if not rule.target.startswith(arns.function("")):
        return False
    try:
        name, qualifier = parse_reference(rule.target)
    except InvalidInputError:
        return False
    return platform.functions.has(name) and platform.function_services.versions.has(name, qualifier)


def _written(rule: NotificationRule, member: str) -> dict[str, Any]:
    filters = [
        {"Name": name, "Value": value}
        for name, value in (("Prefix", rule.prefix), ("Suffix", rule.suffix))
        if value
    ]
    return {
        "Id": rule.id,
        member: rule.target,
        "Events": list(rule.events),
        **({"Filter": {"Key": {"FilterRules": filters}}} if filters else {}),
    }


def _invalid(text: str) -> ApiError:
    return ApiError("InvalidArgument", text)
