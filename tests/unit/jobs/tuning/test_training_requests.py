from __future__ import annotations

from typing import Any

from stepmill.jobs.tuning.request import read_tuning_request
from stepmill.jobs.tuning.training_requests import training_request
from support.tuning import definition, tuning_request


def made(**more: Any) -> Any:
    request = {**tuning_request(), "TrainingJobDefinition": definition(**more)}
    return training_request(read_tuning_request(request).definitions[0], "tune-001-0a1b2c3d", {"eta": "0.2"})


def test_a_trial_has_static_and_tuned_hyperparameters_and_the_metric() -> None:
    assert made()["HyperParameters"] == {"rounds": "10", "_tuning_objective_metric": "auc", "eta": "0.2"}


def test_a_trial_has_the_members_of_its_definition_and_no_other() -> None:
    request = made(DefinitionName="forest", Environment={"A": "b"}, EnableManagedSpotTraining=False)
    assert request["TrainingJobName"] == "tune-001-0a1b2c3d"
    assert request["Environment"] == {"A": "b"}
    assert request["EnableManagedSpotTraining"] is False
    assert not {"DefinitionName", "StaticHyperParameters", "HyperParameterRanges", "TuningObjective"} & set(
        request
    )


def test_instances_may_come_as_those_of_tuning_jobs() -> None:
    flexible = {
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 5,
        "VolumeKmsKeyId": "k",
    }
    assert (
        made(ResourceConfig=None, HyperParameterTuningResourceConfig=flexible)["ResourceConfig"] == flexible
    )


def test_of_several_instances_the_first_ones_are_taken() -> None:
    configs = [
        {"InstanceType": kind, "InstanceCount": 1, "VolumeSizeInGB": 5}
        for kind in ("ml.m5.xlarge", "ml.c5.xlarge")
    ]
    flexible = {"AllocationStrategy": "Prioritized", "InstanceConfigs": configs}
    assert made(HyperParameterTuningResourceConfig=flexible)["ResourceConfig"] == configs[0]


def test_each_trial_has_checkpoints_of_its_own() -> None:
    request = made(CheckpointConfig={"S3Uri": "s3://b/checkpoints/", "LocalPath": "/opt/ml/checkpoints"})
    assert request["CheckpointConfig"] == {
        "S3Uri": "s3://b/checkpoints/tune-001-0a1b2c3d",
        "LocalPath": "/opt/ml/checkpoints",
    }
