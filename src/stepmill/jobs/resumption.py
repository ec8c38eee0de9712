"""Begins jobs again: those whose spot capacity was taken away, and those that were lost.

What is kept of an attempt is stored, and the job's record tells until when it waits: whoever picks the job
up after a crash lets it wait for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Generic

from stepmill.compute.spec import JobEnded
from stepmill.compute.supervision.files import make_new
from stepmill.core.errors import StepmillError
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import TaskStarted
from stepmill.jobs import attempts
from stepmill.jobs.capacity import Capacity, time_to_interruption
from stepmill.jobs.failures import Outcome, waited_too_long
from stepmill.jobs.interruptions import Interruptions
from stepmill.jobs.job import Job
from stepmill.jobs.kinds import JobKind, R
from stepmill.jobs.outputs import deliver
from stepmill.jobs.places import kept_files, workplaces
from stepmill.jobs.records import JobRecords, JobState, state_of
from stepmill.jobs.services import JobServices
from stepmill.jobs.staging import unstage
from stepmill.jobs.standing import Standing
from stepmill.storage.failures import translated_disk_errors

STOPPED = Outcome(JobStatus.STOPPED, "Stopped")


@dataclass(frozen=True)
class Driver(Generic[R]):
    """What whoever does jobs offers to whoever begins them again; see ``handler.JobHandler``.

    Args:
        begin: Stages a job and runs it.
        end: Writes and reports the end of a job that does not run.
        fail: Ends a job that could not go on.
        stopping: Names of jobs that were asked to stop.
    """

    begin: Callable[[Job[R]], None]
    end: Callable[[Job[R], Outcome], None]
    fail: Callable[[Job[R], BaseException], None]
    stopping: Collection[str]


class Resumption(Generic[R]):
    """Interrupts jobs by chance, and begins them again.

    Args:
        services: What to work with.
        kind: In what this kind of job differs from others.
        standing: Writes down how jobs stand.
        driver: Begins and ends them.
    """

    def __init__(
        self, services: JobServices, kind: JobKind[R], standing: Standing, driver: Driver[R]
    ) -> None:
        self._services = services
        self._kind = kind
        self._records = JobRecords(services.records, kind.record_kind)
        self._standing = standing
        self._driver = driver
        self._capacity = Capacity(services.clock)

    def close(self) -> None:
        """Begin nothing more."""
        self._capacity.close()

    def leave_to_chance(self, job: Job[R], now: datetime) -> None:
        """Have a job on spot capacity interrupted when its time has come."""
        if not job.request.spot:
            return
        name = job.place.name
        if (after := time_to_interruption(self._services.spot, name, job.attempt)) is not None:
            self._capacity.at(_chance_key(job), now + after, partial(self._interrupt, job))

    def forget(self, job: Job[R]) -> None:
        """Have a job that has ended not interrupted."""
        self._capacity.forget(_chance_key(job))

    def is_being_interrupted(self, job: Job[R]) -> bool:
        """Say whether somebody wanted a job interrupted, and was killed before he could ask it to end."""
        return job.request.spot and state_of(self._records.get(job.place.name)).interrupting

    def why_again(self, job: Job[R], ended: JobEnded) -> str:
        """Return the secondary status of a job that is to be begun again; empty if it has ended for good."""
        if not job.request.spot and not job.request.retries:
            return ""
        return attempts.why_again(job.request, state_of(self._records.get(job.place.name)), ended)

    def time_left(self, job: Job[R], now: datetime) -> attempts.TimeLeft:
        """Return how long an attempt that begins now may take."""
        if job.attempt == 0 and job.request.longest_wait is None:
            return attempts.TimeLeft(job.request.timeout)
        return attempts.time_left(job.request, state_of(self._records.get(job.place.name)), now)

    def pause(self, job: Job[R], ended: JobEnded, then: str) -> None:
        """Store what is kept of an attempt that was interrupted, and let the job wait for the next one.

        Args:
            job: Whose.
            ended: How it ended.
            then: Why it is begun again; see ``why_again``.
        """
        services, place = self._services, job.place
        self.forget(job)
        with translated_disk_errors():
            deliver(kept_files(self._kind, job.request, place, is_good=False), services.objects)
        now = services.clock.now()
        resumes_at = now + services.spot.capacity_wait if then == attempts.INTERRUPTED else now
        line = attempts.remark(job.request, then, job.attempt)
        record = self._standing.change(
            place.name,
            lambda state: attempts.paused(state, ended, then, now, resumes_at).with_notes(*job.notes, line),
        )
        job.report(TaskStarted(job.task.id, job.metadata, (line,)))
        job = replace(job, attempt=job.attempt + 1, notes=(*job.notes, line))
        for each in workplaces(job.request, place):
            make_new(each.folder)
        self.wait(job, state_of(record))

    def wait(self, job: Job[R], state: JobState) -> None:
        """Let a job be begun again when it has waited, be it that it has to end then."""
        until = attempts.end_of_waiting(job.request, state)
        moment = state.resumes_at or self._services.clock.now()
        key = _waiting_key(job.place.name, job.attempt)
        self._capacity.at(key, min(moment, until or moment), partial(self._go_on, job))
        # Whoever asked it to stop before that found nothing to wake.
        if job.place.name in self._driver.stopping:
            self._capacity.now(key)

    def wake(self, name: str, state: JobState) -> None:
        """Have a job looked at that may be waiting: it was asked to stop."""
        self._capacity.now(_waiting_key(name, len(state.attempts)))

    def _interrupt(self, job: Job[R]) -> None:
        services = self._services
        # It may have ended meanwhile, or be about to.
        with suppress(StepmillError):
            jobs = Interruptions(services.records, services.compute, job.place.folder.parent)
            jobs.interrupt(job.place.name)

    def _go_on(self, job: Job[R]) -> None:
        name, now = job.place.name, self._services.clock.now()
        try:
            state = state_of(self._records.get(name))
            until = attempts.end_of_waiting(job.request, state)
            if state.stop_requested:
                self._driver.end(job, STOPPED)
            elif until is not None and now >= until:
                self._driver.end(job, waited_too_long(job.request.longest_wait))
            else:
                for each in workplaces(job.request, job.place):
                    make_new(each.folder)
                    unstage(each)
                self._standing.change(name, lambda state: attempts.resumed(state, now))
                self._driver.begin(job)
        except (StepmillError, OSError) as error:
            self._driver.fail(job, error)


def _waiting_key(name: str, attempt: int) -> str:
    # Of each attempt: the last one may still be under way when this one is put on the agenda.
    return f"{name}/wait/{attempt}"


def _chance_key(job: Job[R]) -> str:
    return f"{job.place.name}/chance/{job.attempt}"
