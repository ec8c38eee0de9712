from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.pipelines.definition import Branch, Dependency, OutputParameter, StepType, Trigger
from support.documents import (
    FUNCTION,
    QUEUE,
    checked,
    condition,
    definition_of,
    document,
    fail,
    findings_of,
    for_each,
    function,
    get,
    only_finding,
    processing,
    training,
)
from support.steps import OTHERS

PROCESSING = processing("Prep")["Arguments"]


@pytest.mark.parametrize("kind", OTHERS)
def test_a_step_of_every_type_is_read_without_findings(kind: str) -> None:
    result = checked(document({"Name": "Step", "Type": kind, **OTHERS[kind]}))
    assert [str(each) for each in result.findings] == []
    assert result.definition is not None
    assert result.definition.steps["Step"].type == kind


def test_a_cleanup_step_depends_on_its_sources() -> None:
    sources = [{"StepName": "Prep", "S3Uris": ["s3://bucket/Prep/a"]}, {"StepName": "Train"}]
    clean = {"Name": "Clean", "Type": "Cleanup", "Arguments": {"Resources": {"S3": sources}}}
    definition = definition_of(processing("Prep", outputs=("a",)), training("Train"), clean)
    assert definition.steps["Clean"].references == ("Prep", "Train")


def test_a_cleanup_step_names_steps_that_exist() -> None:
    clean = {"Name": "Clean", "Type": "Cleanup", "Arguments": {"Resources": {"S3": [{"StepName": "Prepp"}]}}}
    finding = only_finding(processing("Prep"), clean)
    assert (finding.code, finding.path) == ("UNKNOWN_STEP", "Steps[1].Arguments.Resources.S3[0].StepName")


@pytest.mark.parametrize("kind", ["Athena", "BedrockCustomModel", "BedrockModelImport", "HubContent"])
def test_types_that_aws_only_mentions_are_not_checked(kind: str) -> None:
    step = {"Name": "A", "Type": kind, "Arguments": {"what": "ever"}}
    finding = only_finding(step, function("Fn", arguments={"a": get("Steps.A.Any.Thing[3]")}))
    assert (finding.code, finding.severity) == ("UNCHECKED_STEP_TYPE", "warning")


def test_the_published_schema_calls_an_endpoint_configuration_an_endpoint() -> None:
    step = {"Name": "A", "Type": "Endpoint", **OTHERS["EndpointConfig"]}
    assert definition_of(step).steps["A"].type is StepType.ENDPOINT_CONFIG


def test_arguments_are_kept_as_they_came() -> None:
    step = processing("Prep", inputs={"data": get("Parameters.In")})
    definition = definition_of(step, parameters=[{"Name": "In"}])
    assert definition.steps["Prep"].arguments == step["Arguments"]


def test_the_keys_of_a_function_step() -> None:
    step = definition_of(function("Fn", "score", DisplayName="Score it", Description="d")).steps["Fn"]
    assert step.outputs == (OutputParameter("score", step.outputs[0].type),)
    assert step.extra["FunctionArn"] == FUNCTION
    assert step.extra["OutputParameters"] == [{"OutputName": "score", "OutputType": "Float"}]
    assert (step.display_name, step.description) == ("Score it", "d")


def test_nested_steps_name_what_contains_them() -> None:
    inner = condition("Inner", then=[function("Deep")])
    steps = definition_of(condition("Gate", then=[inner], otherwise=[fail("Stop")])).steps
    assert list(steps) == ["Gate", "Inner", "Deep", "Stop"]
    assert (steps["Inner"].parent, steps["Inner"].branch) == ("Gate", Branch.IF)
    assert (steps["Stop"].parent, steps["Stop"].branch) == ("Gate", Branch.ELSE)
    assert steps["Deep"].path == "Steps[0].Arguments.IfSteps[0].Arguments.IfSteps[0]"
    assert steps["Gate"].children == ("Inner", "Stop")


def test_depends_on_names_steps_with_or_without_a_trigger() -> None:
    after = [
        "A",
        {"Step": "B", "Trigger": "Failed"},
        {"Step": "C", "Trigger": "Any"},
        {"Step": "D", "Trigger": "Stopped"},
        {"Step": "E"},
    ]
    steps = definition_of(*(function(name) for name in "ABCDE"), function("F", DependsOn=after)).steps
    assert steps["F"].depends_on == (
        Dependency("A"),
        Dependency("B", Trigger.FAILED),
        Dependency("C", Trigger.ANY),
        Dependency("D", Trigger.STOPPED),
        Dependency("E", Trigger.COMPLETED),
    )


@pytest.mark.parametrize(
    ("step", "code", "path"),
    [
        ({"Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, "MISSING_KEY", "Steps[0]"),
        ({"Name": 3, "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, "WRONG_TYPE", "Steps[0].Name"),
        ({"Name": "a/b", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, "BAD_NAME", "Steps[0].Name"),
        ({"Name": "a" * 65, "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, "BAD_NAME", "Steps[0].Name"),
        ({"Name": "A\n", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, "BAD_NAME", "Steps[0].Name"),
        ({"Name": "A"}, "MISSING_KEY", "Steps[0]"),
        ({"Name": "A", "Type": None}, "UNKNOWN_STEP_TYPE", "Steps[0].Type"),
        ({"Name": "A", "Type": ["Fail"]}, "UNKNOWN_STEP_TYPE", "Steps[0].Type"),
        ({"Name": "A", "Type": "Fail"}, "MISSING_KEY", "Steps[0]"),
        ({"Name": "A", "Type": "Fail", "Arguments": []}, "WRONG_TYPE", "Steps[0].Arguments"),
        ({"Name": "A", "Type": "Fail", "Arguments": {}}, "MISSING_KEY", "Steps[0].Arguments"),
        (
            {"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": 3}},
            "WRONG_TYPE",
            "Steps[0].Arguments.ErrorMessage",
        ),
        ({"Name": "A", "Type": "Lambda", "Arguments": {}}, "MISSING_KEY", "Steps[0]"),
        ({"Name": "A", "Type": "Lambda", "FunctionArn": 3}, "WRONG_TYPE", "Steps[0].FunctionArn"),
        ({"Name": "A", "Type": "Lambda", "FunctionArn": None}, "WRONG_TYPE", "Steps[0].FunctionArn"),
        ({"Name": "A", "Type": "Callback", "SqsQueueUrl": [QUEUE]}, "WRONG_TYPE", "Steps[0].SqsQueueUrl"),
        (function("A", DisplayName=3), "WRONG_TYPE", "Steps[0].DisplayName"),
        (function("A", RetryPolicies=[]), "UNKNOWN_KEY", "Steps[0].RetryPolicies"),
        (condition("A", CacheConfig={"Enabled": True}), "UNKNOWN_KEY", "Steps[0].CacheConfig"),
        (training("A") | {"PropertyFiles": []}, "UNKNOWN_KEY", "Steps[0].PropertyFiles"),
        ({"Name": "A", "Type": "QualityCheck", "Arguments": PROCESSING}, "MISSING_KEY", "Steps[0]"),
        (
            {"Name": "A", "Type": "QualityCheck", "Arguments": PROCESSING, "CheckType": "DATA_BIAS"},
            "UNKNOWN_VALUE",
            "Steps[0].CheckType",
        ),
        (
            {"Name": "A", "Type": "EMR", "Arguments": {"ClusterId": "j"}},
            "MISSING_KEY",
            "Steps[0].Arguments",
        ),
        (
            {"Name": "A", "Type": "EMR", "Arguments": {"StepConfig": {"HadoopJarStep": {}}}},
            "MISSING_KEY",
            "Steps[0].Arguments.StepConfig.HadoopJarStep",
        ),
        (
            {"Name": "A", "Type": "Cleanup", "Arguments": {"Resources": {"S3": []}}},
            "OUT_OF_RANGE",
            "Steps[0].Arguments.Resources.S3",
        ),
        (
            {"Name": "A", "Type": "Lineage", "Arguments": {"Associations": [{"Source": {"Type": "Thing"}}]}},
            "UNKNOWN_VALUE",
            "Steps[0].Arguments.Associations[0].Source.Type",
        ),
    ],
)
def test_a_wrong_step_is_found(step: Any, code: str, path: str) -> None:
    assert (code, path) in findings_of(step)


def test_a_misspelt_type_is_mended() -> None:
    finding = only_finding({"Name": "A", "Type": "Procesing", "Arguments": {}})
    assert (finding.code, finding.mend) == ("UNKNOWN_STEP_TYPE", "Did you mean 'Processing'?")


def test_a_misspelt_key_is_mended() -> None:
    finding = only_finding(function("A", DependOn=["B"]))
    assert (finding.code, finding.mend) == ("UNKNOWN_KEY", "Did you mean 'DependsOn'?")


def test_a_step_of_unknown_type_can_still_be_referred_to() -> None:
    finding = only_finding({"Name": "A", "Type": "Nothing"}, function("B", arguments={"x": get("Steps.A.Y")}))
    assert finding.code == "UNKNOWN_STEP_TYPE"


def test_the_expressions_of_a_step_of_unknown_type_are_checked() -> None:
    step = {"Name": "A", "Type": "Nothing", "Arguments": {"x": get("Parameters.Missing")}, "DependsOn": [3]}
    assert [code for code, _ in findings_of(step)] == ["UNKNOWN_STEP_TYPE", "WRONG_TYPE", "UNKNOWN_PARAMETER"]


def test_names_are_unique_in_the_whole_document() -> None:
    finding = only_finding(function("A"), condition("Gate", then=[function("A")]))
    assert (finding.code, finding.path) == ("DUPLICATE_NAME", "Steps[1].Arguments.IfSteps[0].Name")
    assert "at Steps[0]" in finding.message


def test_names_in_bodies_are_unique_too() -> None:
    body = function("A"), function("A")
    assert findings_of(for_each("Loop", *body)) == [
        ("DUPLICATE_NAME", "Steps[0].Arguments.ForEachBody[1].Name")
    ]


def test_steps_in_a_container_without_a_name_are_still_checked() -> None:
    loop = for_each("Loop", function("Body", arguments={"x": get("Parameters.No")}))
    del loop["Name"]
    assert [code for code, _ in findings_of(loop)] == ["MISSING_KEY", "UNKNOWN_PARAMETER"]


def test_a_body_step_of_unknown_type_is_one_finding() -> None:
    loop = for_each("Loop", {"Name": "Body", "Type": "Nothing"}, function("Other"))
    last = function("Last", arguments={"x": get("Steps.Loop.IterationOutputs[0].Body.Anything")})
    assert [code for code, _ in findings_of(loop, last)] == ["UNKNOWN_STEP_TYPE"]


def test_a_container_that_shares_its_name_with_a_plain_step() -> None:
    found = findings_of(function("A"), for_each("A", function("Body")))
    assert [code for code, _ in found] == ["DUPLICATE_NAME"]


def test_a_container_that_holds_another_of_its_own_name() -> None:
    inner = for_each("A", function("X"))
    found = findings_of(condition("A", then=[inner, function("X")]))
    assert [code for code, _ in found] == ["DUPLICATE_NAME", "DUPLICATE_NAME"]
