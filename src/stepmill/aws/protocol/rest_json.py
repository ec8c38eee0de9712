"""The protocol rest-json: members by HTTP's means, the others in a JSON body."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.aws.protocol.dialect import ToldError
from stepmill.aws.protocol.eventstream import EventWriting
from stepmill.aws.protocol.json_values import JsonReading, JsonWriting, read_document
from stepmill.aws.protocol.rest import Rest
from stepmill.aws.protocol.rest_input import BodyReader
from stepmill.aws.protocol.rest_output import BodyWriter
from stepmill.aws.wire import Response
from stepmill.core.json import write_json
from stepmill.core.service_documents import Reference, ServiceDocument


class JsonBodies:
    """Reads and writes the bodies of one service."""

    content_type = "application/json"

    def __init__(self, document: ServiceDocument) -> None:
        self.reading = JsonReading(document)
        self.writing = JsonWriting(document)
        self.events = EventWriting(document, self.content_type, self.structure)

    def structure(self, members: Mapping[str, Reference]) -> BodyWriter:
        """Return a writer of objects with these members."""
        write = self.writing.structure(members)
        return lambda value: write_json(write(value)).encode()


class _Reading:
    def __init__(self, bodies: JsonBodies) -> None:
        self._bodies = bodies

    def members(self, members: Mapping[str, Reference]) -> BodyReader:
        read = self._bodies.reading.structure(members)
        return lambda body: read(read_document(body))

    def payload(self, reference: Reference) -> BodyReader:
        read = self._bodies.reading.of(reference)
        return lambda body: read(read_document(body))


class _Writing:
    content_type = JsonBodies.content_type

    def __init__(self, bodies: JsonBodies) -> None:
        self._bodies = bodies
        self.events = bodies.events

    def members(self, _operation: str, members: Mapping[str, Reference]) -> BodyWriter:
        return self._bodies.structure(members)

    def payload(self, reference: Reference) -> BodyWriter:
        write = self._bodies.writing.of(reference)
        return lambda value: write_json(write(value)).encode()


class RestJson(Rest):
    """A service in rest-json."""

    def __init__(self, document: ServiceDocument) -> None:
        self._bodies = JsonBodies(document)
        super().__init__(document, _Reading(self._bodies), _Writing(self._bodies), "x-amzn-RequestId")

    def error(self, error: ToldError) -> Response:
        """Return the error with its name in a header."""
        in_body = {n: r for n, r in error.shape.members.items() if not r.location} if error.shape else {}
        members = error.body(self._bodies.writing.structure(in_body) if error.shape else None)
        headers = (
            ("Content-Type", JsonBodies.content_type),
            ("x-amzn-ErrorType", error.name),
            ("x-amzn-RequestId", error.request_id),
            *self.error_headers(error),
        )
        return Response(error.status, headers, write_json(members).encode())
