"""How jobs stand, written down while they are done."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from stepmill.core.errors import StorageFullError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.later import Later
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, state_of
from stepmill.jobs.standing import Standing
from stepmill.storage.records import Record
from support.job_data import open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Tracker:
    def __init__(self, error: Exception | None = None) -> None:
        self.tracked: list[str] = []
        self._error = error

    def track(self, record: Record) -> None:
        if self._error is not None:
            raise self._error
        self.tracked.append(record.name)


class _Desk:
    """A job, and who writes down how it stands."""

    def __init__(self, folder: Path, tracker: _Tracker | None = None) -> None:
        _, self.store = open_store(folder / "home", "data")
        self.records = JobRecords(self.store, TRAINING_JOB)
        self.records.open("job-1", {}, JobState("task", "arn"))
        # Nothing is written later until the test closes it.
        self.later = Later("later-test", delay_s=3600)
        self.standing = Standing(self.store, TRAINING_JOB, self.later, tracker)

    @property
    def state(self) -> JobState:
        return state_of(self.records.get("job-1"))


def _runs(state: JobState) -> JobState:
    return state.entered("Training", NOW)


def _completed(state: JobState) -> JobState:
    return msgspec.structs.replace(state.entered("Completed", NOW), status=JobStatus.COMPLETED)


def test_that_a_job_runs_is_written_a_moment_later(tmp_path: Path) -> None:
    desk = _Desk(tmp_path)
    desk.standing.begun("job-1", _runs)
    assert desk.state.secondary == "Starting"
    desk.later.close()
    assert desk.state.secondary == "Training"


def test_it_is_written_before_what_comes_next(tmp_path: Path) -> None:
    desk = _Desk(tmp_path)
    desk.standing.begun("job-1", _runs)
    desk.standing.end("job-1", _completed)
    assert [t.status for t in desk.state.transitions] == ["Training", "Completed"]
    desk.later.close()
    assert [t.status for t in desk.state.transitions] == ["Training", "Completed"]


def test_the_end_is_tracked(tmp_path: Path) -> None:
    tracker = _Tracker()
    desk = _Desk(tmp_path, tracker)
    desk.standing.change("job-1", _runs)
    assert tracker.tracked == []
    desk.standing.end("job-1", _completed)
    assert tracker.tracked == ["job-1"]
    desk.later.close()


def test_what_cannot_be_tracked_is_not_written_either(tmp_path: Path) -> None:
    desk = _Desk(tmp_path, _Tracker(StorageFullError("no room")))
    with pytest.raises(StorageFullError):
        desk.standing.end("job-1", _completed)
    assert desk.state.status is JobStatus.IN_PROGRESS
    desk.later.close()


def test_changes_of_many_threads_are_all_there(tmp_path: Path) -> None:
    desk = _Desk(tmp_path)
    notes = [f"note {index}" for index in range(8)]
    threads = [
        threading.Thread(target=lambda note=note: desk.standing.change("job-1", lambda s: s.with_notes(note)))
        for note in notes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(desk.state.notes) == notes
    desk.later.close()
