"""Task states that are one call of a service, answered by the real handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.json import Json, JsonObject, read_json
from stepmill.core.tasks import TaskSubmitted
from stepmill.platform import Platform
from support.cli import eventually
from support.integrating import ACCOUNT, EXECUTION, Heard, do, home, start, task_of

QUEUE = f"http://127.0.0.1/{ACCOUNT}/orders"
TABLE: JsonObject = {
    "TableName": "items",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with home(tmp_path) as opened:
        yield opened


@pytest.fixture
def queue(platform: Platform) -> str:
    platform.api_calls.call("sqs", "CreateQueue", {"QueueName": "orders"})
    return QUEUE


def output_of(heard: Heard) -> dict[str, Any]:
    output = heard.succeeded()
    assert isinstance(output, dict)
    return output


def test_a_message_is_sent_and_the_answer_is_the_output(platform: Platform, queue: str) -> None:
    heard = do(platform, "sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a": 1}})
    output = output_of(heard)
    assert heard.kinds == ["TaskSucceeded"]
    assert list(output) == ["MD5OfMessageBody", "MessageId", "SdkHttpMetadata", "SdkResponseMetadata"]
    assert [message.body for message in platform.queues.peek("orders")] == ['{"a":1}']


def test_a_task_that_waits_for_its_token_is_submitted_and_ends_later(platform: Platform, queue: str) -> None:
    given: JsonObject = {"QueueUrl": queue, "MessageBody": {"token": "t"}}
    heard = do(platform, "sqs:sendMessage.waitForTaskToken", given)
    assert heard.kinds == ["TaskSubmitted"]
    assert isinstance(heard.submitted()["MessageId"], str)


def test_a_queue_that_is_not_there_fails_the_task_by_the_name_of_aws(platform: Platform) -> None:
    error, cause = do(platform, "sqs:sendMessage", {"QueueUrl": QUEUE, "MessageBody": "x"}).failed()
    assert error == "SQS.QueueDoesNotExistException"
    assert cause.startswith(
        "The specified queue does not exist. (Service: AmazonSQS; Status Code: 400; "
        "Error Code: QueueDoesNotExist; Request ID: "
    )
    assert cause.endswith("; Proxy: null)")


def test_the_same_by_the_sdk_is_worded_as_the_sdk_does(platform: Platform) -> None:
    error, cause = do(platform, "aws-sdk:sqs:sendMessage", {"QueueUrl": QUEUE, "MessageBody": "x"}).failed()
    assert error == "Sqs.QueueDoesNotExistException"
    assert cause.startswith(
        "The specified queue does not exist. (Service: Sqs, Status Code: 400, Request ID: "
    )


@pytest.mark.parametrize("payload", [None, [1], "text", 5])
def test_parameters_that_are_no_object_fail_the_runtime(platform: Platform, payload: Json) -> None:
    for resource in ("sqs:sendMessage", "aws-sdk:sqs:sendMessage", "lambda:invoke"):
        error, cause = do(platform, resource, payload).failed()
        assert error == "States.Runtime"
        assert "could not be used to start the Task: [" in cause


def test_items_are_put_read_changed_and_deleted(platform: Platform) -> None:
    platform.api_calls.call("dynamodb", "CreateTable", TABLE)
    item: JsonObject = {"id": {"S": "1"}, "n": {"N": "1"}}
    key: JsonObject = {"id": {"S": "1"}}
    put = output_of(do(platform, "dynamodb:putItem", {"TableName": "items", "Item": item}))
    assert list(put) == ["SdkHttpMetadata", "SdkResponseMetadata"]
    got = output_of(do(platform, "dynamodb:getItem", {"TableName": "items", "Key": key}))
    assert got["Item"] == item
    change: JsonObject = {
        "TableName": "items",
        "Key": key,
        "UpdateExpression": "SET n = n + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    assert output_of(do(platform, "dynamodb:updateItem", change))["Attributes"] == {"n": {"N": "2"}}
    output_of(do(platform, "dynamodb:deleteItem", {"TableName": "items", "Key": key}))
    assert "Item" not in output_of(do(platform, "dynamodb:getItem", {"TableName": "items", "Key": key}))


def test_a_condition_that_fails_is_an_error_that_a_catcher_can_name(platform: Platform) -> None:
    platform.api_calls.call("dynamodb", "CreateTable", TABLE)
    put: JsonObject = {
        "TableName": "items",
        "Item": {"id": {"S": "1"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    do(platform, "dynamodb:putItem", put).succeeded()
    error, cause = do(platform, "dynamodb:putItem", put).failed()
    assert error == "DynamoDB.ConditionalCheckFailedException"
    assert cause.startswith(
        "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; "
        "Error Code: ConditionalCheckFailedException; "
    )


def test_sdk_integrations_show_members_alone(platform: Platform) -> None:
    platform.api_calls.call("dynamodb", "CreateTable", TABLE)
    item: JsonObject = {"id": {"S": "1"}}
    assert do(platform, "aws-sdk:dynamodb:putItem", {"TableName": "items", "Item": item}).succeeded() == {}
    got = do(platform, "aws-sdk:dynamodb:getItem", {"TableName": "items", "Key": item}).succeeded()
    assert got == {"Item": item}


def test_objects_are_put_as_json_and_read_as_text(platform: Platform) -> None:
    bucket = platform.settings.default_bucket
    where: JsonObject = {"Bucket": bucket, "Key": "in/a.json"}
    put = do(platform, "aws-sdk:s3:putObject", {**where, "Body": {"a": [1, 2.5]}}).succeeded()
    assert isinstance(put, dict)
    assert set(put) >= {"ETag"}
    got = output_of(do(platform, "aws-sdk:s3:getObject", where))
    assert got["Body"] == '{"a":[1,2.5]}'
    assert got["ContentLength"] == len(got["Body"])
    listed = output_of(do(platform, "aws-sdk:s3:listObjectsV2", {"Bucket": bucket, "Prefix": "in/"}))
    assert [entry["Key"] for entry in listed["Contents"]] == ["in/a.json"]
    do(platform, "aws-sdk:s3:deleteObject", where).succeeded()
    error, cause = do(platform, "aws-sdk:s3:getObject", where).failed()
    assert error == "S3.NoSuchKeyException"
    assert cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")


def test_what_has_no_name_in_the_model_is_named_by_the_service(platform: Platform) -> None:
    where: JsonObject = {"Bucket": platform.settings.default_bucket, "Key": "k"}
    do(platform, "aws-sdk:s3:putObject", {**where, "Body": "abc"}).succeeded()
    error, _ = do(platform, "aws-sdk:s3:getObject", {**where, "Range": "bytes=7-"}).failed()
    assert error == "S3.S3Exception"
    error, cause = do(platform, "aws-sdk:sagemaker:describeTrainingJob", {"TrainingJobName": "no"}).failed()
    assert error == "SageMaker.SageMakerException"
    assert cause.startswith("Requested resource not found. (Service: SageMaker, Status Code: 400, ")


def test_a_message_is_published(platform: Platform, queue: str) -> None:
    topic = platform.api_calls.call("sns", "CreateTopic", {"Name": "news"}).members["TopicArn"]
    subscription: JsonObject = {
        "TopicArn": topic,
        "Protocol": "sqs",
        "Endpoint": platform.settings.arns.queue("orders"),
        "Attributes": {"RawMessageDelivery": "true"},
    }
    platform.api_calls.call("sns", "Subscribe", subscription)
    output = output_of(do(platform, "sns:publish", {"TopicArn": topic, "Message": {"what": "done"}}))
    assert list(output) == ["MessageId", "SdkHttpMetadata", "SdkResponseMetadata"]
    assert [message.body for message in platform.queues.peek("orders")] == ['{"what":"done"}']


def test_a_topic_that_is_not_there_fails_the_task(platform: Platform) -> None:
    topic = platform.settings.arns.topic("none")
    error, cause = do(platform, "sns:publish", {"TopicArn": topic, "Message": "x"}).failed()
    assert error == "SNS.NotFoundException"
    assert "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound" in cause


def test_events_reach_their_rules_and_name_the_execution(platform: Platform, queue: str) -> None:
    calls = platform.api_calls
    calls.call("events", "PutRule", {"Name": "mine", "EventPattern": '{"source":["me"]}'})
    target: JsonObject = {"Id": "1", "Arn": platform.settings.arns.queue("orders")}
    calls.call("events", "PutTargets", {"Rule": "mine", "Targets": [target]})
    entry: JsonObject = {"Source": "me", "DetailType": "Done", "Detail": {"a": 1}, "Resources": ["own"]}
    output = output_of(do(platform, "events:putEvents", {"Entries": [entry]}))
    assert list(output) == ["Entries", "FailedEntryCount", "SdkHttpMetadata", "SdkResponseMetadata"]
    (message,) = eventually(lambda: platform.queues.peek("orders"), "the event")
    event = json.loads(message.body)
    assert event["detail"] == {"a": 1}
    machine = EXECUTION.replace(":execution:", ":stateMachine:").removesuffix(":run")
    assert event["resources"] == ["own", EXECUTION, machine]


def test_an_event_that_cannot_be_put_fails_the_task(platform: Platform) -> None:
    entry: JsonObject = {"Source": "me", "DetailType": "Done", "Detail": {}, "EventBusName": "none"}
    error, cause = do(platform, "events:putEvents", {"Entries": [entry]}).failed()
    assert error == "EventBridge.FailedEntry"
    told = json.loads(cause)
    assert list(told) == ["Entries", "FailedEntryCount"]
    assert (told["FailedEntryCount"], list(told["Entries"][0])) == (1, ["ErrorCode", "ErrorMessage"])


MODEL: JsonObject = {
    "ModelName": "churn",
    "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/R",
    "PrimaryContainer": {"Image": "stepmill-python:3"},
}


def test_a_model_is_made_once_by_a_task_that_is_handed_over_again(platform: Platform) -> None:
    task = task_of("sagemaker:createModel", MODEL)
    first = output_of(start(platform, task))
    assert first["ModelArn"] == platform.settings.arns.sagemaker("model", "churn")
    assert output_of(start(platform, task)) == first


def test_another_task_finds_the_name_taken(platform: Platform) -> None:
    output_of(do(platform, "sagemaker:createModel", MODEL))
    error, cause = do(platform, "sagemaker:createModel", MODEL).failed()
    assert error == "SageMaker.AmazonSageMakerException"
    assert "(Service: AmazonSageMaker; Status Code: 400; Error Code: " in cause


def test_a_model_whose_answer_was_lost_is_known_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of("sagemaker:createModel", MODEL)
    from stepmill.jobs.integrations.journal import Journal

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "answer", die)
        with pytest.raises(KeyboardInterrupt):
            start(platform, task)
    output = output_of(start(platform, task))
    assert output["ModelArn"] == platform.settings.arns.sagemaker("model", "churn")


def test_a_refused_creation_leaves_nothing_behind(platform: Platform) -> None:
    task = task_of("sagemaker:createModel", {**MODEL, "ModelName": "bad_name"})
    assert start(platform, task).failed()[0] == "SageMaker.AmazonSageMakerException"
    page = platform.records.list("state-task")
    assert page.records == ()


def test_stopping_a_call_does_nothing(platform: Platform, queue: str) -> None:
    for resource in ("sqs:sendMessage.waitForTaskToken", "aws-sdk:sqs:sendMessage"):
        task = task_of(resource, {"QueueUrl": queue, "MessageBody": "x"})
        handler = platform.integrations.get(task.resource)
        assert handler is not None
        handler.stop(task)
        heard = start(platform, task)
        handler.stop(task)
        assert heard.finals == (0 if "Token" in resource else 1)


def test_the_last_of_sdk_patterns_waits_for_a_token(platform: Platform, queue: str) -> None:
    heard = do(platform, "aws-sdk:sqs:sendMessage.waitForTaskToken", {"QueueUrl": queue, "MessageBody": "x"})
    assert isinstance(heard.wait_for(TaskSubmitted).output, dict)
    assert heard.finals == 0


def test_a_pipeline_is_started_by_the_sdk_with_a_token_that_makes_it_once(platform: Platform) -> None:
    definition = (
        '{"Version":"2020-12-01","Steps":[{"Name":"No","Type":"Fail","Arguments":{"ErrorMessage":"no"}}]}'
    )
    made: JsonObject = {
        "PipelineName": "Stop",
        "PipelineDefinition": definition,
        "ClientRequestToken": "a" * 32,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/R",
    }
    platform.api_calls.call("sagemaker", "CreatePipeline", made)
    given: JsonObject = {"PipelineName": "Stop", "ClientRequestToken": "b" * 32}
    first = do(platform, "aws-sdk:sagemaker:startPipelineExecution", given).succeeded()
    again = do(platform, "aws-sdk:sagemaker:startPipelineExecution", given).succeeded()
    assert first == again
    assert isinstance(first, dict)
    assert str(first["PipelineExecutionArn"]).startswith("arn:aws:sagemaker:")


def test_the_text_of_json_is_compact(platform: Platform, queue: str) -> None:
    do(platform, "sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a": {"b": [1, None]}}}).succeeded()
    (message,) = platform.queues.peek("orders")
    assert message.body == '{"a":{"b":[1,null]}}'
    assert read_json(message.body) == {"a": {"b": [1, None]}}
