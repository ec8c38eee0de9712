"""Operations on messages.

Source: SQS API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.identity import caller_arn
from stepmill.aws.services.sagemaker.refusals import told_as
from stepmill.aws.services.sqs.attributes import (
    attributes_md5,
    read_attributes,
    size_of,
    text_md5,
    write_attributes,
)
from stepmill.aws.services.sqs.batches import each_of
from stepmill.aws.services.sqs.urls import queue_in
from stepmill.catalog.queue_attributes import (
    LONGEST_DELAY_S,
    LONGEST_VISIBILITY_S,
    LONGEST_WAIT_S,
    number_of,
)
from stepmill.catalog.queue_records import Letter, Message
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject, object_of
from stepmill.platform import Platform

MOST_MESSAGES = 10
LARGEST_BATCH_BYTES = 1_048_576

_CHARACTERS = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_SYSTEM = frozenset({"AWSTraceHeader"})


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    queues = platform.queues

    def send(call: Call) -> dict[str, Any]:
        name = queue_in(platform, call)
        return _send(platform, name, call, call.parameters)

    def send_batch(call: Call) -> dict[str, Any]:
        name = queue_in(platform, call)
        entries = call.parameters["Entries"]
        if sum(len(str(entry["MessageBody"]).encode()) for entry in entries) > LARGEST_BATCH_BYTES:
            raise ApiError(
                "BatchRequestTooLong", f"All entries together have more than {LARGEST_BATCH_BYTES} bytes."
            )
        return each_of(entries, lambda entry: _send(platform, name, call, entry))

    def receive(call: Call) -> dict[str, Any]:
        name = queue_in(platform, call)
        most = _number(call.parameters, "MaxNumberOfMessages", 1, MOST_MESSAGES, 1)
        visibility = _seconds(call.parameters, "VisibilityTimeout", LONGEST_VISIBILITY_S)
        _seconds(call.parameters, "WaitTimeSeconds", LONGEST_WAIT_S)
        found = queues.receive(name, most=most, visibility=visibility)
        return {"Messages": [_received(platform, message, call) for message in found]} if found else {}

    def delete(call: Call) -> None:
        _delete(platform, queue_in(platform, call), call.parameters)

    def delete_batch(call: Call) -> dict[str, Any]:
        name = queue_in(platform, call)
        return each_of(call.parameters["Entries"], lambda entry: _delete(platform, name, entry))

    def change(call: Call) -> None:
        _change(platform, queue_in(platform, call), call.parameters)

    def change_batch(call: Call) -> dict[str, Any]:
        name = queue_in(platform, call)
        return each_of(call.parameters["Entries"], lambda entry: _change(platform, name, entry))

    return {
        "SendMessage": send,
        "SendMessageBatch": send_batch,
        "ReceiveMessage": receive,
        "DeleteMessage": delete,
        "DeleteMessageBatch": delete_batch,
        "ChangeMessageVisibility": change,
        "ChangeMessageVisibilityBatch": change_batch,
    }


def has_received(_call: Call, answer: Mapping[str, Any]) -> bool:
    """Return whether there is nothing left to wait for in an answer of ReceiveMessage."""
    return bool(answer.get("Messages"))


def patience_of(platform: Platform, call: Call) -> timedelta:
    """Return for how long a receiver asks to be kept waiting for a message."""
    asked = call.parameters.get("WaitTimeSeconds")
    if asked is not None:
        return timedelta(seconds=min(int(asked), LONGEST_WAIT_S))
    try:
        attributes = platform.queues.get(queue_in(platform, call)).attributes
    except NotFoundError:
        return timedelta(0)
    return timedelta(seconds=number_of(attributes, "ReceiveMessageWaitTimeSeconds"))


def _send(platform: Platform, name: str, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    body = str(given["MessageBody"])
    if given.get("MessageDeduplicationId") is not None:
        raise ApiError(
            "UnsupportedOperation", "Stepmill offers no FIFO queues.", where="MessageDeduplicationId"
        )
    if not body:
        raise ApiError("MissingParameter", "The request must contain the parameter MessageBody.")
    if not _CHARACTERS.fullmatch(body):
        raise ApiError(
            "InvalidMessageContents",
            "The message has characters that are not allowed.",
            where="MessageBody",
            mend="Use what XML allows: #x9, #xA, #xD, #x20 to #xD7FF, #xE000 to #xFFFD, #x10000 to #x10FFFF.",
        )
    attributes = read_attributes(given.get("MessageAttributes"), "MessageAttributes")
    system = read_attributes(given.get("MessageSystemAttributes"), "MessageSystemAttributes")
    if wrong := system.keys() - _SYSTEM:
        raise InvalidInputError(f"{min(wrong)!r} cannot be sent.", where="MessageSystemAttributes")
    _check_size(platform, name, body, attributes)
    delay = _seconds(given, "DelaySeconds", LONGEST_DELAY_S)
    kept: JsonObject = {"said": attributes, "system": system, "group": given.get("MessageGroupId") or ""}
    message = platform.queues.send(name, Letter(body, kept, call.caller.name, delay))
    digests = {
        "MD5OfMessageBody": text_md5(body),
        "MD5OfMessageAttributes": attributes_md5(attributes),
        "MD5OfMessageSystemAttributes": attributes_md5(system),
    }
    return {"MessageId": message.id, **{member: digest for member, digest in digests.items() if digest}}


def _check_size(platform: Platform, name: str, body: str, attributes: JsonObject) -> None:
    most = number_of(platform.queues.get(name).attributes, "MaximumMessageSize")
    size = len(body.encode()) + size_of(attributes)
    if size > most:
        raise InvalidInputError(
            f"The message has {size} bytes with its attributes; it must be shorter than {most} bytes.",
            where="MessageBody",
        )


def _received(platform: Platform, message: Message, call: Call) -> dict[str, Any]:
    said, system = _part(message, "said"), _part(message, "system")
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": text_md5(message.body),
        "Body": message.body,
    }
    asked = call.parameters.get("MessageAttributeNames") or ()
    if attributes := write_attributes(said, asked):
        answer["MessageAttributes"] = attributes
        answer["MD5OfMessageAttributes"] = attributes_md5({name: said[name] for name in attributes})
    given = call.parameters
    names = {*(given.get("AttributeNames") or ()), *(given.get("MessageSystemAttributeNames") or ())}
    every = _system_attributes(platform, message, system)
    if told := {name: text for name, text in every.items() if names & {"All", name}}:
        answer["Attributes"] = told
    return answer


def _system_attributes(platform: Platform, message: Message, system: JsonObject) -> dict[str, str]:
    every = {
        "SenderId": caller_arn(message.sender or "stepmill", platform.settings.account),
        "SentTimestamp": _milliseconds(message.sent_at),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at or message.sent_at),
    }
    if group := message.attributes.get("group"):
        every["MessageGroupId"] = str(group)
    if message.moved_from:
        every["DeadLetterQueueSourceArn"] = platform.settings.arns.queue(message.moved_from)
    for name, attribute in system.items():
        if isinstance(attribute, Mapping):
            every[name] = str(attribute.get("StringValue", ""))
    return every


def _delete(platform: Platform, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    with told_as("ReceiptHandleIsInvalid", InvalidInputError):
        platform.queues.delete_message(name, given["ReceiptHandle"])
    return {}


def _change(platform: Platform, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    visibility = _seconds(given, "VisibilityTimeout", LONGEST_VISIBILITY_S)
    if visibility is None:
        raise ApiError("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
    with told_as("ReceiptHandleIsInvalid", InvalidInputError):
        platform.queues.change_visibility(name, given["ReceiptHandle"], visibility)
    return {}


def _seconds(given: Mapping[str, Any], member: str, most: int) -> timedelta | None:
    if given.get(member) is None:
        return None
    return timedelta(seconds=_number(given, member, 0, most, 0))


def _number(given: Mapping[str, Any], member: str, least: int, most: int, default: int) -> int:
    value = given.get(member)
    number = default if value is None else int(value)
    if not least <= number <= most:
        raise InvalidInputError(
            f"Value {number} for parameter {member} is invalid.",
            where=member,
            mend=f"Use {least} to {most}.",
        )
    return number


def _part(message: Message, name: str) -> JsonObject:
    return object_of(message.attributes.get(name))


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
