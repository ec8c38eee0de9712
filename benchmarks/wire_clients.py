"""Clients that cost next to nothing: requests signed once, sent again and again on connections that stay.

Run as a module it is one process of clients: it reads a ``Load`` as JSON, sends for that long from so many
threads, and writes an ``Outcome``.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import boto3
from botocore.config import Config


@dataclass
class Load:
    """What is sent where.

    Args:
        url: Address of the server.
        requests: Whole HTTP requests, as text of latin-1.
        clients: How many send at once, each its next request when its last is answered.
        seconds: For how long.
        stride: Each client's next request is so many further; with as many as clients none is sent twice.
    """

    url: str
    requests: list[str]
    clients: int
    seconds: float
    stride: int = 1


@dataclass
class Outcome:
    """What came of it: errors, and how long each answer took."""

    errors: int = 0
    latencies_s: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def signed_requests(url: str, key: str, secret: str, calls: list[tuple[str, str, dict]]) -> list[str]:  # type: ignore[type-arg]
    """Return calls of boto3 as the bytes that it would send; a signature holds for some minutes.

    Args:
        url: Address of the server.
        key: Id of the access key.
        secret: Its secret.
        calls: Service, method of its client, parameters.
    """
    found: list[str] = []

    def keep(request: object, **_: object) -> object:
        prepared = request
        head = [f"{prepared.method} {urlsplit(prepared.url).path or '/'} HTTP/1.1"]  # type: ignore[attr-defined]
        query = urlsplit(prepared.url).query  # type: ignore[attr-defined]
        if query:
            head[0] = head[0].replace(" HTTP", f"?{query} HTTP")
        headers = {"host": urlsplit(url).netloc}
        for name, value in prepared.headers.items():  # type: ignore[attr-defined]
            headers[name.lower()] = value.decode("latin-1") if isinstance(value, bytes) else value
        body = prepared.body or b""  # type: ignore[attr-defined]
        headers["content-length"] = str(len(body))
        head += [f"{name}: {value}" for name, value in headers.items()]
        found.append(
            "\r\n".join([*head, "", ""]) + (body.decode("latin-1") if isinstance(body, bytes) else body)
        )
        raise _NotSentError

    clients: dict[str, object] = {}
    for service, method, parameters in calls:
        client = clients.get(service) or boto3.client(
            service,
            endpoint_url=url,
            region_name="us-west-2",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(inject_host_prefix=False),
        )
        if service not in clients:
            clients[service] = client
            client.meta.events.register("before-send", keep)
        with suppress(_NotSentError):
            getattr(client, method)(**parameters)
    return found


class _NotSentError(Exception):
    pass


def send_load(load: Load) -> Outcome:
    """Have a process of its own send the load."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.wire_clients"],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        check=True,
    )
    return Outcome(**json.loads(done.stdout))


def _client(load: Load, number: int, outcome: Outcome) -> None:
    requests = [request.encode("latin-1") for request in load.requests]
    end_s = time.perf_counter() + load.seconds
    turn = number
    connection: socket.socket | None = None
    while (begin_s := time.perf_counter()) < end_s:
        if connection is None:
            connection = _connect(load.url)
        connection.sendall(requests[turn % len(requests)])
        turn += load.stride
        head, _ = _read_answer(connection)
        outcome.errors += not head.startswith(b"http/1.1 200")
        outcome.latencies_s.append(time.perf_counter() - begin_s)
        if b"connection: close" in head:
            connection.close()
            connection = None


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(url: str, requests: list[str]) -> bytes:
    """Send requests one after another on one connection; return the body of the last answer.

    Raises:
        RuntimeError: If an answer is an error.
    """
    connection: socket.socket | None = None
    body = b""
    for request in requests:
        if connection is None:
            connection = _connect(url)
        connection.sendall(request.encode("latin-1"))
        head, body = _read_answer(connection)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(body.decode(errors="replace")[:500])
        if b"connection: close" in head:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return body


def _read_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read an answer to its end; return its head in lower case, and its body."""
    data = _receive(connection)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _receive(connection)
    head = data[:end].lower()
    length = int(head.partition(b"content-length:")[2].split()[0])
    while len(data) < end + 4 + length:
        data += _receive(connection)
    return head, data[end + 4 :]


def _receive(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("The server closed the connection in the middle of an answer.")
    return piece


def main() -> None:
    load = Load(**json.load(sys.stdin))
    outcomes = [Outcome() for _ in range(load.clients)]
    threads = [
        threading.Thread(target=_client, args=(load, number, outcome))
        for number, outcome in enumerate(outcomes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = sum(outcome.errors for outcome in outcomes)
    json.dump(asdict(Outcome(errors, [s for outcome in outcomes for s in outcome.latencies_s])), sys.stdout)


if __name__ == "__main__":
    main()
