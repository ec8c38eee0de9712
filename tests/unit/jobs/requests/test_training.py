"""CreateTrainingJob, read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.requests.training import MetricDefinition, read_training_request, refuse_pipes
from stepmill.storage.objects.uri import S3Uri
from support.job_data import IMAGE, channel, training_document

PROJECT = Path("/project")


def read(**changes: Any) -> Any:
    return read_training_request(training_document(**changes), PROJECT)


def algorithm(**changes: Any) -> dict[str, Any]:
    return {"AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File", **changes}}


def test_what_a_plain_request_says() -> None:
    request = read(
        TrainingJobName="train-1",
        HyperParameters={"epochs": "3", "lr": 0.1},
        InputDataConfig=[
            channel("train", "s3://data/train", ContentType="text/csv"),
            channel("my.data", "local"),
        ],
        EnableNetworkIsolation=True,
    )
    assert request.hyperparameters == {"epochs": "3", "lr": "0.1"}
    assert [item.target for item in request.inputs] == [
        "/opt/ml/input/data/train",
        "/opt/ml/input/data/my.data",
    ]
    assert request.channels["train"] == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "text/csv",
    }
    assert request.output == S3Uri("data", "models")
    assert request.compress
    assert not request.network
    assert request.notes == ()


@pytest.mark.parametrize(
    ("more", "name"),
    [
        (algorithm(TrainingImage="x.io/kmeans:1"), "kmeans"),
        (algorithm(TrainingImage="x.io/sagemaker-xgboost:1.7-1"), "xgboost"),
        (algorithm(TrainingImage="x.io/kmeans:1", ContainerEntrypoint=["run"]), ""),
        (algorithm(TrainingImage="team/kmeans:1"), ""),
        (
            {
                **algorithm(TrainingImage="x.io/sagemaker-xgboost:1.7-1"),
                "HyperParameters": {"sagemaker_program": "a.py"},
            },
            "",
        ),
        (
            {
                **algorithm(TrainingImage="x.io/sagemaker-xgboost:1.7-1"),
                "Environment": {"SAGEMAKER_PROGRAM": "a.py"},
            },
            "",
        ),
    ],
)
def test_an_image_may_be_that_of_a_built_in_algorithm(more: dict[str, Any], name: str) -> None:
    request = read(**more)
    assert request.algorithm == name
    assert bool(request.metrics) == bool(name)


def test_what_an_algorithm_reads_from_a_pipe_it_reads_from_files() -> None:
    request = read(
        **algorithm(TrainingImage="x.io/pca:1", TrainingInputMode="Pipe"),
        InputDataConfig=[channel("train", "x")],
    )
    assert request.channels["train"]["TrainingInputMode"] == "Pipe"
    with pytest.raises(UnsupportedError, match="Pipe mode"):
        refuse_pipes(request.channels)


def test_own_metrics_follow_those_of_the_algorithm() -> None:
    own = {"Name": "mine", "Regex": "mine=(.*)"}
    request = read(**algorithm(TrainingImage="x.io/kmeans:1", MetricDefinitions=[own]))
    assert request.metrics[-1] == MetricDefinition("mine", "mine=(.*)")
    assert "test:msd" in {metric.name for metric in request.metrics}


def test_fast_file_is_told_to_the_script_as_asked() -> None:
    request = read(
        **algorithm(TrainingInputMode="FastFile"), InputDataConfig=[channel("train", "s3://data/train")]
    )
    assert request.channels["train"]["TrainingInputMode"] == "FastFile"


def test_checkpoints_have_a_default_folder() -> None:
    checkpoints = read(CheckpointConfig={"S3Uri": "s3://data/ck"}).checkpoints
    assert checkpoints is not None
    assert (checkpoints.path, checkpoints.destination) == ("/opt/ml/checkpoints", S3Uri("data", "ck"))


def spot(**condition: int) -> Any:
    return read(EnableManagedSpotTraining=True, StoppingCondition=condition)


def test_spot_training_has_two_times() -> None:
    request = spot(MaxRuntimeInSeconds=60, MaxWaitTimeInSeconds=90)
    assert request.spot
    assert (request.timeout, request.longest_wait) == (timedelta(seconds=60), timedelta(seconds=90))
    assert (request.notes, request.matches) == ((), "")


def test_other_training_waits_for_no_capacity() -> None:
    assert (read().spot, read().longest_wait, read().retries) == (False, None, 0)


def test_for_how_long_the_machine_is_kept() -> None:
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    request = read(ResourceConfig={**resources, "KeepAlivePeriodInSeconds": 600})
    assert (request.keep_alive, request.notes) == (timedelta(seconds=600), ())
    assert request.matches == read(ResourceConfig=resources).matches
    assert read(ResourceConfig=resources).keep_alive == timedelta(0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"KeepAlivePeriodInSeconds": 21_601}, "21601 is more than 21600"),
        ({"KeepAlivePeriodInSeconds": -1}, "KeepAlivePeriodInSeconds"),
        (
            {
                "InstanceGroups": [
                    {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 1}
                ]
            },
            "cannot be used with heterogeneous cluster training",
        ),
    ],
)
def test_machines_that_cannot_be_kept(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read(ResourceConfig={"VolumeSizeInGB": 30, "KeepAlivePeriodInSeconds": 60, **changes})


def test_spot_capacity_cannot_be_kept() -> None:
    with pytest.raises(InvalidInputError, match="cannot be used with spot instances"):
        read(
            EnableManagedSpotTraining=True,
            StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
            ResourceConfig={
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "KeepAlivePeriodInSeconds": 60,
            },
        )


def test_a_retry_strategy_says_how_often() -> None:
    assert read(RetryStrategy={"MaximumRetryAttempts": 30}).retries == 30


@pytest.mark.parametrize("attempts", [0, 31, "many"])
def test_a_retry_strategy_has_its_bounds(attempts: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(RetryStrategy={"MaximumRetryAttempts": attempts})
    assert caught.value.where == "RetryStrategy.MaximumRetryAttempts"


@pytest.mark.parametrize(
    "condition",
    [
        {"MaxRuntimeInSeconds": 60},
        {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
        # Where nothing is said a job may run for a day.
        {"MaxWaitTimeInSeconds": 86_399},
    ],
)
def test_spot_training_needs_time_to_wait_and_run(condition: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="It must be present and be greater than"):
        spot(**condition)


def test_only_spot_training_waits() -> None:
    with pytest.raises(InvalidInputError, match="supported only when EnableManagedSpotTraining"):
        read(StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60})


def test_an_instance_group_of_one_is_one_host() -> None:
    groups = [{"InstanceGroupName": "g", "InstanceType": "ml.c5.large", "InstanceCount": 1}]
    assert read(ResourceConfig={"InstanceGroups": groups}).hosts == (Host("algo-1", "ml.c5.large", "g"),)


def test_metric_definitions() -> None:
    request = read(**algorithm(MetricDefinitions=[{"Name": "loss", "Regex": "loss=(.*)"}]))
    assert request.metrics == (MetricDefinition("loss", "loss=(.*)"),)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ResourceConfig": {"InstanceType": "ml.x", "InstanceCount": 65}}, "ResourceConfig.InstanceCount"),
        (
            {
                "ResourceConfig": {
                    "InstanceGroups": [
                        {"InstanceGroupName": name, "InstanceType": "a", "InstanceCount": 33} for name in "ab"
                    ]
                }
            },
            "ResourceConfig.InstanceGroups",
        ),
        (
            algorithm(TrainingInputMode="Pipe") | {"InputDataConfig": [channel("a", "x")]},
            "InputDataConfig[0].InputMode",
        ),
        ({"InputDataConfig": [channel("a", "x", InputMode="Pipe")]}, "InputDataConfig[0].InputMode"),
        ({"AlgorithmSpecification": {"AlgorithmName": "arn:x"}}, "AlgorithmSpecification.AlgorithmName"),
        (
            {"InputDataConfig": [{"ChannelName": "a", "DataSource": {"FileSystemDataSource": {}}}]},
            "InputDataConfig[0].DataSource.FileSystemDataSource",
        ),
        (
            {
                "InputDataConfig": [
                    {
                        "ChannelName": "a",
                        "DataSource": {"S3DataSource": {"S3DataType": "AugmentedManifestFile"}},
                    }
                ]
            },
            "InputDataConfig[0].DataSource.S3DataSource.S3DataType",
        ),
        ({"ServerlessJobConfig": {}}, "ServerlessJobConfig"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(**changes)
    assert caught.value.where == where
    assert caught.value.mend


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"InputDataConfig": [channel("..", "x")]}, "InputDataConfig[0].ChannelName"),
        ({"InputDataConfig": [channel("a/b", "x")]}, "InputDataConfig[0].ChannelName"),
        ({"InputDataConfig": [channel("", "x")]}, "InputDataConfig[0].ChannelName"),
        ({"InputDataConfig": [channel("a", "x"), channel("a", "y")]}, "InputDataConfig"),
        ({"OutputDataConfig": None}, "OutputDataConfig"),
        (
            {"OutputDataConfig": {"S3OutputPath": "s3://data/x", "CompressionType": "ZIP"}},
            "OutputDataConfig.CompressionType",
        ),
        ({"CheckpointConfig": {"S3Uri": "s3://data/x", "LocalPath": "/etc"}}, "CheckpointConfig.LocalPath"),
        (
            {"CheckpointConfig": {"S3Uri": "s3://data/x", "LocalPath": "/opt/ml"}},
            "CheckpointConfig.LocalPath",
        ),
        (
            algorithm(MetricDefinitions=[{"Name": "m", "Regex": "("}]),
            "AlgorithmSpecification.MetricDefinitions[0].Regex",
        ),
        (
            algorithm(MetricDefinitions=[{"Name": "m", "Regex": "x"}]),
            "AlgorithmSpecification.MetricDefinitions[0].Regex",
        ),
        ({"HyperParameters": {"a": {"b": 1}}}, "HyperParameters['a']"),
    ],
)
def test_wrong_values_are_named_with_their_place(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(**changes)
    assert caught.value.where == where
