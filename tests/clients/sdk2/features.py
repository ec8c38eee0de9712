"""A feature group as in the guide: ingest with threads and processes, read, update, delete. SDK 2.x."""

import time

import boto3
import feature_datasets
import pandas as pd
import sagemaker
from sagemaker.feature_store.feature_definition import FractionalFeatureDefinition, StringFeatureDefinition
from sagemaker.feature_store.feature_group import FeatureGroup, IngestionError
from sagemaker.feature_store.feature_store import FeatureStore
from sagemaker.feature_store.inputs import (
    DeletionModeEnum,
    ExpirationTimeResponseEnum,
    FeatureParameter,
    FeatureValue,
    Filter,
    FilterOperatorEnum,
    ResourceEnum,
    TargetStoreEnum,
    TtlDuration,
)

ROWS = 120
session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
store = FeatureStore(sagemaker_session=session)


def seconds(number):
    return 1_767_225_600.0 + number * 60


def wait_while(status, describe):
    deadline = time.time() + 120
    while describe()[status] in ("Creating", "Deleting"):
        assert time.time() < deadline, describe()
        time.sleep(0.2)


frame = pd.DataFrame(
    {
        "customer": pd.Series([f"c{number % 60}" for number in range(ROWS)], dtype="string"),
        "at": [seconds(number) for number in range(ROWS)],
        "age": [20 + number % 60 for number in range(ROWS)],
        "balance": [number / 4 if number % 10 else None for number in range(ROWS)],
        "note": pd.Series([f'it\'s "№ {number}"' for number in range(ROWS)], dtype="string"),
    }
)
group = FeatureGroup(name="customers-sdk2", sagemaker_session=session)
group.load_feature_definitions(data_frame=frame)
made = group.create(
    s3_uri=f"s3://{bucket}/features",
    record_identifier_name="customer",
    event_time_feature_name="at",
    role_arn=role,
    enable_online_store=True,
    description="Who they are",
    tags=[{"Key": "team", "Value": "churn"}],
)
wait_while("FeatureGroupStatus", group.describe)
described = group.describe()
assert described["FeatureGroupStatus"] == "Created", described
assert described["FeatureGroupArn"] == made["FeatureGroupArn"]
assert [one["FeatureType"] for one in described["FeatureDefinitions"]] == [
    "String", "Fractional", "Integral", "Fractional", "String",
]  # fmt: skip
resolved = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
assert resolved.startswith(f"s3://{bucket}/features/{session.account_id()}/sagemaker/"), resolved
assert "EXTERNAL TABLE" in group.as_hive_ddl(), group.as_hive_ddl()

group.ingest(data_frame=frame[:40], max_workers=4, wait=True)
group.ingest(data_frame=frame[40:], max_workers=3, max_processes=2, wait=True)
# The newer one of two stays, and an empty value is none.
record = {one["FeatureName"]: one["ValueAsString"] for one in group.get_record("c5")}
assert record == {
    "customer": "c5",
    "at": str(seconds(65)),
    "age": "25",
    "balance": "16.25",
    "note": 'it\'s "№ 65"',
}
assert "balance" not in {one["FeatureName"] for one in group.get_record("c10")}
assert group.get_record("c10", feature_names=["age"]) == [{"FeatureName": "age", "ValueAsString": "30"}]
assert group.get_record("nobody") is None

wrong = frame[:3].assign(age=["x", "21", "y"])
try:
    group.ingest(data_frame=wrong, max_workers=2, wait=True)
    raise AssertionError("a text was taken for an integer")
except IngestionError as error:
    assert sorted(error.failed_rows) == [0, 2], error.failed_rows

group.put_record(
    record=[
        FeatureValue("customer", "late"),
        FeatureValue("at", str(seconds(0) + 10**9)),
        FeatureValue("age", "1"),
    ],
    target_stores=[TargetStoreEnum.ONLINE_STORE],
    ttl_duration=TtlDuration("Hours", 1),
)
runtime = session.sagemaker_featurestore_runtime_client
late = runtime.get_record(
    FeatureGroupName=group.name,
    RecordIdentifierValueAsString="late",
    ExpirationTimeResponse=ExpirationTimeResponseEnum.ENABLED.value,
)
assert late["ExpiresAt"].startswith("20"), late
group.delete_record("late", str(seconds(0) + 10**9 + 1), deletion_mode=DeletionModeEnum.HARD_DELETE)
assert group.get_record("late") is None
group.delete_record("c7", str(seconds(ROWS)))
assert group.get_record("c7") is None
batch = runtime.batch_get_record(
    Identifiers=[{"FeatureGroupName": group.name, "RecordIdentifiersValueAsString": ["c5", "c7", "c8"]}]
)
assert [one["RecordIdentifierValueAsString"] for one in batch["Records"]] == ["c5", "c8"], batch

group.update([StringFeatureDefinition("city"), FractionalFeatureDefinition("income")])
wait_while("FeatureGroupStatus", group.describe)
assert group.describe()["LastUpdateStatus"]["Status"] == "Successful"
assert [one["FeatureName"] for one in group.describe()["FeatureDefinitions"]][-2:] == ["city", "income"]
group.update_feature_metadata(
    feature_name="age", description="in years", parameter_additions=[FeatureParameter("pii", "yes")]
)
told = group.describe_feature_metadata("age")
assert told["Description"] == "in years", told
assert told["Parameters"] == [{"Key": "pii", "Value": "yes"}], told
assert {"Key": "team", "Value": "churn"} in group.list_tags()
group.list_parameters_for_feature_metadata("age")

found = store.search(
    ResourceEnum.FEATURE_GROUP,
    filters=[Filter("FeatureGroupName", "customers-sdk2", FilterOperatorEnum.CONTAINS)],
)
assert [one["FeatureGroup"]["FeatureGroupName"] for one in found["Results"]] == ["customers-sdk2"], found
found = store.search(
    ResourceEnum.FEATURE_METADATA, filters=[Filter("AllParameters", "pii", FilterOperatorEnum.CONTAINS)]
)
assert [one["FeatureMetadata"]["FeatureName"] for one in found["Results"]] == ["age"], found
listed = store.list_feature_groups(name_contains="customers-sdk2")
assert [one["FeatureGroupName"] for one in listed["FeatureGroupSummaries"]] == ["customers-sdk2"]

group.delete()
try:
    deadline = time.time() + 120
    while True:
        group.describe()
        assert time.time() < deadline
        time.sleep(0.2)
except session.sagemaker_client.exceptions.ResourceNotFound:
    pass
prefix = resolved.partition(f"s3://{bucket}/")[2]
files = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
assert files, "the files of a deleted group stay"
assert all("/year=20" in one["Key"] and one["Key"].endswith(".parquet") for one in files), files

feature_datasets.check(session, role, wait_while)
print("FEATURES OK")
