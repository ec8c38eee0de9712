from __future__ import annotations

from typing import Any

import pytest

from stepmill.catalog.job_components import (
    ExperimentConfig,
    component_name,
    component_of_job,
    experiment_config,
)
from stepmill.core.json import Json, JsonObject
from stepmill.core.service_models import service_model
from support.keeping import keeping

CONFIG = ExperimentConfig("churn", "first")

TRAINING: JsonObject = {
    "TrainingJobName": "fit-1",
    "TrainingJobStatus": "Completed",
    "TrainingStartTime": "2026-01-01T00:00:00Z",
    "TrainingEndTime": "2026-01-01T01:00:00Z",
    "HyperParameters": {"lr": "0.1", "kind": "tree", "odd": "nan", "long": "x" * 3000},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
    "AlgorithmSpecification": {"TrainingImage": "image:1"},
    "InputDataConfig": [
        {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/t"}}},
        {"ChannelName": "shared", "DataSource": {"FileSystemDataSource": {}}},
    ],
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
}  # fmt: skip
PROCESSING: JsonObject = {
    "ProcessingJobName": "clean-1",
    "ProcessingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: " + "x" * 2000,
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.t3.medium"}},
    "AppSpecification": {"ImageUri": "image:2"},
    "ProcessingInputs": [{"InputName": "raw", "S3Input": {"S3Uri": "s3://b/raw"}}],
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "clean", "S3Output": {"S3Uri": "s3://b/clean"}}]},
}


class TestConfig:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"ExperimentName": "e", "TrialName": "t"}, ExperimentConfig("e", "t")),
            ({"ExperimentName": "e"}, ExperimentConfig("e", "job")),
            ({"TrialName": "t"}, ExperimentConfig("", "t")),
            (
                {"ExperimentName": "a_b", "TrialName": "t" * 130, "TrialComponentDisplayName": "D"},
                ExperimentConfig("a-b", "t" * 120, "D"),
            ),
            ({"TrialComponentDisplayName": "D"}, ExperimentConfig(display_name="D")),
            ({"ExperimentName": "e", "RunName": "e-r"}, ExperimentConfig("e", "job", run="e-r")),
            ({"ExperimentName": ""}, ExperimentConfig()),
            ({}, ExperimentConfig()),
            (None, ExperimentConfig()),
            ("text", ExperimentConfig()),
        ],
    )
    def test_where_a_job_is_recorded(self, given: Json, expected: ExperimentConfig) -> None:
        assert experiment_config({"ExperimentConfig": given}, "job") == expected

    def test_most_jobs_are_recorded_in_no_trial(self) -> None:
        assert experiment_config({}, "job") == ExperimentConfig()


def test_a_training_job() -> None:
    component = component_of_job(TRAINING, "TrainingJob", CONFIG)
    assert component == {
        "TrialComponentName": "fit-1-aws-training-job",
        "DisplayName": "fit-1-aws-training-job",
        "Status": {"PrimaryStatus": "Completed"},
        "StartTime": "2026-01-01T00:00:00Z",
        "EndTime": "2026-01-01T01:00:00Z",
        "Parameters": {
            "SageMaker.InstanceCount": {"NumberValue": 1.0},
            "SageMaker.InstanceType": {"StringValue": "ml.m5.large"},
            "SageMaker.VolumeSizeInGB": {"NumberValue": 30.0},
            "lr": {"NumberValue": 0.1},
            "kind": {"StringValue": "tree"},
            "odd": {"StringValue": "nan"},
            "long": {"StringValue": "x" * 2500},
        },
        "InputArtifacts": {
            "SageMaker.ImageUri": {"Value": "image:1"},
            "train": {"Value": "s3://b/t", "MediaType": "text/csv"},
        },
        "OutputArtifacts": {"SageMaker.ModelArtifact": {"Value": "s3://b/model.tar.gz"}},
    }


def test_a_processing_job_that_failed() -> None:
    component: Any = component_of_job(PROCESSING, "ProcessingJob", ExperimentConfig("e", "t", "Clean"))
    assert component["TrialComponentName"] == "clean-1-aws-processing-job"
    assert component["DisplayName"] == "Clean"
    assert component["Status"]["PrimaryStatus"] == "Failed"
    assert len(component["Status"]["Message"]) == 1024
    assert component["Parameters"]["SageMaker.InstanceCount"] == {"NumberValue": 2.0}
    assert component["InputArtifacts"]["raw"] == {"Value": "s3://b/raw"}
    assert component["OutputArtifacts"] == {"clean": {"Value": "s3://b/clean"}}
    assert "StartTime" not in component


def test_all_entries_are_recorded() -> None:
    many: JsonObject = {**TRAINING, "HyperParameters": {f"h{n}": "1" for n in range(400)}}
    component: Any = component_of_job(many, "TrainingJob", CONFIG)
    assert len(component["Parameters"]) == 403


@pytest.mark.parametrize(("document", "member"), [(TRAINING, "TrainingJob"), (PROCESSING, "ProcessingJob")])
def test_what_is_recorded_is_a_request_that_aws_takes(
    document: JsonObject, member: str, tmp_path: Any
) -> None:
    component = component_of_job(document, member, CONFIG)
    assert set(component) <= set(service_model("sagemaker").request("CreateTrialComponent").members)
    with keeping(tmp_path) as kept:
        kept.experiments.components.create(component)


def test_the_longest_name_of_a_job_makes_one_that_a_component_can_have() -> None:
    assert len(component_name("j" * 63, "ProcessingJob")) <= 120
