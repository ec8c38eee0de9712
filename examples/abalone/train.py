"""Train a model of rings on the features of a group, known by its name alone, and report how good it is.

Plain boto3 and scikit-learn, in SageMaker's script mode: nothing here knows where it runs.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import cross_val_predict

LABEL = "rings"


def read_features(group: str, results: str) -> pd.DataFrame:
    """Return the newest record of each identifier in the group's offline store, by SQL."""
    region = os.environ.get("AWS_REGION")
    described = boto3.client("sagemaker", region_name=region).describe_feature_group(FeatureGroupName=group)
    catalog = described["OfflineStoreConfig"]["DataCatalogConfig"]
    names = [one["FeatureName"] for one in described["FeatureDefinitions"]]
    identifier, moment = described["RecordIdentifierFeatureName"], described["EventTimeFeatureName"]
    columns = ", ".join(f'"{name}"' for name in names)
    query = (
        f'SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY "{identifier}" '
        f'ORDER BY "{moment}" DESC, api_invocation_time DESC) AS place '
        f'FROM "{catalog["Database"]}"."{catalog["TableName"]}") WHERE place = 1 AND NOT is_deleted'
    )
    athena = boto3.client("athena", region_name=region)
    started = athena.start_query_execution(
        QueryString=query, ResultConfiguration={"OutputLocation": results}
    )["QueryExecutionId"]
    while True:
        execution = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        state = execution["Status"]["State"]
        if state not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.2)
    if state != "SUCCEEDED":
        raise RuntimeError(f"the query has {state}: {execution['Status'].get('StateChangeReason')}")
    bucket, key = split(execution["ResultConfiguration"]["OutputLocation"])
    body = boto3.client("s3", region_name=region).get_object(Bucket=bucket, Key=key)["Body"].read()
    return pd.read_csv(io.BytesIO(body)).drop(columns=[identifier, moment])


def split(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")


def quality(actual: np.ndarray, predicted: np.ndarray) -> dict[str, object]:
    """Return the report in the format that the model registry reads: regression metrics.

    The standard deviation is that of the mean over the rows.
    """
    absolute = np.abs(actual - predicted)
    squared = absolute**2
    many = np.sqrt(len(actual))

    def metric(values: np.ndarray) -> dict[str, float]:
        return {"value": float(values.mean()), "standard_deviation": float(values.std(ddof=1) / many)}

    mse = metric(squared)
    rmse = float(np.sqrt(mse["value"]))
    explained = 1 - mse["value"] / float(actual.var())
    return {
        "regression_metrics": {
            "mae": metric(absolute),
            "mse": mse,
            "rmse": {"value": rmse, "standard_deviation": mse["standard_deviation"] / (2 * rmse)},
            "r2": {"value": explained, "standard_deviation": mse["standard_deviation"] / float(actual.var())},
        }
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--group", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--report", required=True)
    parser.add_argument("--trees", type=int, default=150)
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    arguments = parser.parse_args()

    data = read_features(arguments.group, f"s3://{arguments.bucket}/queries")
    features, rings = data.drop(columns=LABEL), data[LABEL].to_numpy(float)
    print(f"{len(data)} shells with {features.shape[1]} features")

    model = GradientBoostingRegressor(n_estimators=arguments.trees, max_depth=3, random_state=7)
    report = quality(rings, cross_val_predict(model, features, rings, cv=3))
    for name, metric in report["regression_metrics"].items():
        print(f"validation:{name}={metric['value']:.4f};")
    model.fit(features, rings)
    joblib.dump({"model": model, "columns": list(features.columns)}, arguments.model_dir / "model.joblib")

    bucket, key = split(arguments.report)
    boto3.client("s3", region_name=os.environ.get("AWS_REGION")).put_object(
        Bucket=bucket, Key=key, Body=json.dumps(report).encode(), ContentType="application/json"
    )


if __name__ == "__main__":
    main()
