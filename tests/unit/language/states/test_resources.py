from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.language.states.resources import Pattern, Resource, ResourceKind, parse_resource


@pytest.mark.parametrize(
    ("text", "integration", "pattern"),
    [
        ("arn:aws:states:::sqs:sendMessage", "sqs:sendMessage", Pattern.REQUEST_RESPONSE),
        ("arn:aws:states:::batch:submitJob.sync", "batch:submitJob.sync", Pattern.SYNC),
        ("arn:aws:states:::states:startExecution.sync:2", "states:startExecution.sync:2", Pattern.SYNC),
        (
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "lambda:invoke.waitForTaskToken",
            Pattern.WAIT_FOR_TASK_TOKEN,
        ),
        ("arn:aws-cn:states:::aws-sdk:s3:getObject", "aws-sdk:s3:getObject", Pattern.REQUEST_RESPONSE),
        (
            "arn:aws-us-gov:states:::aws-sdk:ssm:startAutomationExecution.waitForTaskToken",
            "aws-sdk:ssm:startAutomationExecution.waitForTaskToken",
            Pattern.WAIT_FOR_TASK_TOKEN,
        ),
        (
            "arn:aws:states:::emr-serverless:startJobRun.sync",
            "emr-serverless:startJobRun.sync",
            Pattern.SYNC,
        ),
    ],
)
def test_an_integration_is_a_service_an_action_and_a_pattern(
    text: str, integration: str, pattern: Pattern
) -> None:
    found = parse_resource(text)
    assert (found.integration, found.pattern, found.arn) == (integration, pattern, text)
    assert found.is_integration


def test_the_parts_of_an_sdk_call_are_those_of_history() -> None:
    found = parse_resource("arn:aws:states:::aws-sdk:dynamodb:getItem")
    assert (found.kind, found.service, found.resource_type, found.resource) == (
        ResourceKind.SDK,
        "dynamodb",
        "aws-sdk:dynamodb",
        "getItem",
    )


@pytest.mark.parametrize(
    ("end", "qualifier"), [("", ""), (":3", "3"), (":live", "live"), (":$LATEST", "$LATEST")]
)
def test_a_function_may_have_a_version_or_an_alias(end: str, qualifier: str) -> None:
    found = parse_resource("arn:aws:lambda:us-west-2:123456789012:function:Prepare_1" + end)
    assert found == Resource(
        kind=ResourceKind.LAMBDA,
        service="lambda",
        action="Prepare_1",
        pattern=Pattern.REQUEST_RESPONSE,
        arn="arn:aws:lambda:us-west-2:123456789012:function:Prepare_1" + end,
        region="us-west-2",
        account="123456789012",
        qualifier=qualifier,
    )
    assert not found.is_integration


def test_an_activity_belongs_to_an_account() -> None:
    found = parse_resource("arn:aws:states:eu-central-1:123456789012:activity:label images".replace(" ", "-"))
    assert (found.kind, found.action, found.account) == (
        ResourceKind.ACTIVITY,
        "label-images",
        "123456789012",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lambda:invoke",
        "arn:aws:states:::aws-sdk:s3:getObject.sync",
        "arn:aws:states:::batch:submitJob.async",
        "arn:aws:states:::batch:submitJob.sync:three",
        "arn:aws:states:::batch",
        "arn:aws:states:::batch:",
        "arn:aws:lambda:us-west-2:123456789012:function:",
        "arn:aws:lambda:us-west-2:1:function:f",
        "arn:aws:lambda:us-west-2:123456789012:function:f:v:w",
        "arn:aws:states:us-west-2:123456789012:activity:a b",
        "arn:aws:sns:us-west-2:123456789012:topic",
        "arn:aws:states:::sqs:sendMessage\n",
        "arn:aws:states:::" + "a" * 5_000 + ":b",
    ],
)
def test_what_is_no_resource_is_refused_in_the_words_of_aws(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not recognized"):
        parse_resource(text)


@given(st.text() | st.from_regex(r"arn:aws:states:::[a-z:.A-Z]*"))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    try:
        assert parse_resource(text).arn == text
    except InvalidInputError:
        pass
