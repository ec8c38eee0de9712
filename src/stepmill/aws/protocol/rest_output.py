"""A REST answer: status, headers and body, as the model binds the members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from stepmill.aws.protocol.eventstream import EventWriting
from stepmill.aws.protocol.header_values import HeaderWriter, header_writer, write_prefixed
from stepmill.aws.protocol.model import slot
from stepmill.aws.wire import Body, Response
from stepmill.core.service_documents import RawOperation, RawShape, Reference, ServiceDocument

BodyWriter: TypeAlias = Callable[[Mapping[str, Any]], bytes]


class BodyWriting(Protocol):
    """Writes bodies of one service: JSON or XML."""

    content_type: str
    events: EventWriting

    def members(self, operation: str, members: Mapping[str, Reference], /) -> BodyWriter:
        """Return a writer of bodies that hold these members."""
        ...

    def payload(self, reference: Reference) -> BodyWriter:
        """Return a writer of bodies that are one structure."""
        ...


class RestOutput:
    """Writes the answers of one operation."""

    def __init__(
        self, document: ServiceDocument, name: str, operation: RawOperation, body: BodyWriting
    ) -> None:
        self._document = document
        self._status = operation.http.response_code
        self._status_member = ""
        self._headers: list[tuple[str, str, HeaderWriter]] = []
        self._prefixed: list[tuple[str, str]] = []
        self._body: Callable[[Mapping[str, Any]], tuple[str, Body]] = lambda _: ("", b"")
        if operation.output:
            shape = document.shape(operation.output.shape)
            self._bind(name, shape, operation.output.payload or shape.payload, body)

    def __call__(self, answer: Mapping[str, Any], more_headers: Iterable[tuple[str, str]]) -> Response:
        """Return the response of an answer."""
        headers = []
        for name, wire, write in self._headers:
            if (value := answer.get(name)) is not None:
                headers.append((wire, write(value)))
        for name, prefix in self._prefixed:
            headers += write_prefixed(prefix, answer.get(name) or {})
        content_type, body = self._body(answer)
        if content_type and not any(wire.lower() == "content-type" for wire, _ in headers):
            headers.append(("Content-Type", content_type))
        status = answer.get(self._status_member) or self._status
        return Response(status, (*headers, *more_headers), body)

    def _bind(self, operation: str, shape: RawShape, payload: str, body: BodyWriting) -> None:
        in_body: dict[str, Reference] = {}
        for name, reference in shape.members.items():
            wire = reference.location_name or name
            match reference.location:
                case "header":
                    self._headers.append((name, wire, header_writer(self._document, reference)))
                case "headers":
                    self._prefixed.append((name, reference.location_name))
                case "statusCode":
                    self._status_member = name
                case _ if name != payload:
                    in_body[name] = reference
        if payload:
            self._body = self._payload(payload, shape.members[payload], body)
        elif in_body:
            write = body.members(operation, in_body)
            self._body = lambda answer: (body.content_type, write(answer))

    def _payload(
        self, name: str, reference: Reference, body: BodyWriting
    ) -> Callable[[Mapping[str, Any]], tuple[str, Body]]:
        place = slot(self._document, reference)
        if place.shape.eventstream:
            write_events = body.events.stream(place.shape)
            return lambda answer: (
                "application/vnd.amazon.eventstream",
                write_events(answer.get(name) or ()),
            )
        if place.kind == "blob":
            return lambda answer: ("application/octet-stream", _raw(answer.get(name)))
        if place.kind in ("string", "character"):
            return lambda answer: ("text/plain", _raw(answer.get(name)))
        write = body.payload(reference)

        def write_payload(answer: Mapping[str, Any]) -> tuple[str, Body]:
            value = answer.get(name)
            return ("", b"") if value is None else (body.content_type, write(value))

        return write_payload


def _raw(value: Any) -> Body:
    """Return a body as it is: bytes, pieces of them, or a range of a file; a text stands for its UTF-8."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    body: Body = value
    return body
