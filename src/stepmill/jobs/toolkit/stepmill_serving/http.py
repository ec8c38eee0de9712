"""The doors of a model server: ``/ping``, ``/invocations`` and ``/execution-parameters``.

Source: developer guide, "Use Your Own Inference Code with Hosting Services" and "... with Batch Transform".
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from .code import Answer, Service

# No payload of an endpoint or a batch job is larger; a chunked one is read whole all the same.
LARGEST_BODY_BYTES = 1024 * 1024 * 1024
_LONGEST_LINE = 65_536


class TooLargeError(Exception):
    """A request's body is larger than any that is served."""


class Door(BaseHTTPRequestHandler):
    """Answers the requests of one connection, one after the other.

    Args:
        connection: The connection.
        address: Of the client.
        service: The model.
        is_quiet: Whether requests are left out of the log.
    """

    protocol_version = "HTTP/1.1"
    server_version = "stepmill"
    sys_version = ""

    def __init__(self, connection: socket.socket, address: Any, service: Service, *, is_quiet: bool) -> None:
        self._service = service
        self._is_quiet = is_quiet
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer ``/ping`` and ``/execution-parameters``."""
        path = self.path.partition("?")[0]
        if path == "/ping":
            self._send(Answer(200, b"\n", "application/json"))
        elif path == "/execution-parameters" and self._service.execution_parameters is not None:
            try:
                found = self._service.execution_parameters()
                text = found if isinstance(found, (str, bytes)) else json.dumps(found)
                self._send(Answer(200, text.encode() if isinstance(text, str) else text, "application/json"))
            except Exception as error:  # noqa: BLE001 - the user's code
                self._send(Answer(500, str(error).encode(), "text/plain"))
        else:
            self._send(Answer(404, b"", "text/plain"))

    def do_POST(self) -> None:
        """Answer ``/invocations``."""
        begin = time.monotonic()
        try:
            body = self._body()
        except (TooLargeError, ValueError) as error:
            self.close_connection = True
            self._send(
                Answer(413 if isinstance(error, TooLargeError) else 400, str(error).encode(), "text/plain")
            )
            return
        if self.path.partition("?")[0] != "/invocations":
            self._send(Answer(404, b"", "text/plain"))
            return
        answer = self._service.answer(
            body, self.headers.get("Content-Type", ""), self.headers.get("Accept", "")
        )
        if not self._is_quiet:
            took = (time.monotonic() - begin) * 1000
            self.log_message('"%s" %d %d bytes %.1f ms', self.requestline, answer.status, len(body), took)
        self._send(answer)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing: invocations are told of when they are answered, pings never."""

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(_chunks(self.rfile.readline, self.rfile.read))
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY_BYTES or length < 0:
            raise TooLargeError(f"The body is larger than {LARGEST_BODY_BYTES} bytes.")
        body = self.rfile.read(length)
        if len(body) != length:
            raise ValueError("The body ended before its length.")
        return body

    def _send(self, answer: Answer) -> None:
        head = (
            f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}\r\n"
            f"Content-Type: {_one_line(answer.content_type)}\r\n"
        )
        if answer.status != 204:
            head += f"Content-Length: {len(answer.body)}\r\n"
        if self.close_connection:
            head += "Connection: close\r\n"
        # In one piece: two would wait for one another.
        self.wfile.write(f"{head}\r\n".encode("latin-1", "replace") + answer.body)


def _chunks(line: Callable[[int], bytes], read: Callable[[int], bytes]) -> Any:
    total = 0
    while True:
        size = int(line(_LONGEST_LINE).split(b";")[0].strip() or b"x", 16)
        total += size
        if size < 0 or total > LARGEST_BODY_BYTES:
            raise TooLargeError(f"The body is larger than {LARGEST_BODY_BYTES} bytes.")
        if size == 0:
            while line(_LONGEST_LINE) not in (b"\r\n", b"\n", b""):
                pass
            return
        yield read(size)
        read(2)


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def bind(address: tuple[str, int]) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises:
        OSError: If the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    return listener
