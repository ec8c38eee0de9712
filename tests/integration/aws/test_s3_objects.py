"""Objects over the wire: put, read, told of, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from stepmill.storage.objects.uri import S3Uri
from stepmill.testing.contracts.objects import _AWKWARD_KEYS
from support.raw_http import RawConnection
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


class TestRanges:
    DATA = bytes(range(256)) * 40

    @pytest.fixture
    def filled(self, bucket: Bucket) -> Bucket:
        bucket.put("k", self.DATA)
        return bucket

    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=5-9", 5, 10),
            ("bytes=100-", 100, 10_240),
            ("bytes=-7", 10_233, 10_240),
            ("bytes=-99999", 0, 10_240),
            ("bytes=10000-99999", 10_000, 10_240),
            ("bytes=10239-10239", 10_239, 10_240),
        ],
    )
    def test_a_range_is_a_slice(self, filled: Bucket, asked: str, start: int, end: int) -> None:
        got = filled.get("k", Range=asked, ChecksumMode="ENABLED")
        assert got["Body"].read() == self.DATA[start:end]
        assert got["ContentRange"] == f"bytes {start}-{end - 1}/10240"
        assert got["ContentLength"] == end - start
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        # The checksum is that of the whole: a client must not hold these bytes against it.
        assert ("ChecksumCRC32" in got) is (end - start == 10_240)
        head = filled.head("k", Range=asked)
        assert (head["ContentLength"], head["ContentRange"]) == (end - start, got["ContentRange"])

    @pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=-", "lines=0-5", "bytes=0-1,4-5", "bytes=a-b"])
    def test_what_is_no_range_is_passed_over(self, filled: Bucket, asked: str) -> None:
        got = filled.get("k", Range=asked)
        assert (got["ResponseMetadata"]["HTTPStatusCode"], got["ContentLength"]) == (200, 10_240)

    @pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
    def test_bytes_that_are_not_there_cannot_be_had(self, filled: Bucket, asked: str) -> None:
        assert refused(lambda: filled.get("k", Range=asked)) == (416, "InvalidRange")
        told = error_of(lambda: filled.get("k", Range=asked))
        assert (told["ActualObjectSize"], told["RangeRequested"]) == ("10240", asked)
        assert refused(lambda: filled.head("k", Range=asked))[0] == 416

    def test_the_empty_object_has_no_range(self, bucket: Bucket) -> None:
        bucket.put("k")
        assert refused(lambda: bucket.get("k", Range="bytes=0-")) == (416, "InvalidRange")
        assert bucket.get("k", PartNumber=1)["ContentLength"] == 0

    def test_an_object_put_in_one_piece_is_its_first_part(self, filled: Bucket) -> None:
        got = filled.get("k", PartNumber=1)
        assert got["Body"].read() == self.DATA
        assert "PartsCount" not in got
        assert refused(lambda: filled.get("k", PartNumber=2)) == (416, "InvalidPartNumber")
        assert refused(lambda: filled.get("k", PartNumber=1, Range="bytes=0-1")) == (400, "InvalidRequest")


class TestConditions:
    PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)

    @pytest.fixture
    def etag(self, bucket: Bucket) -> str:
        return str(bucket.put("k", b"data")["ETag"])

    def test_reading_on_conditions_that_hold(self, bucket: Bucket, etag: str) -> None:
        modified = bucket.head("k")["LastModified"]
        for condition in (
            {"IfMatch": etag},
            {"IfMatch": etag.strip('"')},
            {"IfMatch": "*"},
            {"IfMatch": f'"other", {etag}'},
            {"IfNoneMatch": '"other"'},
            {"IfModifiedSince": self.PAST},
            {"IfUnmodifiedSince": modified},
            {"IfUnmodifiedSince": self.FUTURE},
            {"IfMatch": etag, "IfUnmodifiedSince": self.PAST},
            {"IfNoneMatch": '"other"', "IfModifiedSince": self.FUTURE},
        ):
            assert bucket.read("k", **condition) == b"data", condition
            bucket.head("k", **condition)

    def test_what_the_client_has_is_not_sent_again(self, bucket: Bucket, etag: str) -> None:
        modified = bucket.head("k")["LastModified"]
        for condition in (
            {"IfNoneMatch": etag},
            {"IfNoneMatch": "*"},
            {"IfModifiedSince": modified},
            {"IfNoneMatch": etag, "IfModifiedSince": self.PAST},
        ):
            assert refused(lambda: bucket.get("k", **condition)) == (304, "304"), condition  # noqa: B023
            assert refused(lambda: bucket.head("k", **condition)) == (304, "304")  # noqa: B023

    def test_reading_another_object_than_was_meant(self, bucket: Bucket, etag: str) -> None:
        for condition in (
            {"IfMatch": '"other"'},
            {"IfUnmodifiedSince": self.PAST},
            {"IfMatch": '"other"', "IfNoneMatch": etag},
        ):
            assert refused(lambda: bucket.get("k", **condition)) == (412, "PreconditionFailed")  # noqa: B023
            assert refused(lambda: bucket.head("k", **condition)) == (412, "412")  # noqa: B023

    def test_writing_only_where_nothing_is(self, bucket: Bucket) -> None:
        bucket.put("k", b"first", IfNoneMatch="*")
        assert refused(lambda: bucket.put("k", b"second", IfNoneMatch="*")) == (412, "PreconditionFailed")
        assert bucket.read("k") == b"first"
        assert refused(lambda: bucket.put("x", b"", IfNoneMatch='"etag"')) == (501, "NotImplemented")

    def test_writing_only_over_what_was_meant(self, bucket: Bucket, etag: str) -> None:
        bucket.put("k", b"new", IfMatch=etag)
        assert refused(lambda: bucket.put("k", b"newer", IfMatch=etag)) == (412, "PreconditionFailed")
        assert refused(lambda: bucket.put("x", b"", IfMatch=etag)) == (404, "NoSuchKey")
        assert bucket.read("k") == b"new"

    def test_deleting_only_what_was_meant(self, bucket: Bucket, etag: str) -> None:
        assert refused(lambda: bucket.call("delete_object", Key="k", IfMatch='"other"')) == (
            412,
            "PreconditionFailed",
        )
        bucket.call("delete_object", Key="k", IfMatch=etag)
        assert bucket.keys() == []


class TestOverrides:
    def test_a_reader_may_ask_for_other_headers(self, bucket: Bucket) -> None:
        bucket.put("k", b"data", ContentType="text/plain", CacheControl="no-store")
        got = bucket.get(
            "k",
            ResponseContentType="text/csv",
            ResponseCacheControl="max-age=1",
            ResponseContentDisposition='attachment; filename="ä b.csv"'.encode().decode("latin-1"),
            ResponseContentEncoding="identity",
            ResponseContentLanguage="de",
            ResponseExpires=datetime(2031, 1, 2, tzinfo=UTC),
        )
        assert (got["ContentType"], got["CacheControl"], got["ContentLanguage"]) == (
            "text/csv",
            "max-age=1",
            "de",
        )
        assert got["ContentDisposition"].startswith("attachment; filename=")
        assert got["Expires"] == datetime(2031, 1, 2, tzinfo=UTC)
        assert bucket.head("k")["ContentType"] == "text/plain"

    def test_nobody_can_smuggle_headers_into_an_answer(self, bucket: Bucket) -> None:
        bucket.put("k", b"data")
        for value in ("text/html\r\nSet-Cookie: a=b", "a\nb", "a\x00b"):
            assert refused(lambda: bucket.get("k", ResponseContentType=value)) == (400, "InvalidArgument")  # noqa: B023


class TestDelete:
    def test_deleting_twice_is_no_error(self, bucket: Bucket) -> None:
        bucket.put("k", b"x")
        for _ in range(2):
            answer = bucket.call("delete_object", Key="k")
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert bucket.keys() == []

    def test_many_are_deleted_at_once(self, bucket: Bucket) -> None:
        for key in ("a", "b/c", "%41", "&<>", "d"):
            bucket.put(key)
        wanted = [{"Key": key} for key in ("a", "b/c", "%41", "&<>", "never there")]
        answer = bucket.call("delete_objects", Delete={"Objects": wanted})
        assert answer["Deleted"] == wanted
        assert "Errors" not in answer
        assert bucket.keys() == ["d"]
        assert "Deleted" not in bucket.call(
            "delete_objects", Delete={"Objects": [{"Key": "d"}], "Quiet": True}
        )
        assert bucket.keys() == []

    def test_what_cannot_be_deleted_is_told_one_by_one(self, bucket: Bucket) -> None:
        etag = bucket.put("a", b"a")["ETag"]
        bucket.put("b", b"b")
        bucket.put("c", b"c")
        answer = bucket.call(
            "delete_objects",
            Delete={
                "Objects": [
                    {"Key": "a", "ETag": etag},
                    {"Key": "b", "ETag": etag},
                    {"Key": "c", "VersionId": "null"},
                    {"Key": "d", "VersionId": "another"},
                    {"Key": "k" * 1025},
                ]
            },
        )
        assert answer["Deleted"] == [{"Key": "a"}, {"Key": "c", "VersionId": "null"}]
        assert [(error["Key"][:1], error["Code"]) for error in answer["Errors"]] == [
            ("b", "PreconditionFailed"),
            ("d", "NoSuchVersion"),
            ("k", "KeyTooLongError"),
        ]
        assert bucket.keys() == ["b"]

    def test_more_than_a_thousand_are_refused(self, bucket: Bucket) -> None:
        objects = [{"Key": str(number)} for number in range(1001)]
        assert refused(lambda: bucket.call("delete_objects", Delete={"Objects": objects})) == (
            400,
            "MalformedXML",
        )
        assert refused(lambda: bucket.call("delete_objects", Delete={"Objects": []})) == (400, "MalformedXML")


class TestVersions:
    def test_the_only_version_is_called_null(self, bucket: Bucket) -> None:
        bucket.put("k", b"data")
        assert bucket.read("k", VersionId="null") == b"data"
        assert refused(lambda: bucket.get("k", VersionId="abc")) == (404, "NoSuchVersion")
        listed = bucket.call("list_object_versions")["Versions"]
        assert [(one["Key"], one["VersionId"], one["IsLatest"]) for one in listed] == [("k", "null", True)]
        assert "Status" not in bucket.call("get_bucket_versioning")
        bucket.call("delete_object", Key="k", VersionId="null")
        assert bucket.keys() == []

    def test_versioning_is_refused_by_name(self, bucket: Bucket) -> None:
        told = error_of(
            lambda: bucket.call("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
        )
        assert "PutBucketVersioning" in told["Message"]


class TestWhatIsNotOffered:
    @pytest.mark.parametrize(
        "asked",
        [
            {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
            {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime(2031, 1, 1, tzinfo=UTC)},
            {"ObjectLockLegalHoldStatus": "ON"},
            {"WebsiteRedirectLocation": "/elsewhere"},
        ],
    )
    def test_a_promise_that_would_not_be_kept_is_not_made(
        self, bucket: Bucket, asked: dict[str, object]
    ) -> None:
        # Over plain HTTP botocore itself will not send a key.
        if "SSECustomerKey" in asked:
            bucket.client.meta.events.register_first("before-sign.s3.PutObject", _with_customer_key)
            asked = {}
        try:
            assert refused(lambda: bucket.put("k", b"x", **asked)) == (501, "NotImplemented")
        finally:
            bucket.client.meta.events.unregister("before-sign.s3.PutObject", _with_customer_key)
        assert bucket.keys() == []

    def test_only_lists_that_say_nothing_are_taken(self, bucket: Bucket) -> None:
        bucket.put("a", ACL="private")
        bucket.put("b", ACL="bucket-owner-full-control")
        for asked in (
            {"ACL": "public-read"},
            {"GrantRead": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'},
        ):
            assert refused(lambda: bucket.put("c", **asked)) == (400, "AccessControlListNotSupported")  # noqa: B023
        assert bucket.keys() == ["a", "b"]

    def test_the_sdk_asks_for_encryption_and_is_served(self, bucket: Bucket) -> None:
        answer = bucket.put("k", b"x", ServerSideEncryption="aws:kms")
        # What is not done is not claimed.
        assert "ServerSideEncryption" not in answer

    def test_another_owner_is_no_owner(self, bucket: Bucket) -> None:
        account = bucket.wire.platform.settings.account
        bucket.put("k", b"x", ExpectedBucketOwner=account)
        assert refused(lambda: bucket.get("k", ExpectedBucketOwner="9" * 12)) == (403, "AccessDenied")
        assert refused(lambda: bucket.put("k", ExpectedBucketOwner="9" * 12)) == (403, "AccessDenied")

    def test_metadata_has_a_limit(self, bucket: Bucket) -> None:
        bucket.put("k", Metadata={"a": "x" * 2047})
        assert refused(lambda: bucket.put("k", Metadata={"a": "x" * 2048})) == (400, "MetadataTooLarge")

    def test_more_than_five_gigabytes_are_refused_before_they_come(self, bucket: Bucket) -> None:
        with raw_put(bucket, "k", 5 * 1024**3 + 1) as connection:
            reply = connection.reply()
        assert (reply.status, b"<Code>EntityTooLarge</Code>" in reply.body) == (400, True)
        assert bucket.keys() == []


def _with_customer_key(request: Any, **_: object) -> None:
    request.headers["x-amz-server-side-encryption-customer-algorithm"] = "AES256"
    request.headers["x-amz-server-side-encryption-customer-key"] = "a" * 44


@contextmanager
def raw_put(bucket: Bucket, key: str, size: int) -> Iterator[RawConnection]:
    """Announce a body of any size, well signed, and send none of it."""
    url = bucket.client.generate_presigned_url("put_object", {"Bucket": bucket.name, "Key": key})
    parts = urlsplit(url)
    with RawConnection(bucket.wire.url) as connection:
        connection.send_head(
            "PUT", f"{parts.path}?{parts.query}", content_length=str(size), expect="100-continue"
        )
        yield connection


class TestPresigned:
    @pytest.mark.parametrize("version", ["s3", "s3v4"])
    def test_a_link_gives_and_takes(self, bucket: Bucket, version: str) -> None:
        client = bucket.wire.client("s3", signature_version=version)
        key = "a b/ä+%41.txt"
        parameters = {"Bucket": bucket.name, "Key": key}
        put = client.generate_presigned_url("put_object", parameters, ExpiresIn=600)
        answer = urllib3.request("PUT", put, body=b"data")
        assert answer.status == 200, answer.data
        assert answer.headers["etag"] == f'"{md5(b"data").hexdigest()}"'
        parameters["ResponseContentType"] = "text/x"
        got = urllib3.request("GET", client.generate_presigned_url("get_object", parameters, ExpiresIn=600))
        assert (got.status, got.data, got.headers["content-type"]) == (200, b"data", "text/x")
        head = client.generate_presigned_url("head_object", {"Bucket": bucket.name, "Key": key})
        told = urllib3.request("HEAD", head)
        assert (told.status, told.headers["content-length"]) == (200, "4")
        gone = client.generate_presigned_url("delete_object", {"Bucket": bucket.name, "Key": key})
        assert urllib3.request("DELETE", gone).status == 204
        assert bucket.keys() == []

    @pytest.mark.parametrize("version", ["s3", "s3v4"])
    def test_a_bucket_has_links_too(self, bucket: Bucket, version: str) -> None:
        bucket.put("a/b")
        client = bucket.wire.client("s3", signature_version=version)
        for operation, more in (("list_objects_v2", {"Prefix": "a/"}), ("get_bucket_location", {})):
            link = client.generate_presigned_url(operation, {"Bucket": bucket.name, **more})
            answer = urllib3.request("GET", link)
            assert answer.status == 200, answer.data

    def test_a_form_is_refused(self, bucket: Bucket) -> None:
        form = bucket.client.generate_presigned_post(bucket.name, "k")
        answer = urllib3.request("POST", form["url"], fields={**form["fields"], "file": ("k", b"data")})
        assert (answer.status, bucket.keys()) == (403, [])

    def test_a_link_of_another_key_is_none(self, bucket: Bucket) -> None:
        bucket.put("secret", b"x")
        link = bucket.client.generate_presigned_url("get_object", {"Bucket": bucket.name, "Key": "open"})
        assert urllib3.request("GET", link.replace("open", "secret")).status == 403


class TestVirtualHosts:
    @pytest.mark.parametrize("key", ["k", "a//b/../c", "ä b+%41"])
    def test_the_bucket_may_be_in_the_name_of_the_host(self, bucket: Bucket, key: str) -> None:
        port = bucket.wire.url.rpartition(":")[2]
        by_name = replace(bucket.wire, url=f"http://localhost:{port}", _clients={})
        client = by_name.client("s3", s3={"addressing_style": "virtual"})
        client.meta.events.register("before-send.s3", lambda request, **_: _to_loopback(request, port))
        dotted = f"dots.{bucket.name}"
        bucket.client.create_bucket(Bucket=dotted)
        for name in (bucket.name, dotted):
            virtual = Bucket(name, client, bucket.wire)
            virtual.put(key, name.encode())
            assert virtual.read(key) == name.encode()
            assert virtual.keys() == [key]


def _to_loopback(request: Any, port: str) -> None:
    """Have a request sent to this machine under the name that it was signed for: there is no name service."""
    host = urlsplit(request.url).netloc
    assert host.endswith(f".localhost:{port}"), host
    request.headers["Host"] = host
    request.url = request.url.replace(host, f"127.0.0.1:{port}")
