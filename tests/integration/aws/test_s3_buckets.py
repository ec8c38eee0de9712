"""Buckets over the wire: made, listed, told of, tagged, removed; and what is not set for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from support.s3 import Bucket, error_of, refused
from support.wire import Wire, running_server


def name() -> str:
    return f"test-{uuid4().hex[:20]}"


class TestMaking:
    def test_a_bucket_is_listed_and_told_of(self, bucket: Bucket) -> None:
        listed = bucket.client.list_buckets(Prefix=bucket.name)
        (one,) = listed["Buckets"]
        assert (one["Name"], one["CreationDate"].tzinfo is not None) == (bucket.name, True)
        assert one["BucketRegion"] == "us-west-2"
        assert len(listed["Owner"]["ID"]) == 64
        assert bucket.call("head_bucket")["BucketRegion"] == "us-west-2"
        assert bucket.call("get_bucket_location")["LocationConstraint"] == "us-west-2"

    def test_making_one_again_is_told_as_the_sdks_expect(self, bucket: Bucket) -> None:
        again = {"CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}
        assert refused(lambda: bucket.call("create_bucket", **again)) == (409, "BucketAlreadyOwnedByYou")
        assert error_of(lambda: bucket.call("create_bucket"))["BucketName"] == bucket.name

    def test_a_bucket_is_where_it_was_wished(self, wire: Wire) -> None:
        client, made = wire.client("s3"), name()
        where = {"LocationConstraint": "eu-central-1", "Tags": [{"Key": "a", "Value": "b"}]}
        client.create_bucket(Bucket=made, CreateBucketConfiguration=where)
        assert client.get_bucket_location(Bucket=made)["LocationConstraint"] == "eu-central-1"
        assert client.get_bucket_tagging(Bucket=made)["TagSet"] == where["Tags"]
        assert made in [one["Name"] for one in client.list_buckets(BucketRegion="eu-central-1")["Buckets"]]
        assert made not in [one["Name"] for one in client.list_buckets(BucketRegion="us-west-2")["Buckets"]]
        client.delete_bucket(Bucket=made)
        client.create_bucket(Bucket=made)
        assert client.get_bucket_location(Bucket=made)["LocationConstraint"] == "us-west-2"

    @pytest.mark.parametrize("wrong", ["Upper-case", "under_score", "192.168.0.1", "a..b", "xn--a", "ab"])
    def test_names_that_s3_refuses_are_refused(self, wire: Wire, wrong: str) -> None:
        client = wire.client("s3", parameter_validation=False)
        client.meta.events.unregister("before-parameter-build.s3", None)
        assert refused(lambda: client.create_bucket(Bucket=wrong)) == (400, "InvalidBucketName")

    def test_what_a_bucket_cannot_be_is_refused(self, wire: Wire) -> None:
        client = wire.client("s3")
        for asked in (
            {"ObjectLockEnabledForBucket": True},
            {"ObjectOwnership": "ObjectWriter"},
            {"CreateBucketConfiguration": {"Location": {"Type": "AvailabilityZone", "Name": "usw2-az1"}}},
        ):
            assert refused(lambda: client.create_bucket(Bucket=name(), **asked)) == (501, "NotImplemented")  # noqa: B023
        public = refused(lambda: client.create_bucket(Bucket=name(), ACL="public-read"))
        assert public == (400, "AccessControlListNotSupported")

    def test_pages_of_buckets(self, wire: Wire) -> None:
        client, start = wire.client("s3"), name()
        made = [f"{start}-{number}" for number in range(3)]
        for one in made:
            client.create_bucket(Bucket=one)
        pages = client.get_paginator("list_buckets").paginate(Prefix=start, PaginationConfig={"PageSize": 2})
        assert [[one["Name"] for one in page["Buckets"]] for page in pages] == [made[:2], made[2:]]


class TestRemoving:
    def test_only_an_empty_bucket_is_deleted(self, bucket: Bucket) -> None:
        bucket.put("k")
        assert refused(lambda: bucket.call("delete_bucket")) == (409, "BucketNotEmpty")
        bucket.call("delete_object", Key="k")
        answer = bucket.call("delete_bucket")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert refused(lambda: bucket.call("delete_bucket")) == (404, "NoSuchBucket")
        assert refused(lambda: bucket.call("head_bucket")) == (404, "404")


class TestTags:
    def test_tags_of_a_bucket(self, bucket: Bucket) -> None:
        assert refused(lambda: bucket.call("get_bucket_tagging")) == (404, "NoSuchTagSet")
        tags = [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": ""}]
        bucket.call("put_bucket_tagging", Tagging={"TagSet": tags})
        assert sorted(bucket.call("get_bucket_tagging")["TagSet"], key=str) == sorted(tags, key=str)
        bucket.call("delete_bucket_tagging")
        assert refused(lambda: bucket.call("get_bucket_tagging")) == (404, "NoSuchTagSet")

    def test_tags_of_an_object(self, bucket: Bucket) -> None:
        bucket.put("k", b"x", Tagging="a=1&b%20c=%C3%A4")
        tags = bucket.call("get_object_tagging", Key="k")["TagSet"]
        assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": "ä"}]
        before = bucket.head("k")
        bucket.call("put_object_tagging", Key="k", Tagging={"TagSet": [{"Key": "new", "Value": "v"}]})
        assert bucket.call("get_object_tagging", Key="k")["TagSet"] == [{"Key": "new", "Value": "v"}]
        assert bucket.head("k")["LastModified"] == before["LastModified"]
        bucket.call("delete_object_tagging", Key="k")
        assert bucket.call("get_object_tagging", Key="k")["TagSet"] == []
        assert refused(lambda: bucket.call("get_object_tagging", Key="x")) == (404, "NoSuchKey")

    @pytest.mark.parametrize(
        ("tags", "code"),
        [
            ([("a", "1"), ("a", "2")], "InvalidTag"),
            ([("k" * 129, "")], "InvalidTag"),
            ([("a", "v" * 257)], "InvalidTag"),
            ([("aws:own", "")], "InvalidTag"),
            ([(str(number), "") for number in range(11)], "BadRequest"),
        ],
    )
    def test_tags_have_rules(self, bucket: Bucket, tags: list[tuple[str, str]], code: str) -> None:
        bucket.put("k")
        tagging = {"TagSet": [{"Key": key, "Value": value} for key, value in tags]}
        assert refused(lambda: bucket.call("put_object_tagging", Key="k", Tagging=tagging)) == (400, code)
        header = "&".join(f"{key}={value}" for key, value in tags)
        assert refused(lambda: bucket.put("x", Tagging=header)) == (400, code)
        assert bucket.keys() == ["k"]

    def test_a_header_that_is_no_query_is_refused(self, bucket: Bucket) -> None:
        assert refused(lambda: bucket.put("x", Tagging="a=1&&b")) == (400, "InvalidArgument")


class TestSettings:
    @pytest.mark.parametrize(
        ("operation", "code"),
        [
            ("get_bucket_cors", "NoSuchCORSConfiguration"),
            ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
            ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
            ("get_bucket_policy", "NoSuchBucketPolicy"),
            ("get_bucket_policy_status", "NoSuchBucketPolicy"),
            ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
            ("get_bucket_website", "NoSuchWebsiteConfiguration"),
            ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
        ],
    )
    def test_what_is_not_set_is_told_so(self, bucket: Bucket, operation: str, code: str) -> None:
        assert refused(lambda: bucket.call(operation)) == (404, code)
        nowhere = Bucket("never-made", bucket.client, bucket.wire)
        assert refused(lambda: nowhere.call(operation)) == (404, "NoSuchBucket")

    def test_what_is_the_same_for_all(self, bucket: Bucket) -> None:
        bucket.put("k")
        assert "Status" not in bucket.call("get_bucket_versioning")
        assert "LoggingEnabled" not in bucket.call("get_bucket_logging")
        assert bucket.call("get_bucket_request_payment")["Payer"] == "BucketOwner"
        rules = bucket.call("get_bucket_ownership_controls")["OwnershipControls"]["Rules"]
        assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        blocked = bucket.call("get_public_access_block")["PublicAccessBlockConfiguration"]
        assert set(blocked.values()) == {True}
        for acl in (bucket.call("get_bucket_acl"), bucket.call("get_object_acl", Key="k")):
            (grant,) = acl["Grants"]
            assert (grant["Permission"], grant["Grantee"]["ID"]) == ("FULL_CONTROL", acl["Owner"]["ID"])
            assert grant["Grantee"]["Type"] == "CanonicalUser"

    def test_asking_for_what_is_so_anyway_is_granted(self, bucket: Bucket) -> None:
        blocked = bucket.call("get_public_access_block")["PublicAccessBlockConfiguration"]
        bucket.call("put_public_access_block", PublicAccessBlockConfiguration=blocked)
        opened = {**blocked, "BlockPublicAcls": False}
        answer = refused(
            lambda: bucket.call("put_public_access_block", PublicAccessBlockConfiguration=opened)
        )
        assert answer == (501, "NotImplemented")
        enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        bucket.call("put_bucket_ownership_controls", OwnershipControls=enforced)
        others = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        answer = refused(lambda: bucket.call("put_bucket_ownership_controls", OwnershipControls=others))
        assert answer == (501, "NotImplemented")

    @pytest.mark.parametrize(
        ("operation", "asked"),
        [
            ("put_bucket_policy", {"Policy": "{}"}),
            ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": []}}),
            ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": []}}),
            ("restore_object", {"Key": "k"}),
        ],
    )
    def test_what_would_change_a_bucket_is_refused_by_name(
        self, bucket: Bucket, operation: str, asked: dict[str, object]
    ) -> None:
        told = error_of(lambda: bucket.call(operation, **asked))
        assert operation.replace("_", "") in told["Message"].lower()


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Wire]:
    """A server in the region where buckets of no region are."""
    (tmp_path / "stepmill.toml").write_text('region = "us-east-1"\n')
    with running_server(tmp_path) as running:
        yield running


def test_in_the_first_region_a_bucket_may_be_made_again(first: Wire) -> None:
    client = first.client("s3")
    for _ in range(2):
        client.create_bucket(Bucket="again")
    assert client.get_bucket_location(Bucket="again")["LocationConstraint"] is None
    assert client.head_bucket(Bucket="again")["BucketRegion"] == "us-east-1"
    there = {"LocationConstraint": "us-east-2"}
    answer = refused(lambda: client.create_bucket(Bucket="again", CreateBucketConfiguration=there))
    assert answer == (409, "BucketAlreadyOwnedByYou")
