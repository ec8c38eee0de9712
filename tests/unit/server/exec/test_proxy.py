"""The proxy between real sockets: a server that stands for Stepmill, one for the rest of the world."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stepmill.server.exec.authority import Authority, open_authority, trusted_bundle
from stepmill.server.exec.proxy import Proxy

LIMIT_S = 60.0


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        said = f"{self.server.name} {self.headers['Host']} {self.path} ".encode() + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


def _server(name: str) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        server.name = name
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def stepmill() -> Iterator[ThreadingHTTPServer]:
    yield from _server("stepmill")


@pytest.fixture
def world() -> Iterator[ThreadingHTTPServer]:
    yield from _server("world")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return open_authority(tmp_path / "authority.pem")


@pytest.fixture
def proxy(stepmill: ThreadingHTTPServer, authority: Authority) -> Iterator[Proxy]:
    with Proxy(f"http://127.0.0.1:{stepmill.server_port}", authority) as running:
        yield running


def credentials(proxy: Proxy) -> dict[str, str]:
    parts = urlsplit(proxy.url)
    encoded = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {encoded}"}


def through(
    proxy: Proxy, host: str, port: int, headers: dict[str, str] | None = None
) -> http.client.HTTPConnection:
    parts = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=LIMIT_S)
    connection.set_tunnel(host, port, credentials(proxy) if headers is None else headers)
    return connection


def secured(connection: http.client.HTTPConnection, host: str, authority: Authority) -> None:
    connection.connect()
    context = ssl.create_default_context(cadata=authority.pem)
    connection.sock = context.wrap_socket(connection.sock, server_hostname=host)


@pytest.mark.parametrize("host", ["sts.us-west-2.amazonaws.com", "bucket.with.dots.s3.amazonaws.com"])
def test_a_host_of_aws_is_stepmill_with_a_certificate_in_its_name(
    proxy: Proxy, authority: Authority, host: str
) -> None:
    connection = through(proxy, host, 443)
    secured(connection, host, authority)
    for turn in ("one", "two"):  # on the same connection
        connection.request("POST", f"/a?{turn}", b"x" * 300_000)
        assert connection.getresponse().read() == f"stepmill {host}:443 /a?{turn} ".encode() + b"x" * 300_000
    connection.close()


def test_whoever_does_not_trust_the_authority_is_not_fooled(proxy: Proxy) -> None:
    connection = through(proxy, "sts.amazonaws.com", 443)
    connection.connect()
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(connection.sock, server_hostname="sts.amazonaws.com")
    connection.close()


def test_other_hosts_are_reached_as_they_are(proxy: Proxy, world: ThreadingHTTPServer) -> None:
    connection = through(proxy, "127.0.0.1", world.server_port)
    connection.request("GET", "/b")
    assert connection.getresponse().read().startswith(b"world ")
    connection.close()


def test_plain_requests_go_to_stepmill_for_aws_and_to_the_world_else(
    proxy: Proxy, world: ThreadingHTTPServer
) -> None:
    parts = urlsplit(proxy.url)
    for url, who in (
        ("http://s3.amazonaws.com/bucket/key", b"stepmill s3.amazonaws.com /bucket/key "),
        (f"http://127.0.0.1:{world.server_port}/c", f"world 127.0.0.1:{world.server_port} /c ".encode()),
    ):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=LIMIT_S)
        connection.request("GET", url, headers=credentials(proxy))
        assert connection.getresponse().read() == who
        connection.close()


def test_nobody_else_can_use_it(proxy: Proxy, world: ThreadingHTTPServer) -> None:
    for headers in (
        {},
        {"Proxy-Authorization": "Basic c3RlcG1pbGw6eA=="},
        {"Proxy-Authorization": "Bearer x"},
    ):
        connection = through(proxy, "127.0.0.1", world.server_port, headers)
        with pytest.raises(OSError, match="407"):
            connection.request("GET", "/")
        connection.close()


def test_who_is_asked_for_a_password_may_show_it_on_the_same_connection(
    proxy: Proxy, world: ThreadingHTTPServer
) -> None:
    parts = urlsplit(proxy.url)
    shown = credentials(proxy)["Proxy-Authorization"]
    with socket.create_connection((parts.hostname, parts.port), timeout=LIMIT_S) as connection:
        ask = f"CONNECT 127.0.0.1:{world.server_port} HTTP/1.1\r\n"
        connection.sendall(f"{ask}\r\n".encode())
        assert b" 407 " in connection.recv(4096)
        connection.sendall(f"{ask}Proxy-Authorization: {shown}\r\n\r\n".encode())
        assert b" 200 " in connection.recv(4096)


def test_a_host_that_is_not_there_is_told(proxy: Proxy) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    connection = through(proxy, "127.0.0.1", port)
    with pytest.raises(OSError, match="502"):
        connection.request("GET", "/")
    connection.close()


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\x16\x03\x01garbage\r\n\r\n", b"a" * 70_000])
def test_garbage_breaks_its_own_connection_alone(
    proxy: Proxy, world: ThreadingHTTPServer, data: bytes
) -> None:
    parts = urlsplit(proxy.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=LIMIT_S) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    test_other_hosts_are_reached_as_they_are(proxy, world)


def test_a_server_with_tls_is_held_against_what_the_user_trusts(
    stepmill: ThreadingHTTPServer, authority: Authority, tmp_path: Path
) -> None:
    # A server shows such a certificate beyond its own machine: one that no system knows.
    other = open_authority(tmp_path / "other.pem")
    stepmill.socket = other.context("localhost").wrap_socket(stepmill.socket, server_side=True)
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(other.pem)
    url = f"https://localhost:{stepmill.server_port}"
    with Proxy(url, authority, trusted=trusted) as proxy:
        connection = through(proxy, "sts.amazonaws.com", 443)
        secured(connection, "sts.amazonaws.com", authority)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"stepmill sts.amazonaws.com:443 / "
        connection.close()
    with Proxy(url, authority) as proxy, pytest.raises(OSError, match="502"):
        through(proxy, "sts.amazonaws.com", 443).connect()


def test_a_further_proxy_is_used_for_the_rest_of_the_world(
    stepmill: ThreadingHTTPServer, world: ThreadingHTTPServer, authority: Authority
) -> None:
    url = f"http://127.0.0.1:{stepmill.server_port}"
    with Proxy(url, authority) as outer, Proxy(url, authority, outer.url) as inner:
        test_other_hosts_are_reached_as_they_are(inner, world)
    with Proxy(url, authority) as outer:
        wrong = outer.url.replace("stepmill:", "nobody:")
        with Proxy(url, authority, wrong) as inner:
            connection = through(inner, "127.0.0.1", world.server_port)
            with pytest.raises(OSError, match="502"):
                connection.request("GET", "/")
            connection.close()


class TestAuthority:
    def test_it_is_made_once_and_kept_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "authority.pem"
        assert open_authority(path).pem == open_authority(path).pem
        assert path.stat().st_mode & 0o777 == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["authority.pem"]

    def test_what_is_no_authority_is_told(self, tmp_path: Path) -> None:
        from stepmill.core.errors import StorageError

        path = tmp_path / "authority.pem"
        path.write_text("nonsense")
        with pytest.raises(StorageError, match="cannot be read"):
            open_authority(path)

    def test_what_a_program_trusts_it_goes_on_trusting(self, tmp_path: Path, authority: Authority) -> None:
        own, public = tmp_path / "own.pem", tmp_path / "public.pem"
        own.write_text("OWN")
        public.write_text("PUBLIC")
        given = {"REQUESTS_CA_BUNDLE": str(own), "SSL_CERT_FILE": "/nowhere"}
        bundle = trusted_bundle(authority, given, public)
        assert "OWN" in bundle
        assert "PUBLIC" in bundle
        assert authority.pem in bundle
