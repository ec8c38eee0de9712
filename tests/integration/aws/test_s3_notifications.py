"""A bucket's changes reach functions and queues, with boto3 on both sides."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.jobs.functions.events import EVENT_KIND
from stepmill.platform import Platform, load_settings
from stepmill.storage.objects.uri import S3Uri
from support.cli import eventually
from support.functions import code, create
from support.wire import Wire

# Says what it was told, in a line of its own.
TELLS = """
import json
def handler(event, context):
    for record in event["Records"]:
        said = [record["eventName"], record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]]
        print("TOLD", json.dumps([*said, record["s3"]["object"].get("size")]))
"""


def refused(do: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        do()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class Told:
    """A bucket, a function that says what it was told, and what it said."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.name = name
        self.s3 = wire.client("s3")
        self.s3.create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": wire.platform.settings.region},
        )
        self.arn = create(wire.client("lambda"), name, TELLS)["FunctionArn"]

    def rule(self, *events: str, filters: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        rules = [{"Name": name, "Value": value} for name, value in (filters or {}).items()]
        return {
            "LambdaFunctionArn": self.arn,
            "Events": list(events) or ["s3:ObjectCreated:*"],
            **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}),
            **more,
        }

    def configure(self, *rules: dict[str, Any], **more: Any) -> None:
        configuration = {"LambdaFunctionConfigurations": list(rules)} if rules else {}
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration={**configuration, **more.pop("others", {})}, **more
        )

    def configured(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.s3.get_bucket_notification_configuration(Bucket=self.name)
        answer.pop("ResponseMetadata")
        return answer

    def put(self, key: str, data: bytes = b"data") -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=data)

    def said(self) -> list[list[Any]]:
        folder = self.wire.platform.layout.jobs / "function-call"
        lines = [
            line
            for log in folder.glob(f"{self.name}-*/log")
            for line in log.read_text().splitlines()
            if line.startswith("TOLD ")
        ]
        return sorted(json.loads(line.removeprefix("TOLD ")) for line in lines)

    def until(self, count: int) -> list[list[Any]]:
        eventually(lambda: len(self.said()) >= count, f"{count} notifications")
        return self.said()


@pytest.fixture
def told(wire: Wire, request: pytest.FixtureRequest) -> Told:
    name = request.node.name.replace("_", "-").partition("[")[0].removeprefix("test-")[:40].strip("-")
    return Told(wire, name)


def test_puts_copies_uploads_in_parts_and_deletes(told: Told) -> None:
    told.configure(told.rule("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
    told.put("a b+c.csv")
    told.s3.copy_object(Bucket=told.name, Key="copy", CopySource={"Bucket": told.name, "Key": "a b+c.csv"})
    upload = told.s3.create_multipart_upload(Bucket=told.name, Key="parts")["UploadId"]
    part = told.s3.upload_part(Bucket=told.name, Key="parts", UploadId=upload, PartNumber=1, Body=b"in parts")
    told.s3.complete_multipart_upload(
        Bucket=told.name, Key="parts", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )  # fmt: skip
    told.s3.delete_object(Bucket=told.name, Key="copy")
    told.s3.delete_object(Bucket=told.name, Key="never-there")
    told.s3.delete_objects(Bucket=told.name, Delete={"Objects": [{"Key": "parts"}]})
    assert told.until(5) == [
        ["ObjectCreated:CompleteMultipartUpload", told.name, "parts", 8],
        ["ObjectCreated:Copy", told.name, "copy", 4],
        ["ObjectCreated:Put", told.name, "a+b%2Bc.csv", 4],
        ["ObjectRemoved:Delete", told.name, "copy", None],
        ["ObjectRemoved:Delete", told.name, "parts", None],
    ]


def test_only_what_fits_is_told(told: Told) -> None:
    told.configure(told.rule(filters={"prefix": "in/", "suffix": ".csv"}))
    for key in ("in/a.txt", "out/a.csv", "in/a.csv"):
        told.put(key)
    told.s3.delete_object(Bucket=told.name, Key="in/a.csv")
    told.put("in/last.csv")
    assert [told_[2] for told_ in told.until(2)] == ["in/a.csv", "in/last.csv"]


def test_a_configuration_is_given_back_and_taken_away(told: Told) -> None:
    assert told.configured() == {}
    rule = told.rule(filters={"Prefix": "in/", "Suffix": ".csv"}, Id="mine")
    told.configure(rule)
    assert told.configured() == {"LambdaFunctionConfigurations": [rule]}
    told.configure(told.rule("s3:ObjectRemoved:*"), told.rule("s3:ObjectCreated:*"))
    made = told.configured()["LambdaFunctionConfigurations"]
    assert [one["Events"] for one in made] == [["s3:ObjectRemoved:*"], ["s3:ObjectCreated:*"]]
    assert len({one["Id"] for one in made}) == 2
    told.configure()
    assert told.configured() == {}
    told.put("a")
    assert told.said() == []


def test_a_queue_is_told(told: Told, wire: Wire) -> None:
    sqs = wire.client("sqs")
    url = sqs.create_queue(QueueName=told.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = {"Id": "q", "QueueArn": arn, "Events": ["s3:ObjectCreated:Put"]}
    told.configure(others={"QueueConfigurations": [rule]})
    assert told.configured() == {"QueueConfigurations": [rule]}
    told.put("a")
    bodies = [
        json.loads(message["Body"])
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    assert [body.get("Event") or body["Records"][0]["s3"]["object"]["key"] for body in bodies] == [
        "s3:TestEvent",
        "a",
    ]


def test_topics_and_the_bus_of_events_are_told(told: Told, wire: Wire) -> None:
    sqs, sns, events = wire.client("sqs"), wire.client("sns"), wire.client("events")
    url = sqs.create_queue(QueueName=told.name)["QueueUrl"]
    queue = wire.platform.settings.arns.queue(told.name)
    topic = sns.create_topic(Name=told.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [told.name]}}}
    events.put_rule(Name=told.name, EventPattern=json.dumps(pattern))
    events.put_targets(
        Rule=told.name, Targets=[{"Id": "q", "Arn": queue, "InputPath": "$.detail.object.key"}]
    )
    rule = {"Id": "t", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}
    told.configure(others={"TopicConfigurations": [rule], "EventBridgeConfiguration": {}})
    assert told.configured() == {"TopicConfigurations": [rule], "EventBridgeConfiguration": {}}
    told.put("a.csv")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(message["Body"]) for message in found]
    published = [json.loads(body["Message"]) for body in bodies if isinstance(body, dict)]
    assert [one.get("Event") or one["Records"][0]["eventName"] for one in published] == [
        "s3:TestEvent",
        "ObjectCreated:Put",
    ]
    assert [body for body in bodies if isinstance(body, str)] == ["a.csv"]
    events.remove_targets(Rule=told.name, Ids=["q"])
    events.delete_rule(Name=told.name)
    unknown = {"TopicArn": f"{topic}-other", "Events": ["s3:ObjectCreated:*"]}
    code, text = refused(lambda: told.configure(others={"TopicConfigurations": [unknown]}))
    assert (code, "Unable to validate" in text) == ("InvalidArgument", True)


def test_what_is_refused(told: Told) -> None:
    before = told.rule(Id="before")
    told.configure(before)
    arn = told.arn
    for rules, wanted, words in (
        ([told.rule(LambdaFunctionArn=f"{arn}-other")], "InvalidArgument", "Unable to validate"),
        ([told.rule(LambdaFunctionArn=f"{arn}:prod")], "InvalidArgument", "Unable to validate"),
        ([told.rule(LambdaFunctionArn=told.name)], "InvalidArgument", "Unable to validate"),
        ([told.rule(LambdaFunctionArn="arn:aws:sqs:us-west-2:123456789012:q")], "InvalidArgument", "ARN"),
        ([told.rule(), told.rule("s3:ObjectCreated:Put")], "InvalidArgument", "overlap"),
        ([told.rule(Id="a"), told.rule("s3:ObjectRemoved:*", Id="a")], "InvalidArgument", "called 'a'"),
        ([told.rule("s3:ObjectTagging:Put")], "NotImplemented", "s3:ObjectTagging:Put"),
        ([told.rule(filters={"prefix": "x" * 1025})], "InvalidArgument", "1024"),
        ([told.rule(filters={"infix": "x"})], "InvalidArgument", "either prefix or suffix"),
        ([told.rule(filters={"prefix": "a", "Prefix": "b"})], "InvalidArgument", "more than one prefix"),
    ):
        error, text = refused(lambda rules=rules: told.configure(*rules))
        assert (error, words in text) == (wanted, True), text
        assert told.configured() == {"LambdaFunctionConfigurations": [before]}
    assert refused(
        lambda: told.s3.get_bucket_notification_configuration(Bucket="there-is-no-such-bucket")
    )[0] == "NoSuchBucket"  # fmt: skip


def test_a_function_may_be_made_later_if_one_says_so(told: Told) -> None:
    lambda_ = told.wire.client("lambda")
    lambda_.delete_function(FunctionName=told.name)
    told.configure(told.rule(), SkipDestinationValidation=True)
    create(lambda_, told.name, TELLS)
    told.put("a")
    told.until(1)


STARTS = """
import boto3
from urllib.parse import unquote_plus

def handler(event, context):
    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    for record in event["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        definition = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        name = key.rpartition("/")[2].removesuffix(".json")
        role = "arn:aws:iam::123456789012:role/R"
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role)
        started = sagemaker.start_pipeline_execution(PipelineName=name)
        s3.put_object(Bucket=bucket, Key=f"started/{name}", Body=started["PipelineExecutionArn"].encode())
"""
DEFINITION = {
    "Version": "2020-12-01",
    "Steps": [
        {
            "Name": "Decide",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
                "IfSteps": [],
                "ElseSteps": [],
            },
        }
    ],
}


def test_a_definition_that_is_put_into_a_bucket_starts_a_pipeline(told: Told) -> None:
    """As Lambda's default has it, in 128 MB; the function's boto3 finds this server by itself."""
    told.wire.client("lambda").update_function_configuration(FunctionName=told.name, MemorySize=128)
    told.wire.client("lambda").update_function_code(FunctionName=told.name, ZipFile=code(STARTS))
    told.configure(told.rule(filters={"prefix": "definitions/", "suffix": ".json"}))
    told.put("definitions/from-a-bucket.json", json.dumps(DEFINITION).encode())

    def started() -> str:
        try:
            answer = told.s3.get_object(Bucket=told.name, Key="started/from-a-bucket")
        except told.s3.exceptions.NoSuchKey:
            return ""
        return str(answer["Body"].read().decode())

    execution = eventually(started, "the execution")
    sagemaker = told.wire.client("sagemaker")
    eventually(
        lambda: (
            sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"]
            == "Succeeded"
        ),
        "its end",
    )


PUTS_AND_DIES = """
import os, signal, sys
from pathlib import Path
from stepmill.platform import Platform, load_settings
from stepmill.storage.objects.uri import S3Uri

folder = Path(sys.argv[1])
platform = Platform(load_settings(folder, {}), serves=True)
platform.function_services.events.close()  # as if it died before it came to that
platform.objects.put_bytes(S3Uri("watched", "a.csv"), b"data")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_server_had_acknowledged_is_told_by_the_next(tmp_path: Path) -> None:
    from stepmill.jobs.notifications.rules import NotificationRule

    settings = load_settings(tmp_path, {})
    (tmp_path / "app.py").write_text(TELLS)
    with Platform(settings) as platform:
        function = platform.functions.put("told", tmp_path / "app.py", "app.handler")
        platform.objects.create_bucket("watched")
        platform.notifications.set("watched", [NotificationRule("r", function.arn, ("s3:ObjectCreated:*",))])
    done = subprocess.run([sys.executable, "-c", PUTS_AND_DIES, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Platform(settings, serves=True) as platform:
        assert platform.objects.read_bytes(S3Uri("watched", "a.csv")) == b"data"
        assert platform.function_services.events.resume() == 1
        eventually(lambda: not platform.records.list(EVENT_KIND).records, "the end of the event")
        (log,) = (platform.layout.jobs / "function-call").glob("told-*/log")
        assert 'TOLD ["ObjectCreated:Put", "watched", "a.csv", 4]' in log.read_text()
