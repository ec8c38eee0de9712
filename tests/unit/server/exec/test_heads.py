from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.server.exec.heads import read_head


def test_a_tunnel_is_asked_for_by_host_and_port() -> None:
    head = read_head(b"CONNECT sts.us-west-2.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head is not None
    assert (head.host, head.port, head.is_tunnel, head.is_for_aws) == (
        "sts.us-west-2.amazonaws.com", 443, True, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("host", "is_aws"),
    [
        ("s3.amazonaws.com", True),
        ("S3.AMAZONAWS.COM", True),
        ("b.s3.us-west-2.amazonaws.com.", True),
        ("sagemaker.us-west-2.api.aws", True),
        ("s3.cn-north-1.amazonaws.com.cn", True),
        ("amazonaws.com", False),
        ("evilamazonaws.com", False),
        ("amazonaws.com.evil.example", False),
        ("pypi.org", False),
    ],
)
def test_awss_hosts_are_known_by_their_ends(host: str, is_aws: bool) -> None:
    head = read_head(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
    assert head is not None
    assert head.is_for_aws is is_aws


def test_a_plain_request_is_handed_on_without_what_concerns_the_proxy() -> None:
    head = read_head(
        b"GET http://s3.amazonaws.com/b/k?list-type=2 HTTP/1.1\r\nHost: s3.amazonaws.com\r\n"
        b"Proxy-Authorization: Basic eDp5\r\nProxy-Connection: keep-alive\r\nX-A: 1\r\n\r\n"
    )
    assert head is not None
    assert (head.host, head.port, head.credential) == ("s3.amazonaws.com", 80, "x:y")
    assert head.forwarded == (
        b"GET /b/k?list-type=2 HTTP/1.1\r\nHost: s3.amazonaws.com\r\nX-A: 1\r\nConnection: close\r\n\r\n"
    )


def test_a_credential_must_be_the_very_one() -> None:
    encoded = b64encode(b"stepmill:secret").decode()
    head = read_head(f"CONNECT h:1 HTTP/1.1\r\nproxy-authorization: basic {encoded}\r\n\r\n".encode())
    assert head is not None
    assert head.is_by("stepmill:secret")
    assert not head.is_by("stepmill:secre")
    assert not head.is_by("")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"CONNECT nowhere HTTP/1.1\r\n\r\n",
        b"CONNECT h:0 HTTP/1.1\r\n\r\n",
        b"CONNECT h:65536 HTTP/1.1\r\n\r\n",
        b"CONNECT h:1 HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET ftp://h/ HTTP/1.1\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"GET http://h:99999/ HTTP/1.1\r\n\r\n",
        b"GET http://[h/ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_cannot_be_read_is_nothing(data: bytes) -> None:
    assert read_head(data) is None


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    for start in (b"", b"CONNECT ", b"GET http://"):
        read_head(start + data + b"\r\n\r\n")
