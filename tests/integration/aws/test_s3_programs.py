"""Programs of others against S3: ``aws s3``, ``sagemaker.s3`` of both generations, boto3's resources."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stepmill.core.endpoint import Endpoint
from stepmill.storage.objects.uri import S3Uri
from support.clients import aws_program, run_client, run_script
from support.s3 import Bucket

MIB = 1024 * 1024


@pytest.fixture
def endpoint(bucket: Bucket) -> Endpoint:
    return bucket.wire.endpoint


class TestAws:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A tree as people have it: names with spaces and accents, an empty file, a large one."""
        tree = tmp_path / "tree"
        for name, content in {
            "a.csv": b"a,b\n",
            "deep/er/ä b.txt": b"text",
            "deep/empty": b"",
            "100%41+.bin": b"x",
            "large.bin": os.urandom(MIB) * 20,
        }.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(content)
        return tmp_path

    def aws(self, endpoint: Endpoint, folder: Path, *words: str, code: int = 0) -> str:
        return run_client([aws_program(), "s3", *words], endpoint, folder, code=code)

    def test_a_folder_is_synchronized_both_ways(
        self, bucket: Bucket, endpoint: Endpoint, folder: Path
    ) -> None:
        address = f"s3://{bucket.name}/data"
        said = self.aws(endpoint, folder, "sync", "tree", address, "--no-progress")
        assert said.count("upload: ") == 5
        assert self.aws(endpoint, folder, "sync", "tree", address) == ""
        self.aws(endpoint, folder, "sync", address, "back", "--no-progress")
        for path in (folder / "tree").rglob("*"):
            if path.is_file():
                copy = folder / "back" / path.relative_to(folder / "tree")
                assert copy.read_bytes() == path.read_bytes()
        (folder / "tree" / "a.csv").unlink()
        said = self.aws(endpoint, folder, "sync", "tree", address, "--delete")
        assert said == f"delete: {address}/a.csv\n"
        assert bucket.keys(Prefix="data/a") == []

    def test_objects_are_listed_copied_moved_and_removed(
        self, bucket: Bucket, endpoint: Endpoint, folder: Path
    ) -> None:
        address = f"s3://{bucket.name}"
        self.aws(endpoint, folder, "cp", "tree/a.csv", f"{address}/in/a.csv", "--metadata", "k=v")
        assert bucket.head("in/a.csv")["Metadata"] == {"k": "v"}
        assert bucket.head("in/a.csv")["ContentType"] == "text/csv"
        assert self.aws(endpoint, folder, "ls", f"{address}/").split() == ["PRE", "in/"]
        listed = self.aws(endpoint, folder, "ls", f"{address}/in/", "--summarize").split()
        assert listed[2:4] == ["4", "a.csv"]
        self.aws(endpoint, folder, "cp", f"{address}/in/a.csv", f"{address}/copy/ä b.csv")
        assert bucket.head("copy/ä b.csv")["Metadata"] == {"k": "v"}
        self.aws(endpoint, folder, "mv", f"{address}/in/a.csv", f"{address}/moved.csv")
        assert bucket.keys() == ["copy/ä b.csv", "moved.csv"]
        assert self.aws(endpoint, folder, "cp", f"{address}/moved.csv", "-") == "a,b\n"
        self.aws(endpoint, folder, "rm", f"{address}/", "--recursive")
        assert bucket.keys() == []
        missing = self.aws(endpoint, folder, "ls", f"{address}/nothing", code=1)
        assert missing == ""

    def test_buckets_are_made_and_removed_with_their_objects(
        self, bucket: Bucket, endpoint: Endpoint, folder: Path
    ) -> None:
        address = f"s3://{bucket.name}-too"
        assert self.aws(endpoint, folder, "mb", address) == f"make_bucket: {bucket.name}-too\n"
        self.aws(endpoint, folder, "cp", "tree", address, "--recursive", "--only-show-errors")
        assert f"{bucket.name}-too" in self.aws(endpoint, folder, "ls")
        assert f"remove_bucket: {bucket.name}-too" in self.aws(endpoint, folder, "rb", address, "--force")
        assert not bucket.wire.platform.objects.bucket_exists(f"{bucket.name}-too")

    def test_a_link_made_by_aws_works(self, bucket: Bucket, endpoint: Endpoint, folder: Path) -> None:
        import urllib3

        bucket.put("k", b"data")
        link = self.aws(endpoint, folder, "presign", f"s3://{bucket.name}/k").strip()
        assert urllib3.request("GET", link).data == b"data"

    def test_calls_by_name(self, bucket: Bucket, endpoint: Endpoint, folder: Path) -> None:
        def call(*words: str) -> dict[str, object]:
            command = [aws_program(), "s3api", *words, "--bucket", bucket.name, "--output", "json"]
            document: dict[str, object] = json.loads(run_client(command, endpoint, folder) or "{}")
            return document

        call("put-object", "--key", "k", "--body", "tree/a.csv", "--checksum-algorithm", "SHA256")
        head = call("head-object", "--key", "k", "--checksum-mode", "ENABLED")
        assert (head["ContentLength"], "ChecksumSHA256" in head) == (4, True)
        page = call("list-objects-v2", "--prefix", "k", "--max-items", "1")
        assert [one["Key"] for one in page["Contents"]] == ["k"]  # type: ignore[attr-defined, index]


_SAGEMAKER = """
import sys, json
from pathlib import Path
{imports}

bucket = sys.argv[1]
session = {session}
uri = S3Uploader.upload("tree", f"s3://{{bucket}}/up", sagemaker_session=session)
S3Uploader.upload_string_as_file_body("körper", f"s3://{{bucket}}/up/body.txt", sagemaker_session=session)
listed = S3Downloader.list(f"s3://{{bucket}}/up", sagemaker_session=session)
text = S3Downloader.read_file(f"s3://{{bucket}}/up/body.txt", sagemaker_session=session)
S3Downloader.download(f"s3://{{bucket}}/up", "down", sagemaker_session=session)
print(json.dumps([uri, listed, text]))
"""
_IMPORTS = {
    2: ("from sagemaker.s3 import S3Downloader, S3Uploader\nimport sagemaker", "sagemaker.Session()"),
    3: (
        """from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.helper.session_helper import Session""",
        "Session()",
    ),
}


@pytest.mark.parametrize("generation", [2, 3])
def test_the_sdk_uploads_and_downloads(
    bucket: Bucket, endpoint: Endpoint, tmp_path: Path, generation: int
) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "a.csv").write_bytes(b"a")
    (tmp_path / "tree" / "deep" / "b.csv").write_bytes(b"b")
    imports, session = _IMPORTS[generation]
    script = _SAGEMAKER.format(imports=imports, session=session)
    said = run_script(generation, script, endpoint, tmp_path, bucket.name)
    uri, listed, text = json.loads(said.splitlines()[-1])
    assert (uri, text) == (f"s3://{bucket.name}/up", "körper")
    assert listed == [f"s3://{bucket.name}/up/{name}" for name in ("a.csv", "body.txt", "deep/b.csv")]
    assert (tmp_path / "down" / "deep" / "b.csv").read_bytes() == b"b"


class TestResources:
    """boto3's other face: objects that stand for buckets and keys."""

    def test_a_bucket_is_emptied_and_removed(self, bucket: Bucket) -> None:
        import boto3

        key = bucket.wire.key
        resource = boto3.resource(
            "s3",
            endpoint_url=bucket.wire.url,
            region_name="us-west-2",
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
        )
        own = resource.Bucket(bucket.name)
        for number in range(1100):
            bucket.wire.platform.objects.put_bytes(S3Uri(bucket.name, f"k/{number}"), b"x")
        assert sum(1 for _ in own.objects.filter(Prefix="k/")) == 1100
        assert own.Object("k/7").get()["Body"].read() == b"x"
        own.object_versions.filter(Prefix="k/1").delete()
        own.objects.all().delete()
        assert list(own.objects.limit(1)) == []
        own.delete()
        own.wait_until_not_exists()
        assert own.creation_date is None
