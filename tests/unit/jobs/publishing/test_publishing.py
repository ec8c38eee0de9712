"""What endpoints are told, whom a message is for, and links that do one thing."""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.topic_records import Subscription
from stepmill.core.endpoint import AccessKey, Endpoint
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.deliveries import DeliveryError
from stepmill.jobs.publishing.chat import ChatSender, check_address, mail_url
from stepmill.jobs.publishing.documents import (
    confirmation,
    envelope,
    function_event,
    headers,
    moment_text,
)
from stepmill.jobs.publishing.http import HttpSender
from stepmill.jobs.publishing.links import confirm_url, unsubscribe_url
from stepmill.jobs.publishing.message import Message, attribute_values, is_wanted

TOPIC = "arn:aws:sns:us-west-2:123456789012:alerts"
AT = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
BLOB = base64.b64encode(b"\x00").decode()
ATTRIBUTES = {
    "kind": {"DataType": "String", "StringValue": "alarm"},
    "score": {"DataType": "Number", "StringValue": "0.50"},
    "count": {"DataType": "Number.int", "StringValue": "3.0"},
    "tags": {"DataType": "String.Array", "StringValue": '["a", 1, true, null]'},
    "label": {"DataType": "String.Array", "StringValue": "no JSON"},
    "blob": {"DataType": "Binary", "BinaryValue": BLOB},
}
MESSAGE = Message("id", TOPIC, {"default": "all", "sqs": "queues"}, AT, "subject", ATTRIBUTES)


def subscription(protocol: str = "sqs", **attributes: str) -> Subscription:
    return Subscription("s", "alerts", protocol, "e", attributes, is_confirmed=True)


def test_an_envelope_has_what_was_said_and_no_more() -> None:
    told = envelope(MESSAGE, "sqs", "https://leave")
    assert told["Message"] == "queues"
    assert told["Timestamp"] == "2026-01-02T03:04:05.999Z"
    assert told["MessageAttributes"]["kind"] == {"Type": "String", "Value": "alarm"}  # type: ignore[index, call-overload]
    assert told["MessageAttributes"]["blob"] == {"Type": "Binary", "Value": BLOB}  # type: ignore[index, call-overload]
    bare = envelope(Message("id", TOPIC, {"default": "all"}, AT), "http", "")
    assert bare.keys() == {"Type", "MessageId", "TopicArn", "Message", "Timestamp"}


def test_a_function_always_finds_all_members() -> None:
    (record,) = function_event(Message("id", TOPIC, {"default": "all"}, AT), f"{TOPIC}:s", "")["Records"]  # type: ignore[misc, union-attr]
    assert record["EventSubscriptionArn"] == f"{TOPIC}:s"
    assert (record["Sns"]["Subject"], record["Sns"]["MessageAttributes"]) == (None, {})


def test_a_question_has_its_token_and_its_link() -> None:
    asked = confirmation("id", TOPIC, "token", "https://confirm", AT)
    assert (asked["Token"], asked["SubscribeURL"]) == ("token", "https://confirm")
    assert "x-amz-sns-subscription-arn" not in headers("SubscriptionConfirmation", "id", TOPIC)
    assert headers("Notification", "id", TOPIC, "s")["x-amz-sns-subscription-arn"] == "s"


def test_values_of_attributes_have_their_types() -> None:
    values = attribute_values(ATTRIBUTES)
    assert values == {
        "kind": "alarm",
        "score": 0.5,
        "count": 3,
        "tags": ["a", 1, True, None],
        "label": "no JSON",
    }
    assert isinstance(values["count"], int)


@pytest.mark.parametrize(
    ("policy", "scope", "expected"),
    [
        ("", "", True),
        ("{}", "", True),
        ({"kind": ["alarm"], "score": [{"numeric": [">=", 0.5]}]}, "", True),
        ({"kind": ["alarm"], "tags": ["b"]}, "", False),
        ({"tags": [True]}, "MessageAttributes", True),
        ({"blob": [{"exists": False}]}, "", True),
        ({"kind": ["alarm"]}, "MessageBody", False),
        ("no JSON any more", "", False),
    ],
)
def test_a_policy_decides(policy: Any, scope: str, expected: bool) -> None:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    attributes = {"FilterPolicy": text, **({"FilterPolicyScope": scope} if scope else {})}
    assert is_wanted(subscription(**attributes), MESSAGE) is expected


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_policy_on_the_body_takes_any_body(body: Any) -> None:
    message = Message("id", TOPIC, {"default": json.dumps(body)}, AT)
    wants_a = subscription(FilterPolicy='{"a": [{"exists": true}]}', FilterPolicyScope="MessageBody")
    lacks_a = subscription(FilterPolicy='{"a": [{"exists": false}]}', FilterPolicyScope="MessageBody")
    assert is_wanted(wants_a, message) + is_wanted(lacks_a, message) == isinstance(body, dict)


def test_links_are_signed_and_lead_nowhere_without_a_server() -> None:
    endpoint = Endpoint("http://127.0.0.1:1", "us-west-2", AccessKey("AKIA", "secret", "jobs"))
    for url, action, seconds in (
        (confirm_url(endpoint, TOPIC, "token"), "ConfirmSubscription", "172800"),
        (unsubscribe_url(endpoint, f"{TOPIC}:s"), "Unsubscribe", "604800"),
    ):
        query = parse_qs(urlsplit(url).query)
        assert (query["Action"], query["X-Amz-Expires"]) == ([action], [seconds])
        assert len(query["X-Amz-Signature"][0]) == 64
        assert "secret" not in url
    assert confirm_url(None, TOPIC, "token") == unsubscribe_url(None, TOPIC) == ""


def test_moments_are_cut_to_milliseconds() -> None:
    assert moment_text(AT) == "2026-01-02T03:04:05.999Z"


def test_an_address_is_part_of_a_mail_url_whatever_is_in_it() -> None:
    assert mail_url("mailto://h", "a+b&c=d@x.org") == "mailto://h?to=a%2Bb%26c%3Dd%40x.org"
    assert mail_url("mailto://h?from=r@x", "a@x") == "mailto://h?from=r@x&to=a%40x"


def test_without_apprise_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UnsupportedError) as caught:
        check_address("slack://a/b/c", "Endpoint")
    assert "pip install 'stepmill[notify]'" in caught.value.mend
    with pytest.raises(DeliveryError) as failed:
        ChatSender()({"url": "slack://a/b/c", "title": "t", "text": "x"})
    assert failed.value.is_final


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://no-such-host.invalid/", "http://[/", "ftp://x/"]
)
def test_whoever_cannot_be_reached_is_tried_again(url: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        HttpSender()({"url": url, "headers": {}, "text": "hello"})
    assert not caught.value.is_final
