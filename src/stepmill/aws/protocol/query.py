"""The query protocol: a form with ``Action`` asks, XML answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.protocol.compression import plain_body
from stepmill.aws.protocol.dialect import ToldError, members_of
from stepmill.aws.protocol.form_values import Field, FormReading, Reader, read_form
from stepmill.aws.protocol.model import Plans, late_unary, namespace_of
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.xml_writing import DECLARATION, Writer, XmlWriting, declared, element
from stepmill.aws.wire import Request, Response
from stepmill.core.service_documents import ServiceDocument


class Query:
    """A service in the query protocol."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self._namespace = declared(namespace_of(document.metadata.xml_namespace))
        self._reading = FormReading(document)
        self._writing = XmlWriting(document)
        self._readers: Plans[Reader] = Plans(self._reader, late_unary)
        self._writers: Plans[Writer] = Plans(self._writer, _not_recursive)

    def operation_of(self, request: Request) -> str:
        """Return the ``Action`` of the form, or of the query."""
        action = _form(request).below.get("Action")
        return (action.text or "") if action else ""

    def parse(self, operation: str, request: Request) -> dict[str, Any]:
        """Return the fields of the form."""
        parameters: dict[str, Any] = self._readers(operation)(_form(request))
        return parameters

    def answer(self, operation: str, answer: Mapping[str, Any], request_id: str) -> Response:
        """Return ``<CreateTopicResponse>`` with its result and the request's id."""
        out = [DECLARATION, f"<{operation}Response{self._namespace}>"]
        output = self._document.operations[operation].output
        if output:
            wrapper = output.result_wrapper
            out.append(f"<{wrapper}>" if wrapper else "")
            self._writers(operation)(answer, out)
            out.append(f"</{wrapper}>" if wrapper else "")
        out.append(f"<ResponseMetadata>{element('RequestId', request_id)}</ResponseMetadata>")
        out.append(f"</{operation}Response>")
        return _response(200, out, request_id)

    def error(self, error: ToldError) -> Response:
        """Return ``<ErrorResponse>``."""
        out = [DECLARATION, f"<ErrorResponse{self._namespace}><Error>", element("Type", error.fault)]
        out += [element("Code", error.code), element("Message", error.message)]
        if error.shape and error.members:
            self._writing.members(error.shape.members)(error.members, out)
        out.append(f"</Error>{element('RequestId', error.request_id)}</ErrorResponse>")
        return _response(error.status, out, error.request_id)

    def _reader(self, operation: str) -> Reader:
        return self._reading.structure(members_of(self._document, self._document.operations[operation].input))

    def _writer(self, operation: str) -> Writer:
        return self._writing.members(members_of(self._document, self._document.operations[operation].output))


def _not_recursive(_: object) -> Writer:
    raise AssertionError("an operation's plan does not ask for itself")


def _form(request: Request) -> Field:
    try:
        return read_form(plain_body(request).decode() if request.body else request.query)
    except UnicodeDecodeError as error:
        raise Unreadable("The form is not UTF-8") from error


def _response(status: int, out: list[str], request_id: str) -> Response:
    headers = (("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id))
    return Response(status, headers, "".join(out).encode())
