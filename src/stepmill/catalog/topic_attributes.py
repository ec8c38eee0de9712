"""What can be said of a topic and of a subscription: attributes as texts, as SNS takes and gives them. Pure.

Source: SNS API reference, SetTopicAttributes and SetSubscriptionAttributes; developer guide, "Amazon SNS
message delivery retries" and "Amazon SNS dead-letter queues".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.language.event_patterns.pattern import Pattern
from stepmill.language.event_patterns.reading import read_pattern

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:(?P<name>[A-Za-z0-9_-]{1,80})")
_FIFO_SUFFIX = ".fifo"
_LONGEST_VALUE = 262_144

# Kept and told, and of no effect here: nobody is refused, nothing is encrypted, nothing is traced.
_KEPT_OF_TOPIC = frozenset(
    {"DataProtectionPolicy", "DisplayName", "KmsMasterKeyId", "Policy", "SignatureVersion", "TracingConfig"}
)
_FEEDBACK = re.compile(
    r"(?:HTTP|Firehose|Lambda|Application|SQS)(?:(?:Success|Failure)FeedbackRoleArn|SuccessFeedbackSampleRate)"
)
_OF_FIFO = frozenset({"FifoTopic", "ContentBasedDeduplication", "ArchivePolicy", "FifoThroughputScope"})

FILTER, SCOPE = "FilterPolicy", "FilterPolicyScope"
BY_ATTRIBUTES, BY_BODY = "MessageAttributes", "MessageBody"
_DELIVERY, _REDRIVE, _RAW = "DeliveryPolicy", "RedrivePolicy", "RawMessageDelivery"
OF_SUBSCRIPTION = frozenset({_DELIVERY, FILTER, SCOPE, _RAW, _REDRIVE})

# What holds where nobody says anything, in seconds.
_DEFAULT_RETRIES: Mapping[str, Json] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_MOST_RETRIES, _LONGEST_DELAY_S = 100, 3600
_BACKOFFS = ("linear", "arithmetic", "geometric", "exponential")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a delivery over HTTP is tried again.

    Args:
        document: As SNS writes it, with what holds where nobody says anything.
    """

    document: JsonObject

    def delays_s(self) -> tuple[int, ...]:
        """Return the wait before each further attempt, in seconds.

        Example:
            >>> RetryPolicy(_DEFAULT_RETRIES).delays_s()
            (20, 20, 20)
        """
        number = {name: value for name, value in self.document.items() if isinstance(value, int)}
        least, most = number["minDelayTarget"], number["maxDelayTarget"]
        immediate, low, high = (
            number["numNoDelayRetries"], number["numMinDelayRetries"], number["numMaxDelayRetries"],
        )  # fmt: skip
        between = max(0, number["numRetries"] - immediate - low - high)
        rising = [
            _between(str(self.document["backoffFunction"]), i, between, least, most) for i in range(between)
        ]
        return (*[0] * immediate, *[least] * low, *rising, *[most] * high)


def check_topic_name(name: str) -> None:
    """Check the name of a topic.

    Raises:
        UnsupportedError: If it is that of a FIFO topic.
        InvalidInputError: If SNS would refuse it.
    """
    if name.endswith(_FIFO_SUFFIX):
        raise _no_fifo("Name")
    if not _NAME.fullmatch(name):
        raise InvalidInputError("Invalid parameter: Topic Name")


def check_topic_attributes(given: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a topic as they are kept.

    Raises:
        UnsupportedError: If one is of FIFO topics.
        InvalidInputError: If one is unknown, or its value cannot be taken.
    """
    kept: dict[str, str] = {}
    for name, text in given.items():
        if name in _OF_FIFO:
            if text.lower() == "false":
                continue
            raise _no_fifo(name)
        if name == _DELIVERY:
            _policies(text)
        elif name not in _KEPT_OF_TOPIC and not _FEEDBACK.fullmatch(name):
            raise InvalidInputError("Invalid parameter: AttributeName")
        _check_length(name, text)
        kept[name] = text
    return kept


def check_subscription_attributes(given: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a subscription as they are kept; an empty text takes one back.

    Raises:
        InvalidInputError: If one is unknown, or its value cannot be taken.
    """
    kept: dict[str, str] = {}
    for name, text in given.items():
        if name not in OF_SUBSCRIPTION:
            raise InvalidInputError("Invalid parameter: AttributeName")
        _check_length(name, text)
        if name == _RAW:
            if text.lower() not in ("true", "false"):
                raise InvalidInputError(
                    "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value "
                    f"[{text[:40]}]. Must be true or false."
                )
            text = text.lower()
        elif name == SCOPE:
            if text not in (BY_ATTRIBUTES, BY_BODY):
                raise InvalidInputError(
                    f"Invalid parameter: Attributes Reason: FilterPolicyScope: Invalid value [{text[:40]}]. "
                    "Please use either MessageBody or MessageAttributes"
                )
        elif text:
            _READERS[name](text)
        kept[name] = text
    return kept


def filter_of(attributes: Mapping[str, str]) -> Pattern | None:
    """Return what messages must fit; ``None``: all are wanted.

    Raises:
        InvalidInputError: If the policy cannot be taken.
    """
    text = attributes.get(FILTER, "")
    if not text or text.strip() == "{}":
        return None
    try:
        return read_pattern(text)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"Invalid parameter: FilterPolicy: {error.what}", where=error.where, mend=error.mend
        ) from error


def dead_letters_of(attributes: Mapping[str, str]) -> str:
    """Return the name of the queue for what cannot be delivered; empty: it is dropped.

    Raises:
        InvalidInputError: If the policy cannot be taken.
    """
    text = attributes.get(_REDRIVE, "")
    if not text:
        return ""
    document = _object(text, _REDRIVE)
    target = document.get("deadLetterTargetArn")
    match = _QUEUE.fullmatch(target) if isinstance(target, str) else None
    if match is None:
        raise InvalidInputError(
            "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn",
            mend="Give the ARN of a queue.",
        )
    return match["name"]


def retries_of(*attributes: Mapping[str, str]) -> RetryPolicy:
    """Return how deliveries over HTTP are tried again: as the first of these says, else as SNS does.

    Args:
        attributes: Those of the subscription, then those of its topic.
    """
    for one in attributes:
        if found := _policies(one.get(_DELIVERY, "")):
            return RetryPolicy({**_DEFAULT_RETRIES, **found})
    return RetryPolicy(_DEFAULT_RETRIES)


def _policies(text: str) -> JsonObject | None:
    """Return what a delivery policy says of retries: of a subscription, or of a topic under ``http``."""
    if not text:
        return None
    document = _object(text, _DELIVERY)
    inner = document.get("http", document)
    of_http: JsonObject = inner if isinstance(inner, Mapping) else {}
    found = of_http.get("healthyRetryPolicy") or of_http.get("defaultHealthyRetryPolicy")
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise InvalidInputError("Invalid parameter: DeliveryPolicy: healthyRetryPolicy must be an object")
    _check_retries({**_DEFAULT_RETRIES, **found}, found)
    return found


def _check_retries(all_: JsonObject, said: JsonObject) -> None:
    for name, value in said.items():
        if name not in _DEFAULT_RETRIES:
            raise InvalidInputError(f"Invalid parameter: DeliveryPolicy: Unexpected JSON member: {name[:80]}")
        if name == "backoffFunction":
            if value not in _BACKOFFS:
                raise InvalidInputError(
                    f"Invalid parameter: DeliveryPolicy: {name} must be one of {_BACKOFFS}"
                )
            continue
        most = _LONGEST_DELAY_S if name.endswith("DelayTarget") else _MOST_RETRIES
        least = 1 if name.endswith("DelayTarget") else 0
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InvalidInputError(
                f"Invalid parameter: DeliveryPolicy: {name} must be between {least} and {most}"
            )
    number = {name: value for name, value in all_.items() if isinstance(value, int)}
    if number["minDelayTarget"] > number["maxDelayTarget"]:
        raise InvalidInputError(
            "Invalid parameter: DeliveryPolicy: minDelayTarget must not be greater than maxDelayTarget"
        )
    phases = number["numNoDelayRetries"] + number["numMinDelayRetries"] + number["numMaxDelayRetries"]
    if phases > number["numRetries"]:
        raise InvalidInputError(
            "Invalid parameter: DeliveryPolicy: numRetries must be greater than or equal to the total of "
            "numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        )


def _between(backoff: str, index: int, count: int, least: int, most: int) -> int:
    part = index / (count - 1) if count > 1 else 0.0
    if backoff == "linear":
        return round(least + (most - least) * part)
    if backoff == "arithmetic":
        return round(least + (most - least) * part * part)
    if backoff == "geometric":
        return round(least * math.pow(most / least, part))
    return round(least + (most - least) * (math.pow(2.0, part * 10) - 1) / 1023)


def _object(text: str, name: str) -> JsonObject:
    try:
        document = read_json(text)
    except InvalidInputError as error:
        raise InvalidInputError(f"Invalid parameter: {name}: failed to parse JSON.") from error
    if not isinstance(document, Mapping):
        raise InvalidInputError(f"Invalid parameter: {name}: must be a JSON object.")
    return document


def _check_length(name: str, text: str) -> None:
    if len(text.encode()) > _LONGEST_VALUE:
        raise InvalidInputError(f"Invalid parameter: {name}: the value is too long")


def _no_fifo(where: str) -> UnsupportedError:
    return UnsupportedError("Stepmill offers no FIFO topics.", where=where, mend="Use a standard topic.")


_READERS = {
    FILTER: lambda text: filter_of({FILTER: text}),
    _REDRIVE: lambda text: dead_letters_of({_REDRIVE: text}),
    _DELIVERY: _policies,
}
