from __future__ import annotations

from typing import Any

import pytest

from support.documents import (
    condition,
    findings_of,
    for_each,
    function,
    get,
    only_finding,
    processing,
    training,
)
from support.steps import OTHERS

METRICS = [{"Name": "accuracy", "Regex": "acc=(.*)"}]
STEPS: list[Any] = [
    processing("Prep", inputs={"raw": "s3://bucket/raw"}, outputs=("train", "test")),
    training("Train", HyperParameters={"epochs": "3"}, channels={"train": "s3://bucket/t"}),
    function("Fn", "score"),
    condition("Gate"),
    for_each("Loop", function("Body", "score"), training("Fit")),
]
STEPS[1]["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] = METRICS
STEPS[0]["Arguments"]["Environment"] = {"A": "b"}


def reading(text: str, *more: Any) -> list[tuple[str, str]]:
    return findings_of(*STEPS, *more, function("Last", arguments={"x": get(text)}))


@pytest.mark.parametrize(
    "text",
    [
        "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri",
        "Steps.Prep.ProcessingOutputConfig.Outputs[1].S3Output.S3Uri",
        "Steps.Prep.ProcessingInputs['raw'].S3Input.S3Uri",
        "Steps.Prep.ProcessingJobName",
        "Steps.Prep.ProcessingJobArn",
        "Steps.Prep.Environment['A']",
        "Steps.Prep.ProcessingResources.ClusterConfig.InstanceCount",
        "Steps.Prep.ExitMessage",
        "Steps.Train.ModelArtifacts.S3ModelArtifacts",
        "Steps.Train.ModelArtifacts",
        "Steps.Train.FinalMetricDataList['accuracy'].Value",
        "Steps.Train.FinalMetricDataList[0].Value",
        "Steps.Train.HyperParameters['epochs']",
        "Steps.Train.InputDataConfig['train'].DataSource.S3DataSource.S3Uri",
        "Steps.Train.OutputDataConfig.S3OutputPath",
        "Steps.Fn.OutputParameters['score']",
        "Steps.Gate.Outcome",
        "Steps.Loop.Status",
        "Steps.Loop.InputItemCount",
        "Steps.Loop.IterationOutputs[1].Body.OutputParameters['score']",
        "Steps.Loop.IterationOutputs[0].Fit.ModelArtifacts.S3ModelArtifacts",
    ],
)
def test_properties_that_exist(text: str) -> None:
    assert reading(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Steps.Prep", "UNKNOWN_PROPERTY"),
        ("Steps.Prep[0]", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.Output", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Uri", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.ProcessingJobName.More", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.ProcessingJobName[0]", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.ProcessingOutputConfig[0]", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.Environment[0]", "UNKNOWN_PROPERTY"),
        ("Steps.Prep.ProcessingOutputConfig.Outputs['trian'].S3Output.S3Uri", "UNDECLARED_NAME"),
        ("Steps.Prep.ProcessingOutputConfig.Outputs[2].S3Output.S3Uri", "UNDECLARED_NAME"),
        ("Steps.Prep.ProcessingInputs['data'].S3Input.S3Uri", "UNDECLARED_NAME"),
        ("Steps.Prep.Environment['B']", "UNDECLARED_NAME"),
        ("Steps.Train.HyperParameters['epoch']", "UNDECLARED_NAME"),
        ("Steps.Train.InputDataConfig['test'].ContentType", "UNDECLARED_NAME"),
        ("Steps.Train.FinalMetricDataList['loss'].Value", "UNDECLARED_METRIC"),
        ("Steps.Fn.OutputParameters['scor']", "UNDECLARED_NAME"),
        ("Steps.Fn.OutputParameters[0]", "UNDECLARED_NAME"),
        ("Steps.Fn.OutputParameters['score'].x", "UNKNOWN_PROPERTY"),
        ("Steps.Fn.FunctionArn", "UNKNOWN_PROPERTY"),
        ("Steps.Gate.Outcome.x", "UNKNOWN_PROPERTY"),
        ("Steps.Gate.Result", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs[0]", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs[0].Body", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs['Body'].x.y", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs[0].Prep.ExitMessage", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs[0].Body.Nothing", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.IterationOutputs[2].Body.OutputParameters['score']", "UNDECLARED_NAME"),
        ("Steps.Loop.Selected.OutputParameters['score']", "UNKNOWN_PROPERTY"),
        ("Steps.Loop.Status.x", "UNKNOWN_PROPERTY"),
    ],
)
def test_properties_that_do_not_exist(text: str, code: str) -> None:
    assert reading(text) == [(code, "Steps[5].Arguments.x")]


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("Steps.Train.ModelArtifact.S3ModelArtifacts", "Did you mean 'ModelArtifacts'?"),
        ("Steps.Prep.ProcessingOutputConfig.Outputs['trian'].S3Output.S3Uri", "Did you mean 'train'?"),
        ("Steps.Fn.OutputParameters['zzz']", "There are score."),
        ("Steps.Prep.ProcessingOutputConfig.Outputs[7]", "There are 2, counted from 0."),
    ],
)
def test_the_mend_names_what_there_is(text: str, mend: str) -> None:
    assert only_finding(*STEPS, function("Last", arguments={"x": get(text)})).mend == mend


def test_a_selected_iteration_has_the_properties_of_the_selectors_step() -> None:
    selector = {"Pick": "MinBy", "Field": get("IterationOutput.Body.OutputParameters['score']")}
    loop = for_each("Loop", function("Body", "score"), Selector=selector)
    right = function("A", arguments={"x": get("Steps.Loop.Selected.OutputParameters['score']")})
    wrong = function("B", arguments={"x": get("Steps.Loop.Selected.ModelArtifacts")})
    assert findings_of(loop, right, wrong) == [("UNKNOWN_PROPERTY", "Steps[2].Arguments.x")]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Tuning", "BestTrainingJob.TrainingJobName"),
        ("Tuning", "TrainingJobSummaries[0].TrainingJobName"),
        ("Tuning", "TrainingJobSummaries[49].FinalHyperParameterTuningJobObjectiveMetric.Value"),
        ("Transform", "TransformOutput.S3OutputPath"),
        ("Model", "ModelName"),
        ("RegisterModel", "ModelPackageArn"),
        ("RegisterModel", "ModelPackageVersion"),
        ("AutoML", "BestCandidateProperties.ModelInsightsJsonReportPath"),
        ("AutoML", "BestCandidate.CandidateName"),
        ("Callback", "OutputParameters['ok']"),
        ("QualityCheck", "CalculatedBaselineStatistics"),
        ("ClarifyCheck", "BaselineUsedForDriftCheckConstraints"),
        ("EMR", "ClusterId"),
        ("EMR", "Status.State"),
        ("EMRServerless", "jobRun.state"),
        ("EndpointConfig", "EndpointConfigName"),
        ("Endpoint", "EndpointArn"),
        ("InferenceComponent", "InferenceComponentArn"),
        ("Lineage", "ActionArns['act']"),
        ("Lineage", "Associations"),
        ("Job", "JobArn"),
        ("Job", "JobConfigDocument.a.b[0]"),
    ],
)
def test_each_type_has_its_properties(kind: str, path: str) -> None:
    step = {"Name": "S", "Type": kind, **OTHERS[kind]}
    assert findings_of(step, function("Last", arguments={"x": get(f"Steps.S.{path}")})) == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Tuning", "TrainingJobSummaries[50].TrainingJobName"),
        ("Tuning", "TrainingJobSummaries['a'].TrainingJobName"),
        ("Tuning", "TrainingJobSummaries[0].Name"),
        ("AutoML", "BestCandidateProperties.Other"),
        ("ClarifyCheck", "CalculatedBaselineStatistics"),
        ("EMR", "Cluster"),
        ("Job", "JobName.x"),
    ],
)
def test_no_type_has_those_of_another(kind: str, path: str) -> None:
    step = {"Name": "S", "Type": kind, **OTHERS[kind]}
    found = findings_of(step, function("Last", arguments={"x": get(f"Steps.S.{path}")}))
    assert found == [("UNKNOWN_PROPERTY", "Steps[1].Arguments.x")]


def test_lineage_gives_the_arns_of_what_it_creates() -> None:
    step = {"Name": "S", "Type": "Lineage", **OTHERS["Lineage"]}
    found = findings_of(step, function("Last", arguments={"x": get("Steps.S.ActionArns['other']")}))
    assert found == [("UNDECLARED_NAME", "Steps[1].Arguments.x")]


@pytest.mark.parametrize("kind", ["Fail", "Cleanup"])
def test_some_steps_have_no_properties(kind: str) -> None:
    sources = {"Resources": {"S3": [{"StepName": "Prep"}]}}
    arguments: Any = {"ErrorMessage": "x"} if kind == "Fail" else sources
    found = reading("Steps.S.Anything", {"Name": "S", "Type": kind, "Arguments": arguments})
    assert found == [("UNKNOWN_PROPERTY", "Steps[6].Arguments.x")]


def test_names_that_come_later_are_not_doubted() -> None:
    step = processing("P", outputs=("a",))
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["OutputName"] = get("Parameters.Name")
    last = function(
        "Last", arguments={"x": get("Steps.P.ProcessingOutputConfig.Outputs['b'].S3Output.S3Uri")}
    )
    assert findings_of(step, last, parameters=[{"Name": "Name"}]) == []


def test_an_algorithm_may_bring_its_own_metrics() -> None:
    step = training("Fit")
    step["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = (
        "1.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"
    )
    last = function("Last", arguments={"x": get("Steps.Fit.FinalMetricDataList['validation:auc'].Value")})
    assert findings_of(step, last) == []
