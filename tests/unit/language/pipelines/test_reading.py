from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.pipelines.definition import DEFAULT_EXPERIMENT, Parameter, ParameterType
from stepmill.language.pipelines.expressions import Join, Literal
from support.documents import (
    checked,
    definition_of,
    document,
    findings_of,
    function,
    get,
    only_finding,
    processing,
)

STEP = function("Fn")


def errors(value: Any) -> list[tuple[str, str]]:
    return [(str(each.code), each.path) for each in checked(value).errors]


def parameter_errors(*parameters: Any) -> list[tuple[str, str]]:
    return errors(document(STEP, parameters=list(parameters)))


def test_the_steps_are_all_that_is_needed() -> None:
    assert checked({"Steps": [STEP]}).definition is not None


def test_absent_keys_mean_the_defaults() -> None:
    definition = checked({"Steps": [STEP]}).definition
    assert definition is not None
    assert definition.experiment == DEFAULT_EXPERIMENT
    assert (definition.parameters, definition.metadata, definition.mlflow) == ({}, {}, None)


def test_metadata_and_mlflow_are_kept() -> None:
    mlflow = {"MlflowResourceArn": "arn:x", "MlflowExperimentName": get("Execution.PipelineName")}
    definition = definition_of(STEP, Metadata={"team": "a"}, MlflowConfig=mlflow)
    assert definition.metadata == {"team": "a"}
    assert definition.mlflow == mlflow


def test_null_means_no_experiment() -> None:
    assert definition_of(STEP, PipelineExperimentConfig=None).experiment is None


def test_an_experiment_is_named_by_expressions() -> None:
    joined = {"Std:Join": {"On": "-", "Values": ["a", "b"]}}
    definition = definition_of(STEP, PipelineExperimentConfig={"ExperimentName": "mine", "TrialName": joined})
    assert definition.experiment is not None
    assert definition.experiment.experiment_name == Literal("mine")
    assert definition.experiment.trial_name == Join("-", (Literal("a"), Literal("b")))


def test_an_experiment_cannot_be_named_by_a_step() -> None:
    config = {"ExperimentName": get("Steps.Fn.OutputParameters['x']"), "TrialName": "t"}
    found = findings_of(function("Fn", "x"), PipelineExperimentConfig=config)
    assert ("NOT_HERE", "PipelineExperimentConfig.ExperimentName") in found


@pytest.mark.parametrize("value", ["[]", '"x"', "3", "null", "true", "x", ""])
def test_a_document_is_an_object(value: Any) -> None:
    assert [path for _, path in errors(value)] == [""]


def test_an_unknown_key_is_found_and_mended() -> None:
    finding = only_finding(STEP, Paramters=[])
    assert (finding.code, finding.path) == ("UNKNOWN_KEY", "Paramters")
    assert finding.mend == "Did you mean 'Parameters'?"


def test_steps_are_missing() -> None:
    assert errors({"Version": "2020-12-01"}) == [("MISSING_KEY", "")]


def test_a_pipeline_has_a_step() -> None:
    assert errors(document()) == [("OUT_OF_RANGE", "Steps")]


def test_only_one_version_exists() -> None:
    assert errors({"Version": "2021-01-01", "Steps": [STEP]}) == [("UNKNOWN_VERSION", "Version")]


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("Parameters", {}, "Parameters"),
        ("Parameters", [3], "Parameters[0]"),
        ("Metadata", [], "Metadata"),
        ("Metadata", {"a": 1}, "Metadata.a"),
        ("Steps", {}, "Steps"),
        ("Steps", [3], "Steps[0]"),
        ("PipelineExperimentConfig", "x", "PipelineExperimentConfig"),
        (
            "PipelineExperimentConfig",
            {"ExperimentName": 3, "TrialName": "t"},
            "PipelineExperimentConfig.ExperimentName",
        ),
        ("MlflowConfig", [], "MlflowConfig"),
    ],
)
def test_wrong_types_are_found(key: str, value: Any, path: str) -> None:
    assert ("WRONG_TYPE", path) in errors({"Steps": [STEP], key: value})


def test_parameters_of_every_type() -> None:
    definition = definition_of(
        function("Fn", arguments={each: get(f"Parameters.{each}") for each in "ABCDE"}),
        parameters=[
            {
                "Name": "A",
                "Type": "String",
                "DefaultValue": "x",
                "EnumValues": ["x", "y"],
                "Description": "d",
            },
            {"Name": "B", "Type": "Integer", "DefaultValue": 3},
            {"Name": "C", "Type": "Float", "DefaultValue": 1},
            {"Name": "D", "Type": "Boolean", "DefaultValue": False},
            {"Name": "E"},
        ],
    )
    assert definition.parameters == {
        "A": Parameter("A", ParameterType.STRING, True, "x", ("x", "y"), "d"),
        "B": Parameter("B", ParameterType.INTEGER, True, 3),
        "C": Parameter("C", ParameterType.FLOAT, True, 1),
        "D": Parameter("D", ParameterType.BOOLEAN, True, False),
        "E": Parameter("E"),
    }


@pytest.mark.parametrize(
    ("parameter", "code", "path"),
    [
        ({"Type": "String"}, "MISSING_KEY", "Parameters[0]"),
        ({"Name": 3}, "WRONG_TYPE", "Parameters[0].Name"),
        ({"Name": "a b"}, "BAD_NAME", "Parameters[0].Name"),
        ({"Name": "a" * 65}, "BAD_NAME", "Parameters[0].Name"),
        ({"Name": "A", "Type": "Int"}, "UNKNOWN_VALUE", "Parameters[0].Type"),
        ({"Name": "A", "Default": 3}, "UNKNOWN_KEY", "Parameters[0].Default"),
        ({"Name": "A", "DefaultValue": 3}, "BAD_DEFAULT", "Parameters[0].DefaultValue"),
        ({"Name": "A", "Type": "Integer", "DefaultValue": True}, "BAD_DEFAULT", "Parameters[0].DefaultValue"),
        ({"Name": "A", "Type": "Integer", "DefaultValue": 1.5}, "BAD_DEFAULT", "Parameters[0].DefaultValue"),
        (
            {"Name": "A", "Type": "Boolean", "DefaultValue": "true"},
            "BAD_DEFAULT",
            "Parameters[0].DefaultValue",
        ),
        (
            {"Name": "A", "DefaultValue": "z", "EnumValues": ["x"]},
            "BAD_DEFAULT",
            "Parameters[0].DefaultValue",
        ),
        ({"Name": "A", "Type": "Integer", "EnumValues": ["1"]}, "BAD_DEFAULT", "Parameters[0].EnumValues"),
        ({"Name": "A", "EnumValues": [1]}, "WRONG_TYPE", "Parameters[0].EnumValues[0]"),
        ({"Name": "A", "Description": 1}, "WRONG_TYPE", "Parameters[0].Description"),
    ],
)
def test_a_wrong_parameter_is_found(parameter: Any, code: str, path: str) -> None:
    assert (code, path) in parameter_errors(parameter)


def test_parameters_have_names_of_their_own() -> None:
    assert parameter_errors({"Name": "A"}, {"Name": "A"}) == [("DUPLICATE_NAME", "Parameters[1].Name")]


def test_a_parameter_that_nothing_uses_is_a_warning() -> None:
    finding = only_finding(STEP, parameters=[{"Name": "A"}])
    assert (finding.code, finding.severity) == ("UNUSED_PARAMETER", "warning")
    assert finding.path == "Parameters[0]"


def test_all_errors_come_at_once() -> None:
    found = errors({"Version": "1", "Steps": [{"Name": "a b", "Type": "Nothing"}, 3], "More": 1})
    assert {code for code, _ in found} >= {
        "UNKNOWN_VERSION",
        "BAD_NAME",
        "UNKNOWN_STEP_TYPE",
        "WRONG_TYPE",
        "UNKNOWN_KEY",
    }


def test_many_steps_and_parameters_are_more_than_the_usual_quotas() -> None:
    arguments = {f"p{index}": get(f"Parameters.p{index}") for index in range(201)}
    steps = [function("Fn", arguments=arguments), *(function(f"Fn{index}") for index in range(60))]
    parameters = [{"Name": name} for name in arguments]
    assert findings_of(*steps, parameters=parameters) == [("AWS_LIMIT", "Parameters"), ("AWS_LIMIT", "Steps")]


def test_long_texts_are_more_than_aws_allows() -> None:
    parameters = [{"Name": "A", "DefaultValue": "x" * 5000}]
    found = findings_of(
        function("Fn", arguments={"a": get("Parameters.A")}),
        parameters=parameters,
        Metadata={"m": "x" * 2000},
    )
    assert found == [("AWS_LIMIT", "Metadata.m"), ("AWS_LIMIT", "Parameters[0].DefaultValue")]


def test_steps_stand_in_the_order_of_the_document() -> None:
    definition = definition_of(processing("B"), processing("A"))
    assert definition.top_level == ("B", "A")
