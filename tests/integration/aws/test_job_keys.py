"""What a job may do with its key, and for how long, tried from inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.cli import PYTHON_IMAGE, eventually
from support.wire import Wire, running_server
from support.wire_jobs import BUCKET, WireJobs

NARROW = "arn:aws:iam::123456789012:role/Narrow"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/shared/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/shared/secret*"},
    ],
}
TRIES = """
import json, os
import boto3
from botocore.exceptions import ClientError
BUCKET, NAME = %r, %r
s3, iam, sts, sagemaker = (boto3.client(name) for name in ("s3", "iam", "sts", "sagemaker"))
tried = {
    "input": lambda: s3.get_object(Bucket=BUCKET, Key=f"code/{NAME}/train.py"),
    "shared": lambda: s3.get_object(Bucket=BUCKET, Key="shared/a"),
    "missing": lambda: s3.get_object(Bucket=BUCKET, Key="shared/missing"),
    "missing output": lambda: s3.get_object(Bucket=BUCKET, Key=f"out/{NAME}/missing"),
    "denied": lambda: s3.get_object(Bucket=BUCKET, Key="shared/secret"),
    "other bucket": lambda: s3.get_object(Bucket="private-things", Key="a"),
    "copied out": lambda: s3.copy_object(
        Bucket=BUCKET, Key=f"out/{NAME}/stolen", CopySource={"Bucket": "private-things", "Key": "a"}),
    "other output": lambda: s3.get_object(Bucket=BUCKET, Key="out/other/output/model.tar.gz"),
    "other output written": lambda: s3.put_object(
        Bucket=BUCKET, Key="out/other/output/model.tar.gz", Body=b""),
    "key": lambda: sts.get_session_token(),
    "role": lambda: sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/Wide", RoleSessionName="me"),
    "rights": lambda: iam.put_role_policy(RoleName="Narrow", PolicyName="more", PolicyDocument="{}"),
    "itself": lambda: sagemaker.describe_training_job(TrainingJobName=NAME),
    "others": lambda: sagemaker.list_training_jobs(),
    "wider job": lambda: sagemaker.create_model(
        ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/Wide"),
}
found = {"identity": sts.get_caller_identity()["Arn"]}
for name, call in tried.items():
    try:
        call()
        found[name] = "done"
    except ClientError as error:
        found[name] = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
found["key of this job"] = {n: v for n, v in os.environ.items() if n.startswith("AWS_")}
s3.put_object(Bucket=BUCKET, Key=f"out/{NAME}/found.json", Body=json.dumps(found).encode())
"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with running_server(tmp_path_factory.mktemp("keys") / "home") as wire:
        yield wire


@pytest.fixture(scope="module")
def found(locked: Wire) -> dict[str, Any]:
    """What a job under a narrow role came to."""
    jobs = WireJobs(locked)
    iam, s3 = locked.client("iam"), locked.client("s3")
    iam.put_role_policy(RoleName="Narrow", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    s3.create_bucket(Bucket="private-things", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="private-things", Key="a", Body=b"mine")
    for key in ("shared/a", "shared/secret", "out/other/output/model.tar.gz"):
        jobs.put(key, "x")
    name = jobs.name("narrow")
    ended = jobs.trained(jobs.train(TRIES % (BUCKET, name), name, RoleArn=NARROW))
    assert ended["TrainingJobStatus"] == "Completed", ended
    read: dict[str, Any] = json.loads(jobs.read(f"s3://{BUCKET}/out/{name}/found.json"))
    return {**read, "name": name}


def test_it_is_a_session_of_its_role(found: dict[str, Any]) -> None:
    assert found["identity"] == f"arn:aws:sts::123456789012:assumed-role/Narrow/{found['name']}"


@pytest.mark.parametrize("name", ["input", "shared", "itself"])
def test_what_it_needs_and_its_role_allows_it_may_do(found: dict[str, Any], name: str) -> None:
    assert found[name] == "done"


@pytest.mark.parametrize(
    ("name", "code", "action"),
    [
        ("other bucket", "AccessDenied", "s3:GetObject"),
        ("copied out", "AccessDenied", "s3:GetObject"),
        ("other output", "AccessDenied", "s3:GetObject"),
        ("other output written", "AccessDenied", "s3:PutObject"),
        ("key", "AccessDenied", "sts:GetSessionToken"),
        ("role", "AccessDenied", "sts:AssumeRole"),
        ("rights", "AccessDenied", "iam:PutRolePolicy"),
        ("others", "AccessDeniedException", "sagemaker:ListTrainingJobs"),
        ("wider job", "AccessDeniedException", "sagemaker:CreateModel"),
    ],
)
def test_all_else_is_refused_in_the_words_of_aws(
    found: dict[str, Any], name: str, code: str, action: str
) -> None:
    assert found[name].startswith(f"{code}: User: {found['identity']} is not authorized to perform: {action}")
    assert f"because no identity-based policy allows the {action} action" in found[name]


def test_what_is_missing_it_hears_where_it_may_list(found: dict[str, Any]) -> None:
    assert found["missing output"].startswith("NoSuchKey: ")
    assert "is not authorized to perform: s3:ListBucket on resource" in found["missing"]


def test_a_deny_is_told_as_one(found: dict[str, Any]) -> None:
    assert found["denied"].endswith("with an explicit deny in an identity-based policy")


def stolen(locked: Wire, found: dict[str, Any], service: str, *, token: str) -> Any:
    given = found["key of this job"]
    return boto3.client(
        service,
        endpoint_url=locked.url,
        region_name="us-west-2",
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=token or None,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("s3", "list_buckets", "ExpiredToken"),
        ("sagemaker", "list_training_jobs", "ExpiredTokenException"),
        ("sts", "get_caller_identity", "ExpiredToken"),
    ],
)
def test_with_the_job_its_key_is_over(
    locked: Wire, found: dict[str, Any], service: str, operation: str, code: str
) -> None:
    client = stolen(locked, found, service, token=found["key of this job"]["AWS_SESSION_TOKEN"])
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)()
    assert raised.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("token", ["", "SMJ1not-a-token"])
def test_a_key_without_its_token_is_none(locked: Wire, found: dict[str, Any], token: str) -> None:
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stolen(locked, found, "s3", token=token).list_buckets()
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        stolen(locked, found, "sagemaker", token=token).list_training_jobs()


def test_beside_a_server_it_calls_that(locked: Wire, found: dict[str, Any]) -> None:
    assert found["key of this job"]["AWS_ENDPOINT_URL"] == locked.url


def test_no_key_of_a_job_is_kept(locked: Wire, found: dict[str, Any]) -> None:
    kept = {key.id for key in locked.platform.keys.list()}
    assert found["key of this job"]["AWS_ACCESS_KEY_ID"] not in kept


def test_a_function_is_a_session_of_its_role_and_bound_by_it(locked: Wire) -> None:
    folder = locked.platform.settings.home / "fenced"
    folder.mkdir()
    body = """
import boto3
from botocore.exceptions import ClientError
def handle(event, context):
    try:
        boto3.client("s3").list_buckets()
    except ClientError as error:
        return [boto3.client("sts").get_caller_identity()["Arn"], error.response["Error"]["Code"]]
"""
    (folder / "main.py").write_text(body)
    client = locked.client("lambda")
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    locked.client("iam").attach_role_policy(RoleName="Logger", PolicyArn=basic)
    locked.platform.functions.put("fenced", code=folder, handler="main.handle")
    client.update_function_configuration(FunctionName="fenced", Role="arn:aws:iam::123456789012:role/Logger")
    answer = json.loads(client.invoke(FunctionName="fenced")["Payload"].read())
    assert answer == ["arn:aws:sts::123456789012:assumed-role/Logger/fenced", "AccessDenied"]


def test_a_batch_job_is_a_session_of_its_role_while_an_attempt_runs(locked: Wire) -> None:
    batch, jobs = locked.client("batch"), WireJobs(locked)
    batch.create_compute_environment(computeEnvironmentName="machine", type="UNMANAGED")
    order = [{"order": 1, "computeEnvironment": "machine"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    script = (
        "import boto3, json, os;"
        "told = {n: v for n, v in os.environ.items() if n.startswith('AWS_')};"
        "told['me'] = boto3.client('sts').get_caller_identity()['Arn'];"
        f"boto3.client('s3').put_object(Bucket='{BUCKET}', Key='batch.json', Body=json.dumps(told))"
    )
    batch.register_job_definition(
        jobDefinitionName="ask",
        type="container",
        containerProperties={
            "image": PYTHON_IMAGE,
            "command": ["python3", "-c", script],
            "jobRoleArn": "arn:aws:iam::123456789012:role/Batcher",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}],
        },
    )
    job = batch.submit_job(jobName="tonight", jobQueue="q", jobDefinition="ask")["jobId"]

    def ended() -> Any:
        (found,) = batch.describe_jobs(jobs=[job])["jobs"]
        return found if found["status"] in ("SUCCEEDED", "FAILED") else None

    found = eventually(ended, "the end of the job")
    assert found["status"] == "SUCCEEDED", found
    told = json.loads(jobs.read(f"s3://{BUCKET}/batch.json"))
    assert told["me"] == "arn:aws:sts::123456789012:assumed-role/Batcher/tonight"
    with pytest.raises(ClientError, match="ExpiredToken"):
        stolen(locked, {"key of this job": told}, "s3", token=told["AWS_SESSION_TOKEN"]).list_buckets()
