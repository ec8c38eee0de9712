"""A connection of uvicorn's, with bounds on what may be sent before anybody looks at it."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# S3 allows 8 KB of headers, a presigned query some KB more; nothing else comes near.
MOST_HEAD_BYTES = 64 * 1024
# From the first byte of a request, or the opening of a connection, to the end of the headers.
LONGEST_HEAD_S = 30.0
# A worker that reads an upload takes what has come meanwhile as one piece; more pieces, more hand-overs.
_BUFFERED_BYTES = 1024 * 1024


class _HeadTooLargeError(Exception):
    """Headers beyond the bound."""


class Connection(HttpToolsProtocol):
    """Speaks HTTP/1.1 with one client. uvicorn's has no bound on headers, nor on how slowly they come."""

    _head_bytes = 0
    _is_in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin; a client that opens a connection is to say soon why."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what waits for the client."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self._is_in_head and self.parser is not None and not self.transport.is_closing():
            # The parser tells of a header only when it has all of it.
            self._head_bytes += len(data)
            if self._head_bytes > 2 * MOST_HEAD_BYTES:
                self.send_400_response("")
            elif self._head_timer is None:
                self._await_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_bytes = 0
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the path."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Have the request answered."""
        self._is_in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; the connection waits while nobody reads it."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > _BUFFERED_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or too large a one, and close the connection."""
        status, text = b"400 Bad Request", msg
        if self._head_bytes > MOST_HEAD_BYTES:
            status, text = (
                b"431 Request Header Fields Too Large",
                f"More than {MOST_HEAD_BYTES} bytes of headers.",
            )
        body = text.encode("ascii", "replace") + b"\n"
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (status, len(body), body)
        )
        self.transport.close()

    def _count(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > MOST_HEAD_BYTES:
            raise _HeadTooLargeError

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(LONGEST_HEAD_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
