"""Bodies in aws-chunked encoding, whole and broken."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.auth.canonical import EMPTY_SHA256, signature, signing_key
from stepmill.aws.auth.chunked import ChunkedBody, ChunkSigner
from stepmill.aws.errors import ApiError

KEY = signing_key("secret", "20260131", "us-west-2", "s3")
MOMENT, SCOPE, SEED = "20260131T000000Z", "20260131/us-west-2/s3/aws4_request", "0" * 64


def unsigned(chunks: Sequence[bytes], trailer: str = "") -> bytes:
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
    return encoded + b"0\r\n" + trailer.encode() + b"\r\n"


def signed(chunks: Sequence[bytes], trailer: str = "") -> bytes:
    previous, encoded = SEED, b""
    for chunk in (*(c for c in chunks if c), b""):
        digest = sha256(chunk).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{MOMENT}\n{SCOPE}\n{previous}\n{EMPTY_SHA256}\n{digest}"
        previous = signature(KEY, text)
        encoded += b"%x;chunk-signature=%s\r\n%s" % (len(chunk), previous.encode(), chunk)
        encoded += b"\r\n" if chunk else b""
    if trailer:
        digest = sha256(trailer.replace("\r\n", "\n").encode()).hexdigest()
        last = signature(KEY, f"AWS4-HMAC-SHA256-TRAILER\n{MOMENT}\n{SCOPE}\n{previous}\n{digest}")
        trailer += f"x-amz-trailer-signature:{last}\r\n"
    return encoded + trailer.encode() + b"\r\n"


def signer() -> ChunkSigner:
    return ChunkSigner(KEY, MOMENT, SCOPE, SEED)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 40), st.booleans())
def test_however_it_arrives_the_content_is_the_same(chunks: list[bytes], size: int, is_signed: bool) -> None:
    content = b"".join(chunks)
    trailer = "x-amz-checksum-crc32:AAAAAA==\r\n"
    encoded = signed(chunks, trailer) if is_signed else unsigned(chunks, trailer)
    body = ChunkedBody(cut(encoded, size), len(content), signer() if is_signed else None)
    assert b"".join(body) == content
    assert body.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_any_byte_that_is_changed_in_signed_chunks_is_noticed(at: int) -> None:
    encoded = bytearray(signed([b"a" * 100, b"b" * 100], "x-amz-checksum-crc32:AAAAAA==\r\n"))
    at %= len(encoded) - 2
    encoded[at] ^= 1
    with pytest.raises(ApiError):
        list(ChunkedBody([bytes(encoded)], 200, signer()))


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhello\r\n",
        b"3\r\nhello\r\n0\r\n\r\n",
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffff\r\nhello",
        b"a" * 5000,
        b"5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        b"5\r\nhello\r\n0\r\n" + b"x:y\r\n" * 100 + b"\r\n",
    ],
)
def test_what_is_not_encoded_so_is_refused(encoded: bytes) -> None:
    with pytest.raises(ApiError) as raised:
        list(ChunkedBody([encoded], 5, None))
    assert raised.value.code == "IncompleteBody"


@pytest.mark.parametrize("size", [4, 6])
def test_more_or_less_than_announced_is_refused(size: int) -> None:
    with pytest.raises(ApiError, match="announced"):
        list(ChunkedBody([unsigned([b"hello"])], size, None))


def test_chunks_must_be_signed_if_the_head_says_so() -> None:
    with pytest.raises(ApiError, match="not signed"):
        list(ChunkedBody([unsigned([b"hello"])], 5, signer()))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_what_is_told(data: bytes) -> None:
    for checks in (None, signer()):
        try:
            list(ChunkedBody([data], None, checks))
        except ApiError:
            pass
