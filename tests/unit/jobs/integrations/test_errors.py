"""Names and causes of failures, as AWS's SDKs make them."""

from __future__ import annotations

import pytest

from stepmill.core.api_calls import ApiCallError, WrongParametersError
from stepmill.jobs.integrations.errors import (
    exception_of,
    optimized_failure,
    sdk_failure,
    unusable,
    wrong_parameters,
)
from stepmill.jobs.integrations.services import ELSEWHERE, OPTIMIZED, SDK


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ConditionalCheckFailedException", "ConditionalCheckFailedException"),
        ("ResourceInUse", "ResourceInUseException"),
        ("NoSuchKey", "NoSuchKeyException"),
        ("QueueDoesNotExist", "QueueDoesNotExistException"),
        ("ExecutionAlreadyExists", "ExecutionAlreadyExistsException"),
        ("InternalFault", "InternalException"),
        ("invalidName", "InvalidNameException"),
    ],
)
def test_exceptions_are_named_as_the_sdks_name_them(code: str, name: str) -> None:
    assert exception_of(code) == name


@pytest.mark.parametrize(
    ("service", "code", "is_modelled", "error"),
    [
        (
            "dynamodb",
            "ConditionalCheckFailedException",
            True,
            "DynamoDB.ConditionalCheckFailedException",
        ),
        ("dynamodb", "ValidationException", False, "DynamoDB.AmazonDynamoDBException"),
        ("sagemaker", "ResourceLimitExceeded", True, "SageMaker.ResourceLimitExceededException"),
        ("sagemaker", "ValidationException", False, "SageMaker.AmazonSageMakerException"),
        ("lambda", "ResourceNotFoundException", True, "Lambda.ResourceNotFoundException"),
        ("lambda", "InternalFailure", False, "Lambda.AWSLambdaException"),
        ("states", "ExecutionAlreadyExists", True, "StepFunctions.ExecutionAlreadyExistsException"),
        ("batch", "ClientException", True, "Batch.ClientException"),
        ("sqs", "QueueDoesNotExist", True, "SQS.QueueDoesNotExistException"),
        ("sns", "NotFoundException", True, "SNS.NotFoundException"),
    ],
)
def test_errors_of_optimised_integrations(service: str, code: str, is_modelled: bool, error: str) -> None:
    refused = ApiCallError(code, "No.", request_id="r", is_modelled=is_modelled)
    assert optimized_failure("t", OPTIMIZED[service], refused).error == error


def test_the_cause_of_an_optimised_integration_is_worded_as_by_the_first_sdk() -> None:
    refused = ApiCallError("ConditionalCheckFailedException", "The condition failed", request_id="r1")
    failure = optimized_failure("t", OPTIMIZED["dynamodb"], refused)
    assert failure.cause == (
        "The condition failed (Service: AmazonDynamoDBv2; Status Code: 400; "
        "Error Code: ConditionalCheckFailedException; Request ID: r1; Proxy: null)"
    )


@pytest.mark.parametrize(
    ("service", "code", "is_modelled", "error"),
    [
        ("sfn", "ExecutionDoesNotExist", True, "Sfn.ExecutionDoesNotExistException"),
        ("sfn", "ValidationException", False, "Sfn.SfnException"),
        ("dynamodb", "ResourceNotFoundException", True, "DynamoDb.ResourceNotFoundException"),
        ("cloudwatchlogs", "InternalFailure", False, "CloudWatchLogs.CloudWatchLogsException"),
    ],
)
def test_errors_of_sdk_integrations(service: str, code: str, is_modelled: bool, error: str) -> None:
    refused = ApiCallError(code, "No.", request_id="r", is_modelled=is_modelled)
    assert sdk_failure("t", SDK[service], refused).error == error


def test_the_cause_of_an_sdk_integration_is_worded_as_by_the_second_sdk() -> None:
    refused = ApiCallError("QueueDoesNotExist", "The specified queue does not exist.", request_id="r2")
    assert sdk_failure("t", SDK["sqs"], refused).cause == (
        "The specified queue does not exist. (Service: Sqs, Status Code: 400, Request ID: r2)"
    )


def test_s3_tells_a_second_id() -> None:
    refused = ApiCallError("NoSuchKey", "The specified key does not exist.", status=404, request_id="r3")
    cause = sdk_failure("t", SDK["s3"], refused).cause
    assert cause.startswith(
        "The specified key does not exist. (Service: S3, Status Code: 404, Request ID: r3, Extended "
    )


def test_parameters_that_are_none_of_the_operation_fail_the_runtime() -> None:
    error = WrongParametersError(['The field "A" is not supported by Step Functions', "The field 'B' is x"])
    failure = wrong_parameters("t", {"A": 1}, error)
    assert failure.error == "States.Runtime"
    assert failure.cause == (
        "The Parameters '{\"A\":1}' could not be used to start the Task: "
        "[The field \"A\" is not supported by Step Functions, The field 'B' is x]"
    )
    assert failure.cause == unusable({"A": 1}, error)


def test_no_service_is_offered_and_refused_at_once() -> None:
    assert not ELSEWHERE & OPTIMIZED.keys()
