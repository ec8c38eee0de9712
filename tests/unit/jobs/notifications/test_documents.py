"""What functions and queues are told, member by member."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.arns import Arns
from stepmill.jobs.notifications.documents import object_event, trial_event
from stepmill.storage.objects.changes import ChangeKind, ObjectChange
from stepmill.storage.objects.uri import S3Uri

ARNS = Arns("us-west-2", "123456789012")
AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)


def record(kind: ChangeKind = ChangeKind.PUT, key: str = "in/a.csv", order: int = 0, **more: Any) -> Any:
    change = ObjectChange(kind, S3Uri("bucket", key), **{"at": AT, "size_bytes": 7, "etag": "abc", **more})
    records: Any = object_event(change, "rule", order, ARNS)["Records"]
    return records[0]


def test_the_whole_document() -> None:
    told = record()
    assert told.pop("responseElements")["x-amz-request-id"]
    assert told["s3"]["object"].pop("sequencer")
    assert told == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-west-2",
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "123456789012"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "rule",
            "bucket": {
                "name": "bucket",
                "ownerIdentity": {"principalId": "123456789012"},
                "arn": "arn:aws:s3:::bucket",
            },
            "object": {"key": "in/a.csv", "size": 7, "eTag": "abc"},
        },
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ChangeKind.PUT, "ObjectCreated:Put"),
        (ChangeKind.COPIED, "ObjectCreated:Copy"),
        (ChangeKind.ASSEMBLED, "ObjectCreated:CompleteMultipartUpload"),
        (ChangeKind.DELETED, "ObjectRemoved:Delete"),
    ],
)
def test_what_happened(kind: ChangeKind, name: str) -> None:
    told = record(kind)
    assert told["eventName"] == name
    has_content = "size" in told["s3"]["object"] and "eTag" in told["s3"]["object"]
    assert has_content is (kind is not ChangeKind.DELETED)


def test_a_space_in_a_key_is_a_plus_sign() -> None:
    assert record(key="red flower+1/é.jpg")["s3"]["object"]["key"] == "red+flower%2B1/%C3%A9.jpg"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50))
def test_every_key_is_read_again(key: str) -> None:
    assert unquote_plus(record(key=key)["s3"]["object"]["key"]) == key


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 0xFFFE))
def test_a_later_change_has_the_greater_sequencer(one: int, other: int, order: int) -> None:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    first, second = sorted((one, other))
    earlier, later = (
        record(at=start + timedelta(microseconds=us), order=number)["s3"]["object"]["sequencer"]
        for us, number in ((first, order), (second, order + 1))
    )
    assert earlier < later
    assert len(earlier) == len(later)


def test_the_document_of_a_trial() -> None:
    told = dict(trial_event("b", AT))
    assert told.pop("RequestId")
    assert told == {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-01-02T03:04:05.678Z",
        "Bucket": "b",
        "HostId": "stepmill",
    }
