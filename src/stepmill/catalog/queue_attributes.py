"""What can be said of a queue: attributes as texts, as SQS takes and gives them. Pure.

Source: SQS API reference, CreateQueue and SetQueueAttributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import read_json, write_json

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,80}")
_FIFO_SUFFIX = ".fifo"

LONGEST_VISIBILITY_S = 43_200
LONGEST_DELAY_S = 900
LONGEST_WAIT_S = 20

# Name -> the least and the most that it may be, and what it is where nobody says it.
_NUMBERS: Mapping[str, tuple[int, int, int]] = {
    "DelaySeconds": (0, LONGEST_DELAY_S, 0),
    "MaximumMessageSize": (1024, 1_048_576, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": (0, LONGEST_WAIT_S, 0),
    "VisibilityTimeout": (0, LONGEST_VISIBILITY_S, 30),
}
# Kept and told, and of no effect here: nobody is refused, and nothing is encrypted.
_KEPT = frozenset(
    {
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "Policy",
        "RedriveAllowPolicy",
        "SqsManagedSseEnabled",
    }
)
_REDRIVE = "RedrivePolicy"
_MOST_RECEIVES = 1000
_OF_FIFO = frozenset({"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})

# What is known of; those of FIFO queues are refused by name.
SETTABLE = frozenset({*_NUMBERS, *_KEPT, _REDRIVE, *_OF_FIFO})


@dataclass(frozen=True, slots=True)
class Redrive:
    """Where messages go that nobody deletes.

    Args:
        target: Name of that queue.
        most_receives: How often a message is received before.
    """

    target: str
    most_receives: int


def check_name(name: str) -> None:
    """Check the name of a queue.

    Raises:
        UnsupportedError: If it is that of a FIFO queue.
        InvalidInputError: If SQS would refuse it.
    """
    if name.endswith(_FIFO_SUFFIX):
        raise _no_fifo("QueueName")
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:100]!r} cannot be the name of a queue.",
            where="QueueName",
            mend="Use 1 to 80 letters, digits, hyphens and underscores.",
        )


def check_attributes(given: Mapping[str, str]) -> dict[str, str]:
    """Return attributes as they are kept; an empty text takes one back.

    Raises:
        UnsupportedError: If one is of FIFO queues.
        InvalidInputError: If one is unknown, or its value cannot be taken.
    """
    return {name: _checked(name, text) for name, text in given.items()}


def number_of(attributes: Mapping[str, str], name: str) -> int:
    """Return an attribute that is a number: ``VisibilityTimeout``, in seconds.

    Example:
        >>> number_of({}, "VisibilityTimeout"), number_of({"VisibilityTimeout": "5"}, "VisibilityTimeout")
        (30, 5)
    """
    return int(attributes.get(name) or _NUMBERS[name][2])


def retention_of(attributes: Mapping[str, str]) -> timedelta:
    """Return how long messages are kept."""
    return timedelta(seconds=number_of(attributes, "MessageRetentionPeriod"))


def redrive_of(attributes: Mapping[str, str]) -> Redrive | None:
    """Return where messages go that nobody deletes; ``None``: they stay."""
    text = attributes.get(_REDRIVE)
    return _read_redrive(text) if text else None


def all_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that were said, and those that hold where nobody said any."""
    defaults = {name: str(default) for name, (_, _, default) in _NUMBERS.items()}
    return {**defaults, "SqsManagedSseEnabled": "false", **{k: v for k, v in attributes.items() if v}}


def _checked(name: str, text: str) -> str:
    if name in _OF_FIFO:
        raise _no_fifo(name)
    if name in _NUMBERS:
        least, most, _ = _NUMBERS[name]
        if text and not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
            raise InvalidInputError(
                f"{text[:40]!r} is no value for {name}.", where=name, mend=f"Use {least} to {most}."
            )
        return text
    if name == _REDRIVE:
        if text:
            _read_redrive(text)
        return text
    if name not in _KEPT:
        raise InvalidInputError(
            f"A queue has no attribute {name[:80]!r} that could be set.",
            where=name[:80],
            mend=f"There are {', '.join(sorted([*_NUMBERS, *_KEPT, _REDRIVE]))}.",
        )
    return text


def _read_redrive(text: str) -> Redrive:
    try:
        document = read_json(text, where=_REDRIVE)
    except InvalidInputError as error:
        raise InvalidInputError(f"{error.what}", where=_REDRIVE, mend="Give a JSON object.") from error
    target = document.get("deadLetterTargetArn") if isinstance(document, Mapping) else None
    most = document.get("maxReceiveCount") if isinstance(document, Mapping) else None
    count = int(most) if isinstance(most, str) and most.isascii() and most.isdigit() else most
    is_count = isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _MOST_RECEIVES
    name = target.rpartition(":")[2] if isinstance(target, str) and target.startswith("arn:") else ""
    if not is_count or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{write_json(document)[:200]} is no redrive policy.",
            where=_REDRIVE,
            mend=f"Give deadLetterTargetArn, and maxReceiveCount from 1 to {_MOST_RECEIVES}.",
        )
    return Redrive(name, int(str(count)))


def _no_fifo(where: str) -> UnsupportedError:
    return UnsupportedError("Stepmill offers no FIFO queues.", where=where, mend="Use a standard queue.")
