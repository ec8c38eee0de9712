"""The service: operations on queues here, those on messages beside.

Source: SQS API reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, Service
from stepmill.aws.services.sagemaker.refusals import told_as
from stepmill.aws.services.sqs import messages
from stepmill.aws.services.sqs.urls import queue_in, url_of
from stepmill.catalog.queue_attributes import SETTABLE, all_attributes, check_attributes, redrive_of
from stepmill.catalog.queue_records import Queue
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

_LARGEST_PAGE = 1000


def sqs(platform: Platform) -> Service:
    """Return SQS over a platform."""
    return Service(
        "sqs",
        {**_of_queues(platform), **messages.handlers(platform)},
        waits={"ReceiveMessage": messages.has_received},
        patience={"ReceiveMessage": lambda call: messages.patience_of(platform, call)},
    )


def _of_queues(platform: Platform) -> dict[str, Handler]:
    queues = platform.queues

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        made = queues.create(given["QueueName"], _attributes(given), given.get("tags") or {})
        return {"QueueUrl": url_of(platform, call, made.name)}

    def get_url(call: Call) -> dict[str, Any]:
        return {"QueueUrl": url_of(platform, call, queues.get(call.parameters["QueueName"]).name)}

    def list_(call: Call) -> dict[str, Any]:
        limit = call.parameters.get("MaxResults")
        page = queues.page(
            call.parameters.get("QueueNamePrefix") or "",
            limit=min(int(limit or _LARGEST_PAGE), _LARGEST_PAGE),
            after=call.parameters.get("NextToken"),
        )
        answer: dict[str, Any] = {"QueueUrls": [url_of(platform, call, queue.name) for queue in page.queues]}
        # Who does not ask for pages gets the first thousand, and no token.
        return {**answer, "NextToken": page.next_token} if limit and page.next_token else answer

    def get_attributes(call: Call) -> dict[str, Any]:
        queue = queues.get(queue_in(platform, call))
        asked = set(call.parameters.get("AttributeNames") or ())
        every = _told(platform, queue)
        if wrong := asked - {"All"} - SETTABLE - every.keys():
            raise ApiError("InvalidAttributeName", f"Unknown Attribute {min(wrong)[:80]}.")
        return {"Attributes": {name: text for name, text in every.items() if asked & {"All", name}}}

    def set_attributes(call: Call) -> None:
        queues.set_attributes(queue_in(platform, call), _attributes(call.parameters))

    def list_sources(call: Call) -> dict[str, Any]:
        target = queues.get(queue_in(platform, call)).name
        sources = (queue for queue in _every_queue(platform) if _leads_to(queue, target))
        return {"queueUrls": [url_of(platform, call, queue.name) for queue in sources]}

    return {
        "CreateQueue": create,
        "GetQueueUrl": get_url,
        "ListQueues": list_,
        "GetQueueAttributes": get_attributes,
        "SetQueueAttributes": set_attributes,
        "ListDeadLetterSourceQueues": list_sources,
        **_of_tags_and_ends(platform),
    }


def _of_tags_and_ends(platform: Platform) -> dict[str, Handler]:
    queues = platform.queues

    def purge(call: Call) -> None:
        queues.purge(queue_in(platform, call))

    def delete(call: Call) -> None:
        queues.delete(queue_in(platform, call))

    def tag(call: Call) -> None:
        queues.tag(queue_in(platform, call), call.parameters["Tags"])

    def untag(call: Call) -> None:
        queues.untag(queue_in(platform, call), call.parameters["TagKeys"])

    def list_tags(call: Call) -> dict[str, Any]:
        return {"Tags": dict(queues.get(queue_in(platform, call)).tags)}

    return {
        "PurgeQueue": purge,
        "DeleteQueue": delete,
        "TagQueue": tag,
        "UntagQueue": untag,
        "ListQueueTags": list_tags,
    }


def _attributes(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes that a call says, checked."""
    attributes: Mapping[str, str] = given.get("Attributes") or {}
    for name in attributes:
        if name not in SETTABLE:
            raise ApiError(
                "InvalidAttributeName",
                f"Unknown Attribute {name[:80]}.",
                where="Attributes",
                mend=f"There are {', '.join(sorted(SETTABLE))}.",
            )
    with told_as("InvalidAttributeValue", InvalidInputError):
        return check_attributes(attributes)


def _told(platform: Platform, queue: Queue) -> dict[str, str]:
    """Return all that is told of a queue."""
    counts = platform.queues.counts(queue.name)
    return {
        **all_attributes(queue.attributes),
        "QueueArn": platform.settings.arns.queue(queue.name),
        "CreatedTimestamp": str(int(queue.created_at.timestamp())),
        "LastModifiedTimestamp": str(int(queue.modified_at.timestamp())),
        "ApproximateNumberOfMessages": str(counts.visible),
        "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
    }


def _every_queue(platform: Platform) -> Iterator[Queue]:
    after: str | None = None
    while True:
        page = platform.queues.page(after=after)
        yield from page.queues
        if page.next_token is None:
            return
        after = page.next_token


def _leads_to(queue: Queue, target: str) -> bool:
    redrive = redrive_of(queue.attributes)
    return redrive is not None and redrive.target == target
