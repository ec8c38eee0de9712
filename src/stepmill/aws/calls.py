"""From a request to its answer, on a worker thread: signature, model, handler, and errors by AWS's codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepmill.aws.admission import Admission, Permissions, Witness
from stepmill.aws.auth.refusals import refusals_of
from stepmill.aws.dispatch import signing_name
from stepmill.aws.errors import ApiError, code_of, text_of
from stepmill.aws.protocol.codec import Codec, codec_of
from stepmill.aws.service import Answer, Call, Service
from stepmill.aws.wire import Request, Response
from stepmill.core.errors import StepmillError

PAGE = "docs/reference/aws-operations.md"
# What a hostile client calls an operation is not repeated at any length.
_MOST_TOLD = 80
_SERVER_ERROR = 500
# From this status on nothing has been read or written: it is as it was, or there was an error.
_NOT_DONE = 300
# Of an object: that it is not there says that others are.
_MISSING = "NoSuchKey"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that was understood, and may be asked again for as long as its answer is not settled."""

    service: Service
    codec: Codec
    call: Call


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    Args:
        response: To be sent.
        asked: The call, if it got that far.
        members: What the handler answered, if that is what is sent.
        is_settled: Whether there is nothing to wait for.
    """

    response: Response
    asked: Asked | None = None
    members: Mapping[str, Any] | None = None
    is_settled: bool = True


class Calls:
    """Answers requests for the services that are offered. Safe to share between threads.

    Args:
        services: Those that are offered.
        admission: Checks signatures.
        permissions: Checks what a caller may do; ``None``: everybody may do everything.
        witness: Hears of what jobs have done; ``None``: nobody does.
    """

    def __init__(
        self,
        services: tuple[Service, ...],
        admission: Admission,
        permissions: Permissions | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._permissions = permissions
        self._witness = witness
        self._services = {service.name: service for service in services}
        self._admission = admission

    def service_of(self, name: str) -> Service | None:
        """Return the service of a name, if it is offered."""
        return self._services.get(name)

    def takes_stream(self, service: Service, head: Request) -> bool:
        """Return whether a request's body is to be given piece by piece, by its head alone."""
        if not service.streams:
            return False
        try:
            return codec_of(service.name, head).operation_of(head) in service.streams
        except ApiError:
            return False  # told when it is answered

    def answer(self, service: Service, request: Request, path: str, request_id: str) -> Outcome:
        """Answer a request. No error is raised: each is an answer, too.

        Args:
            service: The one that it is for.
            request: As it was sent.
            path: Its path with the bucket first, however that was addressed.
            request_id: Told in the answer.
        """
        codec = codec_of(service.name, request)
        try:
            admitted = self._admission.admit(request, path)
            _check_scope(service.name, admitted.scope)
            inner = admitted.request
            if path != inner.path:
                inner = Request(inner.method, path, inner.query, inner.headers, inner.body, inner.stream)
            operation = codec.operation_of(inner)
            if operation not in service.handlers:
                raise unsupported(service.name, operation)
            parameters = codec.parse(operation, inner)
            call = Call(operation, parameters, admitted.caller, inner, request_id)
            if self._permissions is not None:
                self._permissions.check(service.name, call)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            return Outcome(_told(codec, service.name, error, request_id))
        return self.ask(Asked(service, codec, call))

    def ask(self, asked: Asked) -> Outcome:
        """Have a call answered by its handler; again, if it was answered before."""
        service, codec, call = asked.service, asked.codec, asked.call
        try:
            answer: Answer = service.handlers[call.operation](call)
            if call.caller.job is not None and self._witness is not None:
                self._tell(self._witness, service.name, call, answer)
            if isinstance(answer, Response):
                return Outcome(answer, asked)
            is_settled = service.waits.get(call.operation)
            return Outcome(
                codec.answer(call.operation, answer, call.request_id),
                asked,
                answer or {},
                is_settled is None or is_settled(call, answer or {}),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            shown = self._shown(service.name, call, error)
            return Outcome(_told(codec, service.name, shown, call.request_id), asked)

    def _tell(self, witness: Witness, service: str, call: Call, answer: Answer) -> None:
        if not isinstance(answer, Response):
            witness.saw(service, call, answer or {})
        elif answer.status < _NOT_DONE:
            witness.saw(service, call, {})

    def _shown(self, service: str, call: Call, error: Exception) -> Exception:
        """Return the error that a caller is told: of what is missing, only who may look for it hears."""
        is_missing = isinstance(error, StepmillError) and code_of(service, error).code == _MISSING
        if self._permissions is not None and is_missing:
            try:
                self._permissions.check_missing(service, call)
            except ApiError as refused:
                return refused
        return error


def _check_scope(service: str, signed: str) -> None:
    """Hold that a signature is for the service that answers: one for another must not be turned to it."""
    expected = signing_name(service)
    if signed not in ("", expected):
        raise refusals_of(expected).other_service(signed, expected)


def refusal(service: str, head: Request, error: ApiError, request_id: str) -> Response:
    """Return the answer to a request that is refused by its head, in the form that its client reads."""
    return _told(codec_of(service, head), service, error, request_id)


def unsupported(service: str, operation: str) -> ApiError:
    """Return the error that says that an operation is not offered."""
    name = f"{service[:_MOST_TOLD]}.{operation[:_MOST_TOLD]}" if operation else service[:_MOST_TOLD]
    return ApiError(
        "UnsupportedOperation", f"Stepmill does not offer {name}.", mend=f"{PAGE} lists what it offers."
    )


def _told(codec: Codec, service: str, error: Exception, request_id: str) -> Response:
    if not isinstance(error, StepmillError):
        _log.error("Request %s failed: a bug in Stepmill.", request_id, exc_info=error)
        text = f"Stepmill failed inside; the server's log tells more of request {request_id}."
        return codec.error("InternalFailure", text, request_id, status=500)
    code = code_of(service, error)
    if code.status >= 500:
        _log.warning("Request %s failed: %s", request_id, error)
    members = error.members if isinstance(error, ApiError) else {}
    return codec.error(code.code, text_of(error), request_id, status=code.status, members=members)
