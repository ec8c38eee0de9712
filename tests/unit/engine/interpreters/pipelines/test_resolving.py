"""Arguments as they reach the task."""

from __future__ import annotations

import re

import pytest

from stepmill.core.json import Json
from stepmill.language.pipelines.definition import (
    DEFAULT_EXPERIMENT,
    ExperimentConfig,
    OutputParameter,
    ParameterType,
    PropertyFile,
    StepType,
)
from stepmill.language.pipelines.expressions import Literal
from support.interpreting import EXECUTION_ARN, EXECUTION_ID, PIPELINE_ARN, Execution, Item, step

TRAINED = {
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
    "FinalMetricDataList": [{"MetricName": "auc", "Value": 0.5}],
    "HyperParameters": {"depth": 3},
}


def resolved(value: Json, parameters: dict[str, Json] | None = None) -> Json:
    run = Execution.of(step("A", StepType.CALLBACK, arguments={"x": value})).start(parameters)
    payload = run.task("A").payload
    assert isinstance(payload, dict)
    found: Json = payload["x"]
    return found


def reason(*items: Item) -> str:
    run = Execution.of(*items).start()
    for name in list(run.under_way):
        run.succeed(name, TRAINED)
    (failed,) = [entry for entry in run.entries if entry["StepStatus"] == "Failed"]
    return str(failed["FailureReason"])


@pytest.mark.parametrize("value", ["a", 3, 0.5, True, None, [], {}, {"a": [{"b": None}]}])
def test_what_is_no_expression_stays_as_it_is(value: Json) -> None:
    assert resolved(value) == value


@pytest.mark.parametrize("value", ["text", 3, 0.5, False])
def test_a_parameter_keeps_its_type(value: Json) -> None:
    found = resolved({"deep": [{"Get": "Parameters.P"}]}, {"P": value})
    assert found == {"deep": [value]}
    assert type(found["deep"][0]) is type(value)  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("StartDateTime", "2026-01-01T12:00:00Z"),
        ("PipelineName", "P"),
        ("PipelineArn", PIPELINE_ARN),
        ("PipelineExecutionId", EXECUTION_ID),
        ("PipelineExecutionArn", EXECUTION_ARN),
    ],
)
def test_execution_variables(variable: str, value: str) -> None:
    assert resolved({"Get": f"Execution.{variable}"}) == value


def test_the_current_moment_is_that_of_the_start_of_the_step() -> None:
    now = {"now": {"Get": "Execution.CurrentDateTime"}, "start": {"Get": "Execution.StartDateTime"}}
    run = Execution.of(step("A"), step("B", after=["A"], arguments=now)).start()
    run.wait(90.5).succeed("A")
    assert run.task("B").payload == {"now": "2026-01-01T12:01:30.500000Z", "start": "2026-01-01T12:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "variable"), [(StepType.TRAINING, "TrainingJobName"), (StepType.PROCESSING, "ProcessingJobName")]
)
def test_the_name_of_the_job_that_the_step_makes(kind: StepType, variable: str) -> None:
    run = Execution.of(
        step("A", kind, arguments={"Environment": {"N": {"Get": f"Execution.{variable}"}}})
    ).start()
    task = run.task("A")
    assert task.payload == {"Environment": {"N": task.name}}
    assert re.fullmatch(rf"pipelines-{EXECUTION_ID}-A-[0-9a-f]{{10}}", task.name)


def test_a_step_without_a_job_has_no_job_name() -> None:
    assert "This step makes no job." in reason(
        step("A", StepType.LAMBDA, arguments={"x": {"Get": "Execution.TrainingJobName"}})
    )


def test_a_name_in_the_arguments_is_a_prefix() -> None:
    run = Execution.of(
        step("A", StepType.TRAINING, arguments={"TrainingJobName": {"Get": "Parameters.Prefix"}})
    ).start({"Prefix": "mine"})
    task = run.task("A")
    assert re.fullmatch(r"mine-[0-9a-f]{10}", task.name)
    assert task.payload == {"TrainingJobName": task.name}


def test_experiment_and_trial_have_names_by_default() -> None:
    value = [
        {"Get": "PipelineExperimentConfig.ExperimentName"},
        {"Get": "PipelineExperimentConfig.TrialName"},
    ]
    assert resolved(value) == ["P", EXECUTION_ID]


@pytest.mark.parametrize("kind", [StepType.PROCESSING, StepType.TRAINING])
def test_jobs_are_told_where_they_are_recorded(kind: StepType) -> None:
    given = {"ExperimentConfig": {"TrialComponentDisplayName": "Fit"}}
    names = {"ExperimentName": "P", "TrialName": "0a1b2c3d4e5f"}
    steps = (step("A", kind), step("B", kind, arguments=given))
    run = Execution.of(*steps, experiment=DEFAULT_EXPERIMENT).start()
    assert run.task("A").payload == {"ExperimentConfig": names}
    assert run.task("B").payload == {"ExperimentConfig": {**names, "TrialComponentDisplayName": "Fit"}}
    own = ExperimentConfig(Literal("E"), Literal("T"))
    run = Execution.of(step("A", kind), experiment=own).start()
    assert run.task("A").payload == {"ExperimentConfig": {"ExperimentName": "E", "TrialName": "T"}}


def test_only_jobs_are_and_only_if_the_definition_wants_it() -> None:
    steps = (step("A", StepType.CALLBACK), step("B", StepType.REGISTER_MODEL))
    run = Execution.of(*steps, experiment=DEFAULT_EXPERIMENT).start()
    assert run.task("A").payload == run.task("B").payload == {}
    given = {"ExperimentConfig": {"TrialComponentDisplayName": "Fit"}}
    run = Execution.of(step("A", StepType.TRAINING, arguments=given), experiment=None).start()
    assert run.task("A").payload == given


def test_experiment_and_trial_as_the_definition_has_them() -> None:
    run = Execution.of(
        step("A", StepType.CALLBACK, arguments={"x": {"Get": "PipelineExperimentConfig.TrialName"}}),
        experiment=ExperimentConfig(Literal("E"), Literal("T")),
    ).start()
    assert run.task("A").payload == {"x": "T"}


def test_a_join_makes_text_of_everything() -> None:
    values: Json = [
        "a",
        1,
        0.5,
        True,
        {"Get": "Parameters.N"},
        {"Std:Join": {"On": "+", "Values": ["b", "c"]}},
    ]
    assert resolved({"Std:Join": {"On": "/", "Values": values}}, {"N": 3}) == "a/1/0.5/true/3/b+c"


def test_a_join_on_nothing_is_to_string() -> None:
    assert resolved({"Std:Join": {"On": "", "Values": [{"Get": "Parameters.N"}]}}, {"N": 3}) == "3"


def test_properties_come_from_what_describe_answers() -> None:
    arguments = {
        "model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
        "auc": {"Get": "Steps.Train.FinalMetricDataList['auc'].Value"},
        "depth": {"Get": "Steps.Train.HyperParameters['depth']"},
        "all": {"Get": "Steps.Train.ModelArtifacts"},
    }
    run = Execution.of(step("Train"), step("B", StepType.CALLBACK, arguments=arguments)).start()
    run.succeed("Train", TRAINED)
    assert run.task("B").payload == {
        "model": "s3://b/model.tar.gz",
        "auc": 0.5,
        "depth": 3,
        "all": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
    }


def test_a_property_that_is_not_there_fails_the_step_and_says_where() -> None:
    found = reason(step("Train"), step("B", arguments={"x": {"Get": "Steps.Train.ModelArtifact"}}))
    assert found.startswith("ClientError: Steps.Train.ModelArtifact has no value: 'ModelArtifact' is not")
    assert "Did you mean 'ModelArtifacts'?" in found


def test_a_parameter_that_is_not_there_fails_the_step() -> None:
    assert "no parameter 'P'" in reason(step("A", arguments={"x": {"Get": "Parameters.P"}}))


def test_a_body_expression_outside_of_a_body_fails_the_step() -> None:
    assert "in the body of a ForEach" in reason(step("A", arguments={"x": {"Get": "ForEach.CurrentItem"}}))
    assert "a ForEach's Selector" in reason(step("A", arguments={"x": {"Get": "IterationOutput.B.x"}}))


def test_an_address_that_is_no_text_fails_the_step() -> None:
    read = {"Std:JsonGet": {"S3Uri": {"Get": "Steps.Train.HyperParameters['depth']"}, "Path": "a"}}
    assert "Std:JsonGet needs an S3 URI, not 3" in reason(step("Train"), step("B", arguments={"x": read}))


def test_a_property_file_that_the_step_does_not_declare_fails_the_step() -> None:
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Train.PropertyFiles.R"}, "Path": "a"}}
    assert "has no property file 'R'" in reason(step("Train"), step("B", arguments={"x": read}))


def test_a_property_file_of_an_output_that_is_not_there_fails_the_step() -> None:
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Train.PropertyFiles.R"}, "Path": "a"}}
    files = (PropertyFile("R", "report", "r.json"),)
    found = reason(step("Train", property_files=files), step("B", arguments={"x": read}))
    assert "Steps.Train.ProcessingOutputConfig.Outputs.report.S3Output.S3Uri has no value" in found


def test_arguments_can_hold_values_of_json_files() -> None:
    read = {"Std:JsonGet": {"S3Uri": "s3://b/r.json", "Path": "best['max depth']"}}
    join = {"Std:Join": {"On": "=", "Values": ["depth", read]}}
    run = Execution.of(
        step("A", StepType.TRAINING, arguments={"HyperParameters": {"depth": read}, "x": join})
    ).start()
    assert run.task("A").resource == "stepmill:readJson"
    assert run.step_statuses == {"A": "Starting"}
    run.succeed("A", {"values": [7]})
    assert run.task("A").resource == "sagemaker:createTrainingJob"
    assert run.task("A").payload == {"HyperParameters": {"depth": "7"}, "x": "depth=7"}


def test_a_step_that_reads_holds_its_slot() -> None:
    read = {"Std:JsonGet": {"S3Uri": "s3://b/r.json", "Path": "a"}}
    run = Execution.of(step("A", arguments={"x": read}), step("B")).start(parallelism=1)
    run.succeed("A", {"values": [7]})
    assert run.under_way == ["A"]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (
            StepType.TRAINING,
            {
                "HyperParameters": {"a": 3, "b": True, "c": 0.5, "d": "x", "e": [1]},
                "ResourceConfig": {"N": 1},
            },
            {
                "HyperParameters": {"a": "3", "b": "true", "c": "0.5", "d": "x", "e": "[1]"},
                "ResourceConfig": {"N": 1},
            },
        ),
        (
            StepType.PROCESSING,
            {
                "AppSpecification": {"ContainerArguments": ["--n", 3, True], "ImageUri": "i"},
                "Environment": {"A": 1},
            },
            {
                "AppSpecification": {"ContainerArguments": ["--n", "3", "true"], "ImageUri": "i"},
                "Environment": {"A": "1"},
            },
        ),
        (
            StepType.MODEL,
            {"Containers": [{"Environment": {"A": 1}}, {"Image": "x"}]},
            {"Containers": [{"Environment": {"A": "1"}}, {"Image": "x"}]},
        ),
        (StepType.LAMBDA, {"Environment": {"A": 1}}, {"Environment": {"A": 1}}),
        (StepType.TRAINING, {"HyperParameters": None}, {"HyperParameters": None}),
    ],
)
def test_where_the_api_wants_text_numbers_become_text(kind: StepType, before: Json, after: Json) -> None:
    assert isinstance(before, dict)
    run = Execution.of(step("A", kind, arguments=before)).start()
    assert run.task("A").payload == after


def test_making_text_leaves_the_output_of_the_other_step_alone() -> None:
    arguments = {"HyperParameters": {"Get": "Steps.Train.HyperParameters"}}
    run = Execution.of(step("Train"), step("B", StepType.TRAINING, arguments=arguments)).start()
    run.succeed("Train", TRAINED)
    assert run.task("B").payload == {"HyperParameters": {"depth": "3"}}
    assert run.frames["output/Train"].document["HyperParameters"] == {"depth": 3}  # type: ignore[union-attr,index,call-overload]


def test_output_parameters_are_handed_over() -> None:
    outputs = (OutputParameter("score", ParameterType.FLOAT), OutputParameter("name"))
    run = Execution.of(step("A", StepType.LAMBDA, outputs=outputs)).start()
    assert run.task("A").extra == {
        "OutputParameters": [
            {"OutputName": "score", "OutputType": "Float"},
            {"OutputName": "name", "OutputType": "String"},
        ]
    }


@pytest.mark.parametrize("outputs", [{"score": 0.5}, [{"Name": "score", "Value": 0.5}]])
def test_output_parameters_can_be_read(outputs: Json) -> None:
    arguments = {"x": {"Get": "Steps.Fn.OutputParameters['score']"}}
    run = Execution.of(step("Fn", StepType.LAMBDA), step("B", arguments=arguments)).start()
    run.succeed("Fn", {"OutputParameters": outputs})
    assert run.task("B").payload == {"x": 0.5}
