"""The jobs of an execution, and which of their folders may go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from stepmill.core.statuses import JobStatus
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.lookup import JobLookup
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, JobRecords, JobState, Metric, MetricPoint
from stepmill.storage.records import RecordStore
from support.job_data import T0, open_store, processing_document, training_document

EXECUTION = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p/execution/one"
LOSS = Metric("loss", MetricPoint(T0, 0.5), (MetricPoint(T0, 0.9), MetricPoint(T0, 0.5)))


@pytest.fixture
def records(tmp_path: Path) -> RecordStore:
    return open_store(tmp_path)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


@pytest.fixture
def lookup(records: RecordStore, folder: Path) -> JobLookup:
    return JobLookup(records, folder)


def train(records: RecordStore, name: str, *, status: JobStatus = JobStatus.COMPLETED) -> None:
    jobs = JobRecords(records, TRAINING_JOB)
    state = JobState(
        f"task-{name}",
        f"arn:{name}",
        execution_arn=EXECUTION,
        step="Train",
        status=status,
        metrics=(LOSS,),
        isolation="namespaces",
        warm=True,
    )
    jobs.open(name, training_document(), msgspec.structs.replace(state, status=JobStatus.IN_PROGRESS))
    jobs.change(name, lambda _: state)


def ended_folder(folder: Path, kind: str, name: str) -> Path:
    job = folder / kind / name
    job.mkdir(parents=True)
    (job / "log").write_bytes(b"x" * 5000)
    (job / "exit.json").write_text("{}")
    return job


def test_a_job_of_a_step_tells_what_it_measured_and_how_it_ran(
    records: RecordStore, lookup: JobLookup, folder: Path
) -> None:
    train(records, "job")
    (job,) = lookup.of_execution(EXECUTION)
    assert (job.step, job.name, job.folder) == ("Train", "job", folder / TRAINING_JOB / "job")
    assert (job.is_final, job.isolation, job.warm) == (True, "namespaces", True)
    assert job.metrics == (LOSS,)


def test_jobs_of_all_kinds_are_found_and_no_other_execution_s(
    records: RecordStore, lookup: JobLookup
) -> None:
    train(records, "training")
    state = JobState("task", "arn", execution_arn=EXECUTION, step="Prepare")
    JobRecords(records, PROCESSING_JOB).open("processing", processing_document(), state)
    records.create(CALL_KIND, "call", {"step": "Score"}, parent=EXECUTION)
    other = msgspec.structs.replace(state, task_id="other", execution_arn=f"{EXECUTION}-more")
    JobRecords(records, PROCESSING_JOB).open("other", processing_document(), other)
    found = {job.step: job.is_final for job in lookup.of_execution(EXECUTION)}
    assert found == {"Train": True, "Prepare": False, "Score": False}


def test_a_call_has_ended_when_its_folder_says_so(
    records: RecordStore, lookup: JobLookup, folder: Path
) -> None:
    records.create(CALL_KIND, "call", {"step": "Score"}, parent=EXECUTION)
    ended_folder(folder, CALL_KIND, "call")
    (call,) = lookup.of_execution(EXECUTION)
    assert (call.is_final, call.isolation, call.metrics) == (True, "", ())


def test_the_folders_of_jobs_that_ended_long_ago_go(
    records: RecordStore, lookup: JobLookup, folder: Path
) -> None:
    train(records, "old")
    job = ended_folder(folder, TRAINING_JOB, "old")
    modified_at = JobRecords(records, TRAINING_JOB).get("old").modified_at
    assert lookup.remove_folders(modified_at) == 0, "it ended at that moment, not before"
    assert job.is_dir()
    assert lookup.remove_folders(modified_at + timedelta(seconds=1)) >= 5000
    assert not job.exists()
    assert lookup.of_execution(EXECUTION)[0].metrics == (LOSS,), "what was measured stays"


@pytest.mark.parametrize("status", [JobStatus.IN_PROGRESS, JobStatus.STOPPING])
def test_the_folder_of_a_job_that_has_not_ended_stays(
    records: RecordStore, lookup: JobLookup, folder: Path, status: JobStatus
) -> None:
    train(records, "running", status=status)
    job = ended_folder(folder, TRAINING_JOB, "running")
    modified_at = JobRecords(records, TRAINING_JOB).get("running").modified_at
    assert lookup.remove_folders(modified_at + timedelta(days=365)) == 0
    modified_at = JobRecords(records, TRAINING_JOB).get("running").modified_at
    assert lookup.remove_folders(modified_at + timedelta(days=365)) == 0
    assert job.is_dir()
