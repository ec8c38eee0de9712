from __future__ import annotations

import socket
from pathlib import Path

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.server.listening import Listening, Tls

TLS = Tls(Path("c.pem"), Path("k.pem"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_this_machine_plain_http_is_spoken(host: str) -> None:
    Listening(host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.0.1", "stepmill.example.org", "128.0.0.1"])
def test_beyond_it_only_if_asked_for_or_over_tls(host: str) -> None:
    with pytest.raises(InvalidInputError, match="other machines") as caught:
        Listening(host).check()
    assert "--insecure" in caught.value.mend
    Listening(host, is_insecure_allowed=True).check()
    Listening(host, tls=TLS).check()


@pytest.mark.parametrize(
    ("listening", "url"),
    [
        (Listening(), "http://127.0.0.1:1"),
        (Listening("localhost"), "http://localhost:1"),
        (Listening("::1"), "http://[::1]:1"),
        (Listening("0.0.0.0"), "http://127.0.0.1:1"),
        (Listening("::"), "http://[::1]:1"),
        (Listening("stepmill.example.org", tls=TLS), "https://stepmill.example.org:1"),
    ],
)
def test_the_address_is_one_that_a_client_here_can_use(listening: Listening, url: str) -> None:
    assert listening.url(1) == url


def test_any_port_is_one_that_is_free() -> None:
    with Listening(port=0).open() as first, Listening(port=0).open() as second:
        ports = {first.getsockname()[1], second.getsockname()[1]}
        assert len(ports) == 2
        with socket.create_connection(("127.0.0.1", first.getsockname()[1]), timeout=60):
            pass


def test_a_port_that_is_taken_is_a_conflict() -> None:
    with Listening(port=0).open() as first:
        port = first.getsockname()[1]
        with pytest.raises(ConflictError, match=f"Port {port} is taken"):
            Listening(port=port).open()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name"])
def test_a_place_that_is_not_here_is_no_place_to_listen(host: str) -> None:
    with pytest.raises(InvalidInputError, match="Nothing can listen there"):
        Listening(host, port=0).open()
