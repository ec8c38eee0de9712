"""Notifications of a bucket: which functions, queues and topics hear of which changes.

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

_FUNCTIONS, _QUEUES, _TOPICS = (
    "LambdaFunctionConfigurations",
    "QueueConfigurations",
    "TopicConfigurations",
)
# Member of the configuration -> where it says whom.
_TARGETS = {_FUNCTIONS: "LambdaFunctionArn", _QUEUES: "QueueArn", _TOPICS: "TopicArn"}
_BUS = "EventBridgeConfiguration"
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
        rules = [_rule(one, kind) for kind in _TARGETS for one in given.get(kind, ())]
        if not call.parameters.get("SkipDestinationValidation"):
            for rule in rules:
                _check_target(platform, rule)
        try:
            platform.notifications.set(bucket, rules, bus=_BUS in given)
        except InvalidInputError as error:
            raise _invalid(str(error)) from error

    def get(call: Call) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        bucket = bucket_of(call.parameters)
        for rule in platform.notifications.rules(bucket):
            kind = _kind_of(rule)
            answer.setdefault(kind, []).append(_written(rule, _TARGETS[kind]))
        return {**answer, _BUS: {}} if platform.notifications.has_bus(bucket) else answer

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
    if _kind_of(rule) != kind:
        raise _invalid(f"The ARN is not well formed: {rule.target[:200]}")
    return rule


def _kind_of(rule: NotificationRule) -> str:
    """Return the member that says whom a rule tells."""
    if rule.topic:
        return _TOPICS
    return _QUEUES if rule.queue else _FUNCTIONS


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
    if rule.topic:
        return rule.target == arns.topic(rule.topic) and platform.publishing.topics.has(rule.topic)
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
