"""Publish and PublishBatch.

Source: SNS API reference, Publish and PublishBatch; developer guide, "Publishing to topics with
platform-specific payloads".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.aws.errors import ApiError, code_of, text_of
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sns.names import INVALID, topic_in
from stepmill.aws.services.sqs.attributes import read_attributes, size_of
from stepmill.core.errors import InvalidInputError, StepmillError, StorageError
from stepmill.core.json import JsonObject, read_json
from stepmill.jobs.publishing.message import DEFAULT
from stepmill.jobs.publishing.publisher import Draft
from stepmill.platform import Platform

LARGEST_MESSAGE_BYTES = 262_144
MOST_ENTRIES = 10
# Only of what is told raw to a queue are there at most ten.
MOST_ATTRIBUTES = 100

_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    publisher, topics = platform.publishing.publisher, platform.publishing.topics

    def publish(call: Call) -> dict[str, Any]:
        given = call.parameters
        if given.get("PhoneNumber"):
            raise ApiError(
                INVALID,
                "Invalid parameter: PhoneNumber Reason: Stepmill sends no text messages.",
                mend="Publish on a topic.",
            )
        if given.get("TopicArn") and given.get("TargetArn"):
            raise ApiError(
                INVALID, "Invalid parameter: TopicArn Reason: Both TopicArn and TargetArn are specified"
            )
        member = "TargetArn" if given.get("TargetArn") else "TopicArn"
        if not given.get(member):
            raise ApiError(
                INVALID, "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"
            )
        topic = topics.get(topic_in(given, member)).name
        return {"MessageId": publisher.publish(topic, _draft(given))[0]}

    def publish_batch(call: Call) -> dict[str, Any]:
        topic = topics.get(topic_in(call.parameters)).name
        entries = call.parameters["PublishBatchRequestEntries"]
        _check_entries(entries)
        good: list[tuple[str, Draft]] = []
        failed: list[dict[str, Any]] = []
        for entry in entries:
            try:
                good.append((str(entry["Id"]), _draft(entry)))
            except StorageError:
                raise
            except StepmillError as error:
                code = code_of("sns", error).code
                failed.append(
                    {"Id": entry["Id"], "Code": code, "Message": text_of(error), "SenderFault": True}
                )
        ids = publisher.publish(topic, *(draft for _, draft in good))
        done = [{"Id": name, "MessageId": made} for (name, _), made in zip(good, ids, strict=True)]
        return {"Successful": done, "Failed": failed}

    return {"Publish": publish, "PublishBatch": publish_batch}


def _draft(given: Mapping[str, Any]) -> Draft:
    """Return what a call, or an entry of one, publishes."""
    text = str(given["Message"])
    if not text:
        raise ApiError(INVALID, "Invalid parameter: Empty message")
    if given.get("MessageDeduplicationId"):
        raise ApiError(
            INVALID,
            "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId "
            "parameter that is not valid for this topic type",
        )
    attributes = _attributes(given.get("MessageAttributes"))
    if len(text.encode()) + size_of(attributes) > LARGEST_MESSAGE_BYTES:
        raise ApiError(INVALID, "Invalid parameter: Message too long")
    subject = str(given.get("Subject") or "")
    if given.get("Subject") is not None and not _SUBJECT.fullmatch(subject):
        raise ApiError(INVALID, "Invalid parameter: Subject")
    texts = _texts(text, given.get("MessageStructure"))
    return Draft(texts, subject, attributes, str(given.get("MessageGroupId") or ""))


def _attributes(given: Mapping[str, Mapping[str, Any]] | None) -> JsonObject:
    try:
        return read_attributes(given, "MessageAttributes", most=MOST_ATTRIBUTES)
    except InvalidInputError as error:
        raise ApiError("ParameterValueInvalid", error.what, where=error.where, mend=error.mend) from error


def _texts(text: str, structure: str | None) -> dict[str, str]:
    if not structure:
        return {DEFAULT: text}
    if structure != "json":
        raise ApiError(INVALID, "Invalid parameter: MessageStructure")
    try:
        document = read_json(text)
    except InvalidInputError as error:
        raise ApiError(
            INVALID, "Invalid parameter: Message Structure - JSON message body failed to parse"
        ) from error
    if not isinstance(document, Mapping) or not isinstance(document.get(DEFAULT), str):
        raise ApiError(
            INVALID, "Invalid parameter: Message Structure - No default entry in JSON message body"
        )
    return {name: value for name, value in document.items() if isinstance(value, str)}


def _check_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        raise ApiError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > MOST_ENTRIES:
        raise ApiError(
            "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."
        )
    names = [str(entry["Id"]) for entry in entries]
    for name in names:
        if not _ID.fullmatch(name):
            raise ApiError(
                "InvalidBatchEntryId",
                "The Id of a batch entry in a batch request doesn't abide by the specification.",
            )
    if len(set(names)) < len(names):
        raise ApiError(
            "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."
        )
    if sum(len(str(entry["Message"]).encode()) for entry in entries) > LARGEST_MESSAGE_BYTES:
        raise ApiError(
            "BatchRequestTooLong", "The length of all the batch messages put together is more than the limit."
        )
