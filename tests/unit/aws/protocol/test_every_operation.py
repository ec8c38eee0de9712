"""Every operation of every served service: what botocore sends is read, what is answered botocore reads."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.model import OperationModel

from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.wire import Response
from support.botocore_wire import SERVICES, Examples, botocore_model, parsed, request_of

ROUNDS = 3
# Operations that are asked for in the same way as another, which is found instead -> why.
SHADOWED = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration took its place",
    "GetBucketNotification": "GetBucketNotificationConfiguration took its place",
    "ListDirectoryBuckets": "ListBuckets; only the host tells them apart",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration took its place",
    "PutBucketNotification": "PutBucketNotificationConfiguration took its place",
}
# Operations that botocore's parser or the model cannot carry -> why.
UNCARRIED = {
    "GetBucketLocation": "the root element is the member: botocore has a handler for it, see test_codec.py",
    "GetBucketNotification": "the members Event and Events have one name on the wire",
    "PutBucketNotification": "the members Event and Events have one name on the wire",
}
# Members that botocore's own additions to the model turn into moments, where S3 takes any text.
TEXT_TO_S3 = "Expires"


def differences(got: dict[str, Any], meant: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (got.get(name), meant.get(name)) for name in {*got, *meant} if got.get(name) != meant.get(name)
    }


def examples(service: str, operation: str, round_: int) -> Examples:
    in_xml = botocore_model(service).resolved_protocol in ("query", "rest-xml")
    return Examples(f"{service}.{operation}.{round_}", in_xml=in_xml)


def read_wrongly(service: str, operation: OperationModel, round_: int) -> object:
    """Return what of a request arrived as something else."""
    meant: dict[str, Any] = {}
    if operation.input_shape:
        meant = examples(service, operation.name, round_).of(operation.input_shape)
    # The length is that of the body, whatever a client was told.
    ignored = (TEXT_TO_S3, "ContentLength") if service == "s3" else ()
    for name in ignored:
        meant.pop(name, None)
    request = request_of(operation, dict(meant))
    codec = codec_of(service, request)
    found = codec.operation_of(request)
    if found != operation.name and operation.name not in SHADOWED:
        return found
    if service == "s3" and operation.has_streaming_input:
        meant = {**payload_of_nothing(operation.input_shape), **meant}
    elif operation.service_model.resolved_protocol == "rest-json":
        meant = {**object_of_nothing(operation.input_shape), **meant}
    got = codec.read(operation.name, request)
    return differences({name: value for name, value in got.items() if name not in ignored}, meant)


def written_wrongly(service: str, operation: OperationModel, round_: int) -> object:
    """Return what of an answer a client got as something else."""
    answer: dict[str, Any] = {}
    if operation.output_shape:
        answer = examples(service, operation.name, round_).of(operation.output_shape)
    if service == "s3":
        answer.pop(TEXT_TO_S3, None)
    response = codec_of(service).answer(operation.name, answer, "id")
    return differences(parsed(operation, response), {**implied(operation, response), **answer})


def implied(operation: OperationModel, response: Response) -> dict[str, Any]:
    """Return members that a client finds in any response: its status, its type, maps of headers, a body."""
    members = operation.output_shape.members if operation.output_shape else {}
    headers = {name.lower(): value for name, value in response.headers}
    found = payload_of_nothing(operation.output_shape)
    for name, member in members.items():
        located = member.serialization
        match located.get("location"):
            case "statusCode":
                found[name] = response.status
            case "headers":
                found[name] = {}
            case "header" if located["name"].lower() == "content-type":
                found[name] = headers.get("content-type")
    return found


def payload_of_nothing(shape: Any) -> dict[str, Any]:
    """Return the payload that an empty body stands for."""
    name = shape.serialization.get("payload") if shape else None
    if name is None or shape.members[name].serialization.get("eventstream"):
        return {}
    return {name: {"structure": {}, "blob": b"", "string": ""}[shape.members[name].type_name]}


def object_of_nothing(shape: Any) -> dict[str, Any]:
    """Return the payload for which botocore sends an empty object if it is given none."""
    return {name: value for name, value in payload_of_nothing(shape).items() if value == {}}


@pytest.mark.parametrize("service", SERVICES)
def test_every_request_arrives_as_it_was_meant(service: str) -> None:
    model = botocore_model(service)
    wrong = {
        (name, round_): fault
        for name in model.operation_names
        if name not in UNCARRIED and not model.operation_model(name).has_event_stream_input
        for round_ in range(ROUNDS)
        if (fault := read_wrongly(service, model.operation_model(name), round_))
    }
    assert wrong == {}


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_arrives_as_it_was_meant(service: str) -> None:
    model = botocore_model(service)
    wrong = {
        (name, round_): fault
        for name in model.operation_names
        if name not in UNCARRIED
        for round_ in range(ROUNDS)
        if (fault := written_wrongly(service, model.operation_model(name), round_))
    }
    assert wrong == {}
