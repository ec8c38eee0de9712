"""Which resources are offered, and how others are refused: by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.errors import UnsupportedError
from stepmill.jobs.integrations.activities import ActivityTask
from stepmill.jobs.integrations.calls import OptimizedCall, SdkCall
from stepmill.jobs.integrations.functions import FunctionTask
from stepmill.jobs.integrations.integrations import Integrations
from stepmill.jobs.integrations.jobs import JobTask
from stepmill.jobs.integrations.services import OPTIMIZED
from stepmill.jobs.integrations.waiting import WAITED, WaitedCall
from stepmill.language.states.resources import Pattern, parse_resource
from support.integrating import home

STATES = "arn:aws:states:::"


@pytest.fixture(scope="module")
def integrations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Integrations]:
    folder: Path = tmp_path_factory.mktemp("offered")
    with home(folder) as platform:
        yield platform.integrations


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (f"{STATES}sqs:sendMessage", OptimizedCall),
        (f"{STATES}sqs:sendMessage.waitForTaskToken", OptimizedCall),
        (f"{STATES}sagemaker:createTrainingJob", OptimizedCall),
        (f"{STATES}sagemaker:createTrainingJob.sync", JobTask),
        (f"{STATES}sagemaker:createProcessingJob.sync", JobTask),
        (f"{STATES}sagemaker:createHyperParameterTuningJob.sync", JobTask),
        (f"{STATES}batch:submitJob.sync", WaitedCall),
        (f"{STATES}lambda:invoke", FunctionTask),
        (f"{STATES}lambda:invoke.waitForTaskToken", FunctionTask),
        (f"{STATES}aws-sdk:s3:getObject", SdkCall),
        (f"{STATES}aws-sdk:cloudwatchlogs:getLogEvents", SdkCall),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", FunctionTask),
        ("arn:aws:states:us-east-1:123456789012:activity:a", ActivityTask),
        ("arn:aws-us-gov:states:::sqs:sendMessage", OptimizedCall),
    ],
)
def test_each_resource_has_who_does_it(integrations: Integrations, resource: str, kind: type) -> None:
    found = integrations.get(resource)
    assert isinstance(found, kind)
    assert integrations.get(resource) is found


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("glue:startJobRun.sync", "The integration with 'glue' is not offered here."),
        ("ecs:runTask", "The integration with 'ecs' is not offered here."),
        ("nowhere:doIt", "The integration with 'nowhere' is none of Step Functions."),
        ("sqs:receiveMessage", "Step Functions has no integration sqs:receiveMessage."),
        ("sqs:sendMessage.sync", "sqs:sendMessage has no pattern .sync."),
        ("dynamodb:getItem.waitForTaskToken", "dynamodb:getItem has no pattern .waitForTaskToken."),
        ("batch:submitJob.sync:2", "batch:submitJob has no pattern .sync:2."),
        ("sagemaker:createLabelingJob.sync", "sagemaker:createLabelingJob is not offered here yet."),
        ("aws-sdk:ec2:describeInstances", "aws-sdk:ec2 is not offered here."),
        ("aws-sdk:s3:selectObjectContent", "aws-sdk:s3:selectObjectContent is not offered here."),
    ],
)
def test_what_is_not_offered_is_refused_by_name(integrations: Integrations, resource: str, told: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        integrations.check(parse_resource(STATES + resource))
    assert caught.value.what == told
    assert caught.value.where == STATES + resource
    assert "docs/reference/integrations.md" in caught.value.mend
    assert integrations.get(STATES + resource) is None


def test_what_is_no_resource_has_nobody(integrations: Integrations) -> None:
    assert integrations.get("sagemaker:createTrainingJob") is None
    assert integrations.get("") is None


def test_what_is_listed_is_what_is_taken(integrations: Integrations) -> None:
    suffixes = {
        Pattern.REQUEST_RESPONSE: "",
        Pattern.SYNC: ".sync",
        Pattern.WAIT_FOR_TASK_TOKEN: ".waitForTaskToken",
    }
    offered = integrations.offered()
    assert {"sqs:sendMessage", "aws-sdk:s3:putObject", "lambda:invoke"} <= offered.keys()
    for name, patterns in offered.items():
        for pattern in patterns:
            integrations.check(parse_resource(f"{STATES}{name}{suffixes[pattern]}"))


def test_every_integration_that_can_be_waited_for_has_a_way_to(integrations: Integrations) -> None:
    for service in OPTIMIZED.values():
        for action, patterns in service.actions.items():
            if Pattern.SYNC in patterns:
                assert (service.service, action[:1].upper() + action[1:]) in WAITED


def test_problems_of_parameters_are_told_without_a_call(integrations: Integrations) -> None:
    resource = f"{STATES}sqs:sendMessage"
    given = {"QueueUrl": "u", "Body": 1}
    assert list(integrations.problems(resource, given)) == [
        'The field "Body" is not supported by Step Functions',
        "The field 'MessageBody' is required but was missing",
    ]
    for other in ("glue:startJobRun", "aws-sdk:ec2:runInstances", "sagemaker:createLabelingJob"):
        assert list(integrations.problems(STATES + other, given)) == []
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    assert list(integrations.problems(function, given)) == []
    assert list(integrations.problems("stepmill:readItems", given)) == []
    assert list(integrations.problems(resource, [1])) == ["The value must be a JSON object"]
