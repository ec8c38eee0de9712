"""Objects in parts over the wire: by hand, where every rule can be met, and by boto3's transfer manager."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from boto3.s3.transfer import TransferConfig

from stepmill.storage.objects.uri import S3Uri
from support.s3 import Bucket, error_of, refused

MIB = 1024 * 1024
FIRST, SECOND, LAST = os.urandom(5 * MIB), os.urandom(5 * MIB + 3), b"the end"


class Uploading:
    """An upload that a test fills."""

    def __init__(self, bucket: Bucket, key: str = "k", **said: Any) -> None:
        self.bucket = bucket
        self.key = key
        self.begun = bucket.call("create_multipart_upload", Key=key, **said)
        self.id = self.begun["UploadId"]

    def call(self, operation: str, **more: Any) -> dict[str, Any]:
        return self.bucket.call(operation, Key=self.key, UploadId=self.id, **more)

    def put(self, number: int, body: bytes, **more: Any) -> dict[str, Any]:
        """Put a part and return how it is named at the end."""
        told = self.call("upload_part", PartNumber=number, Body=body, **more)
        checksums = {name: value for name, value in told.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": told["ETag"], **checksums}

    def complete(self, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.call("complete_multipart_upload", MultipartUpload={"Parts": list(parts)}, **more)


@pytest.fixture
def uploading(bucket: Bucket) -> Uploading:
    return Uploading(bucket)


class TestByHand:
    def test_parts_become_an_object(self, bucket: Bucket) -> None:
        said = {"ContentType": "text/csv", "Metadata": {"a": "1"}, "StorageClass": "STANDARD_IA"}
        upload = Uploading(bucket, "a/ä b", Tagging="t=1", **said)
        parts = [upload.put(number, body) for number, body in ((2, FIRST), (5, SECOND), (9, LAST))]
        told = upload.complete(*parts)
        etag = md5(b"".join(md5(body).digest() for body in (FIRST, SECOND, LAST))).hexdigest()
        assert (told["ETag"], told["Bucket"], told["Key"]) == (f'"{etag}-3"', bucket.name, "a/ä b")
        assert told["Location"].startswith(f"{bucket.wire.url}/{bucket.name}/a/")
        got = bucket.get("a/ä b")
        assert got["Body"].read() == FIRST + SECOND + LAST
        assert {name: got[name] for name in said} == said
        assert (got["TagCount"], got["ETag"]) == (1, told["ETag"])
        assert refused(lambda: upload.call("list_parts")) == (404, "NoSuchUpload")

    def test_a_part_can_be_read_alone(self, uploading: Uploading) -> None:
        uploading.complete(uploading.put(1, FIRST), uploading.put(2, SECOND), uploading.put(3, LAST))
        bucket = uploading.bucket
        got = bucket.get("k", PartNumber=2)
        assert got["Body"].read() == SECOND
        assert (got["PartsCount"], got["ContentRange"]) == (3, f"bytes 5242880-10485762/{10 * MIB + 10}")
        assert bucket.head("k", PartNumber=3)["ContentLength"] == len(LAST)
        assert refused(lambda: bucket.get("k", PartNumber=4)) == (416, "InvalidPartNumber")
        asked = {"ObjectAttributes": ["ObjectParts", "ObjectSize"], "MaxParts": 2}
        told = bucket.call("get_object_attributes", Key="k", **asked)["ObjectParts"]
        assert (told["TotalPartsCount"], told["IsTruncated"], told["NextPartNumberMarker"]) == (3, True, 2)
        assert [part["Size"] for part in told["Parts"]] == [len(FIRST), len(SECOND)]

    def test_until_the_end_there_is_no_object(self, uploading: Uploading) -> None:
        uploading.put(1, LAST)
        assert uploading.bucket.keys() == []
        uploading.call("abort_multipart_upload")
        assert refused(lambda: uploading.put(2, LAST)) == (404, "NoSuchUpload")
        assert refused(lambda: uploading.call("abort_multipart_upload")) == (404, "NoSuchUpload")
        assert uploading.bucket.keys() == []

    def test_who_never_saw_the_answer_may_ask_again(self, uploading: Uploading) -> None:
        parts = [uploading.put(1, FIRST), uploading.put(2, LAST)]
        first, second = uploading.complete(*parts), uploading.complete(*parts)
        assert first["ETag"] == second["ETag"]
        assert refused(lambda: uploading.complete(parts[0])) == (404, "NoSuchUpload")

    def test_conditions_hold_at_the_end(self, uploading: Uploading) -> None:
        old = uploading.bucket.put("k", b"old")["ETag"]
        part = uploading.put(1, LAST)
        assert refused(lambda: uploading.complete(part, IfNoneMatch="*")) == (412, "PreconditionFailed")
        assert refused(lambda: uploading.complete(part, IfMatch='"x"')) == (412, "PreconditionFailed")
        assert uploading.bucket.read("k") == b"old"
        uploading.complete(part, IfMatch=old)
        assert uploading.bucket.read("k") == LAST


class TestRules:
    def test_only_the_last_part_may_be_small(self, uploading: Uploading) -> None:
        parts = [uploading.put(1, b"small"), uploading.put(2, LAST)]
        assert refused(lambda: uploading.complete(*parts)) == (400, "EntityTooSmall")
        told = error_of(lambda: uploading.complete(*parts))
        assert (told["ProposedSize"], told["MinSizeAllowed"], told["PartNumber"]) == ("5", "5242880", "1")
        uploading.complete(parts[0])

    def test_parts_come_in_order(self, uploading: Uploading) -> None:
        one, two = uploading.put(1, FIRST), uploading.put(2, LAST)
        assert refused(lambda: uploading.complete(two, one)) == (400, "InvalidPartOrder")
        assert refused(lambda: uploading.complete(one, one)) == (400, "InvalidPartOrder")

    def test_parts_are_those_that_were_put(self, uploading: Uploading) -> None:
        one, two = uploading.put(1, FIRST), uploading.put(2, LAST)
        missing = {"PartNumber": 3, "ETag": two["ETag"]}
        assert refused(lambda: uploading.complete(one, missing)) == (400, "InvalidPart")
        assert refused(lambda: uploading.complete(one, {**two, "ETag": '"x"'})) == (400, "InvalidPart")
        assert refused(lambda: uploading.complete(one, {**two, "ChecksumCRC32": "AAAAAA=="})) == (
            400,
            "InvalidPart",
        )
        assert refused(uploading.complete) == (400, "MalformedXML")
        uploading.complete(one, {**two, "ETag": two["ETag"].strip('"')})

    @pytest.mark.parametrize("number", [0, -1, 10_001])
    def test_numbers_have_bounds(self, uploading: Uploading, number: int) -> None:
        assert refused(lambda: uploading.put(number, LAST)) == (400, "InvalidArgument")

    def test_a_size_that_is_told_must_be_right(self, uploading: Uploading) -> None:
        part = uploading.put(1, LAST)
        assert refused(lambda: uploading.complete(part, MpuObjectSize=8)) == (400, "InvalidRequest")
        uploading.complete(part, MpuObjectSize=len(LAST))

    def test_a_wrong_digest_stores_no_part(self, uploading: Uploading) -> None:
        wrong = {"ChecksumCRC32": "AAAAAA=="}
        assert refused(lambda: uploading.put(1, LAST, **wrong)) == (400, "BadDigest")
        assert "Parts" not in uploading.call("list_parts")


class TestChecksums:
    def test_that_of_the_parts_checksums(self, bucket: Bucket) -> None:
        upload = Uploading(bucket, ChecksumAlgorithm="SHA256")
        assert (upload.begun["ChecksumAlgorithm"], upload.begun["ChecksumType"]) == ("SHA256", "COMPOSITE")
        bodies = [FIRST, LAST]
        parts = [upload.put(n, body, ChecksumAlgorithm="SHA256") for n, body in enumerate(bodies, 1)]
        joined = sha256(b"".join(sha256(body).digest() for body in bodies)).digest()
        expected = f"{b64encode(joined).decode()}-2"
        assert refused(lambda: upload.complete(*parts, ChecksumSHA256="A" * 43 + "=")) == (400, "BadDigest")
        told = upload.complete(*parts, ChecksumSHA256=expected)
        assert (told["ChecksumSHA256"], told["ChecksumType"]) == (expected, "COMPOSITE")
        head = bucket.head("k", ChecksumMode="ENABLED")
        assert (head["ChecksumSHA256"], head["ChecksumType"]) == (expected, "COMPOSITE")
        assert bucket.read("k", ChecksumMode="ENABLED") == FIRST + LAST

    def test_that_of_the_whole(self, bucket: Bucket) -> None:
        upload = Uploading(bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        parts = [upload.put(1, FIRST), upload.put(2, LAST)]
        expected = b64encode(crc32(FIRST + LAST).to_bytes(4)).decode()
        told = upload.complete(*parts, ChecksumCRC32=expected, ChecksumType="FULL_OBJECT")
        assert (told["ChecksumCRC32"], told["ChecksumType"]) == (expected, "FULL_OBJECT")
        assert bucket.read("k", ChecksumMode="ENABLED") == FIRST + LAST

    def test_crc64nvme_is_always_that_of_the_whole(self, bucket: Bucket) -> None:
        upload = Uploading(bucket, ChecksumAlgorithm="CRC64NVME")
        assert upload.begun["ChecksumType"] == "FULL_OBJECT"
        upload.call("abort_multipart_upload")

    @pytest.mark.parametrize(
        "asked",
        [
            {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"},
            {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"},
            {"ChecksumType": "COMPOSITE"},
        ],
    )
    def test_what_cannot_be_summed_up_is_refused(self, bucket: Bucket, asked: dict[str, str]) -> None:
        # boto3 adds an algorithm where none is named.
        client = bucket.wire.client("s3", request_checksum_calculation="when_required")
        plain = Bucket(bucket.name, client, bucket.wire)
        assert refused(lambda: Uploading(plain, **asked)) == (400, "InvalidRequest")

    def test_a_part_with_another_checksum_is_refused(self, bucket: Bucket) -> None:
        upload = Uploading(bucket, ChecksumAlgorithm="SHA256")
        assert refused(lambda: upload.put(1, LAST, ChecksumAlgorithm="SHA1")) == (400, "InvalidRequest")

    def test_what_a_client_does_not_sum_up_the_store_does(self, bucket: Bucket) -> None:
        upload = Uploading(bucket, ChecksumAlgorithm="SHA1")
        client = bucket.wire.client("s3", request_checksum_calculation="when_required")
        plain = Bucket(bucket.name, client, bucket.wire)
        told = plain.call("upload_part", Key="k", UploadId=upload.id, PartNumber=1, Body=LAST)
        assert len(b64decode(told["ChecksumSHA1"])) == 20


class TestCopies:
    def test_a_part_may_be_bytes_of_an_object(self, uploading: Uploading) -> None:
        bucket = uploading.bucket
        bucket.put("source", FIRST + SECOND)
        source = {"Bucket": bucket.name, "Key": "source"}
        named = []
        for number, asked in ((1, {"CopySourceRange": "bytes=7-5242999"}), (2, {})):
            told = uploading.call("upload_part_copy", PartNumber=number, CopySource=source, **asked)
            named.append({"PartNumber": number, "ETag": told["CopyPartResult"]["ETag"]})
        uploading.complete(*named)
        whole = FIRST + SECOND
        assert bucket.read("k") == whole[7:5_243_000] + whole

    def test_what_cannot_be_copied(self, uploading: Uploading) -> None:
        bucket = uploading.bucket
        etag = bucket.put("source", LAST)["ETag"]
        source = f"{bucket.name}/source"

        def copy(**asked: Any) -> dict[str, Any]:
            return uploading.call("upload_part_copy", **{"PartNumber": 1, "CopySource": source, **asked})

        assert refused(lambda: copy(CopySourceRange="bytes=0-7")) == (416, "InvalidRange")
        for wrong in ("bytes=5-2", "bytes=-3", "bytes=3-", "0-3"):
            assert refused(lambda: copy(CopySourceRange=wrong)) == (400, "InvalidArgument")  # noqa: B023
        assert refused(lambda: copy(CopySourceIfNoneMatch=etag)) == (412, "PreconditionFailed")
        assert refused(lambda: copy(CopySource=f"{bucket.name}/nope")) == (404, "NoSuchKey")
        copy(CopySourceRange="bytes=0-6", CopySourceIfMatch=etag)


class TestLists:
    def test_parts(self, bucket: Bucket) -> None:
        uploading = Uploading(bucket, ChecksumAlgorithm="SHA1", StorageClass="STANDARD_IA")
        for number in (4, 1, 3):
            uploading.put(number, b"%d" % number, ChecksumAlgorithm="SHA1")
        page = uploading.call("list_parts", MaxParts=2)
        assert [part["PartNumber"] for part in page["Parts"]] == [1, 3]
        assert page["Parts"][0]["ETag"] == f'"{md5(b"1").hexdigest()}"'
        assert (page["Parts"][0]["Size"], "ChecksumSHA1" in page["Parts"][0]) == (1, True)
        assert (page["IsTruncated"], page["NextPartNumberMarker"], page["MaxParts"]) == (True, 3, 2)
        assert (page["StorageClass"], page["ChecksumAlgorithm"]) == ("STANDARD_IA", "SHA1")
        assert page["Owner"] == page["Initiator"]
        rest = uploading.call("list_parts", PartNumberMarker=3)
        assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([4], False)

    def test_uploads(self, bucket: Bucket) -> None:
        keys = ["a", "b/1", "b/2", "b/2", "c/x/y", "d ä"]
        made = sorted((key, Uploading(bucket, key).id) for key in keys)
        pages = bucket.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket.name, PaginationConfig={"PageSize": 2}
        )
        uploads = [upload for page in pages for upload in page.get("Uploads", [])]
        assert [(upload["Key"], upload["UploadId"]) for upload in uploads] == made
        assert all(upload["Initiated"].tzinfo for upload in uploads)
        listed = bucket.call("list_multipart_uploads", Prefix="b/")["Uploads"]
        assert [upload["Key"] for upload in listed] == ["b/1", "b/2", "b/2"]

    def test_uploads_are_folded(self, bucket: Bucket) -> None:
        for key in ["a", "b/1", "b/2", "c/x/y", "d"]:
            Uploading(bucket, key)
        page = bucket.call("list_multipart_uploads", Delimiter="/", MaxUploads=2)
        assert ([one["Key"] for one in page["Uploads"]], page["CommonPrefixes"]) == (
            ["a"],
            [{"Prefix": "b/"}],
        )
        assert (page["IsTruncated"], page["NextKeyMarker"]) == (True, "b/")
        page = bucket.call("list_multipart_uploads", Delimiter="/", KeyMarker="b/")
        assert ([one["Key"] for one in page["Uploads"]], page["CommonPrefixes"]) == (
            ["d"],
            [{"Prefix": "c/"}],
        )


class TestTransferManager:
    CONFIG = TransferConfig(multipart_chunksize=8 * MIB, max_concurrency=4)

    def test_a_large_file_goes_up_and_down(self, bucket: Bucket, tmp_path: Path) -> None:
        content = os.urandom(MIB) * 50 + b"end"
        (tmp_path / "up").write_bytes(content)
        bucket.client.upload_file(str(tmp_path / "up"), bucket.name, "big", Config=self.CONFIG)
        assert bucket.head("big")["ETag"].endswith('-7"')
        bucket.client.download_file(bucket.name, "big", str(tmp_path / "down"), Config=self.CONFIG)
        assert (tmp_path / "down").read_bytes() == content
        bucket.client.copy({"Bucket": bucket.name, "Key": "big"}, bucket.name, "copy", Config=self.CONFIG)
        objects = bucket.wire.platform.objects
        digest = sha256(content).hexdigest()
        assert {objects.digest(S3Uri(bucket.name, key)) for key in ("big", "copy")} == {digest}
        assert "Uploads" not in bucket.call("list_multipart_uploads")

    @pytest.mark.parametrize("checksum", ["CRC32", "SHA1", "SHA256"])
    def test_with_any_checksum(self, bucket: Bucket, tmp_path: Path, checksum: str) -> None:
        (tmp_path / "up").write_bytes(FIRST + SECOND)
        extra = {"ChecksumAlgorithm": checksum}
        config = TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)
        bucket.client.upload_file(str(tmp_path / "up"), bucket.name, "k", ExtraArgs=extra, Config=config)
        head = bucket.head("k", ChecksumMode="ENABLED")
        assert head[f"Checksum{checksum}"].endswith("-3")
        bucket.client.download_file(bucket.name, "k", str(tmp_path / "down"), Config=config)
        assert (tmp_path / "down").read_bytes() == FIRST + SECOND
