"""Services called from the inside: the same handlers, the same errors, and no HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.aws.inside import LARGEST_BODY_BYTES, InsideCalls
from stepmill.aws.services.all import services_of
from stepmill.core.api_calls import ApiCallError, Spelling, WrongParametersError
from stepmill.core.json import JsonObject
from stepmill.core.settings import Settings
from stepmill.platform import Platform

QUEUE = "http://127.0.0.1:1/123456789012/orders"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with Platform(Settings(home=tmp_path / ".stepmill", project=tmp_path), remark=lambda _: None) as opened:
        yield opened


@pytest.fixture
def calls(platform: Platform) -> InsideCalls:
    return InsideCalls(lambda: services_of(platform), lambda: "127.0.0.1:1")


def refused(calls: InsideCalls, service: str, operation: str, given: JsonObject) -> ApiCallError:
    with pytest.raises(ApiCallError) as caught:
        calls.call(service, operation, given)
    return caught.value


def test_operations_are_those_that_have_a_handler(calls: InsideCalls) -> None:
    assert {"SendMessage", "ReceiveMessage"} <= calls.operations("sqs")
    assert "StartMessageMoveTask" not in calls.operations("sqs")
    assert calls.operations("nowhere") == frozenset()


def test_a_message_sent_from_the_inside_is_in_the_queue(calls: InsideCalls, platform: Platform) -> None:
    url = calls.call("sqs", "CreateQueue", {"QueueName": "orders"}).members["QueueUrl"]
    assert url == QUEUE.replace("123456789012", platform.settings.account)
    sent = calls.call("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": {"a": 1}})
    assert [message.body for message in platform.queues.peek("orders")] == ['{"a":1}']
    assert sent.members["MD5OfMessageBody"] == "bb6cb5c68df4652941caf652a366f2d8"
    assert sent.request_id


def test_an_object_is_read_as_text(calls: InsideCalls) -> None:
    calls.call("s3", "CreateBucket", {"Bucket": "shelf"})
    put: JsonObject = {"Bucket": "shelf", "Key": "a/b", "Body": {"x": [1]}, "ContentType": "application/json"}
    calls.call("s3", "PutObject", put)
    got = calls.call("s3", "GetObject", {"Bucket": "shelf", "Key": "a/b"}, spelling=Spelling.SDK).members
    assert got["Body"] == '{"x":[1]}'
    assert got["ContentType"] == "application/json"
    assert got["ContentLength"] == 9
    assert str(got["LastModified"]).endswith("Z")
    part = calls.call("s3", "GetObject", {"Bucket": "shelf", "Key": "a/b", "Range": "bytes=1-3"}).members
    assert part["Body"] == '"x"'


def test_metadata_of_an_object_comes_back(calls: InsideCalls) -> None:
    calls.call("s3", "CreateBucket", {"Bucket": "shelf"})
    calls.call("s3", "PutObject", {"Bucket": "shelf", "Key": "k", "Metadata": {"who": "me"}})
    head = calls.call("s3", "HeadObject", {"Bucket": "shelf", "Key": "k"}).members
    assert head["Metadata"] == {"who": "me"}
    assert "Body" not in head


def test_an_object_too_large_for_a_state_is_refused(calls: InsideCalls) -> None:
    calls.call("s3", "CreateBucket", {"Bucket": "shelf"})
    calls.call("s3", "PutObject", {"Bucket": "shelf", "Key": "k", "Body": "x" * (LARGEST_BODY_BYTES + 1)})
    assert refused(calls, "s3", "GetObject", {"Bucket": "shelf", "Key": "k"}).code == "EntityTooLarge"


@pytest.mark.parametrize(
    ("service", "operation", "given", "code", "status", "is_modelled"),
    [
        ("s3", "GetObject", {"Bucket": "shelf", "Key": "no"}, "NoSuchBucket", 404, True),
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": QUEUE.replace("orders", "no"), "MessageBody": "x"},
            "QueueDoesNotExist",
            400,
            True,
        ),
        (
            "sagemaker",
            "DescribeTrainingJob",
            {"TrainingJobName": "no"},
            "ValidationException",
            400,
            False,
        ),
        ("lambda", "GetFunction", {"FunctionName": "no"}, "ResourceNotFoundException", 404, True),
        (
            "dynamodb",
            "GetItem",
            {"TableName": "none", "Key": {"a": {"S": "x"}}},
            "ResourceNotFoundException",
            400,
            True,
        ),
        ("sagemaker", "ListModels", {"MaxResults": 0}, "ValidationException", 400, False),
    ],
)
def test_errors_have_the_codes_of_the_service(
    calls: InsideCalls,
    service: str,
    operation: str,
    given: JsonObject,
    code: str,
    status: int,
    is_modelled: bool,
) -> None:
    error = refused(calls, service, operation, given)
    assert (error.code, error.status, error.is_modelled) == (code, status, is_modelled)
    assert error.message
    assert error.request_id


def test_an_unreadable_range_is_refused_like_over_http(calls: InsideCalls) -> None:
    calls.call("s3", "CreateBucket", {"Bucket": "shelf"})
    calls.call("s3", "PutObject", {"Bucket": "shelf", "Key": "k", "Body": "abc"})
    error = refused(calls, "s3", "GetObject", {"Bucket": "shelf", "Key": "k", "Range": "bytes=9-"})
    assert (error.code, error.status) == ("InvalidRange", 416)


def test_wrong_parameters_are_told_before_anything_is_done(calls: InsideCalls) -> None:
    with pytest.raises(WrongParametersError, match='"Nope" is not supported by Step Functions'):
        calls.call("sqs", "CreateQueue", {"QueueName": "q", "Nope": 1})
    assert calls.problems("sqs", "CreateQueue", {"QueueName": "q"}) == ()
    assert calls.call("sqs", "ListQueues", {}).members == {}


def test_a_bug_in_a_handler_is_a_refusal_that_tells_nothing_of_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("secret")

    calls = InsideCalls(lambda: services_of(platform), lambda: "h")
    monkeypatch.setattr(platform.queues, "create", broken)
    error = refused(calls, "sqs", "CreateQueue", {"QueueName": "q"})
    assert (error.code, error.status) == ("InternalFailure", 500)
    assert "secret" not in str(error)
    assert "secret" in caplog.text
