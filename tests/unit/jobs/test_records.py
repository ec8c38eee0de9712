"""What is kept of a job."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import (
    TRAINING_JOB,
    JobRecords,
    JobState,
    Metric,
    MetricPoint,
    request_of,
    state_of,
)
from support.job_data import T0, ended, open_store, training_document

NEW = JobState("task-1", "arn:job")


@pytest.fixture
def training(tmp_path: Path) -> JobRecords:
    return JobRecords(open_store(tmp_path)[1], TRAINING_JOB)


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


def test_a_job_that_stops_tells_no_more_of_what_is_made_ready() -> None:
    state = NEW.entered("Downloading", T0).entered("Stopping", T0)
    assert state.telling("Downloading torch") == state


def test_a_job_that_is_picked_up_again_goes_back_to_nothing() -> None:
    state = NEW.entered("Starting", T0).entered("Training", T0).entered("Uploading", T0)
    again = state.entered("Training", T0 + timedelta(seconds=1)).entered(
        "Uploading", T0 + timedelta(seconds=2)
    )
    assert again == state
