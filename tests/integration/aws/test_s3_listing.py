"""Pages of buckets over the wire: every key once, in order, whatever is in it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from stepmill.storage.objects.uri import S3Uri
from support.s3 import Bucket, error_of, new_bucket, refused
from support.wire import Wire

# Without what XML cannot carry: that is tested apart.
_PIECES = ["/", "/", "a", "b", "ab", "ä", "é", "%41", " ", "+", "&", "<", "//", "..", "~", "\U0001f600", "="]
_SEEDS = [1, 2, 3]


def fill(bucket: Bucket, keys: set[str], tmp_path: Path) -> None:
    """Put many objects without asking for each."""
    objects = bucket.wire.platform.objects
    objects.put_bytes(S3Uri(bucket.name, "\x00"), b"x")
    objects.link(S3Uri(bucket.name, "\x00"), tmp_path / "x")
    objects.put_files([(S3Uri(bucket.name, key), tmp_path / "x") for key in keys])
    objects.delete([S3Uri(bucket.name, "\x00")])


def folded(keys: set[str], prefix: str, delimiter: str) -> tuple[list[str], list[str]]:
    """Return the keys and folders of a whole listing."""
    found: set[str] = set()
    folders: set[str] = set()
    for key in keys:
        if key.startswith(prefix):
            head, separator, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if separator:
                folders.add(prefix + head + separator)
            else:
                found.add(key)
    return sorted(found, key=str.encode), sorted(folders, key=str.encode)


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects", "list_object_versions"])
def test_all_pages_together_are_the_whole(bucket: Bucket, tmp_path: Path, seed: int, operation: str) -> None:
    chance = random.Random(seed)
    keys = {"".join(chance.choices(_PIECES, k=chance.randint(1, 6))) for _ in range(150)}
    fill(bucket, keys, tmp_path)
    listed = "Versions" if operation == "list_object_versions" else "Contents"
    for _ in range(12):
        whole = chance.choice(sorted(keys))
        prefix = whole[: chance.randint(0, len(whole))]
        delimiter = chance.choice(["", "/", "a", "//", "%"])
        size = chance.choice([1, 2, 3, 7, 1000])
        asked = {"Prefix": prefix, "Delimiter": delimiter, "PaginationConfig": {"PageSize": size}}
        if size == 1:
            asked["PaginationConfig"] = {"PageSize": 1, "MaxItems": 400}
        pages = list(bucket.client.get_paginator(operation).paginate(Bucket=bucket.name, **asked))
        found = [one["Key"] for page in pages for one in page.get(listed, [])]
        folders = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
        assert (found, folders) == folded(keys, prefix, delimiter), asked
        for page in pages:
            assert len(page.get(listed, [])) + len(page.get("CommonPrefixes", [])) <= size


@pytest.fixture(scope="module")
def tree(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    bucket = new_bucket(wire)
    fill(bucket, {"a", "a/", "a/b", "a/c/d", "a0", "b/x", "c"}, tmp_path_factory.mktemp("tree"))
    return bucket


class TestVersion2:
    def test_a_page_says_all_about_itself(self, tree: Bucket) -> None:
        page = tree.list(Prefix="a", Delimiter="/", MaxKeys=2, StartAfter="A")
        assert [one["Key"] for one in page["Contents"]] == ["a"]
        assert page["CommonPrefixes"] == [{"Prefix": "a/"}]
        assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (2, 2, True)
        assert (page["Name"], page["Prefix"], page["Delimiter"]) == (tree.name, "a", "/")
        assert (page["StartAfter"], page["EncodingType"]) == ("A", "url")
        assert "ContinuationToken" not in page
        last = tree.list(Prefix="a", Delimiter="/", ContinuationToken=page["NextContinuationToken"])
        assert [one["Key"] for one in last["Contents"]] == ["a0"]
        assert (last["IsTruncated"], last["KeyCount"]) == (False, 1)
        assert last["ContinuationToken"] == page["NextContinuationToken"]
        assert "NextContinuationToken" not in last

    def test_an_object_is_told_with_its_size_and_etag(self, bucket: Bucket) -> None:
        put = bucket.put("k", b"data", StorageClass="GLACIER_IR")
        (one,) = bucket.list()["Contents"]
        head = bucket.head("k")
        assert (one["Size"], one["ETag"], one["StorageClass"]) == (4, put["ETag"], "GLACIER_IR")
        assert one["LastModified"].replace(microsecond=0) == head["LastModified"]
        assert (one["ChecksumAlgorithm"], one["ChecksumType"]) == (["CRC32"], "FULL_OBJECT")
        assert "Owner" not in one
        (one,) = bucket.list(FetchOwner=True)["Contents"]
        assert len(one["Owner"]["ID"]) == 64

    def test_nothing_is_a_page_too(self, bucket: Bucket, tree: Bucket) -> None:
        page = bucket.list()
        assert ("Contents" in page, page["KeyCount"], page["IsTruncated"]) == (False, 0, False)
        page = tree.list(MaxKeys=0)
        assert ("Contents" in page, page["KeyCount"], page["IsTruncated"]) == (False, 0, False)
        assert page["MaxKeys"] == 0

    def test_a_token_counts_more_than_a_start(self, tree: Bucket) -> None:
        token = tree.list(MaxKeys=1)["NextContinuationToken"]
        assert tree.list(ContinuationToken=token, StartAfter="b")["Contents"][0]["Key"] == "a/"

    def test_more_than_a_thousand_are_never_sent(self, bucket: Bucket, tmp_path: Path) -> None:
        fill(bucket, {f"{number:04}" for number in range(1005)}, tmp_path)
        page = bucket.list(MaxKeys=5000)
        assert (len(page["Contents"]), page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)
        assert len(bucket.keys()) == 1005

    @pytest.mark.parametrize("token", ["!!!", "", "/w==", "ä"])
    def test_what_is_no_token_is_refused(self, tree: Bucket, token: str) -> None:
        assert refused(lambda: tree.list(ContinuationToken=token)) == (400, "InvalidArgument")

    def test_what_cannot_be_asked_for_is_refused(self, tree: Bucket) -> None:
        assert refused(lambda: tree.list(MaxKeys=-1)) == (400, "InvalidArgument")
        nowhere = Bucket("never-made", tree.client, tree.wire)
        assert error_of(nowhere.list)["Code"] == "NoSuchBucket"
        assert refused(lambda: nowhere.list(MaxKeys=0)) == (404, "NoSuchBucket")


class TestVersion1:
    def test_a_marker_is_a_key(self, tree: Bucket) -> None:
        page = tree.call("list_objects", Marker="a/c/d", MaxKeys=2)
        assert [one["Key"] for one in page["Contents"]] == ["a0", "b/x"]
        assert (page["Marker"], page["IsTruncated"]) == ("a/c/d", True)
        assert "NextMarker" not in page
        assert len(page["Contents"][0]["Owner"]["ID"]) == 64

    def test_the_next_marker_is_told_where_a_folder_may_be_last(self, tree: Bucket) -> None:
        page = tree.call("list_objects", Delimiter="/", MaxKeys=2)
        assert (page["CommonPrefixes"], page["NextMarker"]) == ([{"Prefix": "a/"}], "a/")
        page = tree.call("list_objects", Delimiter="/", Marker=page["NextMarker"])
        assert [one["Key"] for one in page["Contents"]] == ["a0", "c"]
        assert page["CommonPrefixes"] == [{"Prefix": "b/"}]


def test_keys_that_xml_cannot_carry_are_listed(bucket: Bucket) -> None:
    objects = bucket.wire.platform.objects
    keys = ["\x01", "\x0b/\x0c", "\x1f\ufffe", "a\rb\n", "end"]
    for key in keys:
        objects.put_bytes(S3Uri(bucket.name, key), b"")
    assert bucket.keys() == keys
    page = bucket.list(Delimiter="/", StartAfter="\x01")
    assert page["CommonPrefixes"] == [{"Prefix": "\x0b/"}]
    assert page["StartAfter"] == "\x01"
