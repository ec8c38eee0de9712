"""HTTP as bytes on a socket: what no well-behaved client would send."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

LIMIT_S = 60.0


@dataclass(frozen=True)
class Reply:
    """What came back, up to the end of the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class RawConnection:
    """A connection. Use in ``with``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=LIMIT_S)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        self.socket.sendall(b"".join(pieces))

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send a request with a good Host header, and read the answer. ``x_amz_target`` is a header."""
        self.send_head(method, path, content_length=str(len(body)), **headers)
        self.send(body)
        return self.reply(method)

    def send_head(self, method: str, path: str, **headers: str) -> None:
        named = {"host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))

    def reply(self, method: str = "GET") -> Reply:
        """Read an answer; interim ones are skipped."""
        status, headers = self.head()
        while status < 200:
            status, headers = self.head()
        if method == "HEAD" or status in (204, 304):
            return Reply(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Reply(status, headers, b"".join(self.chunks()))
        return Reply(status, headers, self._file.read(int(headers["content-length"])))

    def head(self) -> tuple[int, dict[str, str]]:
        """Read a status line and headers."""
        line = self._file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        headers = {}
        while (header := self._file.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            headers[name.decode().lower()] = value.strip().decode("latin-1")
        return int(line.split()[1]), headers

    def chunks(self) -> list[bytes]:
        """Read the chunks of a body to its end."""
        found = []
        while size := int(self._file.readline(), 16):
            found.append(self._file.read(size))
            self._file.readline()
        self._file.readline()
        return found

    def is_closed(self) -> bool:
        """Wait for the other side to send something or close; return whether it closed."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True
