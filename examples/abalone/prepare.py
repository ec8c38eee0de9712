"""Measure shells, prepare the measurements as features, and ingest them into a feature group.

Plain boto3: on AWS the same script fills a feature group there.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import numpy as np
import pandas as pd
from botocore.config import Config

WRITERS = 8
TYPES = {"i": "Integral", "f": "Fractional", "O": "String"}


def measure(rows: int) -> pd.DataFrame:
    """Make the measurements: shells grow with their age, and no two alike. Lengths in mm, weights in g."""
    chance = np.random.default_rng(7)
    rings = chance.integers(3, 20, rows)
    length = 140 * (1 - np.exp(-0.22 * rings)) * chance.normal(1, 0.04, rows)
    weight = 2.4e-4 * length**2.9 * chance.normal(1, 0.06, rows)
    return pd.DataFrame(
        {
            "sex": chance.choice(["M", "F", "I"], rows),
            "length": length.round(2),
            "diameter": (0.8 * length * chance.normal(1, 0.02, rows)).round(2),
            "height": (0.27 * length * chance.normal(1, 0.05, rows)).round(2),
            "whole_weight": weight.round(3),
            "shell_weight": (0.28 * weight * chance.normal(1, 0.06, rows) + 0.9 * rings).round(3),
            "rings": rings,
        }
    )


def prepare(measured: pd.DataFrame) -> pd.DataFrame:
    """Return one row of features for each shell: numbers alone, with an identifier and a time."""
    features = pd.get_dummies(measured, columns=["sex"], dtype=int).rename(columns=str.lower)
    features.insert(0, "shell", [f"shell-{number:05d}" for number in range(len(features))])
    features["measured_at"] = float(int(time.time()))
    return features


def open_group(client: object, name: str, features: pd.DataFrame, bucket: str, role: str) -> None:
    """Make the feature group unless it is there, and wait until it can take records."""
    try:
        client.create_feature_group(
            FeatureGroupName=name,
            RecordIdentifierFeatureName="shell",
            EventTimeFeatureName="measured_at",
            FeatureDefinitions=[
                {"FeatureName": column, "FeatureType": TYPES.get(kind.kind, "String")}
                for column, kind in features.dtypes.items()
            ],
            OnlineStoreConfig={"EnableOnlineStore": True},
            OfflineStoreConfig={"S3StorageConfig": {"S3Uri": f"s3://{bucket}/features"}},
            RoleArn=role,
            Description="Measurements of shells, and how many rings each has.",
        )
    except client.exceptions.ResourceInUse:
        print(f"the feature group {name} is there")
    while client.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "Creating":
        time.sleep(0.2)


def ingest(client: object, name: str, features: pd.DataFrame) -> None:
    """Put each row into the group, several at a time."""

    def put(row: tuple[object, ...]) -> None:
        record = [
            {"FeatureName": column, "ValueAsString": str(value)}
            for column, value in zip(features.columns, row, strict=True)
        ]
        client.put_record(FeatureGroupName=name, Record=record)

    with ThreadPoolExecutor(WRITERS) as writers:
        for done, _ in enumerate(writers.map(put, features.itertuples(index=False, name=None)), start=1):
            if done % 200 == 0 or done == len(features):
                print(f"ingested {done} of {len(features)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--group", required=True)
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--role", required=True)
    arguments = parser.parse_args()

    features = prepare(measure(arguments.rows))
    region = os.environ.get("AWS_REGION")
    open_group(
        boto3.client("sagemaker", region_name=region),
        arguments.group,
        features,
        arguments.bucket,
        arguments.role,
    )
    records = boto3.client(
        "sagemaker-featurestore-runtime",
        region_name=region,
        config=Config(max_pool_connections=WRITERS, retries={"mode": "standard", "max_attempts": 8}),
    )
    ingest(records, arguments.group, features)


if __name__ == "__main__":
    main()
