"""One codec for all services: requests become parameters, answers and errors responses, by their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from stepmill.aws.errors import ApiError, Code
from stepmill.aws.protocol.checks import Checks, told
from stepmill.aws.protocol.dialect import Dialect, ToldError, members_of
from stepmill.aws.protocol.json_rpc import JsonRpc
from stepmill.aws.protocol.problems import Problem, Unreadable
from stepmill.aws.protocol.query import Query
from stepmill.aws.protocol.refusals import FORMER_CODES, Refusals, refusals_of
from stepmill.aws.protocol.rest_input import Unbindable
from stepmill.aws.protocol.rest_json import RestJson
from stepmill.aws.protocol.rest_xml import RestXml
from stepmill.aws.wire import Request, Response
from stepmill.core.service_documents import RawShape, ServiceDocument, service_document

_DIALECTS: Mapping[str, Callable[[ServiceDocument], Dialect]] = {
    "json": JsonRpc,
    "rest-json": RestJson,
    "rest-xml": RestXml,
    "query": Query,
}
_NONE: Mapping[str, object] = MappingProxyType({})


class Codec:
    """Reads the requests of one service and writes its answers. Safe for use by many threads.

    Args:
        service: As botocore names it.
        document: Its model.
        protocol: The protocol spoken; one of those that the model lists.
    """

    def __init__(self, service: str, document: ServiceDocument, protocol: str) -> None:
        self.service = service
        self.protocol = protocol
        self._document = document
        self._dialect = _DIALECTS[protocol](document)
        self._checks = Checks(document)
        self._refusals: Refusals = refusals_of(service, protocol)
        # By the name of the shape and by its code, which may differ: name, code, shape.
        self._errors: dict[str, tuple[str, str, RawShape]] = {}
        for name, shape in document.shapes.items():
            if shape.exception or shape.error:
                former = FORMER_CODES.get(service, {}).get(name, name)
                code = (shape.error.code if shape.error else "") or former
                self._errors[name] = (name, code, shape)
                self._errors.setdefault(code, (name, code, shape))

    def operation_of(self, request: Request) -> str:
        """Return the operation that a request asks for.

        Raises:
            ApiError: If it names none that the service has.
        """
        try:
            name = self._dialect.operation_of(request)
        except Unreadable as error:
            raise _refused(self._refusals.unreadable, error.text) from None
        if name not in self._document.operations:
            asked = f"Operation {name!r}" if name else f"{request.method} {request.path}"
            raise _refused(self._refusals.unknown, f"{asked[:200]} is not known to {self.service}.")
        return name

    def parse(self, operation: str, request: Request) -> dict[str, Any]:
        """Return a request's parameters as a botocore client takes them: aware ``datetime``, ``bytes``.

        Other values keep the types that they have in JSON. What the model does not know is left out, as
        are members that are null. A streamed body is handed through.

        Raises:
            ApiError: If the request cannot be read, or breaks a constraint of the model.
        """
        parameters = self.read(operation, request)
        reference = self._document.operations[operation].input
        problems = self._checks.of(reference)(parameters) if reference else ()
        if problems:
            raise _refused(self._code_of(operation, problems), told(problems))
        return parameters

    def read(self, operation: str, request: Request) -> dict[str, Any]:
        """Return the parameters of a request as ``parse`` does, without holding them against the model.

        Raises:
            ApiError: If the request cannot be read.
        """
        try:
            return self._dialect.parse(operation, request)
        except Unbindable as error:
            raise _refused(self._refusals.unbindable, str(error)) from None
        except Unreadable as error:
            raise _refused(self._refusals.unreadable, str(error)) from None

    def answer(self, operation: str, answer: Mapping[str, Any] | None, request_id: str) -> Response:
        """Return the response of an operation.

        Args:
            operation: Its name.
            answer: Its members. Moments may be aware ``datetime``, ISO 8601 text or epoch seconds, blobs
                ``bytes`` or text; ``None`` and what the model does not know is left out. A payload may be
                pieces of bytes or a ``FileRange``, an event stream any iterable of events.
            request_id: Told in a header.
        """
        return self._dialect.answer(operation, answer or {}, request_id)

    def error(
        self,
        code: str,
        message: str,
        request_id: str,
        *,
        status: int = 400,
        members: Mapping[str, object] = _NONE,
    ) -> Response:
        """Return the response of an error.

        Args:
            code: Of the error: the name of its shape, or the code that the model has for that.
            message: What is wrong.
            request_id: Told with it.
            status: The HTTP status; that of the model if it names one and this is 400.
            members: Further members of the error's shape.
        """
        name, code, shape = self._errors.get(code, (code, code, None))
        trait = shape.error if shape else None
        if trait and trait.http_status_code and status == 400:
            status = trait.http_status_code
        told = ToldError(
            code=code,
            name=name,
            message=message,
            status=status,
            members=members,
            shape=shape,
            request_id=request_id,
        )
        return self._dialect.error(told)

    def _code_of(self, operation: str, problems: Sequence[Problem]) -> Code:
        """Return the code of problems: where it makes a difference, a body's if none is elsewhere."""
        refusals = self._refusals
        if refusals.invalid_body is None:
            return refusals.invalid
        members = members_of(self._document, self._document.operations[operation].input)
        located = {name.lower() for name, reference in members.items() if reference.location}
        elsewhere = any(problem.place.partition(".")[0].lower() in located for problem in problems)
        return refusals.invalid if elsewhere else refusals.invalid_body


def _refused(code: Code, text: str) -> ApiError:
    return ApiError(code.code, text, status=code.status)


def codec_of(service: str, request: Request | None = None) -> Codec:
    """Return the codec of a service, for the protocol that a request is in; by default the model's first.

    Raises:
        NotFoundError: If botocore has no such service.
    """
    document = service_document(service)
    offered = [name for name in _offered(document) if name in _DIALECTS]
    if not offered:
        raise NotImplementedError(f"No protocol of {service!r} is spoken here.")
    asked = _asked(request) if request and len(offered) > 1 else ""
    return _codec(service, asked if asked in offered else offered[0])


def _offered(document: ServiceDocument) -> tuple[str, ...]:
    return document.metadata.protocols or (document.metadata.protocol,)


def _asked(request: Request) -> str:
    """Return the protocol of a request among those that one service may have side by side."""
    if "x-amz-target" in request.headers:
        return "json"
    if request.headers.get("smithy-protocol", "") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    return "query"


@cache
def _codec(service: str, protocol: str) -> Codec:
    return Codec(service, service_document(service), protocol)
