"""Processing jobs, as boto3 sees them."""

from __future__ import annotations

import pytest

from support.registry import refused
from support.wire import Wire
from support.wire_jobs import BUCKET, WireJobs

ARN = "arn:aws:sagemaker:us-west-2:123456789012:processing-job"
COUNTS = """
import pathlib
text = pathlib.Path("/opt/ml/processing/input/data/a.csv").read_text()
pathlib.Path("/opt/ml/processing/output/count/count.txt").write_text(str(len(text.split())))
pathlib.Path("/opt/ml/output/message").write_text("counted")
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
