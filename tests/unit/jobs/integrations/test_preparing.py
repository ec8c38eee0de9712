"""What is added to the parameters of a task."""

from __future__ import annotations

import uuid

import pytest

from stepmill.core.json import Json, JsonObject
from stepmill.jobs.integrations.preparing import prepared
from support.integrating import ACCOUNT, EXECUTION, REGION, task_of

MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:Machine"


def test_events_name_execution_and_machine_as_resources() -> None:
    given: JsonObject = {"Entries": [{"Source": "a"}, {"Source": "b", "Resources": ["own"]}]}
    found = prepared("events", "PutEvents", task_of("events:putEvents", given), given)
    assert found == {
        "Entries": [
            {"Source": "a", "Resources": [EXECUTION, MACHINE]},
            {"Source": "b", "Resources": ["own", EXECUTION, MACHINE]},
        ]
    }
    assert given["Entries"][0] == {"Source": "a"}


@pytest.mark.parametrize("given", [{}, {"Entries": "x"}, {"Entries": [1, "x"]}])
def test_events_that_are_none_stay_as_they_are(given: JsonObject) -> None:
    assert prepared("events", "PutEvents", task_of("events:putEvents", given), given) == given


def test_jobs_of_batch_are_told_who_started_them() -> None:
    given: JsonObject = {"JobName": "j", "ContainerOverrides": {"Environment": [{"Name": "A", "Value": "1"}]}}
    found = prepared("batch", "SubmitJob", task_of("batch:submitJob", given), given)
    mark: Json = {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
    assert found["ContainerOverrides"] == {"Environment": [{"Name": "A", "Value": "1"}, mark]}
    bare = prepared("batch", "SubmitJob", task_of("batch:submitJob", {}), {})
    assert bare == {"ContainerOverrides": {"Environment": [mark]}}


@pytest.mark.parametrize("given", [{"ContainerOverrides": 1}, {"ContainerOverrides": {"Environment": "x"}}])
def test_overrides_that_are_none_stay_as_they_are(given: JsonObject) -> None:
    assert prepared("batch", "SubmitJob", task_of("batch:submitJob", given), given) == given


def test_an_execution_without_a_name_gets_one_of_its_task() -> None:
    given: JsonObject = {"StateMachineArn": MACHINE}
    first = prepared("stepfunctions", "StartExecution", task_of("x", given, id="run/A/1"), given)
    again = prepared("stepfunctions", "StartExecution", task_of("x", given, id="run/A/1"), given)
    other = prepared("stepfunctions", "StartExecution", task_of("x", given, id="run/A/2"), given)
    assert first == again
    assert first["Name"] != other["Name"]
    assert uuid.UUID(str(first["Name"]))


def test_a_name_that_is_given_stays() -> None:
    given: JsonObject = {"StateMachineArn": MACHINE, "Name": "monday"}
    assert prepared("stepfunctions", "StartExecution", task_of("x", given), given) == given


def test_others_stay_as_they_are() -> None:
    given: JsonObject = {"Message": "m"}
    assert prepared("sns", "Publish", task_of("sns:publish", given), given) is given
