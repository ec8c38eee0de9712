"""A feature group as in the guide: ingest in both ways, read, update, search, delete. SDK 3.x."""

import time

import boto3
import feature_datasets
import pandas as pd
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.mlops.feature_store import (
    FeatureGroup,
    FeatureMetadata,
    FeatureParameter,
    FeatureValue,
    IngestionError,
    OfflineStoreConfig,
    OnlineStoreConfig,
    S3StorageConfig,
    StringFeatureDefinition,
    TtlDuration,
    as_hive_ddl,
    ingest_dataframe,
    list_records,
    load_feature_definitions_from_dataframe,
    update_record,
)

ROWS = 120
session = Session()
bucket = session.default_bucket()
role = get_execution_role()


def moment(number):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_767_225_600 + number * 60))


frame = pd.DataFrame(
    {
        "customer": [f"c{number % 60}" for number in range(ROWS)],
        "at": [moment(number) for number in range(ROWS)],
        "age": [20 + number % 60 for number in range(ROWS)],
        "balance": [number / 4 if number % 10 else None for number in range(ROWS)],
    }
)
definitions = load_feature_definitions_from_dataframe(frame)
group = FeatureGroup.create(
    feature_group_name="customers-sdk3",
    record_identifier_feature_name="customer",
    event_time_feature_name="at",
    feature_definitions=definitions,
    online_store_config=OnlineStoreConfig(enable_online_store=True, storage_type="Standard_V2"),
    offline_store_config=OfflineStoreConfig(
        s3_storage_config=S3StorageConfig(s3_uri=f"s3://{bucket}/features")
    ),
    role_arn=role,
)
group.wait_for_status("Created")
group.refresh()
assert group.feature_group_status == "Created"
assert [one.feature_type for one in group.feature_definitions] == [
    "String",
    "String",
    "Integral",
    "Fractional",
]
assert group.offline_store_config.s3_storage_config.resolved_output_s3_uri.endswith("/data")
assert "EXTERNAL TABLE" in as_hive_ddl("customers-sdk3")

ingest_dataframe("customers-sdk3", frame[:40], max_workers=3, max_processes=2)
ingest_dataframe("customers-sdk3", frame[40:], max_workers=2, use_batch_write_record=True)
found = group.get_record(record_identifier_value_as_string="c5")
values = {one.feature_name: one.value_as_string for one in found.record}
assert values == {"customer": "c5", "at": moment(65), "age": "25", "balance": "16.25"}, values

try:
    ingest_dataframe("customers-sdk3", frame[:3].assign(age=["x", "21", "y"]), use_batch_write_record=True)
    raise AssertionError("a text was taken for an integer")
except IngestionError as error:
    assert sorted(error.failed_rows) == [0, 2], error.failed_rows

update_record("customers-sdk3", "c5", [{"feature_name": "age", "value_as_string": "77"}])
found = group.get_record(record_identifier_value_as_string="c5", feature_names=["age", "balance"])
assert [one.value_as_string for one in found.record] == ["77", "16.25"]
page = list_records("customers-sdk3", max_results=50)
assert len(page.record_identifiers) == 50, page
rest = list_records("customers-sdk3", max_results=50, next_token=page.next_token)
assert len(rest.record_identifiers) == 10, rest

group.put_record(
    record=[
        FeatureValue(feature_name="customer", value_as_string="old"),
        FeatureValue(feature_name="at", value_as_string=moment(0)),
    ],
    ttl_duration=TtlDuration(unit="Seconds", value=1),
)
group.delete_record(record_identifier_value_as_string="c7", event_time=moment(ROWS))
group.update(feature_additions=[StringFeatureDefinition("city")])
group.refresh()
assert group.feature_definitions[-1].feature_name == "city"
assert group.last_update_status.status == "Successful"
metadata = FeatureMetadata.get(feature_group_name="customers-sdk3", feature_name="age")
metadata.update(description="in years", parameter_additions=[FeatureParameter(key="pii", value="yes")])
assert FeatureMetadata.get(feature_group_name="customers-sdk3", feature_name="age").description == "in years"
assert "customers-sdk3" in [one.feature_group_name for one in FeatureGroup.get_all()]

group.delete()
try:
    boto3.client("sagemaker").describe_feature_group(FeatureGroupName="customers-sdk3")
    raise AssertionError("it is still there")
except boto3.client("sagemaker").exceptions.ResourceNotFound:
    pass

feature_datasets.check(session, role)
print("FEATURES OK")
