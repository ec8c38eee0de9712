"""An endpoint of HTTP that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.cli import eventually


@dataclass(frozen=True)
class Received:
    """A request: its headers by name in lower case, and its body."""

    headers: dict[str, str]
    body: str


@dataclass
class HttpEndpoint:
    """What came, and what is answered: a status for each request in turn, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def until(self, count: int) -> list[Received]:
        eventually(lambda: len(self.received) >= count, f"{count} requests")
        return self.received


@contextmanager
def http_endpoint() -> Iterator[HttpEndpoint]:
    """Run one on a thread, on a free port of loopback."""
    endpoint = HttpEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = endpoint.answers.pop(0) if endpoint.answers else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", endpoint.url + "elsewhere")
            self.end_headers()
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.received.append(Received(headers, body))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
