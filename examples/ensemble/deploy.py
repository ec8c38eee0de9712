"""Put everything that the state machine needs in place, run it, and show what it came to: plain boto3."""

import argparse
import io
import json
import re
import sys
import tarfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
NAME = "page-classifier"
# Script mode of SageMaker's own scikit-learn image; the account is AWS's, by region.
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
FETCH_IMAGE = IMAGE

iam, s3, functions, sns = (boto3.client(name) for name in ("iam", "s3", "lambda", "sns"))
batch, states, sqs = (boto3.client(name) for name in ("batch", "stepfunctions", "sqs"))
account = boto3.client("sts").get_caller_identity()["Account"]
region = s3.meta.region_name


def make_bucket(name: str) -> str:
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return name


def make_role() -> str:
    services = ["lambda", "sagemaker", "states", "batch", "ecs-tasks"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    try:
        made = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName=NAME)
    return made["Role"]["Arn"]


def make_function(name: str, role: str) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(HERE / "functions" / f"{name}.py", f"{name}.py")
    full = f"{NAME}-{name}"
    try:
        made = functions.create_function(
            FunctionName=full,
            Runtime="python3.12",
            Role=role,
            Handler=f"{name}.handler",
            Code={"ZipFile": code.getvalue()},
            Timeout=60,
        )
    except functions.exceptions.ResourceConflictException:
        made = functions.update_function_code(FunctionName=full, ZipFile=code.getvalue())
    functions.get_waiter("function_active_v2").wait(FunctionName=full)
    return made["FunctionArn"]


def upload_code(bucket: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file in sorted((HERE / "training").glob("*.py")):
            archive.add(file, file.name)
    s3.put_object(Bucket=bucket, Key=f"{NAME}/code/source.tar.gz", Body=packed.getvalue())
    for file in (HERE / "training" / "pages.py", HERE / "fetch.py"):
        s3.upload_file(str(file), bucket, f"{NAME}/code/{file.name}")


def make_queue(role: str, bucket: str) -> tuple[str, str]:
    try:
        batch.create_compute_environment(
            computeEnvironmentName=NAME, type="UNMANAGED", state="ENABLED", serviceRole=role
        )
        batch.create_job_queue(
            jobQueueName=NAME,
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": NAME}],
        )
    except ClientError as error:
        if "exists" not in str(error):
            raise
    fetch = (
        "import boto3,sys,runpy;bucket,prefix=sys.argv[1:3];"
        "boto3.client('s3').download_file(bucket,prefix+'/code/fetch.py','/tmp/fetch.py');"
        "runpy.run_path('/tmp/fetch.py',run_name='__main__')"
    )
    made = batch.register_job_definition(
        jobDefinitionName=NAME,
        type="container",
        parameters={"bucket": bucket, "prefix": NAME, "bundles": "200"},
        containerProperties={
            "image": FETCH_IMAGE,
            "command": ["python3", "-c", fetch, "Ref::bucket", "Ref::prefix", "Ref::bundles"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}],
            "jobRoleArn": role,
        },
    )
    return NAME, made["jobDefinitionArn"]


def make_topic() -> tuple[str, str]:
    """Make the topic, and a queue that hears of it; return the topic's ARN and the queue's URL."""
    topic = sns.create_topic(Name=NAME)["TopicArn"]
    url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def fill(values: dict[str, str]) -> str:
    """Fill the placeholders as ``Fn::Sub`` does."""
    text = (HERE / "machine.asl.json").read_text()
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)


def make_machine(definition: str, role: str) -> str:
    arn = f"arn:aws:states:{region}:{account}:stateMachine:{NAME}"
    try:
        states.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
    except states.exceptions.StateMachineDoesNotExist:
        states.create_state_machine(name=NAME, definition=definition, roleArn=role)
    return arn


def wait(execution: str) -> dict:
    """Wait for the end of an execution, and tell each state that it enters."""
    seen = 0
    while True:
        described = states.describe_execution(executionArn=execution)
        pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        for event in events[seen:]:
            if "stateEnteredEventDetails" in event:
                print(f"  {event['stateEnteredEventDetails']['name']}")
        seen = len(events)
        if described["status"] != "RUNNING":
            print(f"{described['status']} {described.get('error', '')} {described.get('cause', '')[:300]}")
            return described
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a classifier of pages.")
    parser.add_argument(
        "--shortages", type=int, default=0, help="rehearse so many attempts without a machine"
    )
    parser.add_argument("--show-failure", action="store_true", help="leave the data out: a notified failure")
    parser.add_argument(
        "--show-redrive", action="store_true", help="fail at the end, mend it, go on from there"
    )
    parser.add_argument("--only-deploy", action="store_true", help="start nothing")
    arguments = parser.parse_args()
    role = make_role()
    bucket = make_bucket(f"{NAME}-{account}")
    upload_code(bucket)
    queue, job_definition = make_queue(role, bucket)
    topic, inbox = make_topic()
    machine = make_machine(
        fill(
            {
                "RoleArn": role,
                "TrainingImage": IMAGE,
                "SetupFunction": make_function("setup", role),
                "ReasonsFunction": make_function("reasons", role),
                "CollectFunction": make_function("collect", role),
                "JobQueue": queue,
                "FetchJobDefinition": job_definition,
                "TopicArn": topic,
            }
        ),
        role,
    )
    print(machine)
    if arguments.only_deploy:
        return
    given = json.loads((HERE / "input.json").read_text())
    given |= {"bucket": bucket, "release": bucket, "shortages": arguments.shortages}
    if arguments.show_failure:
        given |= {"prefix": f"{NAME}/nothing-here", "skip": {"fetch": True}}
    if arguments.show_redrive:
        given["release"] = f"{NAME}-release-{account}-{int(time.time())}"
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    end = wait(execution)
    if arguments.show_redrive:
        make_bucket(given["release"])
        states.redrive_execution(executionArn=execution)
        end = wait(execution)
    if arguments.show_failure:
        received = sqs.receive_message(QueueUrl=inbox, WaitTimeSeconds=20).get("Messages", [])
        for message in received:
            print("notified:", json.loads(message["Body"])["Message"][:300])
        sys.exit(0 if received and end["status"] == "FAILED" else 1)
    if end["status"] != "SUCCEEDED":
        sys.exit(1)
    print(json.dumps(json.loads(end["output"]), indent=2))


if __name__ == "__main__":
    main()
