"""Copies over the wire: by reference, with what is said of the original or something else, on conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stepmill.storage.objects.uri import S3Uri
from support.s3 import Bucket, error_of, new_bucket, refused
from support.wire import Wire

PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)


@pytest.fixture
def source(bucket: Bucket) -> Bucket:
    """A bucket with an object of which much is said."""
    bucket.put(
        "from",
        b"data",
        ContentType="text/csv",
        CacheControl="no-store",
        Metadata={"a": "1"},
        Tagging="t=1",
        StorageClass="STANDARD_IA",
        ChecksumAlgorithm="SHA256",
    )
    return bucket


def copy(bucket: Bucket, key: str = "to", **more: Any) -> dict[str, Any]:
    more.setdefault("CopySource", {"Bucket": bucket.name, "Key": "from"})
    return bucket.call("copy_object", Key=key, **more)


def test_a_copy_says_what_is_said_of_the_original(source: Bucket) -> None:
    result = copy(source)["CopyObjectResult"]
    got = source.get("to")
    assert got["Body"].read() == b"data"
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/csv", "no-store", {"a": "1"})
    assert (got["TagCount"], "StorageClass" in got) == (1, False)
    assert result["ETag"] == got["ETag"] == source.head("from")["ETag"]
    assert result["LastModified"].replace(microsecond=0) == got["LastModified"]
    assert result["ChecksumSHA256"] == source.head("from", ChecksumMode="ENABLED")["ChecksumSHA256"]


def test_no_byte_of_it_is_moved(source: Bucket) -> None:
    copy(source)
    objects = source.wire.platform.objects
    assert objects.path(S3Uri(source.name, "to")).samefile(objects.path(S3Uri(source.name, "from")))


def test_a_copy_may_say_something_else(source: Bucket) -> None:
    copy(
        source,
        MetadataDirective="REPLACE",
        Metadata={"b": "2"},
        ContentType="text/x",
        TaggingDirective="REPLACE",
        Tagging="u=2&v=3",
        StorageClass="ONEZONE_IA",
    )
    got = source.head("to")
    assert (got["Metadata"], got["ContentType"], got["StorageClass"]) == ({"b": "2"}, "text/x", "ONEZONE_IA")
    assert "CacheControl" not in got
    tags = source.call("get_object_tagging", Key="to")["TagSet"]
    assert tags == [{"Key": "u", "Value": "2"}, {"Key": "v", "Value": "3"}]


def test_metadata_that_is_not_to_replace_is_passed_over(source: Bucket) -> None:
    copy(source, Metadata={"b": "2"}, Tagging="u=2")
    assert source.head("to")["Metadata"] == {"a": "1"}
    assert source.call("get_object_tagging", Key="to")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_an_object_is_copied_onto_itself_only_to_be_changed(source: Bucket) -> None:
    assert refused(lambda: copy(source, "from")) == (400, "InvalidRequest")
    copy(source, "from", MetadataDirective="REPLACE", Metadata={"c": "3"})
    assert source.head("from")["Metadata"] == {"c": "3"}
    copy(source, "from", StorageClass="STANDARD")
    assert "StorageClass" not in source.head("from")


def test_a_copy_may_go_to_another_bucket(source: Bucket, wire: Wire) -> None:
    other = new_bucket(wire)
    other.call("copy_object", Key="k", CopySource=f"{source.name}/from")
    other.call("copy_object", Key="l", CopySource=f"/{source.name}/from?versionId=null")
    source.call("delete_object", Key="from")
    assert other.read("k") == other.read("l") == b"data"


@pytest.mark.parametrize("key", ["a b", "ä/%41+", "a?versionId=x", "//", "..", "q&a=1#f"])
def test_any_key_may_be_the_source(bucket: Bucket, key: str) -> None:
    bucket.wire.platform.objects.put_bytes(S3Uri(bucket.name, key), key.encode())
    copy(bucket, CopySource={"Bucket": bucket.name, "Key": key})
    assert bucket.read("to") == key.encode()


def test_another_checksum_may_be_asked_for(source: Bucket) -> None:
    result = copy(source, ChecksumAlgorithm="CRC32")["CopyObjectResult"]
    assert ("ChecksumSHA256" in result, result["ChecksumType"]) == (False, "FULL_OBJECT")
    source.put("same", b"data")
    head = source.head("same", ChecksumMode="ENABLED")
    assert result["ChecksumCRC32"] == head["ChecksumCRC32"]


class TestConditions:
    def test_those_that_hold(self, source: Bucket) -> None:
        etag = source.head("from")["ETag"]
        for condition in (
            {"CopySourceIfMatch": etag},
            {"CopySourceIfNoneMatch": '"other"'},
            {"CopySourceIfModifiedSince": PAST},
            {"CopySourceIfUnmodifiedSince": FUTURE},
            {"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": PAST},
        ):
            copy(source, **condition)

    def test_those_that_do_not(self, source: Bucket) -> None:
        etag = source.head("from")["ETag"]
        source.put("there", b"old")
        for condition in (
            {"CopySourceIfMatch": '"other"'},
            {"CopySourceIfNoneMatch": etag},
            {"CopySourceIfModifiedSince": FUTURE},
            {"CopySourceIfUnmodifiedSince": PAST},
            {"key": "there", "IfNoneMatch": "*"},
            {"key": "there", "IfMatch": '"other"'},
        ):
            assert refused(lambda: copy(source, **condition)) == (412, "PreconditionFailed"), condition  # noqa: B023
        assert source.keys() == ["from", "there"]
        assert source.read("there") == b"old"


def test_what_is_not_there_cannot_be_copied(source: Bucket) -> None:
    assert refused(lambda: copy(source, CopySource=f"{source.name}/nope")) == (404, "NoSuchKey")
    missing = error_of(lambda: copy(source, CopySource=f"{source.name}/nope"))
    assert f"s3://{source.name}/nope" in missing["Message"]
    assert refused(lambda: copy(source, CopySource="never-made/from")) == (404, "NoSuchBucket")
    assert refused(lambda: copy(source, CopySource="no-key")) == (400, "InvalidArgument")
    versioned = f"{source.name}/from?versionId=abc"
    assert refused(lambda: copy(source, CopySource=versioned)) == (404, "NoSuchVersion")
    nowhere = Bucket("never-made", source.client, source.wire)
    assert refused(lambda: copy(nowhere, CopySource=f"{source.name}/from")) == (404, "NoSuchBucket")
