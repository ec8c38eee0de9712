from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import md5, sha256

import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3 import checksums
from stepmill.aws.services.s3.checksums import CheckedBody, Expected, expected_of, shown, verify_whole
from stepmill.aws.wire import Request
from stepmill.storage.objects.digests import Checksum

CRC = "rfPzYw=="  # of b"data"
MD5 = b64encode(md5(b"data").digest()).decode()


class Stream:
    """A body with what follows it."""

    def __init__(self, *pieces: bytes, trailers: Mapping[str, str] | None = None, digest: str = "") -> None:
        self._pieces = pieces
        self.trailers: dict[str, str] = {}
        self._following = dict(trailers or {})
        self.sha256 = digest

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        self.trailers.update(self._following)


def read(headers: dict[str, str], stream: Stream | None = None, more: Checksum | None = None) -> CheckedBody:
    body = CheckedBody(Request("PUT", "/b/k", headers=headers, body=b"data", stream=stream), more)
    for piece in body:
        body.hashing.update(piece)
    return body


def code(headers: dict[str, str], stream: Stream | None = None) -> str:
    with pytest.raises(ApiError) as caught:
        read(headers, stream)
    return caught.value.code


def test_what_a_client_says() -> None:
    assert expected_of({}) == Expected()
    assert expected_of({"x-amz-checksum-mode": "ENABLED", "x-amz-checksum-algorithm": "SHA1"}) == Expected()
    assert expected_of({"content-md5": MD5}) == Expected(md5(b"data").hexdigest())
    assert expected_of({"x-amz-checksum-crc32": CRC}) == Expected("", Checksum.CRC32, CRC)
    assert expected_of({"x-amz-trailer": "x-amz-checksum-sha1"}) == Expected("", Checksum.SHA1)
    assert expected_of({"x-amz-trailer": "x-amz-meta-a"}) == Expected()


def test_a_body_that_is_as_expected() -> None:
    body = read({"x-amz-checksum-crc32": CRC, "content-md5": MD5})
    assert body.hashing.values() == {Checksum.CRC32: CRC}
    body = read({"x-amz-checksum-crc32": CRC}, Stream(b"da", b"", b"ta"), Checksum.SHA1)
    assert set(body.hashing.values()) == {Checksum.CRC32, Checksum.SHA1}
    following = Stream(b"data", trailers={"x-amz-checksum-crc32": CRC})
    assert read({"x-amz-trailer": "x-amz-checksum-crc32"}, following).checksum is Checksum.CRC32


def test_a_body_that_is_not() -> None:
    assert code({"x-amz-checksum-crc32": "AAAAAA=="}) == "BadDigest"
    assert code({"content-md5": b64encode(bytes(16)).decode()}) == "BadDigest"
    wrong = Stream(b"data", trailers={"x-amz-checksum-crc32": "AAAAAA=="})
    assert code({"x-amz-trailer": "x-amz-checksum-crc32"}, wrong) == "BadDigest"
    assert code({"x-amz-trailer": "x-amz-checksum-crc32"}, Stream(b"data")) == "InvalidRequest"


def test_what_is_said_wrongly() -> None:
    assert code({"content-md5": "AAAA"}) == "InvalidDigest"
    assert code({"x-amz-checksum-crc32": "AAAA"}) == "InvalidRequest"
    assert code({"x-amz-checksum-crc32": CRC, "x-amz-checksum-sha1": "x"}) == "InvalidRequest"
    assert code({"x-amz-checksum-crc32": CRC, "x-amz-trailer": "x-amz-checksum-sha1"}) == "InvalidRequest"
    assert code({"x-amz-sdk-checksum-algorithm": "CRC32"}) == "InvalidRequest"
    assert code({"x-amz-checksum-crc99": "x"}) == "NotImplemented"


def test_a_digest_that_the_signature_vouches_for_is_not_computed_again() -> None:
    known = sha256(b"data").hexdigest()
    assert read({}, Stream(b"data", digest=known)).hashing.sha256 == known
    assert read({}, Stream(b"data")).hashing.sha256 == ""


def test_nothing_larger_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "LARGEST_PIECE_BYTES", 5)
    assert code({"content-length": "6"}) == "EntityTooLarge"
    assert code({"x-amz-decoded-content-length": "6", "content-length": "5"}) == "EntityTooLarge"
    assert code({}, Stream(b"123", b"456")) == "EntityTooLarge"
    read({"content-length": "5"}, Stream(b"123", b"45"))


def test_documents_are_verified_too() -> None:
    verify_whole(Request("POST", "/b?delete", headers={"content-md5": MD5}, body=b"data"))
    with pytest.raises(ApiError):
        verify_whole(Request("POST", "/b?delete", headers={"content-md5": MD5}, body=b"other"))


def test_checksums_are_told_with_their_type() -> None:
    assert shown({}) == {}
    assert shown({Checksum.CRC32: CRC}) == {"ChecksumCRC32": CRC, "ChecksumType": "FULL_OBJECT"}
    assert shown({Checksum.SHA1: "abc=-2"})["ChecksumType"] == "COMPOSITE"
