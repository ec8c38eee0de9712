"""What is kept of a job, and what Describe says of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.service_models import service_model
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import (
    PROCESSING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    JobRecords,
    JobState,
    Metric,
    MetricPoint,
    describe,
    request_of,
    state_of,
)
from support.job_data import T0, open_store, processing_document, training_document

NEW = JobState("task-1", "arn:job")


@pytest.fixture
def training(tmp_path: Path) -> JobRecords:
    return JobRecords(open_store(tmp_path)[1], TRAINING_JOB)


@pytest.fixture
def processing(tmp_path: Path) -> JobRecords:
    return JobRecords(open_store(tmp_path)[1], PROCESSING_JOB)


def ended(state: JobState, **changes: Any) -> JobState:
    state = (
        state.entered("Starting", T0).entered("Training", T0).entered("Completed", T0 + timedelta(seconds=90))
    )
    changes = {
        "started_at": T0,
        "ended_at": T0 + timedelta(seconds=90),
        "status": JobStatus.COMPLETED,
        **changes,
    }
    return msgspec.structs.replace(state, **changes)


TRANSFORM: dict[str, Any] = {
    "TransformJobName": "job",
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/out", "AssembleWith": "Line"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    "DataProcessing": {"JoinSource": "Input"},
    "Tags": [{"Key": "a", "Value": "b"}],
}


def test_a_transform_job_is_described_with_its_defaults(tmp_path: Path) -> None:
    records = JobRecords(open_store(tmp_path)[1], TRANSFORM_JOB)
    record = records.open("job", TRANSFORM, NEW)
    assert missing("DescribeTransformJob", describe(record)) == set()
    record = records.change("job", lambda state: ended(state, status=JobStatus.FAILED, reason="no model"))
    described = describe(record)
    assert missing("DescribeTransformJob", described) == set()
    assert described["TransformJobStatus"] == "Failed"
    assert described["FailureReason"] == "no model"
    assert (
        described["TransformInput"]["SplitType"] == described["TransformInput"]["CompressionType"] == "None"
    )
    assert described["TransformOutput"] == {
        "S3OutputPath": "s3://b/out",
        "AssembleWith": "Line",
        "KmsKeyId": "",
    }
    assert described["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "Input"}
    assert "Tags" not in described
    assert described["TransformStartTime"] < described["TransformEndTime"]


def missing(operation: str, document: dict[str, Any]) -> set[str]:
    return set(service_model("sagemaker").answer(operation).required) - set(document)


def test_the_same_task_finds_its_job_again(training: JobRecords) -> None:
    first = training.open("job", training_document(), NEW)
    assert training.open("job", training_document(), NEW).revision == first.revision == 1
    with pytest.raises(ConflictError, match="training-job 'job'"):
        training.open("job", training_document(), JobState("task-2", "arn:job"))


def test_request_and_state_come_back_as_they_were(training: JobRecords) -> None:
    metric = Metric("loss", MetricPoint(T0, 0.5), (MetricPoint(T0, 0.5),))
    state = ended(NEW, metrics=(metric,), notes=("a",), log_tail=("x",), exit_code=0)
    training.open("job", training_document(), state)
    record = training.get("job")
    assert state_of(record) == state
    assert request_of(record) == training_document()


def test_a_job_that_has_ended_stays_as_it_is(training: JobRecords) -> None:
    training.open("job", training_document(), NEW)
    record = training.change("job", ended)
    assert record.status == "Completed"
    again = training.change("job", lambda state: msgspec.structs.replace(state, status=JobStatus.FAILED))
    assert (again.revision, again.status) == (record.revision, "Completed")


def test_nothing_is_written_when_nothing_changes(training: JobRecords) -> None:
    first = training.open("job", training_document(), NEW)
    assert training.change("job", lambda state: state).revision == first.revision


def test_an_unknown_job(training: JobRecords) -> None:
    assert training.find("none") is None
    with pytest.raises(NotFoundError):
        training.get("none")


@pytest.mark.parametrize("asked", ["Pipelines-abc-AbaloneTrain", "pipelines-abc-abalonetrain"])
def test_a_job_is_found_by_its_name_as_arns_have_it(training: JobRecords, asked: str) -> None:
    training.open(
        "Pipelines-abc-AbaloneTrain-2", training_document(), msgspec.structs.replace(NEW, task_id="2")
    )
    training.open("Pipelines-abc-AbaloneTrain", training_document(), NEW)
    assert training.get(asked).name == "Pipelines-abc-AbaloneTrain"


@pytest.mark.parametrize("asked", ["PIPELINES-ABC", "pipelines", "%", ""])
def test_a_job_is_not_found_by_less_than_its_name(training: JobRecords, asked: str) -> None:
    training.open("Pipelines-abc", training_document(), NEW)
    assert training.find(asked) is None


def test_notes_are_kept_once() -> None:
    assert NEW.with_notes("a", "b").with_notes("b", "c").notes == ("a", "b", "c")


class TestDescribe:
    def test_a_training_job_that_has_just_begun_has_all_that_is_required(self, training: JobRecords) -> None:
        document = describe(training.open("job", training_document(), NEW.entered("Starting", T0)))
        assert missing("DescribeTrainingJob", document) == set()
        assert document["ModelArtifacts"] == {"S3ModelArtifacts": ""}
        assert document["OutputDataConfig"] == {"KmsKeyId": "", "S3OutputPath": "s3://data/models"}
        assert document["SecondaryStatusTransitions"] == [
            {
                "Status": "Starting",
                "StartTime": "2026-01-02T03:04:05Z",
                "StatusMessage": "Preparing the instances for training",
            }
        ]
        assert "TrainingEndTime" not in document
        assert "FinalMetricDataList" not in document

    def test_a_training_job_that_has_ended(self, training: JobRecords) -> None:
        training.open("job", training_document(Tags=[{"Key": "a", "Value": "b"}]), NEW)
        metric = Metric("loss", MetricPoint(T0, 0.5))
        record = training.change("job", lambda s: ended(s, model="s3://data/m.tar.gz", metrics=(metric,)))
        document = describe(record)
        assert missing("DescribeTrainingJob", document) == set()
        assert set(document) <= set(service_model("sagemaker").answer("DescribeTrainingJob").members)
        assert document["TrainingJobStatus"] == "Completed"
        assert document["TrainingTimeInSeconds"] == document["BillableTimeInSeconds"] == 90
        assert document["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/m.tar.gz"}
        assert document["FinalMetricDataList"] == [
            {"MetricName": "loss", "Value": 0.5, "Timestamp": "2026-01-02T03:04:05Z"}
        ]
        last = document["SecondaryStatusTransitions"][-1]
        assert last["StartTime"] == last["EndTime"]

    def test_the_reason_stands_at_the_last_transition_too(self, training: JobRecords) -> None:
        state = msgspec.structs.replace(NEW.entered("Failed", T0), status=JobStatus.FAILED, reason="why")
        document = describe(training.open("job", training_document(), state))
        assert (
            document["FailureReason"] == document["SecondaryStatusTransitions"][-1]["StatusMessage"] == "why"
        )

    def test_a_processing_job(self, processing: JobRecords) -> None:
        begun = describe(processing.open("job", processing_document(), NEW))
        assert missing("DescribeProcessingJob", begun) == set()
        record = processing.change("job", lambda s: ended(s, exit_message="done"))
        document = describe(record)
        assert set(document) <= set(service_model("sagemaker").answer("DescribeProcessingJob").members)
        assert (document["ProcessingJobStatus"], document["ExitMessage"]) == ("Completed", "done")
        assert document["ProcessingEndTime"] == "2026-01-02T03:05:35Z"
        assert state_of(record).metrics == ()


def test_a_job_that_is_picked_up_again_goes_back_to_nothing() -> None:
    state = NEW.entered("Starting", T0).entered("Training", T0).entered("Uploading", T0)
    again = state.entered("Training", T0 + timedelta(seconds=1)).entered(
        "Uploading", T0 + timedelta(seconds=2)
    )
    assert again == state
