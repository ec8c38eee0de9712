"""By which codes services refuse a request that cannot be read, breaks the model, or asks for nothing known.

One table. Source: the services' API references ("Common Errors"), and what their clients report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stepmill.aws.errors import Code


@dataclass(frozen=True, slots=True)
class Refusals:
    """How a service refuses.

    Args:
        unreadable: The body cannot be read, or a value in it is of another kind.
        unbindable: The same of the path, the query or a header.
        invalid: A value breaks a constraint of the model.
        unknown: There is no such operation.
        invalid_body: As ``invalid``, of a member in a body, where that makes a difference.
    """

    unreadable: Code
    unbindable: Code
    invalid: Code
    unknown: Code
    invalid_body: Code | None = None


_JSON = Refusals(
    unreadable=Code("SerializationException"),
    unbindable=Code("SerializationException"),
    invalid=Code("ValidationException"),
    unknown=Code("UnknownOperationException"),
)
_OF_PROTOCOL: Mapping[str, Refusals] = {
    "json": _JSON,
    "smithy-rpc-v2-cbor": _JSON,
    "rest-json": replace(_JSON, unknown=Code("UnknownOperationException", 404)),
    "query": Refusals(
        unreadable=Code("MalformedInput"),
        unbindable=Code("MalformedInput"),
        invalid=Code("ValidationError"),
        unknown=Code("InvalidAction"),
    ),
    "rest-xml": Refusals(
        unreadable=Code("MalformedXML"),
        unbindable=Code("InvalidArgument"),
        invalid=Code("InvalidArgument"),
        invalid_body=Code("MalformedXML"),
        unknown=Code("MethodNotAllowed", 405),
    ),
}
_INVALID: Mapping[str, str] = {
    "athena": "InvalidRequestException",
    "batch": "ClientException",
    "cloudwatch": "ValidationError",
    "ecr": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "sagemaker-featurestore-runtime": "ValidationError",
    "sagemaker-runtime": "ValidationError",
    "sqs": "InvalidParameterValue",
}
_UNREADABLE: Mapping[str, str] = {
    "batch": "ClientException",
    "lambda": "InvalidRequestContentException",
}
# Service -> shape of an error -> its code in the query protocol that the service spoke once, where the model
# has forgotten it and clients still look for it.
FORMER_CODES: Mapping[str, Mapping[str, str]] = {
    "sqs": {
        "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
        "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
        "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
        "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
        "PurgeQueueInProgress": "AWS.SimpleQueueService.PurgeQueueInProgress",
        "QueueDeletedRecently": "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
        "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
    }
}


def refusals_of(service: str, protocol: str) -> Refusals:
    """Return how a service refuses requests of a protocol."""
    found = _OF_PROTOCOL[protocol]
    if service in _INVALID:
        found = replace(found, invalid=Code(_INVALID[service]))
    if service in _UNREADABLE:
        found = replace(found, unreadable=Code(_UNREADABLE[service]))
    return found
