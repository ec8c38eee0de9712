"""The logs of an execution's jobs, one after another or followed together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.compute.logs import LogReader, tail_log
from stepmill.compute.logs import log_lines as lines_of_job
from stepmill.core.errors import NotFoundError
from stepmill.jobs.host_folders import host_folders

if TYPE_CHECKING:
    from stepmill.jobs.lookup import JobOfStep
    from stepmill.platform import Platform

_LOOK_INTERVAL_S = 0.1


@dataclass(frozen=True)
class StepLogLine:
    """A line that a step's job wrote; ``at`` is unknown where only the end of a log was read."""

    step: str
    text: str
    at: datetime | None = None


def log_lines(platform: Platform, execution: str, step: str, *, tail: int | None) -> Iterator[StepLogLine]:
    """Yield what the jobs of an execution have written so far, job after job.

    Args:
        platform: Where it ran.
        execution: Its id.
        step: Only the jobs of this step; empty: all.
        tail: Only so many lines from the end of each log; ``None``: all.

    Raises:
        NotFoundError: If there is no such step, or it has not had a job.
    """
    for job in _jobs(platform, execution, step):
        for label, folder in _logs_of(job):
            if tail is not None:
                yield from (StepLogLine(label, text) for text in tail_log(folder, tail))
            else:
                yield from (StepLogLine(label, line.text, line.at) for line in lines_of_job(folder))


def follow_lines(platform: Platform, execution: str, step: str) -> Iterator[StepLogLine]:
    """Yield what the jobs of an execution write, as they write it, until it has ended."""
    _check_step(platform, execution, step)
    readers: dict[Path, LogReader] = {}
    labels: dict[Path, str] = {}
    while True:
        # Asked before reading: what was written before the end is then read after it.
        is_over = platform.executions.describe(execution).status.is_final
        for job in _jobs_so_far(platform, execution, step):
            for label, folder in _logs_of(job):
                readers.setdefault(folder, LogReader(folder))
                labels[folder] = label
        for folder, reader in readers.items():
            for line in reader.read(final=is_over):
                yield StepLogLine(labels[folder], line.text, line.at)
        if is_over:
            return
        time.sleep(_LOOK_INTERVAL_S)


def _logs_of(job: JobOfStep) -> list[tuple[str, Path]]:
    """Return the folders of a job's logs, and what to call each: its step, or its host of several."""
    hosts = host_folders(job.folder)
    if len(hosts) == 1:
        return [(job.step, job.folder)]
    return [(f"{job.step}/{host}", folder) for host, folder in hosts]


def _jobs(platform: Platform, execution: str, step: str) -> list[JobOfStep]:
    _check_step(platform, execution, step)
    jobs = _jobs_so_far(platform, execution, step)
    if not jobs and step:
        (view,) = (view for view in platform.executions.step_views(execution) if view.name == step)
        source = (view.cached_from or view.reused_from).rpartition("/")[2]
        if source:
            raise NotFoundError(
                f"Step {step!r} did not run here: its result is that of execution {source}.",
                mend=f"Its log: stepmill logs {step} --execution {source}",
            )
        raise NotFoundError(
            f"Step {step!r} has written no log.",
            mend="It has not started, or is of a type without one: see `stepmill show`.",
        )
    if step and all(job.is_final and not job.folder.exists() for job in jobs):
        raise NotFoundError(
            f"The log of step {step!r} is not kept any more.",
            mend="`stepmill gc --days` says how long logs are kept.",
        )
    return jobs


def _jobs_so_far(platform: Platform, execution: str, step: str) -> list[JobOfStep]:
    arn = platform.executions.describe(execution).arn
    return [job for job in platform.jobs.of_execution(arn) if step in ("", job.step)]


def _check_step(platform: Platform, execution: str, step: str) -> None:
    names = [view.name for view in platform.executions.step_views(execution)]
    if step and step not in names:
        raise NotFoundError(f"There is no step {step!r}.", mend=f"Steps: {', '.join(names)}.")
