"""The JSON protocols 1.0 and 1.1: ``X-Amz-Target`` names the operation, the body holds all parameters."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from stepmill.aws.protocol.compression import plain_body
from stepmill.aws.protocol.dialect import ToldError, members_of
from stepmill.aws.protocol.eventstream import EventWriting
from stepmill.aws.protocol.json_values import JsonReading, JsonWriting, Reader, Writer, read_document
from stepmill.aws.protocol.model import Plans, late_unary
from stepmill.aws.wire import Request, Response
from stepmill.core.json import write_json
from stepmill.core.service_documents import Reference, ServiceDocument

_WITH_CHECKSUMS = "DynamoDB"


class JsonRpc:
    """A service in JSON 1.0 or 1.1."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self._content_type = f"application/x-amz-json-{document.metadata.json_version}"
        # DynamoDB's clients hold answers against their checksum, and ask again if these differ.
        self._has_checksums = document.metadata.service_id == _WITH_CHECKSUMS
        self._reading = JsonReading(document)
        self._writing = JsonWriting(document)
        self._readers: Plans[Reader] = Plans(self._reader, late_unary)
        self._writers: Plans[Writer] = Plans(self._writer, late_unary)
        self._events = EventWriting(document, self._content_type, self._text_writer)
        # Operation -> the member of its answer that is a stream of events.
        self._streams = {
            operation: name
            for operation, described in document.operations.items()
            for name, reference in members_of(document, described.output).items()
            if document.shape(reference.shape).eventstream
        }

    def operation_of(self, request: Request) -> str:
        """Return the operation that the target names: ``SageMaker.CreateModel``."""
        return request.headers.get("x-amz-target", "").rpartition(".")[2]

    def parse(self, operation: str, request: Request) -> dict[str, Any]:
        """Return the members of the body."""
        parameters: dict[str, Any] = self._readers(operation)(read_document(plain_body(request)))
        return parameters

    def answer(self, operation: str, answer: Mapping[str, Any], request_id: str) -> Response:
        """Return the members as an object."""
        written = self._writers(operation)(answer)
        if operation in self._streams:
            return self._stream(operation, written, answer, request_id)
        return self._response(200, written, request_id)

    def error(self, error: ToldError) -> Response:
        """Return the error with its name in ``__type``, and its former code where the service had one."""
        members = error.body(self._writing.structure(error.shape.members) if error.shape else None)
        headers = [("x-amzn-ErrorType", error.name)]
        if self._document.metadata.aws_query_compatible is not None:
            headers.append(("x-amzn-query-error", f"{error.code};{error.fault}"))
        return self._response(error.status, {"__type": error.name, **members}, error.request_id, headers)

    def _response(
        self, status: int, document: object, request_id: str, headers: list[tuple[str, str]] | None = None
    ) -> Response:
        body = write_json(document).encode()
        checksums = [("x-amz-crc32", str(zlib.crc32(body)))] if self._has_checksums else []
        all_headers = (
            ("Content-Type", self._content_type),
            ("x-amzn-RequestId", request_id),
            *checksums,
            *(headers or ()),
        )
        return Response(status, all_headers, body)

    def _reader(self, operation: str) -> Reader:
        return self._reading.structure(members_of(self._document, self._document.operations[operation].input))

    def _writer(self, operation: str) -> Writer:
        members = members_of(self._document, self._document.operations[operation].output)
        stream = self._streams.get(operation)
        return self._writing.structure({name: r for name, r in members.items() if name != stream})

    def _text_writer(self, members: Mapping[str, Reference]) -> Callable[[Any], bytes]:
        write = self._writing.structure(members)
        return lambda value: write_json(write(value)).encode()

    def _stream(
        self, operation: str, written: object, answer: Mapping[str, Any], request_id: str
    ) -> Response:
        """Return a stream of events; the first tells the other members."""
        name = self._streams[operation]
        members = members_of(self._document, self._document.operations[operation].output)
        write = self._events.stream(self._document.shape(members[name].shape))
        first = self._events.initial(write_json(written).encode())
        headers = (("Content-Type", "application/vnd.amazon.eventstream"), ("x-amzn-RequestId", request_id))
        return Response(200, headers, chain((first,), write(answer.get(name) or ())))
