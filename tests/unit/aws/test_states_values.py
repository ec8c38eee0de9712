"""Parameters and results of Task states, held against the models of services in every protocol."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stepmill.aws.states_values import pascal, reading_of, writing_of
from stepmill.core.api_calls import Spelling, WrongParametersError
from stepmill.core.json import Json, JsonObject

MOMENT = datetime(2024, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)


def read(service: str, operation: str, parameters: JsonObject) -> dict[str, Any]:
    return reading_of(service).read(operation, parameters)


def problems(service: str, operation: str, parameters: Any) -> tuple[str, ...]:
    with pytest.raises(WrongParametersError) as caught:
        reading_of(service).read(operation, parameters)
    return caught.value.problems


@pytest.mark.parametrize(("name", "shown"), [("jobName", "JobName"), ("JobName", "JobName"), ("", "")])
def test_names_begin_with_a_capital(name: str, shown: str) -> None:
    assert pascal(name) == shown


def test_names_in_pascal_case_become_those_of_the_model_at_every_level() -> None:
    given: JsonObject = {
        "JobName": "j",
        "JobQueue": "q",
        "JobDefinition": "d",
        "ContainerOverrides": {"Environment": [{"Name": "A", "Value": "1"}], "Command": ["x"]},
    }
    assert read("batch", "SubmitJob", given) == {
        "jobName": "j",
        "jobQueue": "q",
        "jobDefinition": "d",
        "containerOverrides": {"environment": [{"name": "A", "value": "1"}], "command": ["x"]},
    }


def test_the_spelling_of_the_model_is_refused() -> None:
    assert problems("stepfunctions", "DescribeExecution", {"executionArn": "arn"}) == (
        'The field "executionArn" is not supported by Step Functions',
        "The field 'ExecutionArn' is required but was missing",
    )


def test_the_example_of_the_guide_is_taken_nevertheless() -> None:
    given: JsonObject = {
        "JobName": "j",
        "JobQueue": "q",
        "JobDefinition": "d",
        "RetryStrategy": {"attempts": 5},
    }
    assert read("batch", "SubmitJob", given)["retryStrategy"] == {"attempts": 5}


def test_keys_of_maps_are_kept_as_they_are() -> None:
    given: JsonObject = {"TableName": "ttt", "Key": {"id": {"S": "x"}, "Other": {"N": "1"}}}
    assert read("dynamodb", "GetItem", given)["Key"] == {"id": {"S": "x"}, "Other": {"N": "1"}}


def test_a_field_that_no_operation_has_is_told_by_name() -> None:
    assert problems("sqs", "ListQueues", {"Nope": 1}) == (
        'The field "Nope" is not supported by Step Functions',
    )


def test_a_field_is_told_below_others_too() -> None:
    given: JsonObject = {"TableName": "ttt", "Key": {"id": {"Text": "x"}}}
    assert problems("dynamodb", "GetItem", given) == ('The field "Text" is not supported by Step Functions',)


def test_all_that_is_missing_is_told() -> None:
    assert problems("sqs", "SendMessage", {}) == (
        "The field 'QueueUrl' is required but was missing",
        "The field 'MessageBody' is required but was missing",
    )


def test_a_null_is_as_good_as_missing() -> None:
    assert problems("sqs", "GetQueueUrl", {"QueueName": None}) == (
        "The field 'QueueName' is required but was missing",
    )


@pytest.mark.parametrize(
    ("service", "operation", "given", "word"),
    [
        ("sqs", "GetQueueUrl", {"QueueName": 7}, "'QueueName' must be a STRING"),
        ("sqs", "GetQueueUrl", {"QueueName": {"a": 1}}, "'QueueName' must be a STRING"),
        ("sqs", "ListQueues", {"MaxResults": "7"}, "'MaxResults' must be an INTEGER"),
        ("sqs", "ListQueues", {"MaxResults": 7.5}, "'MaxResults' must be an INTEGER"),
        ("sqs", "ListQueues", {"MaxResults": True}, "'MaxResults' must be an INTEGER"),
        ("sqs", "ListQueues", {"MaxResults": 2**31}, "'MaxResults' must be an INTEGER"),
        ("lambda", "DeleteFunction", {"FunctionName": ["f"]}, "'FunctionName' must be a STRING"),
        ("dynamodb", "GetItem", {"TableName": "ttt", "Key": []}, "'Key' must be MAP"),
        ("dynamodb", "DescribeTable", {"TableName": "ttt", "x": 1}, '"x" is not supported by Step Functions'),
    ],
)
def test_values_of_another_kind_are_refused(service: str, operation: str, given: Any, word: str) -> None:
    (problem,) = problems(service, operation, given)
    assert problem.endswith(word)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert read("sqs", "ListQueues", {"MaxResults": 7.0}) == {"MaxResults": 7}


@pytest.mark.parametrize("value", [{"a": [1]}, [1, 2], 5, True])
def test_json_in_place_of_a_message_is_sent_as_its_text(value: Json) -> None:
    given: JsonObject = {"QueueUrl": "http://h/1/q", "MessageBody": value}
    text = {"QueueUrl": "http://h/1/q", "MessageBody": read("sqs", "SendMessage", given)["MessageBody"]}
    assert text["MessageBody"] in ('{"a":[1]}', "[1,2]", "5", "true")


def test_json_as_the_input_of_an_execution_is_sent_as_its_text() -> None:
    given: JsonObject = {"StateMachineArn": "arn", "Input": {"a": 1}}
    assert read("stepfunctions", "StartExecution", given) == {"stateMachineArn": "arn", "input": '{"a":1}'}


def test_a_body_is_text_or_json_but_binary_values_of_items_are_base64() -> None:
    assert read("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": "t"})["Body"] == b"t"
    assert read("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": {"a": 1}})["Body"] == b'{"a":1}'
    given: JsonObject = {"TableName": "ttt", "Key": {"id": {"B": "dA=="}}}
    assert read("dynamodb", "GetItem", given)["Key"] == {"id": {"B": b"t"}}


@pytest.mark.parametrize("text", ["not base64!", "dA"])
def test_wrong_base64_is_refused(text: str) -> None:
    assert problems("dynamodb", "GetItem", {"TableName": "ttt", "Key": {"id": {"B": text}}}) == (
        "The value for the field 'B' must be a BLOB",
    )


def test_shapes_that_hold_themselves_are_read_at_any_depth() -> None:
    value: Json = {"S": "x"}
    for _ in range(20):
        value = {"M": {"in": value}}
    given: JsonObject = {"TableName": "ttt", "Item": {"id": value}}
    assert read("dynamodb", "PutItem", given)["Item"] == {"id": value}


@pytest.mark.parametrize("value", [MOMENT.timestamp(), MOMENT.isoformat(), "2024-05-06T07:08:09.25Z"])
def test_moments_are_taken_as_text_and_as_seconds(value: Any) -> None:
    found = read("sagemaker", "ListTrainingJobs", {"CreationTimeAfter": value})
    assert found == {"CreationTimeAfter": MOMENT}


def test_moments_are_milliseconds_or_text_by_whose_spelling_it_is() -> None:
    answer = {"executionArn": "arn", "startDate": MOMENT}
    optimized = writing_of("stepfunctions", Spelling.OPTIMIZED).write("StartExecution", answer)
    assert optimized == {"ExecutionArn": "arn", "StartDate": 1_714_979_289_250}
    sdk = writing_of("stepfunctions", Spelling.SDK).write("StartExecution", answer)
    assert sdk == {"ExecutionArn": "arn", "StartDate": "2024-05-06T07:08:09.250Z"}


def test_members_are_shown_in_the_order_of_their_names_without_what_is_not_there() -> None:
    answer = {"status": "RUNNING", "name": None, "executionArn": "arn", "other": 1}
    written = writing_of("stepfunctions", Spelling.SDK).write("DescribeExecution", answer)
    assert list(written.items()) == [("ExecutionArn", "arn"), ("Status", "RUNNING")]


def test_bytes_are_shown_as_text_where_they_are_and_else_as_base64() -> None:
    writing = writing_of("lambda", Spelling.SDK)
    assert writing.write("Invoke", {"Payload": b'{"a":1}'}) == {"Payload": '{"a":1}'}
    assert writing.write("Invoke", {"Payload": b"\xff"}) == {"Payload": "/w=="}
    item = writing_of("dynamodb", Spelling.OPTIMIZED).write("GetItem", {"Item": {"id": {"B": b"t"}}})
    assert item == {"Item": {"id": {"B": "dA=="}}}


def test_empty_lists_that_xml_cannot_tell_are_not_shown() -> None:
    written = writing_of("s3", Spelling.SDK).write("ListObjectsV2", {"Name": "b", "Contents": []})
    assert written == {"Name": "b"}
