"""The services, called from the inside: the handlers that answer clients answer Task states, without HTTP."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from stepmill.aws.errors import ApiError, code_of, text_of
from stepmill.aws.protocol.checks import Check, Checks, told
from stepmill.aws.protocol.dialect import members_of
from stepmill.aws.protocol.model import slot
from stepmill.aws.protocol.refusals import FORMER_CODES, refusals_of
from stepmill.aws.protocol.scalars import text_reader
from stepmill.aws.service import IDEMPOTENCY_HEADER, Answer, Call, Caller, Service
from stepmill.aws.services.all import services_of
from stepmill.aws.states_values import reading_of, writing_of
from stepmill.aws.wire import FileRange, Request, Response
from stepmill.core.api_calls import ApiCallError, ApiResponse, Spelling, WrongParametersError
from stepmill.core.errors import DefinitionError, InvalidInputError, StepmillError, UnsupportedError
from stepmill.core.json import JsonObject
from stepmill.core.service_documents import ServiceDocument, service_document
from stepmill.platform import Platform

# A state's output has at most 256 KB on AWS; an object that is read into one may be larger here, with an end.
LARGEST_BODY_BYTES = 16 * 1024 * 1024
_REFUSED = 300
_SERVER_ERROR = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    """An error that the model of a service has."""

    name: str
    status: int


class InsideCalls:
    """An ``ApiCalls`` over services. Safe to share between threads.

    Args:
        services: Gives those that are offered; asked once, when the first is called.
        host: Returns the address that URLs begin with which are answered: ``127.0.0.1:8731``.
    """

    def __init__(self, services: Callable[[], Iterable[Service]], host: Callable[[], str]) -> None:
        self._make = services
        self._host = host
        self._lock = threading.Lock()
        self._services: Mapping[str, Service] | None = None

    def operations(self, service: str) -> frozenset[str]:
        """See ``ApiCalls``."""
        offered = self._all().get(service)
        return frozenset(offered.handlers) if offered else frozenset()

    def problems(self, service: str, operation: str, parameters: JsonObject) -> Sequence[str]:
        """See ``ApiCalls``."""
        try:
            reading_of(service).read(operation, parameters)
        except WrongParametersError as error:
            return error.problems
        return ()

    def members(self, service: str, operation: str, parameters: JsonObject) -> dict[str, Any]:
        """See ``ApiCalls``."""
        members = reading_of(service).read(operation, parameters)
        check = _check(service, operation)
        if problems := check(members) if check else ():
            refusals = refusals_of(service, service_document(service).metadata.protocol)
            code = refusals.invalid_body or refusals.invalid
            raise self._error(service, code.code, told(problems), code.status, str(uuid.uuid4()))
        return members

    def call(
        self,
        service: str,
        operation: str,
        parameters: JsonObject,
        *,
        spelling: Spelling = Spelling.OPTIMIZED,
        caller: str = "",
        idempotency: str = "",
    ) -> ApiResponse:
        """See ``ApiCalls``."""
        request_id = str(uuid.uuid4())
        handler = self._all()[service].handlers[operation]
        members = self.members(service, operation, parameters)
        request = self._request(service, operation, members, idempotency)
        call = Call(operation, members, Caller("", caller or "stepmill"), request, request_id)
        try:
            answer: Answer = handler(call)
        except StepmillError as error:
            code = code_of(service, error)
            status = code.status
            known = _errors(service).get(code.code)
            if known and known.status and status == ApiError("", "").status:
                status = known.status
            raise self._error(service, code.code, _message(error), status, request_id) from error
        except Exception as error:
            _log.exception("Request %s of %s.%s failed: a bug in Stepmill.", request_id, service, operation)
            raise self._error(
                service, "InternalFailure", "Stepmill failed inside.", _SERVER_ERROR, request_id
            ) from error
        headers: Mapping[str, str] = {}
        if isinstance(answer, Response):
            headers = {name.lower(): value for name, value in answer.headers}
            answer = self._members_of(service, operation, answer, request_id)
        return ApiResponse(writing_of(service, spelling).write(operation, answer or {}), request_id, headers)

    def shown(
        self,
        service: str,
        operation: str,
        answer: Mapping[str, Any],
        spelling: Spelling = Spelling.OPTIMIZED,
    ) -> JsonObject:
        """See ``ApiCalls``."""
        return writing_of(service, spelling).write(operation, answer)

    # ---- inside --------------------------------------------------------------------------------

    def _all(self) -> Mapping[str, Service]:
        if self._services is None:
            with self._lock:
                if self._services is None:
                    self._services = {service.name: service for service in self._make()}
        return self._services

    def _request(self, service: str, operation: str, members: Mapping[str, Any], idempotency: str) -> Request:
        """Return the request that a client would have sent, as far as handlers look at it."""
        document = service_document(service)
        described = document.operations[operation]
        headers = {"host": self._host()}
        body = b""
        if described.input:
            shape = document.shape(described.input.shape)
            payload = described.input.payload or shape.payload
            if payload and document.shape(shape.members[payload].shape).type == "blob":
                body = members.get(payload) or b""
            for name, reference in shape.members.items():
                if reference.location == "header" and isinstance(members.get(name), str):
                    headers[(reference.location_name or name).lower()] = members[name]
        headers["content-length"] = str(len(body))
        if idempotency:
            headers[IDEMPOTENCY_HEADER] = idempotency
        bucket, key = members.get("Bucket", ""), members.get("Key", "")
        path = f"/{bucket}/{key}" if service == "s3" else "/"
        return Request(described.http.method, path, "", headers, body)

    def _members_of(
        self, service: str, operation: str, response: Response, request_id: str
    ) -> Mapping[str, Any]:
        """Return the members of an answer that is one of HTTP already: an object's."""
        document = service_document(service)
        if response.status >= _REFUSED:
            raise self._error(
                service,
                {304: "NotModified", 416: "InvalidRange"}.get(response.status, str(response.status)),
                "The request was refused.",
                response.status,
                request_id,
            )
        reference = document.operations[operation].output
        found: dict[str, Any] = {}
        headers = {name.lower(): value for name, value in response.headers}
        for name, member in members_of(document, reference).items():
            wire = (member.location_name or name).lower()
            if member.location == "header" and wire in headers:
                found[name] = text_reader(slot(document, member).kind)(headers[wire])
            elif member.location == "headers":
                found[name] = {
                    key.removeprefix(wire): value for key, value in headers.items() if key.startswith(wire)
                }
        payload = document.shape(reference.shape).payload if reference else ""
        if payload:
            found[payload] = self._body(service, response, request_id)
        return found

    def _body(self, service: str, response: Response, request_id: str) -> bytes:
        body = response.body
        size = body.size_bytes if isinstance(body, FileRange) else 0
        if size > LARGEST_BODY_BYTES:
            raise self._error(
                service,
                "EntityTooLarge",
                f"A state cannot hold {size} bytes; the most are {LARGEST_BODY_BYTES}.",
                400,
                request_id,
            )
        if isinstance(body, FileRange):
            with body.path.open("rb") as file:
                file.seek(body.start)
                return file.read(body.size_bytes)
        return body if isinstance(body, bytes) else b"".join(body)

    def _error(self, service: str, code: str, message: str, status: int, request_id: str) -> ApiCallError:
        known = _errors(service).get(code)
        return ApiCallError(
            known.name if known else code,
            message,
            status=status,
            request_id=request_id,
            is_modelled=known is not None,
        )


def _message(error: StepmillError) -> str:
    """Return an error in the words of AWS; where AWS has none for it, with place and mend."""
    is_ours = isinstance(error, InvalidInputError | UnsupportedError | DefinitionError)
    if is_ours or (isinstance(error, ApiError) and error.code == "UnsupportedOperation"):
        return text_of(error)
    return error.what


def services_inside(platform: Platform, services: Iterable[Service] | None = None) -> InsideCalls:
    """Return calls of services over a platform.

    Args:
        platform: Which.
        services: Those that are called; by default all, made when the first is called.
    """

    def host() -> str:
        url = platform.endpoint.url if platform.endpoint else ""
        return urlsplit(url).netloc or "127.0.0.1"

    return InsideCalls(lambda: services_of(platform) if services is None else services, host)


@cache
def _check(service: str, operation: str) -> Check | None:
    document = service_document(service)
    reference = document.operations[operation].input
    return Checks(document).of(reference) if reference else None


@cache
def _errors(service: str) -> Mapping[str, _Known]:
    """Return the errors of a service's model by the name of their shape and by their code."""
    document: ServiceDocument = service_document(service)
    found: dict[str, _Known] = {}
    for name, shape in document.shapes.items():
        if shape.exception or shape.error:
            code = (shape.error.code if shape.error else "") or FORMER_CODES.get(service, {}).get(name, name)
            known = _Known(name, shape.error.http_status_code if shape.error else 0)
            found[name] = known
            found.setdefault(code, known)
    return found
