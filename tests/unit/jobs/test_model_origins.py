from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.model_reports.comparison import Origin
from stepmill.core.statuses import JobStatus
from stepmill.jobs.model_origins import origin_of
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState
from support.keeping import Keeping, keeping

MODEL = "s3://bucket/models/Train-abc/output/model.tar.gz"
REQUEST: dict[str, Any] = {
    "HyperParameters": {
        "lr": "0.1",
        "objective": '"reg:linear"',
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://bucket/code/sourcedir.tar.gz"',
        "sagemaker_region": '"us-west-2"',
    },
    "AlgorithmSpecification": {"TrainingImage": "sklearn:1.2", "ContainerEntrypoint": ["python", "x.py"]},
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/train"}}},
        {"ChannelName": "fast", "DataSource": {"FileSystemDataSource": {"DirectoryPath": "/x"}}},
    ],
}
SOURCE = {"pipeline": "Abalone", "execution": "arn:e", "step": "Register"}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        jobs = JobRecords(opened.records, TRAINING_JOB)
        jobs.open("Train-abc", REQUEST, JobState("t", "arn:j", status=JobStatus.COMPLETED, model=MODEL))
        yield opened


def described(uri: str) -> dict[str, Any]:
    return {"InferenceSpecification": {"Containers": [{"Image": "x"}, {"ModelDataUrl": uri}]}}


def test_the_job_that_left_the_model_data_tells_of_it(kept: Keeping) -> None:
    assert origin_of(described(MODEL), SOURCE, kept.records) == Origin(
        pipeline="Abalone",
        execution="arn:e",
        step="Register",
        job="Train-abc",
        parameters={"lr": "0.1", "objective": "reg:linear"},
        data={"train": "s3://bucket/train", "fast": ""},
        image="sklearn:1.2",
        code={
            "program": "train.py",
            "source": "s3://bucket/code/sourcedir.tar.gz",
            "entry point": "python x.py",
        },
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        described("s3://bucket/models/other/output/model.tar.gz"),
        # Of a job of that name, but not what it left.
        described("s3://bucket/models/Train-abc/output/other.tar.gz"),
        described("model.tar.gz"),
        described("s3://bucket"),
    ],
)
def test_where_no_job_is_known_only_the_registration_is(kept: Keeping, document: dict[str, Any]) -> None:
    assert origin_of(document, SOURCE, kept.records) == Origin("Abalone", "arn:e", "Register")
    assert origin_of(document, {}, kept.records) == Origin()
