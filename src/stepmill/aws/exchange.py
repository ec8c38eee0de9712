"""One request and its answer on an open connection: ASGI on the one side, the wire's values on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, MutableMapping
from concurrent.futures import CancelledError
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

from stepmill.aws.errors import ApiError
from stepmill.aws.sending import pieces_of
from stepmill.aws.wire import FileRange, Request, Response

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

# A client that sends nothing for so long has gone without saying so.
_PATIENCE_S = 60.0
# Of a body that nobody wants so much is read and forgotten: a client that is still sending when the
# connection closes may never see the answer.
_MOST_FORGOTTEN_BYTES = 64 * 1024 * 1024
_FORGETTING_S = 10.0
_WITHOUT_BODY = (204, 304)


class ClientGoneError(Exception):
    """The client closed the connection; there is nobody to answer."""


class Exchange:
    """A request as it comes in, and the way back. Used on the event loop, once."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers: dict[str, str] = {}
        repeated = False
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("latin-1")
            value = raw_value.decode("latin-1")
            if name in headers:
                repeated |= name == "host"
                value = f"{headers[name]},{value}"
            headers[name] = value
        self.head = Request(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            headers,
        )
        self.has_one_host = not repeated
        self._receive = receive
        self._send = send
        self._is_read = False
        self.has_begun = False

    # ---- the body that comes in ----------------------------------------------------------------

    async def read(self, most_bytes: int) -> bytes:
        """Return the whole body.

        Args:
            most_bytes: Of a longer one nothing is kept.

        Raises:
            ApiError: If it is longer, or comes too slowly.
            ClientGoneError: If the client goes away before its end.
        """
        if self._announced() > most_bytes:
            raise _too_large(most_bytes)
        pieces: list[bytes] = []
        size, more = 0, True
        try:
            # Most come in one piece; a timer costs more than that.
            async with asyncio.timeout(None) as limit:
                while more:
                    piece, more = await self._next()
                    size += len(piece)
                    if size > most_bytes:
                        raise _too_large(most_bytes)
                    if more and not pieces:
                        limit.reschedule(asyncio.get_running_loop().time() + _PATIENCE_S)
                    pieces.append(piece)
        except TimeoutError:
            raise ApiError("RequestTimeout", "The body did not come in time.", status=408) from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def stream(self) -> IncomingBody:
        """Return the body as a stream that a worker thread may read."""
        return IncomingBody(self._next, asyncio.get_running_loop())

    async def gone(self) -> None:
        """Return when the client has closed the connection. The body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    # ---- the answer ----------------------------------------------------------------------------

    async def respond(self, response: Response) -> None:
        """Send an answer, or what is left of one that has begun. A client that has gone is not told.

        Raises:
            OSError: If a file that is to be sent cannot be read.
        """
        if self.has_begun:
            await self._send({"type": "http.response.body", "body": _whole(response)})
            return
        if not self._is_read:
            response = await self._forget_body(response)
        is_bare = self.head.method == "HEAD" or response.status in _WITHOUT_BODY
        body = response.body
        pieces = None if is_bare or isinstance(body, bytes) else await pieces_of(body)
        await self._send(
            {"type": "http.response.start", "status": response.status, "headers": _headers(response, is_bare)}
        )
        self.has_begun = True
        if pieces is None:
            whole = body if isinstance(body, bytes) and not is_bare else b""
            await self._send({"type": "http.response.body", "body": whole})
            return
        # A client that goes away is not told of by sending.
        gone = asyncio.ensure_future(self.gone())
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if gone.done():
                        raise ClientGoneError
                    await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            gone.cancel()
        await self._send({"type": "http.response.body", "body": b""})

    async def begin(self, headers: tuple[tuple[str, str], ...]) -> None:
        """Send status 200 and these headers now; the body follows by ``respond``."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _encoded(headers)})
        self.has_begun = True

    async def send_space(self) -> None:
        """Send a space before a JSON answer that has begun, so that the client goes on waiting."""
        await self._send({"type": "http.response.body", "body": b" ", "more_body": True})

    # ---- inside --------------------------------------------------------------------------------

    def _announced(self) -> int:
        length = self.head.headers.get("content-length", "0")
        return int(length) if length.isdecimal() else 0

    async def _next(self) -> tuple[bytes, bool]:
        """Return the next piece of the body, and whether there are more."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece, more = message.get("body", b""), message.get("more_body", False)
        self._is_read = not more
        return piece, more

    async def _forget_body(self, response: Response) -> Response:
        """Read what the client is sending still, and close the connection after the answer.

        The next request on it would otherwise be taken for the rest of this one.
        """
        is_waiting_for_leave = self.head.headers.get("expect", "").lower() == "100-continue"
        if not is_waiting_for_leave and self._announced() <= _MOST_FORGOTTEN_BYTES:
            left = _MOST_FORGOTTEN_BYTES
            with suppress(TimeoutError):
                async with asyncio.timeout(_FORGETTING_S):
                    more = True
                    while more and left > 0:
                        piece, more = await self._next()
                        left -= len(piece)
        if self._is_read:
            return response
        return Response(response.status, (*response.headers, ("Connection", "close")), response.body)


class IncomingBody:
    """A body as it comes in: pulled piece by piece, so that the connection waits for whoever reads."""

    def __init__(
        self,
        receive: Callable[[], Coroutine[Any, Any, tuple[bytes, bool]]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._receive = receive
        self._loop = loop
        self.sha256 = ""
        self.trailers: Mapping[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes as they were sent.

        Raises:
            ApiError: If the client goes away, or sends nothing for a minute.
        """
        more = True
        while more:
            piece, more = self._pull()
            if piece:
                yield piece

    def _pull(self) -> tuple[bytes, bool]:
        pulled = asyncio.run_coroutine_threadsafe(self._receive(), self._loop)
        try:
            return pulled.result(_PATIENCE_S)
        except TimeoutError:
            pulled.cancel()
            raise ApiError("RequestTimeout", "The body did not come in time.", status=400) from None
        except (ClientGoneError, CancelledError):
            raise ApiError(
                "IncompleteBody", "The connection was closed before the end of the body."
            ) from None


def _too_large(most_bytes: int) -> ApiError:
    return ApiError(
        "RequestEntityTooLarge",
        f"The body is larger than {most_bytes} bytes, the most that is taken here.",
        status=413,
        mend="Put large data into S3.",
    )


def _headers(response: Response, is_bare: bool) -> list[tuple[bytes, bytes]]:
    headers = _encoded(response.headers)
    if response.status in _WITHOUT_BODY or any(name == b"content-length" for name, _ in headers):
        return headers
    body = response.body
    if isinstance(body, bytes):
        headers.append((b"content-length", b"%d" % len(body)))
    elif isinstance(body, FileRange):
        headers.append((b"content-length", b"%d" % body.size_bytes))
    elif is_bare:
        headers.append((b"content-length", b"0"))
    return headers


def _encoded(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _whole(response: Response) -> bytes:
    if not isinstance(response.body, bytes):
        raise TypeError("Only an answer that is whole can end one that has begun.")
    return response.body
