"""What can be said of topics and subscriptions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.topic_attributes import (
    check_subscription_attributes,
    check_topic_attributes,
    check_topic_name,
    dead_letters_of,
    filter_of,
    retries_of,
)
from stepmill.catalog.topic_records import subscription_of_arn, topic_of_arn
from stepmill.core.errors import InvalidInputError, UnsupportedError

ARN = "arn:aws:sns:us-west-2:123456789012:alerts"


def retries(**policy: Any) -> tuple[int, ...]:
    said = check_subscription_attributes({"DeliveryPolicy": json.dumps({"healthyRetryPolicy": policy})})
    return retries_of(said).delays_s()


def test_delays_have_four_phases() -> None:
    assert retries_of({}).delays_s() == (20, 20, 20)
    phases = {"numNoDelayRetries": 2, "numMinDelayRetries": 1, "numMaxDelayRetries": 1}
    bounds = {"minDelayTarget": 10, "maxDelayTarget": 50, "numRetries": 9}
    assert retries(**bounds, **phases) == (0, 0, 10, 10, 20, 30, 40, 50, 50)
    assert retries(numRetries=0) == ()


def test_what_a_subscription_says_goes_before_what_its_topic_says() -> None:
    topic = {"DeliveryPolicy": '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 1}}}'}
    own = {"DeliveryPolicy": '{"healthyRetryPolicy": {"numRetries": 2}}'}
    assert len(retries_of(own, topic).delays_s()) == 2
    assert len(retries_of({}, topic).delays_s()) == 1
    assert check_topic_attributes(topic) == topic


@given(
    st.integers(1, 3600), st.integers(1, 3600), st.integers(0, 30),
    st.sampled_from(["linear", "arithmetic", "geometric", "exponential"]),
)  # fmt: skip
def test_delays_rise_between_their_bounds(one: int, another: int, count: int, backoff: str) -> None:
    least, most = sorted((one, another))
    delays = retries(minDelayTarget=least, maxDelayTarget=most, numRetries=count, backoffFunction=backoff)
    assert len(delays) == count
    assert list(delays) == sorted(delays)
    assert all(least <= delay <= most for delay in delays)
    if count > 1:
        assert (delays[0], delays[-1]) == (least, most)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"numRetries": 101}, "between 0 and 100"),
        ({"numRetries": True}, "between"),
        ({"minDelayTarget": 0}, "between 1 and 3600"),
        ({"maxDelayTarget": 3601}, "between"),
        ({"minDelayTarget": 30}, "must not be greater than maxDelayTarget"),
        ({"numNoDelayRetries": 4}, "numRetries must be greater"),
        ({"backoffFunction": "cubic"}, "must be one of"),
        ({"other": 1}, "Unexpected JSON member: other"),
    ],
)
def test_which_delays_are_refused(policy: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        retries(**policy)


def test_a_value_may_be_taken_back() -> None:
    empty = dict.fromkeys(("FilterPolicy", "RedrivePolicy", "DeliveryPolicy"), "")
    assert check_subscription_attributes(empty) == empty
    assert (filter_of(empty), filter_of({"FilterPolicy": "{}"}), dead_letters_of(empty)) == (None, None, "")


def test_the_queue_for_dead_letters_is_named_by_its_arn() -> None:
    queue = "arn:aws:sqs:us-west-2:123456789012:dead"
    assert dead_letters_of({"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue})}) == "dead"
    for wrong in ("{", "[]", "{}", '{"deadLetterTargetArn": 1}', '{"deadLetterTargetArn": "arn:aws:s3:::b"}'):
        with pytest.raises(InvalidInputError, match="RedrivePolicy"):
            check_subscription_attributes({"RedrivePolicy": wrong})


def test_fifo_topics_are_refused_by_name_and_attribute() -> None:
    for check in (
        lambda: check_topic_name("a.fifo"),
        lambda: check_topic_attributes({"FifoTopic": "true"}),
        lambda: check_topic_attributes({"ContentBasedDeduplication": "true"}),
    ):
        with pytest.raises(UnsupportedError, match="no FIFO topics"):
            check()
    assert check_topic_attributes({"FifoTopic": "false"}) == {}


@pytest.mark.parametrize("name", ["", "a" * 257, "a.b", "a b", "ä", "a\n"])
def test_names_of_topics_are_those_of_sns(name: str) -> None:
    with pytest.raises(InvalidInputError, match="Topic Name"):
        check_topic_name(name)


@given(st.text(max_size=40))
def test_no_text_but_an_arn_is_read_as_one(text: str) -> None:
    assert topic_of_arn(text) == ""
    assert topic_of_arn(f"{ARN}:{text}") == ""
    assert subscription_of_arn(f"{ARN}:{text}") == ""


def test_arns_are_read_whoever_has_the_account() -> None:
    identifier = "01234567-89ab-cdef-0123-456789abcdef"
    assert topic_of_arn(ARN.replace("123456789012", "999999999999")) == "alerts"
    assert subscription_of_arn(f"{ARN}:{identifier}") == identifier
