"""Objects over the wire: put, read, told of, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path

import pytest

from stepmill.storage.objects.uri import S3Uri
from stepmill.testing.contracts.objects import _AWKWARD_KEYS
from support.s3 import Bucket, error_of, refused

# botocore sends a path without these and what follows them.
_NOT_SENT = {"/", "..", "./.", "nul\x00byte"}


class TestPutAndGet:
    def test_an_object_comes_back_with_all_that_was_said(self, bucket: Bucket) -> None:
        said = {
            "ContentType": "text/csv",
            "CacheControl": "no-store",
            "ContentDisposition": 'attachment; filename="a.csv"',
            "ContentEncoding": "gzip",
            "ContentLanguage": "de, en",
            "Expires": datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC),
            "StorageClass": "STANDARD_IA",
            "Metadata": {"owner": "me", "with-hyphen": "x y"},
        }
        put = bucket.put("k", b"data", Tagging="a=1&b=", **said)
        got = bucket.get("k")
        assert got["Body"].read() == b"data"
        assert {name: got[name] for name in said} == said
        assert got["ETag"] == put["ETag"] == f'"{md5(b"data").hexdigest()}"'
        assert (got["ContentLength"], got["AcceptRanges"], got["TagCount"]) == (4, "bytes", 2)
        assert abs(datetime.now(UTC) - got["LastModified"]) < timedelta(minutes=10)
        head = bucket.head("k")
        assert {name: head[name] for name in said} == said
        assert (head["ETag"], head["ContentLength"], head["TagCount"]) == (got["ETag"], 4, 2)

    def test_what_is_not_said_has_defaults(self, bucket: Bucket) -> None:
        bucket.put("k")
        got = bucket.get("k")
        assert got["Body"].read() == b""
        assert (got["ContentType"], got["ContentLength"]) == ("binary/octet-stream", 0)
        assert got["Metadata"] == {}
        assert not {"StorageClass", "TagCount", "CacheControl", "Expires", "PartsCount"} & set(got)

    @pytest.mark.parametrize("key", [key for key in _AWKWARD_KEYS if key not in _NOT_SENT])
    def test_any_key_is_a_key(self, bucket: Bucket, key: str) -> None:
        bucket.put(key, key.encode())
        assert bucket.read(key) == key.encode()
        assert bucket.keys() == [key]
        assert [info.key for info in bucket.wire.platform.objects.list(bucket.name)] == [key]
        bucket.call("delete_object", Key=key)
        assert bucket.keys() == []

    def test_the_platform_and_the_wire_see_the_same_objects(self, bucket: Bucket, tmp_path: Path) -> None:
        objects = bucket.wire.platform.objects
        bucket.put("from/wire", b"data")
        uri = S3Uri(bucket.name, "from/wire")
        assert objects.read_bytes(uri) == b"data"
        assert objects.digest(uri) == sha256(b"data").hexdigest()
        (tmp_path / "file").write_bytes(b"of a job")
        objects.put_file(S3Uri(bucket.name, "from/job"), tmp_path / "file", move=True)
        got = bucket.get("from/job")
        assert got["Body"].read() == b"of a job"
        assert "-" in got["ETag"]

    def test_what_is_not_there_is_told_as_s3_does(self, bucket: Bucket) -> None:
        assert refused(lambda: bucket.get("nope")) == (404, "NoSuchKey")
        assert refused(lambda: bucket.head("nope")) == (404, "404")
        told = error_of(lambda: bucket.get("nope"))
        assert told["Message"] == "The specified key does not exist."
        assert (told["Key"], told["Resource"]) == ("nope", f"/{bucket.name}/nope")
        nowhere = Bucket("no-such-bucket-here", bucket.client, bucket.wire)
        assert refused(lambda: nowhere.get("k")) == (404, "NoSuchBucket")
        assert refused(lambda: nowhere.put("k", b"x")) == (404, "NoSuchBucket")
        assert error_of(lambda: nowhere.put("k"))["BucketName"] == "no-such-bucket-here"

    def test_a_key_may_be_long_but_not_too_long(self, bucket: Bucket) -> None:
        bucket.put("k" * 1024, b"x")
        assert refused(lambda: bucket.put("k" * 1025, b"x")) == (400, "KeyTooLongError")
        assert refused(lambda: bucket.get("ä" * 513)) == (400, "KeyTooLongError")
