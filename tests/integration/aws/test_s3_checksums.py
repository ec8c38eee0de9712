"""Digests over the wire: what does not match is refused, and nothing is stored."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from stepmill.storage.objects.digests import Checksum, Hashing
from stepmill.storage.objects.uri import S3Uri
from support.s3 import Bucket, error_of, refused

DATA = b"data" * 1000
# boto3 computes these without the C runtime of AWS; the others come with the value.
_OF_BOTO3 = ["CRC32", "SHA1", "SHA256"]


def value_of(checksum: str, data: bytes = DATA) -> str:
    hashing = Hashing([Checksum(checksum)])
    hashing.update(data)
    return hashing.values()[Checksum(checksum)]


@contextmanager
def headers(bucket: Bucket, operation: str, **changed: str) -> Iterator[None]:
    """Have requests of an operation sent with other headers, signed as they are."""

    def change(request: Any, **_: object) -> None:
        for name, value in changed.items():
            header = name.replace("_", "-")
            del request.headers[header]
            if value:
                request.headers[header] = value

    event = f"before-sign.s3.{operation}"
    bucket.client.meta.events.register_first(event, change)
    try:
        yield
    finally:
        bucket.client.meta.events.unregister(event, change)


@pytest.mark.parametrize("checksum", _OF_BOTO3)
def test_a_checksum_is_computed_and_kept(bucket: Bucket, checksum: str) -> None:
    put = bucket.put("k", DATA, ChecksumAlgorithm=checksum)
    assert put[f"Checksum{checksum}"] == value_of(checksum)
    assert put["ChecksumType"] == "FULL_OBJECT"
    head = bucket.head("k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{checksum}"], head["ChecksumType"]) == (value_of(checksum), "FULL_OBJECT")
    assert f"Checksum{checksum}" not in bucket.head("k")
    assert bucket.read("k", ChecksumMode="ENABLED") == DATA


@pytest.mark.parametrize("checksum", [str(one) for one in Checksum])
def test_a_checksum_may_be_given(bucket: Bucket, checksum: str) -> None:
    put = bucket.put("k", DATA, **{f"Checksum{checksum}": value_of(checksum)})
    assert put[f"Checksum{checksum}"] == value_of(checksum)


@pytest.mark.parametrize("checksum", [str(one) for one in Checksum])
def test_a_wrong_checksum_stores_nothing(bucket: Bucket, checksum: str) -> None:
    bucket.put("k", b"before")
    usage = bucket.wire.platform.objects.disk_usage
    before = usage()
    wrong = {f"Checksum{checksum}": value_of(checksum, b"other")}
    assert refused(lambda: bucket.put("k", DATA, **wrong)) == (400, "BadDigest")
    assert checksum in error_of(lambda: bucket.put("k", DATA, **wrong))["Message"]
    assert bucket.read("k") == b"before"
    assert usage() == before


def test_a_wrong_md5_stores_nothing(bucket: Bucket) -> None:
    right, wrong = (b64encode(hashlib.md5(data).digest()).decode() for data in (DATA, b"other"))
    bucket.put("right", DATA, ContentMD5=right)
    assert refused(lambda: bucket.put("wrong", DATA, ContentMD5=wrong)) == (400, "BadDigest")
    for invalid in ("AAAA", "not base64", right + "AAAA"):
        assert refused(lambda: bucket.put("wrong", DATA, ContentMD5=invalid)) == (400, "InvalidDigest")  # noqa: B023
    assert bucket.keys() == ["right"]


@pytest.mark.parametrize("value", ["AAAA", "not base64", "AAAAAA==AAAA", "AAAAAA==-2"])
def test_what_is_no_checksum_is_refused(bucket: Bucket, value: str) -> None:
    assert refused(lambda: bucket.put("k", DATA, ChecksumCRC32=value)) == (400, "InvalidRequest")
    assert bucket.keys() == []


def test_one_checksum_is_enough(bucket: Bucket) -> None:
    with headers(bucket, "PutObject", x_amz_checksum_sha1=value_of("SHA1")):
        assert refused(lambda: bucket.put("k", DATA)) == (400, "InvalidRequest")


def test_a_checksum_that_is_announced_must_come(bucket: Bucket) -> None:
    with headers(bucket, "PutObject", x_amz_checksum_crc32="", x_amz_sdk_checksum_algorithm="CRC32"):
        assert refused(lambda: bucket.put("k", DATA)) == (400, "InvalidRequest")


def test_a_checksum_that_is_not_offered_is_refused_by_name(bucket: Bucket) -> None:
    with headers(bucket, "PutObject", x_amz_checksum_crc32="", x_amz_checksum_xxhash64="AAAAAAAAAAA="):
        told = error_of(lambda: bucket.put("k", DATA))
    assert (told["Code"], "xxhash64" in told["Message"]) == ("NotImplemented", True)


class TestTrailers:
    """What a client sends whose connection is encrypted: chunks, and the checksum after them."""

    def put(self, bucket: Bucket, *, trailer: str, announced: str = "x-amz-checksum-crc32") -> Any:
        chunks = b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(DATA), DATA, trailer.encode())

        def change(request: Any, **_: object) -> None:
            del request.headers["x-amz-checksum-crc32"]
            request.headers["x-amz-trailer"] = announced
            request.headers["x-amz-decoded-content-length"] = str(len(DATA))
            request.headers["content-encoding"] = "gzip, aws-chunked"
            # From this the signature knows that the body is not signed.
            request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
            request.data = chunks

        event = "before-sign.s3.PutObject"
        bucket.client.meta.events.register_first(event, change)
        try:
            return bucket.put("k", DATA)
        finally:
            bucket.client.meta.events.unregister(event, change)

    def test_a_right_one_is_kept(self, bucket: Bucket) -> None:
        self.put(bucket, trailer=f"x-amz-checksum-crc32:{value_of('CRC32')}")
        head = bucket.head("k", ChecksumMode="ENABLED")
        assert (head["ChecksumCRC32"], head["ContentEncoding"]) == (value_of("CRC32"), "gzip")
        assert bucket.wire.platform.objects.read_bytes(S3Uri(bucket.name, "k")) == DATA

    def test_a_wrong_one_stores_nothing(self, bucket: Bucket) -> None:
        trailer = f"x-amz-checksum-crc32:{value_of('CRC32', b'other')}"
        assert refused(lambda: self.put(bucket, trailer=trailer)) == (400, "BadDigest")
        assert bucket.keys() == []

    def test_one_that_does_not_come_stores_nothing(self, bucket: Bucket) -> None:
        trailer = f"x-amz-checksum-sha1:{value_of('SHA1')}"
        assert refused(lambda: self.put(bucket, trailer=trailer)) == (400, "InvalidRequest")
        assert bucket.keys() == []


class TestBodiesOfCalls:
    def test_a_wrong_digest_of_a_document_is_refused(self, bucket: Bucket) -> None:
        bucket.put("k")
        delete = {"Objects": [{"Key": "k"}]}
        wrong = b64encode(zlib.crc32(b"other").to_bytes(4)).decode()
        with headers(bucket, "DeleteObjects", x_amz_checksum_crc32=wrong):
            assert refused(lambda: bucket.call("delete_objects", Delete=delete)) == (400, "BadDigest")
        md5 = b64encode(hashlib.md5(b"other").digest()).decode()
        with headers(bucket, "DeleteObjects", content_md5=md5):
            assert refused(lambda: bucket.call("delete_objects", Delete=delete)) == (400, "BadDigest")
        assert bucket.keys() == ["k"]


def test_attributes_of_an_object(bucket: Bucket) -> None:
    put = bucket.put("k", DATA, ChecksumAlgorithm="SHA256", StorageClass="GLACIER_IR")
    asked = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    told = bucket.call("get_object_attributes", Key="k", ObjectAttributes=asked)
    assert told["ETag"] == put["ETag"].strip('"')
    assert told["Checksum"] == {"ChecksumSHA256": value_of("SHA256"), "ChecksumType": "FULL_OBJECT"}
    assert (told["StorageClass"], told["ObjectSize"], "ObjectParts" in told) == (
        "GLACIER_IR",
        len(DATA),
        False,
    )
    assert told["LastModified"] == bucket.head("k")["LastModified"]
    told = bucket.call("get_object_attributes", Key="k", ObjectAttributes=["ObjectSize"])
    assert ("ETag" in told, told["ObjectSize"]) == (False, len(DATA))
