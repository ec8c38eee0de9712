"""Records of the feature store by boto3."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.features import definition, group_request, record, rows_of, texts
from support.registry import own_name
from support.s3 import Bucket
from support.wire import Wire

AT = "2026-01-01T00:00:00Z"
LATER = "2026-01-02T00:00:00Z"


@pytest.fixture
def runtime(wire: Wire) -> Any:
    return wire.client("sagemaker-featurestore-runtime")


@pytest.fixture
def group(wire: Wire, bucket: Bucket) -> str:
    return made(wire, bucket)


def made(wire: Wire, bucket: Bucket, **more: Any) -> str:
    offline = {"S3StorageConfig": {"S3Uri": f"s3://{bucket.name}/store"}}
    given = group_request(own_name("records"), **{"OfflineStoreConfig": offline, **more})
    wire.client("sagemaker").create_feature_group(**given)
    return str(given["FeatureGroupName"])


def offline(wire: Wire, name: str) -> list[dict[str, Any]]:
    described = wire.client("sagemaker").describe_feature_group(FeatureGroupName=name)
    catalog = described["OfflineStoreConfig"]["DataCatalogConfig"]
    return rows_of(wire.platform.features.table(catalog["Database"], catalog["TableName"]).files)


def refusal(call: Any, **given: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_a_record_is_put_got_and_deleted(runtime: Any, wire: Wire, group: str) -> None:
    arn = wire.platform.features.groups.get(group).arn
    values = {"id": "7", "at": AT, "age": "30", "score": "0.5"}
    runtime.put_record(FeatureGroupName=arn, Record=record(**values))
    got = runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="7")
    assert texts(got["Record"]) == values
    assert "ExpiresAt" not in got
    some = runtime.get_record(
        FeatureGroupName=arn, RecordIdentifierValueAsString="7", FeatureNames=["score", "id"]
    )
    assert some["Record"] == record(score="0.5", id="7")
    runtime.delete_record(FeatureGroupName=group, RecordIdentifierValueAsString="7", EventTime=LATER)
    assert "Record" not in runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="7")
    assert [(row["at"], row["is_deleted"], row["age"]) for row in offline(wire, group)] == [
        (AT, False, 30),
        (LATER, True, None),
    ]


def test_a_hard_deletion_that_is_too_early_is_refused(runtime: Any, wire: Wire, group: str) -> None:
    runtime.put_record(FeatureGroupName=group, Record=record(id=7, at=AT))
    given = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "7", "DeletionMode": "HardDelete"}
    status, code, said = refusal(runtime.delete_record, **given, EventTime=AT)
    assert (status, code, "EventTime" in said) == (400, "ValidationError", True)
    runtime.delete_record(**given, EventTime=LATER)
    assert len(offline(wire, group)) == 2


def test_a_missing_group_is_told_as_sagemaker_does(runtime: Any) -> None:
    said = "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name none"
    named = {"FeatureGroupName": "none"}
    one = {**named, "RecordIdentifierValueAsString": "1"}
    assert refusal(runtime.put_record, **named, Record=record(id=1)) == (400, "ValidationError", said)
    assert refusal(runtime.delete_record, **one, EventTime=AT) == (400, "ValidationError", said)
    assert refusal(runtime.get_record, **one) == (404, "ResourceNotFound", said)
    assert refusal(runtime.list_records, **named) == (404, "ResourceNotFound", said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (record(id=1, at=AT, age="old"), "'age' as type 'Integral' failed"),
        (record(at=AT), "no value for its record identifier feature 'id'"),
        (record(id=1), "no value for its event time feature 'at'"),
        (record(id=1, at="01/02/2026"), "not in the format yyyy-MM-dd'T'HH:mm:ssZ"),
        (record(id=1, at=AT, none=1), "'none' is not in the feature group"),
        (record(id=1, at=AT) + record(id=2), "'id' is there more than once"),
        (record(id=1, at=AT, **{"a" * 65: 1}), "length less than or equal to 64"),
        ([{"FeatureName": "age", "ValueAsString": "x" * 358_401}], "length less than or equal to 358400"),
    ],
)
def test_records_that_are_refused(runtime: Any, group: str, given: list[dict[str, Any]], said: str) -> None:
    status, code, message = refusal(runtime.put_record, FeatureGroupName=group, Record=given)
    assert (status, code) == (400, "ValidationError")
    assert said in message


def test_event_times_of_all_years_are_taken(runtime: Any, wire: Wire, group: str) -> None:
    moments = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59Z"]
    for moment in reversed(moments):
        runtime.put_record(FeatureGroupName=group, Record=record(id=1, at=moment))
    got = runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="1", FeatureNames=["at"])
    assert texts(got["Record"]) == {"at": moments[-1]}
    assert sorted(row["at"] for row in offline(wire, group)) == moments


def test_a_record_that_expires_says_when(runtime: Any, group: str) -> None:
    asked = {
        "FeatureGroupName": group,
        "RecordIdentifierValueAsString": "7",
        "ExpirationTimeResponse": "Enabled",
    }
    hours = {"Unit": "Hours", "Value": 2}
    runtime.put_record(
        FeatureGroupName=group, Record=record(id=7, at="2999-01-01T00:00:00Z"), TtlDuration=hours
    )
    assert runtime.get_record(**asked)["ExpiresAt"] == "2999-01-01T02:00:00Z"
    batch = [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": ["7"]}]
    (found,) = runtime.batch_get_record(Identifiers=batch, ExpirationTimeResponse="Enabled")["Records"]
    assert found["ExpiresAt"] == "2999-01-01T02:00:00Z"
    runtime.put_record(FeatureGroupName=group, Record=record(id=8, at=AT), TtlDuration=hours)
    gone = runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="8")
    assert gone.keys() == {"ResponseMetadata"}


def test_collections_travel_as_lists(runtime: Any, wire: Wire, bucket: Bucket) -> None:
    vector = definition(
        "v", "Fractional", CollectionType="Vector", CollectionConfig={"VectorConfig": {"Dimension": 2}}
    )
    definitions = [
        definition("id"),
        definition("at"),
        definition("l", "Integral", CollectionType="List"),
        vector,
    ]
    store = {"EnableOnlineStore": True, "StorageType": "InMemory"}
    group = made(wire, bucket, FeatureDefinitions=definitions, OnlineStoreConfig=store)
    given = record(id="x", at=AT, l=[1, 2, 2], v=[0.5, 1.5])
    runtime.put_record(FeatureGroupName=group, Record=given)
    assert runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="x")["Record"] == given
    (row,) = offline(wire, group)
    assert (row["l"], row["v"]) == ([1, 2, 2], [0.5, 1.5])


def test_a_batch_is_read_from_several_groups(runtime: Any, wire: Wire, bucket: Bucket, group: str) -> None:
    other = made(wire, bucket)
    for name, identifier in ((group, 1), (other, 2)):
        runtime.put_record(FeatureGroupName=name, Record=record(id=identifier, at=AT, age=identifier))
    answer = runtime.batch_get_record(
        Identifiers=[
            {
                "FeatureGroupName": group,
                "RecordIdentifiersValueAsString": ["1", "nobody"],
                "FeatureNames": ["age"],
            },
            {"FeatureGroupName": other, "RecordIdentifiersValueAsString": ["2"]},
            {"FeatureGroupName": "none", "RecordIdentifiersValueAsString": ["3"]},
            {"FeatureGroupName": other, "RecordIdentifiersValueAsString": ["2"], "FeatureNames": ["none"]},
        ]
    )
    assert [(one["FeatureGroupName"], texts(one["Record"])) for one in answer["Records"]] == [
        (group, {"age": "1"}),
        (other, {"id": "2", "at": AT, "age": "2"}),
    ]
    errors = [(one["RecordIdentifierValueAsString"], one["ErrorCode"]) for one in answer["Errors"]]
    assert errors == [("3", "ResourceNotFound"), ("2", "ValidationError")]
    assert answer["UnprocessedIdentifiers"] == []


def test_a_batch_is_written_as_far_as_it_can_be(runtime: Any, wire: Wire, group: str) -> None:
    wrong = {"FeatureGroupName": group, "Record": record(id=2, at="never")}
    answer = runtime.batch_write_record(
        Entries=[
            {"FeatureGroupName": group, "Record": record(id=1, at=AT)},
            wrong,
            {"FeatureGroupName": "none", "Record": record(id=3, at=AT)},
            {"FeatureGroupName": group, "Record": record(id=4, at=AT), "TargetStores": ["OfflineStore"]},
        ],
        TtlDuration={"Unit": "Weeks", "Value": 60_000},
    )
    assert answer["UnprocessedEntries"] == []
    assert [one["ErrorCode"] for one in answer["Errors"]] == ["ValidationError", "ResourceNotFound"]
    assert answer["Errors"][0]["Entry"] == wrong
    assert runtime.list_records(FeatureGroupName=group)["RecordIdentifiers"] == ["1"]
    assert sorted(row["id"] for row in offline(wire, group)) == [1, 4]
    got = runtime.get_record(
        FeatureGroupName=group, RecordIdentifierValueAsString="1", ExpirationTimeResponse="Enabled"
    )
    assert got["ExpiresAt"] > "3175"


def test_records_are_updated_and_listed(runtime: Any, wire: Wire, bucket: Bucket) -> None:
    group = made(wire, bucket, OnlineStoreConfig={"EnableOnlineStore": True, "StorageType": "Standard_V2"})
    for identifier in "abc":
        runtime.put_record(FeatureGroupName=group, Record=record(id=ord(identifier), at=LATER, age=1))
    named = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "97"}
    runtime.update_record(**named, Features=record(age=2))
    assert texts(runtime.get_record(**named)["Record"])["age"] == "2"
    assert refusal(runtime.update_record, **named, Features=record(at=AT))[:2] == (409, "ConflictException")
    nobody = {**named, "RecordIdentifierValueAsString": "0"}
    assert refusal(runtime.update_record, **nobody, Features=record(age=2))[:2] == (404, "ResourceNotFound")
    first = runtime.list_records(FeatureGroupName=group, MaxResults=2)
    assert first["RecordIdentifiers"] == ["97", "98"]
    rest = runtime.list_records(FeatureGroupName=group, MaxResults=2, NextToken=first["NextToken"])
    assert rest["RecordIdentifiers"] == ["99"]
    assert "NextToken" not in rest


def test_a_changed_group_is_seen_by_the_next_record(runtime: Any, wire: Wire, group: str) -> None:
    runtime.put_record(FeatureGroupName=group, Record=record(id=1, at=AT))
    # As another process does it: this one has the group in mind as it was.
    platform = wire.platform
    fresh = type(platform.features.groups)(
        platform.records, platform.features.rows, platform.settings.arns, platform.tags, platform._clock,
        has_bucket=platform.objects.bucket_exists,
    )  # fmt: skip
    fresh.update(group, {"FeatureAdditions": [definition("city")]})
    runtime.put_record(FeatureGroupName=group, Record=record(id=2, at=AT, city="Łódź"))
    got = runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="2", FeatureNames=["city"])
    assert texts(got["Record"]) == {"city": "Łódź"}
    platform.features.delete(group)
    given = group_request(group)
    del given["OfflineStoreConfig"]
    fresh.create(given)
    assert "Record" not in runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="2")
    runtime.put_record(FeatureGroupName=group, Record=record(id=3, at=AT))
    assert "Record" in runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="3")


def test_many_clients_write_at_once(runtime: Any, wire: Wire, group: str) -> None:
    def put(number: int) -> None:
        given = record(id=number % 7, at=f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z", age=number)
        runtime.put_record(FeatureGroupName=group, Record=given)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(120)))
    newest = {
        int(texts(got["Record"])["age"])
        for identifier in range(7)
        for got in [runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString=str(identifier))]
    }
    assert newest == set(range(113, 120))
    assert sorted(row["age"] for row in offline(wire, group)) == list(range(120))
