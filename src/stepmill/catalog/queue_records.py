"""Queues and messages as values, and as the records that keep them. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, floor
from urllib.parse import urlsplit

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record

QUEUE_KIND = "queue"
MESSAGE_KIND = "queued-message"

_PATH = re.compile(r"/\d{12}/(?P<name>[a-zA-Z0-9_-]{1,80}(?:\.fifo)?)/?")


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue.

    Args:
        name: Its name.
        attributes: As they were said.
        tags: Key -> value.
        created_at: Aware, UTC.
        modified_at: The same.
    """

    name: str
    attributes: Mapping[str, str]
    tags: Mapping[str, str]
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message.

    Args:
        id: Unique.
        body: Its text.
        attributes: What the sender said beside it, as SQS's documents have it.
        sent_at: Aware, UTC.
        receives: How often it was received.
        first_received_at: The first time; ``None`` before.
        sender: Name of the key of whoever sent it; empty for Stepmill itself.
        moved_from: Name of the queue that it was moved from, if nobody deleted it there.
        receipt: Deletes it; of a message that was just received.
    """

    id: str
    body: str
    attributes: JsonObject
    sent_at: datetime
    receives: int = 0
    first_received_at: datetime | None = None
    sender: str = ""
    moved_from: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be sent.

    Args:
        body: Its text.
        attributes: What is said beside it.
        sender: Name of the key of whoever sends it.
        delay: Until it can be received; ``None``: as the queue says.
        id: Of the message; empty: a new one. No second one of the same id is sent.
    """

    body: str
    attributes: JsonObject = field(default_factory=dict)
    sender: str = ""
    delay: timedelta | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of a queue can be received, have been, and cannot be yet."""

    visible: int = 0
    in_flight: int = 0
    delayed: int = 0


def queue_of_url(url: str) -> str:
    """Return the name of the queue of a URL; whose account and which host does not matter.

    Scripts and definitions name queues of the account that they were written for.

    Example:
        >>> queue_of_url("https://sqs.us-west-2.amazonaws.com/123456789012/approvals")
        'approvals'
    """
    try:
        match = _PATH.fullmatch(urlsplit(url).path)
    except ValueError:
        match = None
    return match["name"] if match else ""


def second_of(moment: datetime) -> int:
    """Return the second that a moment lies in, since 1970."""
    return floor(moment.timestamp())


def second_after(now: datetime, wait: timedelta) -> int:
    """Return the second from which a message can be received: not before the wait is over."""
    return ceil((now + wait).timestamp()) if wait else second_of(now)


def read_queue(record: Record) -> Queue:
    """Return the queue of a record."""
    return Queue(
        record.name,
        _texts(record.body.get("attributes")),
        _texts(record.body.get("tags")),
        record.created_at,
        record.modified_at,
    )


def read_message(record: Record) -> Message:
    """Return the message of a record."""
    body = record.body
    first, attributes, receives = body.get("first"), body.get("attributes"), body.get("receives")
    return Message(
        id=record.name,
        body=str(body["text"]),
        attributes=attributes if isinstance(attributes, Mapping) else {},
        sent_at=record.created_at,
        receives=receives if isinstance(receives, int) else 0,
        first_received_at=datetime.fromisoformat(first) if isinstance(first, str) else None,
        sender=str(body.get("sender") or ""),
        moved_from=str(body.get("moved_from") or ""),
    )


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def write_receipt(identifier: str, receives: int) -> str:
    """Return what the one who received a message, the so manieth time, deletes it by."""
    return base64.urlsafe_b64encode(f"{identifier} {receives}".encode()).decode()


def read_receipt(receipt: str) -> tuple[str, int]:
    """Return the id of the message of a receipt, and how often it had been received.

    Raises:
        InvalidInputError: If it is none.
    """
    try:
        text = base64.b64decode(receipt.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    identifier, _, receives = text.partition(" ")
    if not (identifier and receives.isascii() and receives.isdigit() and len(receives) < 10):
        raise InvalidInputError(
            "The input receipt handle is invalid.",
            where="ReceiptHandle",
            mend="Give the one that ReceiveMessage answered.",
        )
    return identifier, int(receives)
