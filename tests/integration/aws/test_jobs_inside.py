"""What jobs find when they call AWS themselves: this installation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.cli import ROLE
from support.wire import Wire
from support.wire_jobs import BUCKET, WireJobs

ASKS = """
import json, os
import boto3
s3 = boto3.client("s3")
s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"from inside")
found = {
    "read": s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read().decode(),
    # As the SDK does it: at a fixed address, whatever the variables say.
    "identity": boto3.client("sts", endpoint_url="https://sts.us-west-2.amazonaws.com").get_caller_identity(),
    "region": boto3.session.Session().region_name,
    "role": json.load(open("/opt/ml/metadata/resource-metadata.json"))["ExecutionRoleArn"],
    "arn": os.environ.get("TRAINING_JOB_ARN") or os.environ["PROCESSING_JOB_ARN"],
}
found["identity"].pop("ResponseMetadata")
s3.put_object(Bucket=BUCKET, Key=KEY + ".json", Body=json.dumps(found).encode())
"""


@pytest.fixture
def jobs(wire: Wire) -> WireJobs:
    return WireJobs(wire)


def asks(key: str) -> str:
    return f"BUCKET, KEY = {BUCKET!r}, {key!r}\n{ASKS}"


def told(jobs: WireJobs, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jobs.read(f"s3://{BUCKET}/{key}.json"))
    return found


def test_a_training_job(jobs: WireJobs) -> None:
    name = jobs.name()
    found = jobs.trained(jobs.train(asks(name), name))
    assert found["TrainingJobStatus"] == "Completed", found
    answer = told(jobs, name)
    assert answer["read"] == "from inside"
    assert answer["identity"]["Account"] == "123456789012"
    assert ":assumed-role/" in answer["identity"]["Arn"]
    assert (answer["region"], answer["role"], answer["arn"]) == ("us-west-2", ROLE, found["TrainingJobArn"])


def test_a_processing_job(jobs: WireJobs) -> None:
    name = jobs.name()
    found = jobs.processed(jobs.process(asks(name), name))
    assert found["ProcessingJobStatus"] == "Completed", found
    assert told(jobs, name)["arn"] == found["ProcessingJobArn"]


def test_a_function(jobs: WireJobs, wire: Wire) -> None:
    name = jobs.name("asking")
    folder = wire.platform.settings.home / name
    folder.mkdir()
    body = f"""
import boto3
def handle(event, context):
    boto3.client("s3").put_object(Bucket={BUCKET!r}, Key={name!r}, Body=b"called")
    return boto3.client("sts").get_caller_identity()["Account"]
"""
    (folder / "main.py").write_text(body)
    wire.platform.functions.put(name, code=folder, handler="main.handle")
    answer = wire.client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == "123456789012"
    assert jobs.read(f"s3://{BUCKET}/{name}") == b"called"


def test_a_job_without_network_is_told_of_no_endpoint(jobs: WireJobs) -> None:
    script = "import os; assert not {'AWS_ENDPOINT_URL', 'AWS_SECRET_ACCESS_KEY'} & set(os.environ)"
    found = jobs.trained(jobs.train(script, EnableNetworkIsolation=True))
    assert found["TrainingJobStatus"] == "Completed", found


def test_the_variables_of_the_request_come_first(jobs: WireJobs) -> None:
    script = """
import os, sys
assert os.environ["AWS_ENDPOINT_URL"] == "http://elsewhere"
assert os.environ["PYTHONPATH"].startswith("/mine:"), os.environ["PYTHONPATH"]
"""
    given = {"AWS_ENDPOINT_URL": "http://elsewhere", "PYTHONPATH": "/mine"}
    assert jobs.trained(jobs.train(script, Environment=given))["TrainingJobStatus"] == "Completed"
