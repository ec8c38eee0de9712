"""A job that is being done, as those who do it hand it to one another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from stepmill.core.json import JsonObject
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStopped, TaskSucceeded
from stepmill.jobs.describing import describe
from stepmill.jobs.failures import cause_text
from stepmill.jobs.kinds import R, Workplace
from stepmill.jobs.machine.queue import PoolTurn
from stepmill.jobs.records import state_of
from stepmill.storage.records import Record


@dataclass(frozen=True)
class Job(Generic[R]):
    """A job under way.

    Args:
        task: For which it is done.
        request: What it does.
        place: Where it is done.
        report: Told how it goes.
        metadata: What reports of it bear.
        asked_at: When it was asked for.
        notes: Remarks so far.
        python: Path of the interpreter of its environment; empty until it is known.
        attempt: Which attempt this is; the first is 0.
        gpus: Names of the GPUs that it was given.
        pool: The warm pool that it has; ``None``: none.
    """

    task: Task
    request: R
    place: Workplace
    report: Report
    metadata: JsonObject
    asked_at: datetime
    notes: tuple[str, ...] = ()
    python: str = ""
    attempt: int = 0
    gpus: tuple[str, ...] = ()
    pool: PoolTurn | None = None


def report_end(job: Job[R], record: Record) -> None:
    """Report how a job has ended, as its record tells it."""
    state = state_of(record)
    if state.status is JobStatus.COMPLETED:
        job.report(TaskSucceeded(job.task.id, describe(record), job.metadata))
    elif state.error:
        cause = cause_text(state.reason, state.log_tail)
        job.report(TaskFailed(job.task.id, state.error, cause, job.metadata, describe(record)))
    else:
        job.report(TaskStopped(job.task.id, state.reason, job.metadata, describe(record)))
