"""State machines, versions, aliases, tags, and definitions that are none, with boto3's client."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.wire import Wire

ROLE = "arn:aws:iam::123456789012:role/r"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
OTHER = json.dumps({"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}})


@pytest.fixture
def states(wire: Wire) -> Any:
    return wire.client("stepfunctions")


@pytest.fixture
def machine(states: Any) -> Iterator[str]:
    arn = states.create_state_machine(name=new_name(), definition=PASS, roleArn=ROLE)["stateMachineArn"]
    yield arn
    states.delete_state_machine(stateMachineArn=arn)


def new_name() -> str:
    return f"m-{uuid.uuid4().hex[:12]}"


def route(version: str, weight: int) -> dict[str, object]:
    return {"stateMachineVersionArn": version, "weight": weight}


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def message(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


class TestMachines:
    def test_a_machine_is_described_as_it_was_made(self, states: Any, machine: str) -> None:
        told = states.describe_state_machine(stateMachineArn=machine)
        assert told["definition"] == PASS
        assert (told["status"], told["type"], told["roleArn"]) == ("ACTIVE", "STANDARD", ROLE)
        assert told["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}
        assert "revisionId" not in told
        bare = states.describe_state_machine(stateMachineArn=machine, includedData="METADATA_ONLY")
        assert bare["definition"] == ""

    def test_the_same_again_is_the_same(self, states: Any, machine: str) -> None:
        name = machine.rpartition(":")[2]
        again = states.create_state_machine(name=name, definition=PASS, roleArn=ROLE)
        assert again["stateMachineArn"] == machine
        with pytest.raises(ClientError) as caught:
            states.create_state_machine(name=name, definition=OTHER, roleArn=ROLE)
        assert (code(caught), message(caught)) == (
            "StateMachineAlreadyExists", f"State Machine Already Exists: '{machine}'",
        )  # fmt: skip

    def test_a_machine_is_updated(self, states: Any, machine: str) -> None:
        updated = states.update_state_machine(stateMachineArn=machine, definition=OTHER, publish=True)
        told = states.describe_state_machine(stateMachineArn=machine)
        assert (told["definition"], told["revisionId"]) == (OTHER, updated["revisionId"])
        assert updated["stateMachineVersionArn"] == f"{machine}:1"
        with pytest.raises(ClientError) as caught:
            states.update_state_machine(stateMachineArn=machine)
        assert code(caught) == "MissingRequiredParameter"

    def test_machines_are_listed(self, states: Any, machine: str) -> None:
        pages = states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
        found = [
            each for page in pages for each in page["stateMachines"] if each["stateMachineArn"] == machine
        ]
        assert [(each["name"], each["type"]) for each in found] == [(machine.rpartition(":")[2], "STANDARD")]

    def test_what_is_not_there_is_told(self, states: Any, machine: str) -> None:
        with pytest.raises(ClientError) as caught:
            states.describe_state_machine(stateMachineArn=f"{machine}x")
        assert (code(caught), message(caught)) == (
            "StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine}x'",
        )  # fmt: skip
        states.delete_state_machine(stateMachineArn=f"{machine}x")
        with pytest.raises(ClientError) as wrong:
            states.describe_state_machine(stateMachineArn="nothing")
        assert code(wrong) == "InvalidArn"

    @pytest.mark.parametrize("name", ["a b", "a<b", "a:b"])
    def test_names_that_are_none(self, states: Any, name: str) -> None:
        with pytest.raises(ClientError) as caught:
            states.create_state_machine(name=name, definition=PASS, roleArn=ROLE)
        assert (code(caught), message(caught)) == ("InvalidName", f"Invalid Name: '{name}'")


class TestDefinitions:
    def test_a_definition_that_is_none_is_refused_by_place(self, states: Any) -> None:
        broken = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass"}}})
        with pytest.raises(ClientError) as caught:
            states.create_state_machine(name=new_name(), definition=broken, roleArn=ROLE)
        assert code(caught) == "InvalidDefinition"
        assert message(caught).startswith("Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: ")
        assert "/States/A" in message(caught)

    def test_what_nobody_here_does_is_refused_by_name(self, states: Any) -> None:
        resource = "arn:aws:states:::glue:startJobRun.sync"
        task = {"Type": "Task", "Resource": resource, "Parameters": {"JobName": "j"}, "End": True}
        definition = json.dumps({"StartAt": "A", "States": {"A": task}})
        with pytest.raises(ClientError) as caught:
            states.create_state_machine(name=new_name(), definition=definition, roleArn=ROLE)
        assert code(caught) == "InvalidDefinition"
        assert "glue:startJobRun" in message(caught)

    def test_validation_tells_all_findings(self, states: Any) -> None:
        good = states.validate_state_machine_definition(definition=PASS)
        assert (good["result"], good["diagnostics"]) == ("OK", [])
        text = states.validate_state_machine_definition(definition="{")
        assert text["result"] == "FAIL"
        assert [each["code"] for each in text["diagnostics"]] == ["INVALID_JSON_DESCRIPTION"]
        states_of = {"A": {"Type": "Pass"}, "B": {"Type": "Nothing"}}
        broken = json.dumps({"StartAt": "A", "States": states_of})
        found = states.validate_state_machine_definition(definition=broken)["diagnostics"]
        assert {each["code"] for each in found} == {"SCHEMA_VALIDATION_FAILED"}
        assert len({each["location"] for each in found}) == 2
        one = states.validate_state_machine_definition(definition=broken, maxResults=1)
        assert (len(one["diagnostics"]), one["truncated"]) == (1, True)

    def test_express_machines_have_no_jobs(self, states: Any) -> None:
        task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
        definition = json.dumps({"StartAt": "A", "States": {"A": task}})
        with pytest.raises(ClientError) as caught:
            states.create_state_machine(name=new_name(), definition=definition, roleArn=ROLE, type="EXPRESS")
        assert code(caught) == "InvalidDefinition"


class TestVersionsAndAliases:
    def test_versions_stay_and_aliases_lead_to_them(self, states: Any, machine: str) -> None:
        first = states.publish_state_machine_version(stateMachineArn=machine, description="first")
        states.update_state_machine(stateMachineArn=machine, definition=OTHER)
        second = states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
        arn = first["stateMachineVersionArn"]
        told = states.describe_state_machine(stateMachineArn=arn)
        assert (told["definition"], told["description"]) == (PASS, "first")
        listed = states.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
        assert [each["stateMachineVersionArn"] for each in listed] == [second, arn]

        routes = [
            {"stateMachineVersionArn": arn, "weight": 90},
            {"stateMachineVersionArn": second, "weight": 10},
        ]
        alias = states.create_state_machine_alias(name="live", routingConfiguration=routes)[
            "stateMachineAliasArn"
        ]
        described = states.describe_state_machine_alias(stateMachineAliasArn=alias)
        assert (described["name"], described["routingConfiguration"]) == ("live", routes)
        with pytest.raises(ClientError) as caught:
            states.delete_state_machine_version(stateMachineVersionArn=arn)
        assert code(caught) == "ConflictException"
        states.update_state_machine_alias(
            stateMachineAliasArn=alias,
            routingConfiguration=[{"stateMachineVersionArn": second, "weight": 100}],
        )
        states.delete_state_machine_version(stateMachineVersionArn=arn)
        aliases = states.list_state_machine_aliases(stateMachineArn=machine)["stateMachineAliases"]
        assert [each["stateMachineAliasArn"] for each in aliases] == [alias]
        states.delete_state_machine_alias(stateMachineAliasArn=alias)
        with pytest.raises(ClientError) as gone:
            states.describe_state_machine_alias(stateMachineAliasArn=alias)
        assert code(gone) == "ResourceNotFound"

    def test_shares_that_are_none(self, states: Any, machine: str) -> None:
        arn = states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
        with pytest.raises(ClientError) as caught:
            states.create_state_machine_alias(
                name="live", routingConfiguration=[{"stateMachineVersionArn": arn, "weight": 50}]
            )
        assert code(caught) == "ValidationException"
        assert "must equal 100" in message(caught)
        with pytest.raises(ClientError) as unpublished:
            states.create_state_machine(
                name=new_name(), definition=PASS, roleArn=ROLE, versionDescription="x"
            )
        assert code(unpublished) == "ValidationException"


def test_tags_are_kept_with_the_machine(states: Any) -> None:
    name = new_name()
    made = states.create_state_machine(
        name=name, definition=PASS, roleArn=ROLE, tags=[{"key": "team", "value": "churn"}]
    )
    arn = made["stateMachineArn"]
    states.tag_resource(resourceArn=arn, tags=[{"key": "stage", "value": "test"}])
    states.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "stage", "value": "test"}]
    states.delete_state_machine(stateMachineArn=arn)
    with pytest.raises(ClientError) as caught:
        states.list_tags_for_resource(resourceArn=arn)
    assert code(caught) == "ResourceNotFound"


class TestTrials:
    def test_a_state_is_tried_out(self, states: Any) -> None:
        state = {"Type": "Pass", "Parameters": {"x.$": "$.a"}, "ResultPath": "$.r", "Next": "B"}
        told = states.test_state(definition=json.dumps(state), input='{"a": 1}', inspectionLevel="DEBUG")
        assert (told["status"], told["nextState"], told["output"]) == (
            "SUCCEEDED",
            "B",
            '{"a":1,"r":{"x":1}}',
        )
        data = told["inspectionData"]
        assert (data["input"], data["afterParameters"]) == ('{"a": 1}', '{"x":1}')

    def test_a_task_really_works(self, states: Any, wire: Wire) -> None:
        url = wire.client("sqs").create_queue(QueueName=f"trial-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        state = {
            "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": url, "MessageBody.$": "$.text"}, "OutputPath": "$.MessageId",
            "End": True,
        }  # fmt: skip
        told = states.test_state(definition=json.dumps(state), input='{"text": "hi"}', roleArn=ROLE)
        assert told["status"] == "SUCCEEDED"
        (got,) = wire.client("sqs").receive_message(QueueUrl=url)["Messages"]
        assert (got["Body"], json.dumps(got["MessageId"])) == ("hi", told["output"])

    def test_a_mock_stands_for_the_work(self, states: Any) -> None:
        state = {
            "Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": "t", "Key": {"id": {"S": "1"}}},
            "Retry": [{"ErrorEquals": ["DynamoDB.ProvisionedThroughputExceededException"], "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}], "Next": "Good",
        }  # fmt: skip
        definition = json.dumps(state)
        good = states.test_state(definition=definition, mock={"result": '{"Item": {"id": {"S": "1"}}}'})
        assert (good["status"], good["nextState"]) == ("SUCCEEDED", "Good")
        failure = {"errorOutput": {"error": "DynamoDB.ResourceNotFoundException", "cause": "no"}}
        bad = states.test_state(definition=definition, mock=failure, inspectionLevel="DEBUG")
        assert (bad["status"], bad["nextState"], bad["error"]) == (
            "CAUGHT_ERROR", "Bad", "DynamoDB.ResourceNotFoundException",
        )  # fmt: skip
        assert bad["inspectionData"]["errorDetails"] == {"catchIndex": 0}
        busy = {"errorOutput": {"error": "DynamoDB.ProvisionedThroughputExceededException", "cause": "busy"}}
        assert states.test_state(definition=definition, mock=busy)["status"] == "RETRIABLE"

    def test_a_mock_must_look_like_the_answer(self, states: Any) -> None:
        state = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "End": True}
        definition = json.dumps(state)
        wrong = {"result": '{"Item": [1], "ConsumedCapacity": {"CapacityUnits": "many"}, "More": 2}'}
        with pytest.raises(ClientError) as caught:
            states.test_state(definition=definition, mock=wrong)
        assert code(caught) == "ValidationException"
        assert "'Item' must be an object" in message(caught)
        assert "'ConsumedCapacity.CapacityUnits' must be a number" in message(caught)
        assert "More" not in message(caught)
        loose = {**wrong, "fieldValidationMode": "NONE"}
        assert states.test_state(definition=definition, mock=loose)["status"] == "SUCCEEDED"

    def test_one_state_of_a_machine(self, states: Any) -> None:
        machine = {
            "QueryLanguage": "JSONata", "StartAt": "A",
            "States": {
                "A": {"Type": "Pass", "Next": "B"},
                "B": {
                    "Type": "Choice", "Default": "C",
                    "Choices": [{"Condition": "{% $n > 1 %}", "Next": "A"}],
                },
                "C": {"Type": "Succeed"},
            },
        }  # fmt: skip
        told = states.test_state(
            definition=json.dumps(machine), stateName="B", variables='{"n": 2}', inspectionLevel="INFO"
        )
        assert (told["status"], told["nextState"]) == ("SUCCEEDED", "A")

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"definition": "{"}, "InvalidDefinition"),
            ({"definition": '{"Type": "Pass"}'}, "InvalidDefinition"),
            ({"input": "{"}, "InvalidExecutionInput"),
            ({"variables": "[1]"}, "ValidationException"),
            ({"stateName": "nothing", "definition": PASS}, "ValidationException"),
            ({"definition": json.dumps({"Type": "Map", "ItemProcessor": json.loads(PASS), "End": True})},
             "ValidationException"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_tried_is_refused(
        self, states: Any, change: dict[str, str], expected: str
    ) -> None:
        given = {"definition": json.dumps({"Type": "Pass", "End": True}), **change}
        with pytest.raises(ClientError) as caught:
            states.test_state(**given)
        assert code(caught) == expected
