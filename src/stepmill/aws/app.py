"""The server of the AWS wire, as an ASGI application.

Everything that is the same for all services happens here: who may speak to us, which service is meant, how
much may be sent, on which thread the work is done, and how long an answer is held.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from stepmill.aws.admission import Admission, Permissions, Witness
from stepmill.aws.calls import Asked, Calls, Outcome, refusal, unsupported
from stepmill.aws.dispatch import S3, Address, address_of, is_signed
from stepmill.aws.errors import ApiError
from stepmill.aws.exchange import ClientGoneError, Exchange, Message, Receive, Send
from stepmill.aws.holding import CannotGoOnError, Holding
from stepmill.aws.hosts import Destination, Hosts
from stepmill.aws.refusals import refusal_of_unknown
from stepmill.aws.service import Service
from stepmill.aws.waiting import NOT_AT_ALL, Waiting
from stepmill.aws.wire import Door, Request, Response

HEALTH = "/_stepmill/health"

_MEGABYTE = 1024 * 1024
_MOST_BYTES = 8 * _MEGABYTE
# Function code comes as base64 inside JSON; a real-time inference may be sent 25 MB.
_MOST_BYTES_OF = {"lambda": 100 * _MEGABYTE, "sagemaker-runtime": 32 * _MEGABYTE}
# Started when they are needed. An Invoke holds one for as long as its function runs.
_CALL_THREADS = 48
# Each is bound to a client for as long as that takes to send.
_STREAM_THREADS = 32
_CLOSING_S = 5.0
_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_requests = logging.getLogger("stepmill.requests")


class App:
    """Answers AWS's clients. ``close`` it when the server has stopped.

    Args:
        services: Those that are offered.
        admission: Checks signatures.
        hosts: The names that requests may be sent to.
        holds: Whether answers to waiting clients are held until they are settled.
        permissions: Checks what a caller may do; ``None``: everybody may do everything.
        witness: Hears of what jobs have done; ``None``: nobody does.
        beside: Doors of other kinds at the same address. What AWS's clients have signed is never theirs.
    """

    def __init__(
        self,
        services: tuple[Service, ...],
        admission: Admission,
        hosts: Hosts,
        *,
        holds: bool = True,
        permissions: Permissions | None = None,
        witness: Witness | None = None,
        beside: tuple[Door, ...] = (),
    ) -> None:
        self._beside = beside
        self._calls = Calls(services, admission, permissions, witness)
        self._hosts = hosts
        self._waiting = Waiting()
        self._holding = Holding()
        self._holds = holds
        self._call_threads = ThreadPoolExecutor(_CALL_THREADS, "aws-call")
        self._stream_threads = ThreadPoolExecutor(_STREAM_THREADS, "aws-stream")

    def drain(self) -> None:
        """Answer what is held at once, and hold no more. Called on the event loop."""
        self._holding.end()

    def close(self) -> bool:
        """Let go of the threads. What waits for one is dropped.

        Returns:
            Whether all calls have ended; if not, some were given a while, and still run.
        """
        threads: list[threading.Thread] = []
        for pool in (self._call_threads, self._stream_threads):
            pool.shutdown(wait=False, cancel_futures=True)
            threads += pool._threads  # noqa: SLF001 - shutdown itself can only wait without end
        deadline_s = time.monotonic() + _CLOSING_S
        for thread in threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not spoken here")
        begin_s = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        request_id = str(uuid.uuid4())
        status = 0
        try:
            response = await self._answer(exchange, request_id)
            status = response.status
            await exchange.respond(response)
        except ClientGoneError:
            pass
        except CannotGoOnError:
            # Returning now closes the connection; the client asks again, and is told then.
            _log.warning("Request %s waited for what then failed; its connection is closed.", request_id)
        except Exception:  # noqa: BLE001 - the client is to hear of it, whatever it is
            _log.exception("Request %s failed: a bug in Stepmill, or a file that cannot be read.", request_id)
            if not exchange.has_begun:
                response = _failure(exchange.head, request_id)
                status = response.status
                await exchange.respond(response)
        if _requests.isEnabledFor(logging.INFO):
            head = exchange.head
            target = head.headers.get("x-amz-target", "")
            milliseconds = (time.perf_counter() - begin_s) * 1000
            _requests.info(
                "%s %s %s %s %.1f ms %s",
                head.method,
                head.path,
                target,
                status or "gone",
                milliseconds,
                request_id,
            )

    async def _answer(self, exchange: Exchange, request_id: str) -> Response:
        head = exchange.head
        try:
            if not exchange.has_one_host:
                raise ApiError("InvalidHost", "There is more than one Host header.")
            destination = self._hosts.read(head.headers.get("host", ""))
        except ApiError as error:
            # Whoever sent it is none of AWS's clients, which would want another form.
            return Response(error.status, (("Content-Type", "text/plain"),), f"{error}\n".encode())
        if head.path.startswith("/_stepmill/"):
            return _of_ourselves(head)
        if destination.is_telemetry and head.path == "/telemetry":
            return Response(200)
        if not destination.bucket and not is_signed(head):
            for door in self._beside:
                if door.takes(head):
                    return await self._answer_beside(door, exchange, request_id)
        address = Address(S3) if destination.bucket else address_of(head)
        service = self._calls.service_of(address.service)
        try:
            if service is not None:
                return await self._answer_aws(exchange, service, destination, request_id)
            body = await exchange.read(_MOST_BYTES)
        except ApiError as error:
            return (
                refusal(address.service, head, error, request_id)
                if service
                else refusal_of_unknown(head, address.service, error, request_id)
            )
        whole = Request(head.method, head.path, head.query, head.headers, body)
        asked = address_of(whole)
        return refusal_of_unknown(
            whole, asked.service, unsupported(asked.service, asked.operation), request_id
        )

    async def _answer_beside(self, door: Door, exchange: Exchange, request_id: str) -> Response:
        head = exchange.head
        most_bytes = door.most_bytes(head)
        if most_bytes is None:
            request = replace(head, stream=exchange.stream())
            return await self._on(self._stream_threads, lambda: door.answer(request, request_id))
        try:
            whole = replace(head, body=await exchange.read(most_bytes))
        except ApiError as error:
            return door.refuse(head, error, error.status)
        return await self._on(self._call_threads, lambda: door.answer(whole, request_id))

    async def _answer_aws(
        self, exchange: Exchange, service: Service, destination: Destination, request_id: str
    ) -> Response:
        head = exchange.head
        path = f"/{destination.bucket}{head.path}" if destination.bucket else head.path
        if self._calls.takes_stream(service, _moved(head, path)):
            request = Request(head.method, head.path, head.query, head.headers, stream=exchange.stream())
            outcome = await self._on(
                self._stream_threads, lambda: self._calls.answer(service, request, path, request_id)
            )
            return outcome.response
        body = await exchange.read(_MOST_BYTES_OF.get(service.name, _MOST_BYTES))
        request = Request(head.method, head.path, head.query, head.headers, body)
        outcome = await self._on(
            self._call_threads, lambda: self._calls.answer(service, request, path, request_id)
        )
        if outcome.asked is not None:
            outcome = await self._held(outcome, outcome.asked, exchange)
        return outcome.response

    async def _held(self, outcome: Outcome, asked: Asked, exchange: Exchange) -> Outcome:
        if not outcome.is_settled and not self._holding.is_full:
            patience = await self._patience(asked)
            if patience > NOT_AT_ALL:
                outcome = await self._holding.hold(
                    outcome,
                    lambda: self._on(self._call_threads, lambda: self._calls.ask(asked)),
                    exchange,
                    patience,
                )
        if self._holds:
            now_s = time.monotonic()
            self._waiting.note(asked.call, outcome.members, is_settled=outcome.is_settled, now_s=now_s)
        return outcome

    async def _patience(self, asked: Asked) -> timedelta:
        """Return how long a caller is kept waiting: as it says itself, else as it behaves."""
        said = asked.service.patience.get(asked.call.operation)
        if said is not None:
            return await self._on(self._call_threads, lambda: said(asked.call))
        return self._waiting.patience(asked.call, time.monotonic()) if self._holds else NOT_AT_ALL

    async def _on(self, threads: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)


def _failure(head: Request, request_id: str) -> Response:
    text = f"Stepmill failed inside; the server's log tells more of request {request_id}."
    error = ApiError("InternalFailure", text, status=500)
    return refusal_of_unknown(head, address_of(head).service, error, request_id)


def _moved(head: Request, path: str) -> Request:
    return head if path == head.path else Request(head.method, path, head.query, head.headers)


def _of_ourselves(head: Request) -> Response:
    if head.path != HEALTH:
        return Response(404)
    return Response(200, (("Content-Type", "application/json"),), b'{"status":"ok"}')
