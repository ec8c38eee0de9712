"""Tuning jobs over the wire: boto3's client, real training jobs."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.cli import eventually
from support.wire import Wire
from support.wire_jobs import WireJobs

SCRIPT = """
import os
x = float(os.environ["SM_HP_X"])
print(f"score={1 - (x - 0.3) ** 2:.6f}")
"""
SLEEPER = """
import time
print("score=0.5", flush=True)
time.sleep(600)
"""
METRICS = [{"Name": "score", "Regex": "score=([0-9.]+)"}]
LIMIT_S = 120.0


@pytest.fixture(scope="module")
def jobs(wire: Wire) -> WireJobs:
    return WireJobs(wire)


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def tuning(jobs: WireJobs, script: str, name: str = "", *, trials: int = 3, **config: Any) -> dict[str, Any]:
    """Return a CreateHyperParameterTuningJob request that runs a Python script."""
    name = name or jobs.name("tune")
    training = jobs.training(script, name)
    del training["TrainingJobName"], training["InputDataConfig"]
    image = training["AlgorithmSpecification"]["TrainingImage"]
    training["AlgorithmSpecification"] = {
        "TrainingImage": image,
        "TrainingInputMode": "File",
        "MetricDefinitions": METRICS,
    }
    # Quoted, as the SDK sends the hyperparameters of script mode.
    source = jobs.put(f"code/{name}/sourcedir.tar.gz", packed({"train.py": script}))
    training["StaticHyperParameters"] = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": json.dumps(source),
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}],
            },
            **config,
        },
        "TrainingJobDefinition": training,
    }


def until(jobs: WireJobs, name: str, *statuses: str) -> dict[str, Any]:
    told: dict[str, Any] = {}

    def stands() -> bool:
        told.update(jobs.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name))
        return told["HyperParameterTuningJobStatus"] in statuses

    eventually(stands, f"{name} is {statuses}", LIMIT_S)
    return told


@pytest.fixture(scope="module")
def done(jobs: WireJobs) -> str:
    """The name of a tuning job that has completed."""
    request = {**tuning(jobs, SCRIPT, "tune-done"), "Tags": [{"Key": "team", "Value": "blue"}]}
    arn = jobs.client.create_hyper_parameter_tuning_job(**request)["HyperParameterTuningJobArn"]
    assert arn.endswith(":hyper-parameter-tuning-job/tune-done")
    until(jobs, "tune-done", "Completed")
    return "tune-done"


class TestDone:
    def test_the_description_tells_the_best(self, jobs: WireJobs, done: str) -> None:
        told = jobs.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=done)
        assert told["TrainingJobStatusCounters"]["Completed"] == 3
        assert told["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
        assert told["TrainingJobDefinition"]["StaticHyperParameters"]["_tuning_objective_metric"] == "score"
        best = told["BestTrainingJob"]
        assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "score"
        training = jobs.client.describe_training_job(TrainingJobName=best["TrainingJobName"])
        assert training["TuningJobArn"] == told["HyperParameterTuningJobArn"]
        assert training["HyperParameters"]["x"] == best["TunedHyperParameters"]["x"]

    def test_its_training_jobs_are_listed_in_orders_and_pages(self, jobs: WireJobs, done: str) -> None:
        def listed(**given: Any) -> Any:
            return jobs.client.list_training_jobs_for_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=done, **given
            )

        best_first = listed(SortBy="FinalObjectiveMetricValue", SortOrder="Descending")[
            "TrainingJobSummaries"
        ]
        values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in best_first]
        assert values == sorted(values, reverse=True)
        assert len(values) == 3
        first = listed(MaxResults=2)
        rest = listed(MaxResults=2, NextToken=first["NextToken"])
        names = [
            one["TrainingJobName"] for one in first["TrainingJobSummaries"] + rest["TrainingJobSummaries"]
        ]
        assert names == sorted(names)
        assert len(names) == 3
        assert listed(StatusEquals="Failed")["TrainingJobSummaries"] == []

    def test_it_is_listed_searched_and_tagged_with_its_training_jobs(self, jobs: WireJobs, done: str) -> None:
        summaries = jobs.client.list_hyper_parameter_tuning_jobs(
            NameContains="tune-done", StatusEquals="Completed"
        )
        (one,) = summaries["HyperParameterTuningJobSummaries"]
        assert (one["Strategy"], one["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Random", 3)
        tags = {"Name": "Tags.team", "Operator": "Equals", "Value": "blue"}
        for resource, member in (
            ("HyperParameterTuningJob", "HyperParameterTuningJob"),
            ("TrainingJob", "TrainingJob"),
        ):
            found = jobs.client.search(Resource=resource, SearchExpression={"Filters": [tags]})["Results"]
            assert len(found) == (1 if resource == "HyperParameterTuningJob" else 3)
            assert all(member in result for result in found)
        assert jobs.client.list_tags(ResourceArn=one["HyperParameterTuningJobArn"])["Tags"] == [
            {"Key": "team", "Value": "blue"}
        ]

    def test_a_name_is_used_once(self, jobs: WireJobs, done: str) -> None:
        with pytest.raises(ClientError) as caught:
            jobs.client.create_hyper_parameter_tuning_job(**tuning(jobs, SCRIPT, done))
        error = caught.value.response["Error"]
        assert error["Code"] == "ResourceInUse"
        assert error["Message"].startswith(
            "A hyperparameter tuning job with the name, tune-done, already exists."
        )


def test_a_running_job_is_in_use_until_it_is_stopped(jobs: WireJobs) -> None:
    request = tuning(jobs, SLEEPER, trials=5)
    name = request["HyperParameterTuningJobName"]
    jobs.client.create_hyper_parameter_tuning_job(**request)
    eventually(
        lambda: until(jobs, name, "InProgress")["TrainingJobStatusCounters"]["InProgress"] == 2,
        "two run",
        LIMIT_S,
    )
    with pytest.raises(ClientError) as caught:
        jobs.client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    jobs.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    told = until(jobs, name, "Stopped")
    assert told["TrainingJobStatusCounters"] == {
        "Completed": 0,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 2,
    }
    jobs.client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    with pytest.raises(ClientError) as gone:
        jobs.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert gone.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Strategy": "Grid"}, "supports only categorical"),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "f1"}},
            "A metric is required",
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    jobs: WireJobs, change: dict[str, Any], text: str
) -> None:
    request = tuning(jobs, SCRIPT, **change)
    with pytest.raises(ClientError) as caught:
        jobs.client.create_hyper_parameter_tuning_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert text in caught.value.response["Error"]["Message"]
