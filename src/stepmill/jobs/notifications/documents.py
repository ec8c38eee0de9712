"""What is told when an object has changed.

Source: S3 user guide, "Event message structure", version 2.1; "EventBridge event message structure".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote_plus

from stepmill.core.arns import Arns
from stepmill.core.happenings import Happening
from stepmill.core.json import Json, JsonObject
from stepmill.storage.objects.changes import ChangeKind, ObjectChange

EVENT_NAMES: Mapping[ChangeKind, str] = {
    ChangeKind.PUT: "ObjectCreated:Put",
    ChangeKind.COPIED: "ObjectCreated:Copy",
    ChangeKind.ASSEMBLED: "ObjectCreated:CompleteMultipartUpload",
    ChangeKind.DELETED: "ObjectRemoved:Delete",
}


# What was called, as the bus of events is told.
_REASONS: Mapping[ChangeKind, str] = {
    ChangeKind.PUT: "PutObject",
    ChangeKind.COPIED: "CopyObject",
    ChangeKind.ASSEMBLED: "CompleteMultipartUpload",
    ChangeKind.DELETED: "DeleteObject",
}


def happening(change: ObjectChange, order: int) -> Happening:
    """Return what the bus of events is told of a change.

    Args:
        change: What happened.
        order: Greater for a later change, where both were at one moment.
    """
    bucket, is_deleted = change.uri.bucket, change.kind is ChangeKind.DELETED
    about: dict[str, Json] = {"key": change.uri.key, "sequencer": _sequencer(change, order)}
    if not is_deleted:
        about |= {"size": change.size_bytes, "etag": change.etag}
    detail: dict[str, Json] = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": about,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": "stepmill",
        "source-ip-address": "127.0.0.1",
        "reason": _REASONS[change.kind],
    }
    if is_deleted:
        detail["deletion-type"] = "Permanently Deleted"
    kind = "Object Deleted" if is_deleted else "Object Created"
    return Happening("aws.s3", kind, change.at, detail, (f"arn:aws:s3:::{bucket}",))


def object_event(change: ObjectChange, rule: str, order: int, arns: Arns) -> JsonObject:
    """Return the document that functions and queues get.

    Args:
        change: What happened.
        rule: Name of the rule by which it is told.
        order: Greater for a later change, where both were at one moment.
        arns: Tells region and account.
    """
    bucket = change.uri.bucket
    owner: JsonObject = {"principalId": arns.account}
    record: JsonObject = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": arns.region,
        "eventTime": _text(change.at),
        "eventName": EVENT_NAMES[change.kind],
        "userIdentity": owner,
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": uuid.uuid4().hex[:16].upper(), "x-amz-id-2": "stepmill"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule,
            "bucket": {"name": bucket, "ownerIdentity": owner, "arn": f"arn:aws:s3:::{bucket}"},
            "object": _object(change, order),
        },
    }
    return {"Records": [record]}


def trial_event(bucket: str, now: datetime) -> JsonObject:
    """Return the document that a queue gets when it is named in a rule."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": _text(now),
        "Bucket": bucket,
        "RequestId": uuid.uuid4().hex[:16].upper(),
        "HostId": "stepmill",
    }


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _object(change: ObjectChange, order: int) -> JsonObject:
    # As in a form: a space is a plus sign. Functions undo that with unquote_plus.
    named: dict[str, Json] = {"key": quote_plus(change.uri.key, safe="/")}
    if change.kind is not ChangeKind.DELETED:
        named |= {"size": change.size_bytes, "eTag": change.etag}
    return {**named, "sequencer": _sequencer(change, order)}


def _sequencer(change: ObjectChange, order: int) -> str:
    """Return what tells the later of two changes of one key: it has the greater one, compared as text."""
    microseconds = int(change.at.timestamp() * 1_000_000)
    return f"{microseconds:014X}{order & 0xFFFF:04X}"
