"""What endpoints are told, in the forms in which SNS tells it. Pure.

Messages are not signed: whoever checks signatures wants a certificate from a host of AWS's.

Source: SNS developer guide, "HTTP/HTTPS subscription confirmation JSON format", "HTTP/HTTPS notification
JSON format", "Fanout to Lambda functions", "Raw message delivery".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from stepmill.core.json import Json, JsonObject
from stepmill.jobs.publishing.message import Message

AGENT = "Amazon Simple Notification Service Agent"
NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"


def envelope(message: Message, protocol: str, unsubscribe_url: str) -> JsonObject:
    """Return the notification that queues and HTTP endpoints get.

    Args:
        message: What was published.
        protocol: By which it is told.
        unsubscribe_url: Ends the subscription; empty where no server answers.
    """
    document: dict[str, Json] = {
        "Type": NOTIFICATION,
        "MessageId": message.id,
        "TopicArn": message.topic_arn,
    }
    if message.subject:
        document["Subject"] = message.subject
    document |= {"Message": message.text_for(protocol), "Timestamp": moment_text(message.at)}
    if unsubscribe_url:
        document["UnsubscribeURL"] = unsubscribe_url
    if message.attributes:
        document["MessageAttributes"] = _attributes(message.attributes)
    return document


def function_event(message: Message, subscription_arn: str, unsubscribe_url: str) -> JsonObject:
    """Return the event that a function is called with."""
    told: JsonObject = {
        "Type": NOTIFICATION,
        "MessageId": message.id,
        "TopicArn": message.topic_arn,
        "Subject": message.subject or None,
        "Message": message.text_for("lambda"),
        "Timestamp": moment_text(message.at),
        "UnsubscribeUrl": unsubscribe_url,
        "MessageAttributes": _attributes(message.attributes),
    }
    record: JsonObject = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": told,
    }
    return {"Records": [record]}


def confirmation(identifier: str, topic_arn: str, token: str, url: str, now: datetime) -> JsonObject:
    """Return what an endpoint is asked before it is told anything."""
    return {
        "Type": CONFIRMATION,
        "MessageId": identifier,
        "Token": token,
        "TopicArn": topic_arn,
        "Message": f"You have chosen to subscribe to the topic {topic_arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": url,
        "Timestamp": moment_text(now),
    }


def headers(kind: str, message_id: str, topic_arn: str, subscription_arn: str = "") -> dict[str, str]:
    """Return the headers of a request that tells an endpoint something.

    Args:
        kind: ``Notification`` or ``SubscriptionConfirmation``.
        message_id: Of the message.
        topic_arn: Of the topic.
        subscription_arn: Of the subscription; empty before it is confirmed.
    """
    told = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": AGENT,
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic_arn,
    }
    return {**told, "x-amz-sns-subscription-arn": subscription_arn} if subscription_arn else told


def moment_text(moment: datetime) -> str:
    """Return a moment as SNS writes it.

    Example:
        >>> from datetime import UTC
        >>> moment_text(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
        '2026-01-02T03:04:05.678Z'
    """
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _attributes(attributes: JsonObject) -> JsonObject:
    return {
        name: {
            "Type": attribute["DataType"],
            "Value": attribute.get("StringValue", attribute.get("BinaryValue")),
        }
        for name, attribute in attributes.items()
        if isinstance(attribute, Mapping)
    }
