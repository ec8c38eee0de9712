"""Find the jobs of an execution again: their folders (with the logs) and what they measured."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stepmill.compute.supervision.files import SPEC, read_started
from stepmill.jobs.batch.attempts import ATTEMPT_KIND
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.records import JOB_KINDS, Metric, state_of
from stepmill.storage.records import Record, RecordStore, Selection

# What a supervisor leaves when its job has ended.
_EXIT_RECORD = "exit.json"


@dataclass(frozen=True)
class JobOfStep:
    """A job, or the call of a function, that a step made.

    Args:
        step: Name of the step.
        name: Of the job.
        folder: Its log is there.
        created_at: Aware, UTC.
        is_final: Whether it has ended.
        metrics: Of a training job: the last value of each, and all of them.
        isolation: The one that it has: ``bubblewrap``, ``namespaces``, ``podman``, ``docker``, ``none``.
            Empty until it runs.
        warm: Whether it was forked from a warm parent.
        is_trial: Whether it is one of many that a tuning job began.
    """

    step: str
    name: str
    folder: Path
    created_at: datetime
    is_final: bool
    metrics: tuple[Metric, ...]
    isolation: str = ""
    warm: bool = False
    is_trial: bool = False


class JobLookup:
    """Finds jobs.

    Args:
        records: Where they are kept.
        folder: Of the jobs' folders.
    """

    def __init__(self, records: RecordStore, folder: Path) -> None:
        self._records = records
        self._folder = folder

    def of_execution(self, execution_arn: str) -> list[JobOfStep]:
        """Return all jobs that an execution made, oldest first; of a step that was retried several."""
        found = [
            self._job(record) for kind in (*JOB_KINDS, CALL_KIND) for record in self._all(kind, execution_arn)
        ]
        return sorted(found, key=lambda job: (job.created_at, job.name))

    def remove_folders(self, ended_before: datetime) -> int:
        """Remove the folders of jobs that ended long ago; records, metrics and outputs stay.

        Returns:
            How many bytes were freed.
        """
        freed = 0
        for record in self._ended_records():
            folder = self._folder_of(record)
            # One that ended while it waited to be begun again has no order any more, and no exit record.
            is_over = (folder / _EXIT_RECORD).is_file() or (folder.is_dir() and not (folder / SPEC).exists())
            if record.modified_at < ended_before and is_over:
                freed += _size_of(folder)
                shutil.rmtree(folder, ignore_errors=True)
        return freed

    def _ended_records(self) -> Iterator[Record]:
        for kind in (*JOB_KINDS, CALL_KIND, ATTEMPT_KIND):
            for record in self._all(kind, None):
                if kind in (CALL_KIND, ATTEMPT_KIND) or state_of(record).status.is_final:
                    yield record

    def _all(self, kind: str, parent: str | None) -> Iterator[Record]:
        return Selection(parent=parent, limit=1000).all(self._records, kind)

    def _folder_of(self, record: Record) -> Path:
        return self._folder / record.kind / record.name

    def _job(self, record: Record) -> JobOfStep:
        folder = self._folder_of(record)
        if record.kind == CALL_KIND:
            step, is_final = str(record.body["step"]), (folder / _EXIT_RECORD).is_file()
            started = read_started(folder)
            how = (started.isolation, started.warm) if started else ("", False)
            return JobOfStep(step, record.name, folder, record.created_at, is_final, (), *how)
        state = state_of(record)
        return JobOfStep(
            state.step,
            record.name,
            folder,
            record.created_at,
            state.status.is_final,
            state.metrics,
            state.isolation,
            state.warm,
            bool(state.tuning_arn),
        )


def _size_of(folder: Path) -> int:
    """Return how many bytes of disk the files below a folder take."""
    size = 0
    for root, _folders, files in os.walk(folder):
        for name in files:
            size += Path(root, name).lstat().st_blocks * 512
    return size
