"""Puts prepared shells into a feature group, as the SDK's tutorials do."""

import argparse
import time

import boto3
import pandas as pd
import sagemaker
from sagemaker.feature_store.feature_group import FeatureGroup

parser = argparse.ArgumentParser()
parser.add_argument("--group", required=True)
parser.add_argument("--role", required=True)
parser.add_argument("--bucket", required=True)
arguments = parser.parse_args()

shells = pd.read_csv("/opt/ml/processing/input/shells.csv", header=None, names=["rings", "length", "weight"])
shells.insert(0, "shell", range(len(shells)))
shells["measured_at"] = float(round(time.time()))
session = sagemaker.Session(
    sagemaker_client=boto3.client("sagemaker"),
    sagemaker_featurestore_runtime_client=boto3.client("sagemaker-featurestore-runtime"),
    default_bucket=arguments.bucket,
)
group = FeatureGroup(name=arguments.group, sagemaker_session=session)
group.load_feature_definitions(data_frame=shells)
try:
    group.create(
        s3_uri=f"s3://{arguments.bucket}/features",
        record_identifier_name="shell",
        event_time_feature_name="measured_at",
        role_arn=arguments.role,
        enable_online_store=True,
    )
except session.sagemaker_client.exceptions.ResourceInUse:
    print("the group is there")
while group.describe()["FeatureGroupStatus"] == "Creating":
    time.sleep(0.2)
manager = group.ingest(data_frame=shells, max_workers=4, wait=True)
assert not manager.failed_rows, manager.failed_rows
print(f"ingested {len(shells)} shells")
