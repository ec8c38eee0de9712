"""Topics and subscriptions as values, and as the records that keep them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record

TOPIC_KIND = "topic"
SUBSCRIPTION_KIND = "subscription"

CONFIRMED, PENDING = "confirmed", "pending"

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:(?P<name>[A-Za-z0-9_-]{1,256}(?:\.fifo)?)")
_SUBSCRIPTION = re.compile(
    r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}:"
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic.

    Args:
        name: Its name.
        attributes: As they were said.
        created_at: Aware, UTC.
        deleted: How many of its subscriptions have been removed.
    """

    name: str
    attributes: Mapping[str, str]
    created_at: datetime
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody who is told what is published.

    Args:
        id: Unique; the end of its ARN.
        topic: Name of the topic.
        protocol: ``sqs``, ``lambda``, ``https``, ``email``.
        endpoint: Whom, as the protocol names them: an ARN, a URL, an address.
        attributes: As they were said.
        is_confirmed: Whether the endpoint wants to be told.
        token: Confirms it.
        owner: Name of the key of whoever subscribed.
    """

    id: str
    topic: str
    protocol: str
    endpoint: str
    attributes: Mapping[str, str]
    is_confirmed: bool
    token: str = ""
    owner: str = ""

    @property
    def is_raw(self) -> bool:
        """Whether messages come as they were published, without an envelope."""
        return self.attributes.get("RawMessageDelivery", "").lower() == "true"


def topic_of_arn(arn: str) -> str:
    """Return the name of the topic of an ARN; whose account and which region does not matter.

    Scripts and definitions name topics of the account that they were written for.

    Example:
        >>> topic_of_arn("arn:aws:sns:us-west-2:123456789012:alerts")
        'alerts'
    """
    match = _TOPIC.fullmatch(arn)
    return match["name"] if match else ""


def subscription_of_arn(arn: str) -> str:
    """Return the id of the subscription of an ARN; empty if it is none."""
    match = _SUBSCRIPTION.fullmatch(arn)
    return match["id"] if match else ""


def read_topic(record: Record) -> Topic:
    """Return the topic of a record."""
    deleted = record.body.get("deleted")
    attributes = _texts(record.body.get("attributes"))
    return Topic(record.name, attributes, record.created_at, deleted if isinstance(deleted, int) else 0)


def read_subscription(record: Record) -> Subscription:
    """Return the subscription of a record."""
    body = record.body
    return Subscription(
        id=record.name,
        topic=record.parent,
        protocol=str(body["protocol"]),
        endpoint=str(body["endpoint"]),
        attributes=_texts(body.get("attributes")),
        is_confirmed=record.status == CONFIRMED,
        token=str(body.get("token") or ""),
        owner=str(body.get("owner") or ""),
    )


def subscription_body(subscription: Subscription) -> JsonObject:
    """Return what the record of a subscription says."""
    return {
        "protocol": subscription.protocol,
        "endpoint": subscription.endpoint,
        "attributes": dict(subscription.attributes),
        "token": subscription.token,
        "owner": subscription.owner,
    }


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}
