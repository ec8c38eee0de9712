"""botocore's own client side of the wire, as an oracle: it writes the requests and reads the answers."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
from botocore.eventstream import EventStream
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from stepmill.aws.wire import Request, Response

ENDPOINT = "http://127.0.0.1:1"
# Services that are served, or that scripts reach through the same door.
SERVICES = (
    "athena",
    "batch",
    "cloudwatch",
    "dynamodb",
    "ecr",
    "events",
    "glue",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "sagemaker-featurestore-runtime",
    "sagemaker-metrics",
    "sagemaker-runtime",
    "scheduler",
    "sns",
    "sqs",
    "stepfunctions",
    "sts",
)


@cache
def botocore_model(service: str) -> ServiceModel:
    """Load a service's model with botocore's own machinery."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def request_of(operation: OperationModel, parameters: dict[str, Any], protocol: str = "") -> Request:
    """Return the request that a client sends."""
    protocol = protocol or operation.service_model.resolved_protocol
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    described = serializer.serialize_to_request(parameters, operation)
    described.setdefault("context", {})
    return request_from(described)


def request_from(described: dict[str, Any]) -> Request:
    """Return the request that botocore's description of one stands for."""
    botocore.awsrequest.prepare_request_dict(described, ENDPOINT)
    prepared = botocore.awsrequest.create_request_object(described).prepare()
    url = urlsplit(prepared.url)
    body = prepared.body
    if isinstance(body, str):
        body = body.encode()
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    return Request(prepared.method, url.path, url.query, headers, body or b"")


class _RawStream:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body


def body_of(response: Response) -> bytes:
    """Return the whole body of a response."""
    body = response.body
    return body if isinstance(body, bytes) else b"".join(body)  # type: ignore[arg-type]


def parsed(
    operation: OperationModel, response: Response, protocol: str = "", shape: Shape | None = None
) -> dict[str, Any]:
    """Return what a client makes of a response, without the metadata.

    Args:
        operation: What was asked.
        response: The answer.
        protocol: Spoken; the service's by default.
        shape: Of the answer; the operation's output by default. A client reads an error by its own shape.
    """
    protocol = protocol or operation.service_model.resolved_protocol
    parser = botocore.parsers.create_parser(protocol)
    described: dict[str, Any] = {
        "status_code": response.status,
        "headers": botocore.awsrequest.HeadersDict(response.headers),
        "body": body_of(response),
        "context": {"operation_name": operation.name},
    }
    if operation.has_event_stream_output:
        described["body"] = _RawStream(described["body"])
    elif operation.has_streaming_output:
        described["body"] = BytesIO(described["body"])
    result: dict[str, Any] = parser.parse(described, shape or operation.output_shape)
    result.pop("ResponseMetadata", None)
    for name, value in result.items():
        if isinstance(value, EventStream):
            result[name] = list(value)
        elif isinstance(value, BytesIO):
            result[name] = value.read()
    return result


_TAILS = ("", " <&>\"'", " ä€😀", "\n\r\t x", " a=b&c;d,e", " ")
# As deep as examples go where the model does not demand more.
_DEEPEST = 6


class Examples:
    """Makes values of shapes, by chance that a seed decides.

    Args:
        seed: Decides.
        in_xml: Whether the values must survive forms and botocore's XML, which cannot hold empty
            structures, lists and maps, and lose carriage returns.
    """

    def __init__(self, seed: str, *, in_xml: bool = False) -> None:
        self._random = random.Random(seed)
        self._in_xml = in_xml
        self._tails = [tail for tail in _TAILS if not (in_xml and "\r" in tail)]

    def of(self, shape: Shape, depth: int = 0) -> Any:
        """Return a value of a shape."""
        make = getattr(self, f"_{shape.type_name}", None)
        return make(shape, depth) if make else self._number(shape)

    def _structure(self, shape: Any, depth: int) -> Any:
        members = shape.members
        if shape.serialization.get("eventstream"):
            return [{name: self.of(members[name], depth + 1)} for name in _events(shape)]
        if getattr(shape, "is_document_type", False):
            return {"a": [1, "b", None, {"c": 1.5}]}
        if getattr(shape, "is_tagged_union", False):
            name = self._random.choice(list(members))
            return {name: self._member(members[name], depth + 1)}
        names = [name for name, member in members.items() if self._is_chosen(shape, name, member, depth)]
        if not names and members and self._in_xml and depth:
            scalars = [name for name in members if members[name].type_name not in _NESTED]
            names = [self._random.choice(scalars or list(members))]
        return {name: self._member(members[name], depth + 1) for name in names}

    def _is_chosen(self, shape: Any, name: str, member: Shape, depth: int) -> bool:
        # A stream, and the payload of an event, are there even if they are empty.
        always = {"eventstream", "eventpayload"} & set(member.serialization)
        if name in shape.required_members or always:
            return True
        return depth < _DEEPEST and self._random.random() < 0.7

    def _member(self, shape: Shape, depth: int) -> Any:
        """Return a value of a member, as its place on the wire can hold it."""
        location = shape.serialization.get("location")
        if location == "statusCode":
            return 202
        if location == "header" and shape.serialization.get("jsonvalue"):
            return {"a": [1, "ä"]}
        if location and shape.type_name == "string" and not getattr(shape, "enum", None):
            return self._word() + (" a/b+c%20&=?#ä" if location in ("uri", "querystring") else "")
        if location == "headers":
            return {f"k{index}": self._word() for index in range(2)}
        if location and shape.type_name == "list":
            return [self._word() if shape.member.type_name == "string" else self.of(shape.member)]  # type: ignore[attr-defined]
        return self.of(shape, depth)

    def _list(self, shape: Any, depth: int) -> list[Any]:
        least = 1 if self._in_xml else 0
        count = self._random.randint(least, 3) if depth < _DEEPEST else least
        return [self.of(shape.member, depth + 1) for _ in range(count)]

    def _map(self, shape: Any, depth: int) -> dict[str, Any]:
        count = self._random.randint(1, 3) if depth < _DEEPEST else int(self._in_xml)
        return {self._word(): self.of(shape.value, depth + 1) for _ in range(count)}

    def _string(self, shape: Any, _depth: int) -> str:
        if shape.enum and self._random.random() < 0.8:
            return str(self._random.choice(shape.enum))
        return self._word() + self._random.choice(self._tails)

    def _character(self, _shape: Any, _depth: int) -> str:
        return "c"

    def _word(self) -> str:
        return "".join(self._random.choices(string.ascii_lowercase + string.digits, k=8))

    def _blob(self, _shape: Any, _depth: int) -> bytes:
        return self._random.randbytes(self._random.randint(1, 20))

    def _boolean(self, _shape: Any, _depth: int) -> bool:
        return self._random.random() < 0.5

    def _timestamp(self, _shape: Any, _depth: int) -> datetime:
        return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.randint(0, 10**9))

    def _number(self, shape: Any) -> float:
        if shape.type_name in ("float", "double"):
            return self._random.choice([0.0, -1.5, 1e-7, 12345.678, 1e21, self._random.random()])
        return self._random.choice([0, 1, -7, 2**31 - 1, self._random.randint(0, 1000)])


_NESTED = ("structure", "list", "map")


def _events(shape: Any) -> list[str]:
    return [name for name, member in shape.members.items() if not member.metadata.get("exception")]
