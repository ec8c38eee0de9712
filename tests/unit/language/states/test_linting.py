from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.core.service_models import service_model
from stepmill.language.states.linting.door import lint
from support.small_machines import FUNCTION, alone, jsonata, machine

INVOKE = "arn:aws:states:::lambda:invoke"
TELL = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sns:publish",
    "Parameters": {"TopicArn": "arn:aws:sns:us-west-2:123456789012:failures", "Message.$": "$.Cause"},
}
TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"
TASK = {"Type": "Task", "Resource": FUNCTION}
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}]
ALL = {"ErrorEquals": ["States.ALL"], "Next": "F"}


def found(text: str) -> list[tuple[str, str]]:
    checked = lint(text, service_model)
    assert checked.machine is not None, checked.findings
    return [(finding.code, finding.path) for finding in checked.findings]


def chain(*states: dict[str, Any], **more: Any) -> str:
    """States S0, S1 ... one after the other."""
    names = [f"S{index}" for index in range(len(states))]
    linked = {
        name: {**state, **({"Next": names[index + 1]} if index + 1 < len(states) else {"End": True})}
        for index, (name, state) in enumerate(zip(names, states, strict=True))
    }
    return machine(linked, **more)


PARTS = {"Type": "Pass", "Parameters": {"x": {"y": 1}}}


@pytest.mark.parametrize(
    "text",
    [
        chain(PARTS, {"Type": "Pass", "Parameters": {"z.$": "$.x.y"}}),
        chain(TASK, {"Type": "Pass", "Parameters": {"z.$": "$.a.b.c"}}),
        chain({**TASK, "ResultPath": "$.r"}, {"Type": "Pass", "InputPath": "$.r.what.ever"}),
        chain({"Type": "Pass", "Result": [1, 2]}, {"Type": "Pass", "Parameters": {"z.$": "$[0]"}}),
        chain(PARTS, {"Type": "Pass", "Parameters": {"z.$": "$.items[*]"}}),
        chain(PARTS, {"Type": "Pass", "Parameters": {"z.$": "$$.Execution.Id"}}),
        chain({"Type": "Pass", "Assign": {"v": 1}}, {"Type": "Pass", "Parameters": {"z.$": "$v.a"}}),
        chain(
            PARTS,
            {"Type": "Pass", "ResultPath": "$.new", "Result": 1},
            {"Type": "Pass", "InputPath": "$.new"},
        ),
        chain(
            {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}},
            {"Type": "Pass", "InputPath": "$.Payload.body"},
        ),
        chain(
            {"Type": "Pass", "Output": {"a": 1}},
            {"Type": "Pass", "Output": "{% $states.input.a %}"},
            QueryLanguage="JSONata",
        ),
        chain(
            {"Type": "Pass", "Output": {"a": 1}},
            {"Type": "Pass", "Output": "{% $exists($states.input.b) %}"},
            QueryLanguage="JSONata",
        ),
        chain(
            {"Type": "Pass", "Assign": {"v": 1}},
            {"Type": "Pass", "Output": "{% $v + 1 %}"},
            QueryLanguage="JSONata",
        ),
    ],
)
def test_what_may_be_there_is_not_told(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        (
            chain(PARTS, {"Type": "Pass", "Parameters": {"z.$": "$.x.no"}}),
            "NEVER_PRODUCED",
            "/States/S1/Parameters/z.$",
        ),
        (chain(PARTS, {"Type": "Pass", "InputPath": "$.no"}), "NEVER_PRODUCED", "/States/S1/InputPath"),
        (chain(PARTS, {"Type": "Wait", "SecondsPath": "$.no"}), "NEVER_PRODUCED", "/States/S1/SecondsPath"),
        (
            chain(PARTS, {"Type": "Pass", "Parameters": {"z.$": "States.Format('{}', $.no)"}}),
            "NEVER_PRODUCED",
            "/States/S1/Parameters/z.$",
        ),
        (
            chain({**TASK, "ResultSelector": {"a.$": "$.b"}}, {"Type": "Pass", "OutputPath": "$.b"}),
            "NEVER_PRODUCED",
            "/States/S1/OutputPath",
        ),
        (
            chain(
                {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}},
                {"Type": "Pass", "InputPath": "$.body"},
            ),
            "NEVER_PRODUCED",
            "/States/S1/InputPath",
        ),
        (
            chain(
                {"Type": "Pass", "Output": {"a": 1}},
                {"Type": "Pass", "Output": "{% $states.input.b %}"},
                QueryLanguage="JSONata",
            ),
            "NEVER_PRODUCED",
            "/States/S1/Output",
        ),
        (
            chain({"Type": "Pass", "Parameters": {"z.$": "$v"}}),
            "UNKNOWN_VARIABLE",
            "/States/S0/Parameters/z.$",
        ),
        (jsonata(Type="Pass", Output="{% $v %}"), "UNKNOWN_VARIABLE", "/States/A/Output"),
    ],
)
def test_what_nobody_can_have_produced_is_told(text: str, code: str, path: str) -> None:
    assert found(text) == [(code, path)]


def test_a_path_is_fine_if_one_way_produces_it() -> None:
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "X"}],
            "Default": "Y",
        },
        "X": {"Type": "Pass", "Result": {"x": 1}, "Next": "Z"},
        "Y": {"Type": "Pass", "Result": {"y": 1}, "Next": "Z"},
        "Z": {"Type": "Pass", "InputPath": "$.x", "End": True},
    }
    assert found(machine(states)) == []
    states["X"]["Result"] = {"w": 1}
    assert found(machine(states)) == [("NEVER_PRODUCED", "/States/Z/InputPath")]


def test_a_loop_brings_back_what_it_made() -> None:
    states = {
        "A": {"Type": "Pass", "Result": {"n": 1}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"n.$": "$.n", "old.$": "$"}, "Next": "C"},
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.old.n", "IsNull": True, "Next": "B"}],
            "Default": "D",
        },
        "D": {"Type": "Pass", "InputPath": "$.old.old.n", "End": True},
    }
    assert found(machine(states)) == []


def test_a_catcher_gives_error_and_cause() -> None:
    states = {
        "A": {**TASK, "Next": "F", "Catch": [{**ALL, "Next": "H", "ResultPath": "$.error"}]},
        "H": {"Type": "Pass", "Parameters": {"c.$": "$.error.Cause", "e.$": "$.error.Reason"}, "Next": "F"},
        "F": {"Type": "Fail"},
    }
    assert found(machine(states)) == [("NEVER_PRODUCED", "/States/H/Parameters/e.$")]


def test_items_reach_the_iterations() -> None:
    each = {"StartAt": "X", "States": {"X": {"Type": "Pass", "InputPath": "$.b", "End": True}}}
    items = {"Type": "Pass", "Result": {"items": [{"a": 1}]}}
    each_map = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": each}
    assert found(chain(items, each_map)) == [
        ("NEVER_PRODUCED", "/States/S1/ItemProcessor/States/X/InputPath")
    ]


def test_variables_reach_branches_but_not_other_machines() -> None:
    each = {"StartAt": "X", "States": {"X": {"Type": "Pass", "Parameters": {"z.$": "$v"}, "End": True}}}
    away = {**each, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    setting = {"Type": "Pass", "Assign": {"v": 1}}
    assert found(chain(setting, {"Type": "Map", "ItemProcessor": each})) == []
    assert found(chain(setting, {"Type": "Map", "ItemProcessor": away})) == [
        ("UNKNOWN_VARIABLE", "/States/S1/ItemProcessor/States/X/Parameters/z.$")
    ]


def test_a_failure_that_is_told_ends_as_one() -> None:
    states: dict[str, Any] = {
        "Work": {**TASK, "Catch": CATCH, "End": True},
        "Tell": {**TELL, "End": True},
    }
    assert found(machine(states)) == [("FAILURE_ENDS_AS_SUCCESS", "/States/Tell")]
    states["Tell"] = {**TELL, "Next": "Failed"}
    states["Failed"] = {"Type": "Fail"}
    assert found(machine(states)) == []


def test_a_failure_that_is_told_may_end_in_the_common_success() -> None:
    states = {
        "Work": {**TASK, "Catch": CATCH, "Next": "Done"},
        "Tell": {**TELL, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    assert found(machine(states)) == [("FAILURE_ENDS_AS_SUCCESS", "/States/Tell")]


def test_whoever_goes_on_with_the_work_means_to() -> None:
    states = {
        "Work": {**TASK, "Catch": CATCH, "Next": "More"},
        "Tell": {**TELL, "Next": "More"},
        "More": {**TASK, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    assert found(machine(states)) == []


def test_a_failure_that_nobody_hears_of() -> None:
    states: dict[str, Any] = {
        "Work": {**TASK, "Catch": [{**ALL, "Next": "Done"}], "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    assert found(machine(states)) == [("UNHEARD_FAILURE", "/States/Work/Catch[0]")]


def test_a_branch_whose_failure_nobody_catches() -> None:
    one = {"StartAt": "X", "States": {"X": {**TASK, "End": True}}}
    two = {"StartAt": "Y", "States": {"Y": {"Type": "Pass", "End": True}}}
    parallel: dict[str, Any] = {"Type": "Parallel", "Branches": [one, two], "Next": "F"}
    states = {"A": parallel, "F": {"Type": "Fail"}}
    assert found(machine(states)) == [("UNCAUGHT_FAILURE", "/States/A")]
    states["A"] = {**parallel, "Catch": [ALL]}
    assert found(machine(states)) == []


TRAINING = {
    "TrainingJobName.$": "$.name",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/p"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def train(**more: Any) -> str:
    return alone(Type="Task", Resource=TRAIN, ResultPath=None, Parameters={**TRAINING, **more})


def test_a_whole_request_is_fine() -> None:
    assert found(train(HyperParameters={"epochs": "3", "rate.$": "$.rate"})) == []


def test_a_hyperparameter_is_a_text() -> None:
    assert found(train(HyperParameters={"epochs": 3})) == [
        ("HYPERPARAMETER_NOT_TEXT", "/States/A/Parameters/HyperParameters/epochs")
    ]


def test_a_hyperparameter_of_jsonata_is_a_text() -> None:
    arguments = {
        **TRAINING,
        "TrainingJobName": "{% $states.input.name %}",
        "HyperParameters": {"a": "{% 1 %}", "b": 1},
    }
    del arguments["TrainingJobName.$"]
    text = jsonata(Type="Task", Resource=TRAIN, Output=None, Arguments=arguments)
    assert found(text) == [("HYPERPARAMETER_NOT_TEXT", "/States/A/Arguments/HyperParameters/b")]


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"HyperParameter": {}}, "UNKNOWN_ARGUMENT", "/HyperParameter"),
        ({"OutputDataConfig": {}}, "MISSING_ARGUMENT", "/OutputDataConfig"),
        ({"EnableNetworkIsolation": 1}, "WRONG_ARGUMENT", "/EnableNetworkIsolation"),
        ({"InputDataConfig": {}}, "WRONG_ARGUMENT", "/InputDataConfig"),
    ],
)
def test_arguments_are_held_against_the_service(more: dict[str, Any], code: str, path: str) -> None:
    assert found(train(**more)) == [(code, f"/States/A/Parameters{path}")]


@pytest.mark.parametrize(
    ("resource", "parameters"),
    [
        ("batch:submitJob", {"JobName": "j", "JobDefinition": "d", "JobQueue": "q"}),
        ("sqs:sendMessage", {"QueueUrl": "u", "MessageBody": {"a.$": "$.b"}}),
        ("lambda:invoke", {"FunctionName": "f", "Payload": {"a": 1}}),
        ("dynamodb:putItem", {"TableName": "table", "Item": {"id": "text", "n": {"N.$": "$.n"}}}),
        ("aws-sdk:rds:startDBInstance", {"DbInstanceIdentifier": "d"}),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "${Bucket}", "MaxKeys": 5}),
        ("aws-sdk:unheardof:doThings", {"Any": 1}),
    ],
)
def test_integrations_write_members_in_their_own_way(resource: str, parameters: dict[str, Any]) -> None:
    text = alone(Type="Task", Resource=f"arn:aws:states:::{resource}", Parameters=parameters)
    assert found(text) == []


def test_results_of_a_map_may_outgrow_what_is_passed_on() -> None:
    call = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}, "End": True}
    each: dict[str, Any] = {"StartAt": "X", "States": {"X": call}}
    each_map = {"Type": "Map", "ItemProcessor": each, "Catch": [ALL], "Next": "F"}
    states = {"A": each_map, "F": {"Type": "Fail"}}
    assert found(machine(states)) == [("PAYLOAD_MAY_OUTGROW", "/States/A")]
    each["States"]["X"] = {**call, "ResultSelector": {"p.$": "$.Payload"}}
    assert found(machine(states)) == []
    each["States"]["X"] = call
    states["A"] = {**each_map, "ResultPath": None}
    assert found(machine(states)) == []


def test_what_is_read_from_a_store_may_have_any_size() -> None:
    resource = "arn:aws:states:::aws-sdk:s3:getObject"
    call = {"Type": "Task", "Resource": resource, "Parameters": {"Bucket": "bucket", "Key": "k"}}
    assert found(alone(**call)) == [("PAYLOAD_MAY_OUTGROW", "/States/A")]
    assert found(alone(**call, ResultSelector={"e.$": "$.ETag"})) == []


def test_a_value_that_is_too_large_itself() -> None:
    assert found(alone(Type="Pass", Result="x" * 300_000)) == [("PAYLOAD_MAY_OUTGROW", "/States/A/Result")]


def test_what_cannot_be_read_is_only_checked() -> None:
    checked = lint("{}", service_model)
    assert checked.machine is None
    assert [finding.code for finding in checked.findings] == ["SCHEMA_VALIDATION_FAILED"]


def test_of_what_is_very_wide_nothing_is_told() -> None:
    wide = {"Type": "Pass", "Result": {f"k{index}": index for index in range(101)}}
    narrow = {"Type": "Pass", "Result": {f"k{index}": index for index in range(100)}}
    reading = {"Type": "Pass", "InputPath": "$.no"}
    assert found(chain(wide, reading)) == []
    assert found(chain(narrow, reading)) == [("NEVER_PRODUCED", "/States/S1/InputPath")]


def test_a_chain_that_doubles_its_data_is_followed_to_its_end() -> None:
    states = [{"Type": "Pass", "ResultPath": f"$.r{index}"} for index in range(300)]
    assert found(chain(*states, {"Type": "Pass", "InputPath": "$.r0.r1"})) == []


NAMES = st.sampled_from(["A", "B", "C", "D"])
PATHS = st.sampled_from(["$", "$.a", "$.a.b", "$.b", "$.r.Error", "$[0]"])
TEMPLATES = st.dictionaries(st.sampled_from(["a", "b", "a.$", "r.$"]), PATHS, max_size=3)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for name in "ABCD":
        kind = draw(st.sampled_from(["Pass", "Task", "Choice", "Map", "Parallel"]))
        state: dict[str, Any] = {"Type": kind}
        if kind == "Choice":
            state |= {"Choices": [{"Variable": draw(PATHS), "IsNull": True, "Next": draw(NAMES)}]}
            states[name] = {**state, "Default": draw(NAMES)}
            continue
        state |= draw(
            st.sampled_from([{"End": True}, {"Next": "A"}, {"Next": "B"}, {"Next": "C"}, {"Next": "D"}])
        )
        state |= {"ResultPath": draw(PATHS | st.none()), "InputPath": draw(PATHS), "OutputPath": draw(PATHS)}
        inner = {
            "StartAt": f"{name}1",
            "States": {f"{name}1": {"Type": "Pass", "InputPath": draw(PATHS), "End": True}},
        }
        if kind == "Pass":
            state |= {"Parameters": draw(TEMPLATES)}
        else:
            state |= {
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": draw(NAMES), "ResultPath": draw(PATHS)}]
            }
        state |= {"Resource": FUNCTION} if kind == "Task" else {}
        state |= {"ItemProcessor": inner} if kind == "Map" else {}
        state |= {"Branches": [inner]} if kind == "Parallel" else {}
        states[name] = state
    return {"StartAt": "A", "States": states}


@given(machines())
@settings(max_examples=200)
def test_every_machine_is_followed_to_its_end(document: dict[str, Any]) -> None:
    for finding in lint(json.dumps(document), service_model).findings:
        assert finding.path.startswith("/") or finding.code == "MISSING_END_STATE"
