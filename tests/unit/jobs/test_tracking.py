from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.catalog.experiments import Experiments
from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import (
    PROCESSING_JOB,
    TRAINING_JOB,
    JobState,
    Metric,
    MetricPoint,
    body_of,
    request_of,
    state_of,
)
from stepmill.jobs.surroundings import ENVIRONMENT_KIND, Environments, packages_of
from stepmill.jobs.tracking import ExperimentTracker
from stepmill.storage.records import Record, Selection
from support.keeping import ARNS, Keeping, a_task, keeping

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def experiments(kept: Keeping) -> Experiments:
    return kept.experiments


@pytest.fixture
def tracker(kept: Keeping, experiments: Experiments) -> ExperimentTracker:
    return ExperimentTracker(experiments, Environments(kept.records))


def a_job(kind: str = TRAINING_JOB, status: JobStatus = JobStatus.COMPLETED, **request: Json) -> Record:
    metric = Metric("loss", MetricPoint(AT, 0.5), (MetricPoint(AT, 1.5), MetricPoint(AT + timedelta(1), 0.5)))
    state = JobState(
        "task", ARNS.sagemaker(kind, "job-1"), status=status, secondary=str(status), metrics=(metric,),
        started_at=AT, ended_at=AT + timedelta(hours=1),
    )  # fmt: skip
    return Record(kind, "job-1", "", 0, status, AT, AT, 2, body_of(request, state))


def config(**more: Json) -> dict[str, Json]:
    return {"ExperimentName": "Churn", "TrialName": "First", **more}


def test_a_job_is_recorded_in_the_trial_that_it_names(
    tracker: ExperimentTracker, experiments: Experiments
) -> None:
    job = a_job(ExperimentConfig=config(TrialComponentDisplayName="Fit"), HyperParameters={"lr": "0.1"})
    tracker.track(job)
    assert experiments.describe("churn")["ExperimentName"] == "Churn"
    assert experiments.describe_trial("first")["ExperimentName"] == "Churn"
    assert experiments.components.members("first") == ["job-1-aws-training-job"]
    found: Any = experiments.components.describe("job-1-aws-training-job")
    assert found["DisplayName"] == "Fit"
    source = {"SourceArn": ARNS.sagemaker(TRAINING_JOB, "job-1"), "SourceType": "SageMakerTrainingJob"}
    assert found["Source"] == source
    assert found["Status"] == {"PrimaryStatus": "Completed"}
    assert found["Parameters"] == {"lr": {"NumberValue": 0.1}}
    (loss,) = found["Metrics"]
    assert (loss["MetricName"], loss["Count"], loss["Last"], loss["Max"]) == ("loss", 2, 0.5, 1.5)


def test_recorded_again_it_is_one(tracker: ExperimentTracker, experiments: Experiments) -> None:
    tracker.track(a_job(status=JobStatus.IN_PROGRESS, ExperimentConfig=config()))
    tracker.track(a_job(ExperimentConfig=config()))
    found, _ = experiments.list_components(Selection(), trial="first")
    (component,) = found
    assert component["Status"] == {"PrimaryStatus": "Completed"}
    name = str(component["TrialComponentName"])
    assert [one.count for one in experiments.components.metrics.summaries(name).values()] == [2]


def test_a_processing_job(tracker: ExperimentTracker, experiments: Experiments) -> None:
    tracker.track(a_job(PROCESSING_JOB, ExperimentConfig=config()))
    found: Any = experiments.components.describe("job-1-aws-processing-job")
    assert found["Source"]["SourceType"] == "SageMakerProcessingJob"


def test_a_job_that_names_no_experiment_is_in_none(
    tracker: ExperimentTracker, experiments: Experiments, kept: Keeping
) -> None:
    tracker.track(a_job())
    arn = ARNS.sagemaker(TRAINING_JOB, "job-1")
    (found,), _ = experiments.list_components(Selection(), source=arn.upper())
    assert found["TrialComponentName"] == "job-1-aws-training-job"
    assert experiments.components.memberships(["job-1-aws-training-job"]) == []
    assert kept.records.list("experiment").records == kept.records.list("experiment-trial").records == ()


def test_code_environment_and_machine_are_kept_beside_the_document(
    tracker: ExperimentTracker, experiments: Experiments, kept: Keeping
) -> None:
    job = a_job(HyperParameters={"sagemaker_submit_directory": '"s3://b/code.tar.gz"'})
    tracker.track(job)
    told: Any = experiments.components.extra("job-1-aws-training-job")["job"]
    assert told["code"] == {"sourcedir": "s3://b/code.tar.gz"}
    assert told["machine"]["cpus"] > 0
    assert "environment" not in told  # that of a container is its image
    state = msgspec.structs.replace(state_of(job), python=sys.executable)
    tracker.track(replace(job, body=body_of(request_of(job), state)))
    told = experiments.components.extra("job-1-aws-training-job")["job"]
    assert kept.records.get(ENVIRONMENT_KIND, told["environment"]).body["packages"] == packages_of(
        sys.executable
    )


def test_the_run_that_a_job_was_begun_in_tells_of_it(
    tracker: ExperimentTracker, experiments: Experiments
) -> None:
    experiments.components.create({"TrialComponentName": "churn-mine"})
    for _ in range(2):
        tracker.track(a_job(ExperimentConfig=config(RunName="churn-mine")))
    source = {"SourceArn": ARNS.sagemaker(TRAINING_JOB, "job-1"), "SourceType": "SageMakerTrainingJob"}
    assert experiments.components.describe("churn-mine")["Sources"] == [source]
    found, _ = experiments.list_components(Selection(), source=source["SourceArn"])
    assert sorted(str(one["TrialComponentName"]) for one in found) == ["churn-mine", "job-1-aws-training-job"]
    tracker.track(a_job(ExperimentConfig=config(RunName="never-made")))


def test_a_trial_alone_must_be_there(tracker: ExperimentTracker, experiments: Experiments) -> None:
    tracker.track(a_job(ExperimentConfig={"TrialName": "alone"}))
    experiments.components.describe("job-1-aws-training-job")
    with pytest.raises(NotFoundError):
        experiments.describe_trial("alone")
    experiments.open("churn", "alone")
    tracker.track(replace(a_job(ExperimentConfig={"TrialName": "alone"}), name="job-2"))
    assert experiments.components.members("alone") == ["job-2-aws-training-job"]


def test_an_experiment_alone_gets_a_trial_of_the_jobs_name(
    tracker: ExperimentTracker, experiments: Experiments
) -> None:
    tracker.track(a_job(ExperimentConfig={"ExperimentName": "churn"}))
    assert experiments.components.members("job-1") == ["job-1-aws-training-job"]


def test_it_is_one_change_with_the_end_of_the_job(tracker: ExperimentTracker, kept: Keeping) -> None:
    def killed() -> None:
        with kept.records.transaction():
            tracker.track(a_job(ExperimentConfig=config()))
            raise KeyError

    with pytest.raises(KeyError):
        killed()
    for kind in ("experiment", "experiment-trial", "experiment-trial-component"):
        assert kept.records.list(kind).records == ()


def test_what_is_taken_over_from_the_cache_is_in_the_trial_too(
    tracker: ExperimentTracker, experiments: Experiments
) -> None:
    tracker.track(a_job(ExperimentConfig=config()))
    step: dict[str, Json] = {"TrainingJob": {"Arn": ARNS.sagemaker(TRAINING_JOB, "job-1")}}
    again = a_task("training", {"ExperimentConfig": config(TrialName="Second")})
    tracker.track_reuse(again, step)
    assert experiments.components.members("second") == ["job-1-aws-training-job"]
    assert experiments.components.members("first") == ["job-1-aws-training-job"]
    for payload, shown in (
        (None, step),
        ({}, step),
        (again.payload, {}),
        (again.payload, {"Lambda": {"Arn": "x"}}),
    ):
        tracker.track_reuse(a_task("training", payload), shown)
    assert experiments.components.members("second") == ["job-1-aws-training-job"]
