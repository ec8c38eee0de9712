"""What rest-json and rest-xml have in common: routes, and members in paths, queries and headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stepmill.aws.protocol.compression import plain_body
from stepmill.aws.protocol.dialect import ToldError
from stepmill.aws.protocol.header_values import header_writer
from stepmill.aws.protocol.model import Plans, late_unary
from stepmill.aws.protocol.rest_input import BodyReading, RestInput
from stepmill.aws.protocol.rest_output import BodyWriting, RestOutput
from stepmill.aws.protocol.routes import Routes
from stepmill.aws.wire import Request, Response
from stepmill.core.service_documents import ServiceDocument


class Rest:
    """A service whose operations are methods and paths.

    Args:
        document: The model.
        reading: Reads its bodies.
        writing: Writes its bodies.
        request_id_header: Tells the request's id.
    """

    def __init__(
        self, document: ServiceDocument, reading: BodyReading, writing: BodyWriting, request_id_header: str
    ) -> None:
        self._document = document
        self._reading = reading
        self._writing = writing
        self._request_id_header = request_id_header
        self._routes = Routes(document)
        self._inputs: Plans[RestInput] = Plans(self._input, late_unary)  # type: ignore[arg-type]
        self._outputs: Plans[RestOutput] = Plans(self._output, late_unary)  # type: ignore[arg-type]

    def operation_of(self, request: Request) -> str:
        """Return the operation by method, path, query and headers; empty if there is none."""
        return self._routes.find(request) or ""

    def parse(self, operation: str, request: Request) -> dict[str, Any]:
        """Return the parameters of a request."""
        if self._document.operations[operation].requestcompression:
            request = replace(request, body=plain_body(request))
        return self._inputs(operation)(request)

    def answer(self, operation: str, answer: Mapping[str, Any], request_id: str) -> Response:
        """Return the response of an answer."""
        return self._outputs(operation)(answer, ((self._request_id_header, request_id),))

    def error_headers(self, error: ToldError) -> list[tuple[str, str]]:
        """Return the members of an error that are told in headers."""
        headers = []
        for name, reference in error.shape.members.items() if error.shape else ():
            if reference.location == "header" and error.members.get(name) is not None:
                write = header_writer(self._document, reference)
                headers.append((reference.location_name or name, write(error.members[name])))
        return headers

    def _input(self, operation: str) -> RestInput:
        reference = self._document.operations[operation].input
        return RestInput(self._document, reference, self._routes.of(operation), self._reading)

    def _output(self, operation: str) -> RestOutput:
        return RestOutput(self._document, operation, self._document.operations[operation], self._writing)
