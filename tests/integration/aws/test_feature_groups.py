"""Feature groups by boto3: what Describe tells, what is refused and how, lists, searches, tags."""

from __future__ import annotations

from typing import Any

import pytest

from support.features import definition, group_request
from support.registry import own_name, pages, refused
from support.s3 import Bucket
from support.wire import Wire

ROLE = "arn:aws:iam::123456789012:role/R"


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


def request(bucket: Bucket, name: str = "customers", **more: Any) -> dict[str, Any]:
    offline = {"S3StorageConfig": {"S3Uri": f"s3://{bucket.name}/store"}}
    return group_request(own_name(name), OfflineStoreConfig=offline, **more)


def test_a_group_is_described_as_it_was_asked_for(sagemaker: Any, bucket: Bucket) -> None:
    given = request(bucket, RoleArn=ROLE, Description="Who they are")
    name = given["FeatureGroupName"]
    arn = sagemaker.create_feature_group(**given)["FeatureGroupArn"]
    assert arn.endswith(f":feature-group/{name}")
    described = sagemaker.describe_feature_group(FeatureGroupName=arn)
    epoch = int(described["CreationTime"].timestamp())
    del described["ResponseMetadata"], described["LastModifiedTime"], described["CreationTime"]
    account = arn.split(":")[4]
    assert described == {
        "FeatureGroupArn": arn,
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": given["FeatureDefinitions"],
        "OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "Standard"},
        "OfflineStoreConfig": {
            "S3StorageConfig": {
                "S3Uri": f"s3://{bucket.name}/store",
                "ResolvedOutputS3Uri": f"s3://{bucket.name}/store/{account}/sagemaker/us-west-2/offline-store/"
                f"{name}-{epoch}/data",
            },
            "DisableGlueTableCreation": False,
            "DataCatalogConfig": {
                "TableName": f"{name.replace('-', '_')}_{epoch}",
                "Catalog": "AwsDataCatalog",
                "Database": "sagemaker_featurestore",
            },
        },
        "ThroughputConfig": {"ThroughputMode": "OnDemand"},
        "RoleArn": ROLE,
        "FeatureGroupStatus": "Created",
        "OfflineStoreStatus": {"Status": "Active"},
        "Description": "Who they are",
        "NextToken": "",
        "OnlineStoreTotalSizeBytes": 0,
    }
    sagemaker.delete_feature_group(FeatureGroupName=name)
    error = refused(sagemaker.describe_feature_group, FeatureGroupName=name)
    assert error.code == "ResourceNotFound"
    assert error.message == f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}"


def test_a_group_of_2500_features_is_made_and_told_whole(sagemaker: Any, bucket: Bucket, wire: Wire) -> None:
    names = [definition(f"f{number}", "Fractional") for number in range(2498)]
    given = request(bucket, FeatureDefinitions=[definition("id"), definition("at"), *names])
    sagemaker.create_feature_group(**given)
    name = given["FeatureGroupName"]
    described = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert (len(described["FeatureDefinitions"]), described["NextToken"]) == (2500, "")
    record = [{"FeatureName": f"f{number}", "ValueAsString": str(number)} for number in range(2498)]
    record += [
        {"FeatureName": "id", "ValueAsString": "x"},
        {"FeatureName": "at", "ValueAsString": "2026-01-01T00:00:00Z"},
    ]
    runtime = wire.client("sagemaker-featurestore-runtime")
    runtime.put_record(FeatureGroupName=name, Record=record)
    found = runtime.get_record(FeatureGroupName=name, RecordIdentifierValueAsString="x")["Record"]
    assert found == record


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"RecordIdentifierFeatureName": "none"}, "'none' is not among the FeatureDefinitions"),
        ({"EventTimeFeatureName": "age"}, "an event time is String or Fractional"),
        (
            {"FeatureDefinitions": [definition("id"), definition("at"), definition("at")]},
            "Duplicate feature name",
        ),
        (
            {"FeatureDefinitions": [definition("id"), definition("at"), definition("write_time")]},
            "cannot be any of",
        ),
        ({"FeatureDefinitions": [definition("a'b")]}, "Member must satisfy regular expression pattern"),
        ({"FeatureDefinitions": [definition("日本")]}, "Member must satisfy regular expression pattern"),
        (
            {"FeatureDefinitions": [definition(f"f{n}") for n in range(2501)]},
            "length less than or equal to 2500",
        ),
        ({"FeatureDefinitions": [definition("id", "Text")]}, "Member must satisfy enum value set"),
        (
            {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://nobody-has-it/x"}}},
            "'nobody-has-it' of the offline",
        ),
    ],
)
def test_groups_that_are_refused(sagemaker: Any, bucket: Bucket, changes: dict[str, Any], said: str) -> None:
    error = refused(sagemaker.create_feature_group, **{**request(bucket), **changes})
    assert error.code == "ValidationException"
    assert said in error.message


def test_a_taken_name_is_told_as_sagemaker_does(sagemaker: Any, bucket: Bucket) -> None:
    given = request(bucket)
    sagemaker.create_feature_group(**given)
    error = refused(sagemaker.create_feature_group, **given)
    assert error.code == "ResourceInUse"
    assert "already exists" in error.message


def test_a_group_is_updated_and_says_so(sagemaker: Any, bucket: Bucket) -> None:
    given = request(bucket)
    name = given["FeatureGroupName"]
    arn = sagemaker.create_feature_group(**given)["FeatureGroupArn"]
    assert "LastUpdateStatus" not in sagemaker.describe_feature_group(FeatureGroupName=name)
    answer = sagemaker.update_feature_group(FeatureGroupName=name, FeatureAdditions=[definition("city")])
    assert answer["FeatureGroupArn"] == arn
    sagemaker.update_feature_group(
        FeatureGroupName=arn, OnlineStoreConfig={"TtlDuration": {"Unit": "Days", "Value": 3}}
    )
    described = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert described["LastUpdateStatus"] == {"Status": "Successful"}
    assert described["FeatureDefinitions"][-1] == definition("city")
    assert described["OnlineStoreConfig"]["TtlDuration"] == {"Unit": "Days", "Value": 3}
    error = refused(
        sagemaker.update_feature_group, FeatureGroupName=name, FeatureAdditions=[definition("CITY")]
    )
    assert (error.code, "Duplicate" in error.message) == ("ValidationException", True)
    error = refused(
        sagemaker.update_feature_group, FeatureGroupName="none", FeatureAdditions=[definition("x")]
    )
    assert error.code == "ResourceNotFound"


def test_groups_are_listed_filtered_and_sorted(sagemaker: Any, bucket: Bucket) -> None:
    mark = own_name("listed")
    for name in ("b", "a", "c"):
        sagemaker.create_feature_group(**{**request(bucket), "FeatureGroupName": f"{mark}-{name}"})
    online = {**request(bucket), "FeatureGroupName": f"{mark}-d"}
    del online["OfflineStoreConfig"]
    sagemaker.create_feature_group(**online)

    def listed(**given: Any) -> list[str]:
        found = pages(sagemaker.list_feature_groups, "FeatureGroupSummaries", NameContains=mark, **given)
        return [one["FeatureGroupName"].rpartition("-")[2] for page in found for one in page]

    assert listed(SortBy="Name", SortOrder="Ascending", MaxResults=3) == ["a", "b", "c", "d"]
    assert listed(SortBy="CreationTime", SortOrder="Ascending") == ["b", "a", "c", "d"]
    assert listed(OfflineStoreStatusEquals="Disabled") == ["d"]
    assert sorted(listed(OfflineStoreStatusEquals="Active", MaxResults=2)) == ["a", "b", "c"]
    assert listed(SortBy="OfflineStoreStatus", SortOrder="Descending")[0] == "d"
    assert listed(FeatureGroupStatusEquals="Creating") == []
    assert len(listed(FeatureGroupStatusEquals="Created")) == 4


def test_features_are_described_and_found(sagemaker: Any, bucket: Bucket) -> None:
    asked = request(bucket)
    name = asked["FeatureGroupName"]
    arn = sagemaker.create_feature_group(**asked)["FeatureGroupArn"]
    sagemaker.update_feature_metadata(
        FeatureGroupName=name,
        FeatureName="age",
        Description="in years",
        ParameterAdditions=[{"Key": "owner", "Value": f"team-{name}"}],
    )
    told = sagemaker.describe_feature_metadata(FeatureGroupName=arn, FeatureName="age")
    assert (told["FeatureGroupArn"], told["FeatureType"]) == (arn, "Integral")
    assert (told["Description"], told["Parameters"]) == (
        "in years",
        [{"Key": "owner", "Value": f"team-{name}"}],
    )
    for filters in (
        [{"Name": "AllParameters", "Operator": "Contains", "Value": f"team-{name}"}],
        [{"Name": "Parameters.owner", "Operator": "Equals", "Value": f"team-{name}"}],
        [
            {"Name": "FeatureGroupName", "Operator": "Equals", "Value": name},
            {"Name": "FeatureName", "Operator": "Contains", "Value": "ag"},
        ],
    ):
        answer = sagemaker.search(Resource="FeatureMetadata", SearchExpression={"Filters": filters})
        assert [one["FeatureMetadata"]["FeatureName"] for one in answer["Results"]] == ["age"]
    of_group = {"Filters": [{"Name": "FeatureGroupName", "Operator": "Equals", "Value": name}]}
    found = list(
        pages(
            sagemaker.search, "Results", Resource="FeatureMetadata", SearchExpression=of_group, MaxResults=3
        )
    )
    assert sorted(one["FeatureMetadata"]["FeatureName"] for page in found for one in page) == [
        "age",
        "at",
        "id",
        "score",
    ]
    for call in (sagemaker.describe_feature_metadata, sagemaker.update_feature_metadata):
        assert refused(call, FeatureGroupName=name, FeatureName="none").code == "ResourceNotFound"


def test_groups_are_found_by_their_tags(sagemaker: Any, bucket: Bucket) -> None:
    given = request(bucket)
    mark = given["FeatureGroupName"]
    arn = sagemaker.create_feature_group(**given, Tags=[{"Key": "mark", "Value": mark}])["FeatureGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "churn"}])
    told = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert told == [{"Key": "mark", "Value": mark}, {"Key": "team", "Value": "churn"}]
    filters = [{"Name": "Tags.mark", "Operator": "Equals", "Value": mark}]
    found = sagemaker.search(Resource="FeatureGroup", SearchExpression={"Filters": filters})["Results"]
    assert [one["FeatureGroup"]["FeatureGroupArn"] for one in found] == [arn]
    sagemaker.delete_feature_group(FeatureGroupName=mark)
    assert refused(sagemaker.list_tags, ResourceArn=arn).code == "ResourceNotFound"
