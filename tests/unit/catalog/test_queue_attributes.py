"""What can be said of a queue."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from stepmill.catalog.queue_attributes import (
    Redrive,
    all_attributes,
    check_attributes,
    check_name,
    number_of,
    redrive_of,
    retention_of,
)
from stepmill.core.errors import InvalidInputError, UnsupportedError

TARGET = "arn:aws:sqs:us-west-2:123456789012:dead"


@pytest.mark.parametrize("name", ["a", "a-b_C9", "x" * 80])
def test_names_that_sqs_takes(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 81, "é", "a.b", "a\n"])
def test_names_that_it_refuses(name: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be the name"):
        check_name(name)


def test_fifo_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="FIFO"):
        check_name("orders.fifo")
    for name in ("FifoQueue", "ContentBasedDeduplication"):
        with pytest.raises(UnsupportedError, match="FIFO"):
            check_attributes({name: "true"})


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1024, 1_048_576),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
    ],
)
def test_numbers_have_bounds(name: str, least: int, most: int) -> None:
    assert check_attributes({name: str(least)}) == {name: str(least)}
    assert check_attributes({name: str(most)}) == {name: str(most)}
    for wrong in (str(least - 1), str(most + 1), "many", "1.5", "٣", "9" * 400):
        with pytest.raises(InvalidInputError, match=name):
            check_attributes({name: wrong})


def test_what_nobody_said_is_the_default() -> None:
    assert (
        number_of({}, "VisibilityTimeout") == number_of({"VisibilityTimeout": ""}, "VisibilityTimeout") == 30
    )
    assert number_of({"VisibilityTimeout": "0"}, "VisibilityTimeout") == 0
    assert retention_of({}) == timedelta(days=4)
    assert retention_of({"MessageRetentionPeriod": "60"}) == timedelta(minutes=1)
    told = all_attributes({"DelaySeconds": "5", "Policy": ""})
    assert (told["DelaySeconds"], told["VisibilityTimeout"], "Policy" in told) == ("5", "30", False)


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no attribute 'QueueArn'"):
        check_attributes({"QueueArn": "x"})


@pytest.mark.parametrize("count", [3, "3"])
def test_a_redrive_policy_is_read(count: object) -> None:
    text = json.dumps({"deadLetterTargetArn": TARGET, "maxReceiveCount": count})
    assert redrive_of(check_attributes({"RedrivePolicy": text})) == Redrive("dead", 3)
    assert redrive_of({}) is redrive_of({"RedrivePolicy": ""}) is None


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"deadLetterTargetArn": TARGET}),
        json.dumps({"deadLetterTargetArn": "dead", "maxReceiveCount": 3}),
        json.dumps({"deadLetterTargetArn": TARGET, "maxReceiveCount": 0}),
        json.dumps({"deadLetterTargetArn": TARGET, "maxReceiveCount": 1001}),
        json.dumps({"deadLetterTargetArn": TARGET, "maxReceiveCount": True}),
        json.dumps({"deadLetterTargetArn": TARGET + "/x", "maxReceiveCount": 3}),
    ],
)
def test_what_is_no_redrive_policy_is_refused(policy: str) -> None:
    with pytest.raises(InvalidInputError):
        check_attributes({"RedrivePolicy": policy})
