"""What Describe says of a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.core.service_models import service_model
from stepmill.core.statuses import JobStatus
from stepmill.jobs.describing import describe
from stepmill.jobs.records import (
    PROCESSING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    JobRecords,
    JobState,
    Metric,
    MetricPoint,
    state_of,
)
from support.job_data import T0, ended, open_store, processing_document, training_document

NEW = JobState("task-1", "arn:job")


@pytest.fixture
def training(tmp_path: Path) -> JobRecords:
    return JobRecords(open_store(tmp_path)[1], TRAINING_JOB)


@pytest.fixture
def processing(tmp_path: Path) -> JobRecords:
    return JobRecords(open_store(tmp_path)[1], PROCESSING_JOB)


def missing(operation: str, document: dict[str, Any]) -> set[str]:
    return set(service_model("sagemaker").answer(operation).required) - set(document)


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

    def test_what_is_made_ready_is_the_message_of_the_status(self, training: JobRecords) -> None:
        state = NEW.entered("Starting", T0).entered("Downloading", T0).telling("Downloading torch")
        training.open("job", training_document(), state)
        last = describe(training.get("job"))["SecondaryStatusTransitions"][-1]
        assert (last["Status"], last["StatusMessage"]) == ("Downloading", "Downloading torch")
        record = training.change("job", lambda s: ended(s.entered("Failed", T0), reason="pip failed"))
        messages = [each["StatusMessage"] for each in describe(record)["SecondaryStatusTransitions"]]
        assert (messages[1], messages[-1]) == ("Downloading torch", "pip failed")

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
