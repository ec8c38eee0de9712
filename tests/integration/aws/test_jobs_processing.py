"""Processing jobs, as boto3 sees them."""

from __future__ import annotations

import pytest

from stepmill.storage.objects.uri import S3Uri
from support.features import group_request
from support.registry import own_name, refused
from support.wire import Wire
from support.wire_jobs import BUCKET, WireJobs

ARN = "arn:aws:sagemaker:us-west-2:123456789012:processing-job"
COUNTS = """
import pathlib
text = pathlib.Path("/opt/ml/processing/input/data/a.csv").read_text()
pathlib.Path("/opt/ml/processing/output/count/count.txt").write_text(str(len(text.split())))
pathlib.Path("/opt/ml/output/message").write_text("counted")
"""

FILLS = """
import sys, time
import boto3
into, table, results = sys.argv[1:]
values = {"id": "1", "at": "2026-01-01T00:00:00Z"}
boto3.client("sagemaker-featurestore-runtime").put_record(
    FeatureGroupName=into,
    Record=[{"FeatureName": name, "ValueAsString": value} for name, value in values.items()],
)
athena = boto3.client("athena")
asked = athena.start_query_execution(
    QueryString=f'SELECT count(*) FROM "{table}"',
    QueryExecutionContext={"Database": "sagemaker_featurestore"},
    ResultConfiguration={"OutputLocation": results},
)["QueryExecutionId"]
state = "QUEUED"
while state in ("QUEUED", "RUNNING"):
    time.sleep(0.1)
    state = athena.get_query_execution(QueryExecutionId=asked)["QueryExecution"]["Status"]["State"]
assert state == "SUCCEEDED"
"""


@pytest.fixture
def jobs(wire: Wire) -> WireJobs:
    return WireJobs(wire)


def test_from_create_to_the_output(jobs: WireJobs) -> None:
    request = jobs.processing(COUNTS)
    name = request["ProcessingJobName"]
    data = {
        "S3Uri": jobs.put(f"{name}/a.csv", "1 2 3"),
        "LocalPath": "/opt/ml/processing/input/data",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    output = {
        "S3Uri": f"s3://{BUCKET}/{name}/out",
        "LocalPath": "/opt/ml/processing/output/count",
        "S3UploadMode": "EndOfJob",
    }
    request["ProcessingInputs"].append({"InputName": "data", "S3Input": data})
    request["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": "count", "S3Output": output}]}
    answer = jobs.client.create_processing_job(**request)
    assert answer["ProcessingJobArn"] == f"{ARN}/{name}"
    found = jobs.processed(name)
    assert found["ProcessingJobStatus"] == "Completed", found
    for member in ("ProcessingInputs", "ProcessingOutputConfig", "AppSpecification", "ProcessingResources"):
        assert found[member] == request[member]
    assert found["ExitMessage"] == "counted"
    assert found["CreationTime"] <= found["ProcessingStartTime"] <= found["ProcessingEndTime"]
    assert jobs.read(f"s3://{BUCKET}/{name}/out/count.txt") == b"3"
    (summary,) = jobs.client.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
    assert summary["ProcessingJobStatus"] == "Completed"
    assert summary["ExitMessage"] == "counted"
    assert summary["ProcessingEndTime"] == found["ProcessingEndTime"]


def test_a_failure_is_told(jobs: WireJobs) -> None:
    name = jobs.process("raise RuntimeError('broken')")
    found = jobs.processed(name)
    assert found["ProcessingJobStatus"] == "Failed"
    assert "RuntimeError: broken" in found["FailureReason"]
    (summary,) = jobs.client.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
    assert summary["FailureReason"] == found["FailureReason"]


def test_one_that_is_stopped_and_removed(jobs: WireJobs) -> None:
    name = jobs.process("import time; time.sleep(600)")
    jobs.client.stop_processing_job(ProcessingJobName=name)
    assert jobs.processed(name)["ProcessingJobStatus"] == "Stopped"
    jobs.client.delete_processing_job(ProcessingJobName=name)
    error = refused(jobs.client.describe_processing_job, ProcessingJobName=name)
    assert error.code == "ValidationException"
    assert error.message == f"Could not find requested job with name: {name}"


def test_a_name_is_used_once(jobs: WireJobs) -> None:
    request = jobs.processing("print()")
    jobs.client.create_processing_job(**request)
    error = refused(jobs.client.create_processing_job, **request)
    assert (error.code, "already exists" in error.message) == ("ResourceInUse", True)
    jobs.processed(request["ProcessingJobName"])


def test_network_isolation_leaves_no_way_out(jobs: WireJobs) -> None:
    script = "import socket; socket.create_connection(('127.0.0.1', PORT), timeout=5)"
    script = script.replace("PORT", jobs.wire.url.rpartition(":")[2])
    alone = jobs.process(script, NetworkConfig={"EnableNetworkIsolation": True})
    assert jobs.processed(alone)["ProcessingJobStatus"] == "Failed"
    assert jobs.processed(jobs.process(script))["ProcessingJobStatus"] == "Completed"


def test_an_output_that_is_a_feature_group_is_filled_by_the_job_and_stands_in_lineage(jobs: WireJobs) -> None:
    wire, into, of = jobs.wire, own_name("into"), own_name("of")
    offline = {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/store"}}
    wire.client("sagemaker").create_feature_group(**group_request(of, OfflineStoreConfig=offline))
    described = wire.client("sagemaker").describe_feature_group(FeatureGroupName=of)
    table = described["OfflineStoreConfig"]["DataCatalogConfig"]["TableName"]
    request = jobs.processing(FILLS)
    name = request["ProcessingJobName"]
    request["AppSpecification"]["ContainerArguments"] = [into, table, f"s3://{BUCKET}/{name}/results/"]
    output = {"OutputName": "g", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": into}}
    request["ProcessingOutputConfig"] = {"Outputs": [output]}
    error = refused(jobs.client.create_processing_job, **request)
    assert error.code == "ValidationException"
    assert f"the feature group '{into}', and there is none of that name" in error.message
    wire.client("sagemaker").create_feature_group(**group_request(into, OfflineStoreConfig=offline))
    jobs.client.create_processing_job(**request)
    found = jobs.processed(name)
    assert found["ProcessingJobStatus"] == "Completed", found
    assert found["ProcessingOutputConfig"] == request["ProcessingOutputConfig"]
    component = (
        f"arn:aws:sagemaker:us-west-2:123456789012:experiment-trial-component/{name}-aws-processing-job"
    )
    around = {
        way: jobs.client.query_lineage(
            StartArns=[component], Direction=way, Filters={"Types": ["FeatureGroup"]}
        )["Vertices"]
        for way in ("Ascendants", "Descendants")
    }
    names = {way: [one["Arn"].rpartition("/")[2] for one in found] for way, found in around.items()}
    # What the query has left, and the files of the group, are made of its records for whoever takes them.
    store = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    (result,) = [
        one for one in wire.platform.objects.all(S3Uri(BUCKET, f"{name}/results/")) if one.key.endswith("csv")
    ]
    for address in (f"s3://{BUCKET}/{result.key}", store, f"{store}/year=2026/", store.removesuffix("/data")):
        assert wire.platform._groups_behind(address) == [of], address
    for address in (f"s3://{BUCKET}/else/{result.key}", f"s3://{BUCKET}/x", store.replace(of, "missing")):
        assert wire.platform._groups_behind(address) == [], address
    assert names == {
        "Ascendants": [f"{of.lower()}-aws-feature-group"],
        "Descendants": [f"{into.lower()}-aws-feature-group"],
    }
