"""Bodies that are too large for memory, both ways, and clients that do not keep to the end."""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from stepmill.aws.admission import Admitted
from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.aws.wire import FileRange, Request, Response
from support.cli import eventually
from support.raw_http import RawConnection
from support.wire import AnybodyAdmission, Wire, running_server

LIMIT_S = 60.0
MEGABYTE = 2**20
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-west-2/s3/aws4_request, Signature=0"


class Store:
    """What a test wants put and got."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin = threading.Event()
        self.begin.set()
        self.pieces: queue.Queue[bytes | Exception] = queue.Queue()
        self.answer: Any = None

    def put(self, call: Call) -> dict[str, Any]:
        assert self.begin.wait(LIMIT_S)
        assert call.request.stream is not None
        if call.parameters["Key"] == "refused":
            raise ApiError("AccessDenied", "Not here.", status=403)
        try:
            for piece in call.request.stream:
                self.pieces.put(piece)
        except ApiError as error:
            self.pieces.put(error)
            raise
        self.pieces.put(b"")
        return {"ETag": '"x"'}

    def get(self, _call: Call) -> Response:
        answer: Response = self.answer
        return answer

    def received(self) -> list[bytes]:
        """Return the pieces of a body up to its end."""
        return list(iter(lambda: self.pieces.get(timeout=LIMIT_S), b""))  # type: ignore[arg-type]


class Guard(AnybodyAdmission):
    """Lets in whoever does not ask for what is locked."""

    def admit(self, request: Request, path: str) -> Admitted:
        if path.endswith("/locked"):
            raise ApiError("SignatureDoesNotMatch", "No.", status=403)
        return super().admit(request, path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[Wire]:
    handlers = {"PutObject": store.put, "GetObject": store.get, "HeadObject": store.get}
    service = Service("s3", handlers, streams=frozenset({"PutObject"}))
    with running_server(tmp_path / "home", services=(service,), admission=Guard()) as wire:
        yield wire


@pytest.fixture
def raw(served: Wire) -> Iterator[RawConnection]:
    with RawConnection(served.url) as connection:
        yield connection


def put(raw: RawConnection, size: int, key: str = "key", **headers: str) -> None:
    raw.send_head("PUT", f"/bucket/{key}", authorization=SIGNED, content_length=str(size), **headers)


def get(raw: RawConnection, method: str = "GET") -> None:
    raw.send_head(method, "/bucket/key", authorization=SIGNED)


# ---- in ------------------------------------------------------------------------------------------------


def test_a_large_body_comes_in_pieces_and_whole(raw: RawConnection, store: Store) -> None:
    blocks = [os.urandom(MEGABYTE) for _ in range(32)]
    put(raw, 32 * MEGABYTE)
    raw.send(*blocks)
    assert raw.reply().status == 200
    pieces = store.received()
    assert b"".join(pieces) == b"".join(blocks)
    assert max(map(len, pieces)) < 3 * MEGABYTE


def test_an_empty_body_is_a_body(raw: RawConnection, store: Store) -> None:
    put(raw, 0)
    assert raw.reply().status == 200
    assert store.received() == []


def test_a_chunked_body_is_a_body(raw: RawConnection, store: Store) -> None:
    raw.send_head("PUT", "/bucket/key", authorization=SIGNED, transfer_encoding="chunked")
    raw.send(b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n")
    assert raw.reply().status == 200
    assert b"".join(store.received()) == b"abcde"


def test_the_client_waits_while_nobody_reads(raw: RawConnection, store: Store) -> None:
    store.begin.clear()
    put(raw, 512 * MEGABYTE)
    raw.socket.settimeout(3)
    sent = 0
    with suppress(TimeoutError):
        while sent < 512 * MEGABYTE:
            sent += raw.socket.send(b"x" * MEGABYTE)
    assert sent < 64 * MEGABYTE
    store.begin.set()


def test_leave_to_send_is_given_when_the_body_is_wanted(raw: RawConnection, store: Store) -> None:
    store.begin.clear()
    put(raw, 5, expect="100-continue")
    raw.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        raw.socket.recv(1)
    raw.socket.settimeout(LIMIT_S)
    store.begin.set()
    # Not by the file of the connection: a time-out has broken it.
    assert raw.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    raw.send(b"hello")
    assert raw.socket.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"".join(store.received()) == b"hello"


@pytest.mark.parametrize("key", ["refused", "locked"])
def test_whoever_is_refused_is_not_asked_for_the_body(raw: RawConnection, key: str) -> None:
    put(raw, 10**12, key, expect="100-continue")
    status, headers = raw.head()
    assert (status, headers["connection"]) == (403, "close")
    assert headers["content-type"] == "application/xml"


@pytest.mark.parametrize("key", ["refused", "locked"])
def test_whoever_is_refused_while_sending_can_read_why(served: Wire, key: str) -> None:
    with RawConnection(served.url) as raw:
        put(raw, 8 * MEGABYTE, key)
        raw.send(b"x" * 8 * MEGABYTE)
        reply = raw.reply()
        assert reply.status == 403
        assert b"<Code>" in reply.body
        put(raw, 1, key)
        raw.send(b"x")
        assert raw.reply().status == 403, "the rest was not taken for a request"


def test_a_client_that_goes_away_is_told_to_who_reads(served: Wire, store: Store) -> None:
    with RawConnection(served.url) as raw:
        put(raw, 10)
        raw.send(b"abc")
    while not isinstance(last := store.pieces.get(timeout=LIMIT_S), ApiError):
        assert last == b"abc", "it may come first, or not be read at all"
    assert last.code == "IncompleteBody"


# ---- out -----------------------------------------------------------------------------------------------


def file(store: Store, content: bytes) -> Path:
    path = store.folder / "stored"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("start", "size"), [(0, 5 * MEGABYTE), (0, 0), (1, 1), (MEGABYTE - 1, 3 * MEGABYTE)])
def test_a_range_of_a_file_is_sent(raw: RawConnection, store: Store, start: int, size: int) -> None:
    content = os.urandom(5 * MEGABYTE)
    store.answer = Response(206, (("ETag", '"e"'),), FileRange(file(store, content), start, size))
    get(raw)
    reply = raw.reply()
    assert (reply.status, reply.headers["etag"]) == (206, '"e"')
    assert reply.headers["content-length"] == str(size)
    assert reply.body == content[start : start + size]


def test_a_file_that_is_removed_after_the_beginning_is_sent_whole(raw: RawConnection, store: Store) -> None:
    content = os.urandom(64 * MEGABYTE)
    path = file(store, content)
    store.answer = Response(200, (), FileRange(path, 0, len(content)))
    get(raw)
    status, headers = raw.head()
    path.unlink()
    assert status == 200
    assert raw._file.read(int(headers["content-length"])) == content


def test_a_head_sends_no_body(raw: RawConnection, store: Store) -> None:
    store.answer = Response(200, (("Content-Length", str(10**12)),))
    get(raw, "HEAD")
    reply = raw.reply("HEAD")
    assert reply.headers["content-length"] == str(10**12)
    store.answer = Response(404)
    get(raw, "HEAD")
    assert raw.reply("HEAD").status == 404


def test_pieces_are_sent_as_they_come(raw: RawConnection, store: Store) -> None:
    store.answer = Response(200, (), iter([b"abc", b"", b"de"]))
    get(raw)
    status, headers = raw.head()
    assert (status, headers["transfer-encoding"]) == (200, "chunked")
    assert raw.chunks() == [b"abc", b"de"]


def test_pieces_of_a_known_length_are_not_chunked(raw: RawConnection, store: Store) -> None:
    store.answer = Response(200, (("Content-Length", "5"),), iter([b"abc", b"de"]))
    get(raw)
    assert raw.reply().body == b"abcde"


def test_no_content_is_no_content(raw: RawConnection, store: Store) -> None:
    store.answer = Response(204)
    get(raw)
    reply = raw.reply()
    assert (reply.status, reply.headers.get("content-length")) == (204, None)


def test_a_file_that_is_not_there_is_a_failure_inside(
    raw: RawConnection, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.answer = Response(200, (), FileRange(store.folder / "missing", 0, 10))
    get(raw)
    reply = raw.reply()
    assert reply.status == 500
    assert b"<Code>InternalFailure</Code>" in reply.body
    assert b"missing" not in reply.body
    assert any(record.exc_info for record in caplog.records)


def test_a_file_that_is_too_short_ends_in_a_broken_connection(raw: RawConnection, store: Store) -> None:
    store.answer = Response(200, (), FileRange(file(store, b"abc"), 0, 10))
    get(raw)
    status, _ = raw.head()
    assert status == 200
    assert raw._file.read(3) == b"abc"
    assert raw.is_closed()


def test_a_client_that_stops_reading_leaves_nothing_open(served: Wire, store: Store) -> None:
    path = file(store, b"x")
    os.truncate(path, 2**31)
    store.answer = Response(200, (), FileRange(path, 0, 2**31))

    def is_open() -> bool:
        return any(os.path.realpath(link) == str(path.resolve()) for link in Path("/proc/self/fd").iterdir())

    with RawConnection(served.url) as raw:
        get(raw)
        raw.head()
        assert is_open()
        raw.socket.shutdown(socket.SHUT_RDWR)
    eventually(lambda: not is_open(), "the end of the sending", LIMIT_S)
