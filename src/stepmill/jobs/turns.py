"""Lets jobs begin when their turn has come on the machine that they share, and gives them what they booked.

Nothing of it is kept in the record but that the job is ``Pending``: whoever picks it up after a crash asks
again, and the moment when the job was asked for gives it the place back that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Generic

import msgspec

from stepmill.compute.spec import Ending, JobEnded, JobSpec, Mount
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.tasks import TaskStarted
from stepmill.jobs import attempts
from stepmill.jobs.job import Job
from stepmill.jobs.kinds import JobKind, R
from stepmill.jobs.machine.booking import key_of, name_in
from stepmill.jobs.machine.hardware import ORDER, VISIBLE
from stepmill.jobs.machine.needs import host_need
from stepmill.jobs.machine.queue import PoolTurn
from stepmill.jobs.records import JobRecords, JobState, state_of
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.resumption import STOPPED, Driver
from stepmill.jobs.services import JobServices
from stepmill.jobs.standing import Change, Standing
from stepmill.jobs.warm_pools import CACHE_FOLDER, CACHE_VARIABLE, Pool, PoolStatus
from stepmill.storage.failures import translated_disk_errors

_REUSES = "goes on with the warm pool that {} has left"
_KEPT = "what it had booked is kept for {:g} s for a job that matches: a warm pool"


class Turns(Generic[R]):
    """Asks for the machine on behalf of jobs of one kind.

    Args:
        services: What to work with; without ``machine`` every job begins at once.
        kind: In what this kind of job differs from others.
        standing: Writes down how jobs stand.
        driver: Begins and ends them.
    """

    def __init__(
        self, services: JobServices, kind: JobKind[R], standing: Standing, driver: Driver[R]
    ) -> None:
        self._services = services
        self._kind = kind.record_kind
        self._records = JobRecords(services.records, kind.record_kind)
        self._standing = standing
        self._driver = driver

    def take(self, job: Job[R], *, runs: bool) -> Job[R] | None:
        """Return the job with what it was given; ``None`` if it has to wait: it is begun when its turn comes.

        Args:
            job: Which is to begin, or to begin again.
            runs: Whether its program runs already, or has ended, and nobody has looked after it meanwhile.

        Raises:
            StorageError: If the bookings cannot be read or written.
        """
        machine, name = self._services.machine, job.place.name
        if machine is None:
            return job
        with translated_disk_errors():
            turn = machine.enter(
                self._key(name),
                job.request.hosts,
                job.asked_at,
                job.place.folder,
                runs=runs,
                matches=job.request.matches,
                keeps=bool(job.request.keep_alive),
            )
        notes = tuple(dict.fromkeys((*job.notes, *turn.notes)))
        job = replace(job, notes=notes, gpus=turn.gpus, pool=turn.pool)
        if turn.has_come:
            return job if turn.pool is None else self._with_pool(job, turn.pool)
        now = self._services.clock.now()
        line = f"waits until other jobs have ended: {turn.waits_for}"
        self._standing.change(name, lambda state: attempts.waiting(state, now).with_notes(line))
        job.report(TaskStarted(job.task.id, job.metadata, (line,)))
        # Only now: its record must not say that it waits when it has begun.
        machine.wait(self._key(name), partial(self._go_on, job))
        # Whoever asked it to stop before that found nobody who waits.
        if name in self._driver.stopping:
            machine.hurry(self._key(name))
        return None

    def give_back(self, job: Job[R]) -> None:
        """Give back what a job has booked; its program does not run any more."""
        machine = self._services.machine
        if machine is not None:
            # How the job ended is to be told all the same; the booking ends with this process.
            with suppress(OSError):
                machine.leave(self._key(job.place.name))
                if job.pool is not None:
                    machine.sweep()

    def keep(self, job: Job[R], ended: JobEnded | None) -> Change:
        """Keep what a job has booked for one that matches, or give it back; return what is written of it.

        Args:
            job: That has ended.
            ended: How; ``None``: its program never ran. Who was lost leaves no machine that is healthy.
        """
        machine, pool = self._services.machine, job.pool
        now = self._services.clock.now()
        if machine is None or pool is None:
            self.give_back(job)
            return partial(_without_pool, now=now)
        is_healthy = ended is not None and ended.ending is not Ending.LOST
        until = now + (job.request.keep_alive if is_healthy else timedelta(0))
        left = Pool(pool.since, name_in(pool.took_over)).kept(now, until)
        is_kept = False
        if left.status(now) is PoolStatus.AVAILABLE and left.kept_until is not None:
            with suppress(OSError):
                is_kept = machine.keep(self._key(job.place.name), left.kept_until)
        if not is_kept:
            self.give_back(job)
            left = left.kept(now, now)
        notes = (_KEPT.format(job.request.keep_alive.total_seconds()),) if is_kept else ()

        def noted(state: JobState) -> JobState:
            # Another job may have taken it over before this is written.
            taken_by = state.pool.reused_by if state.pool is not None else ""
            told = left.handed_on(taken_by, now) if taken_by else left
            return msgspec.structs.replace(state, pool=told).with_notes(*notes)

        return noted

    def wake(self, name: str) -> None:
        """Have a job looked at that may be waiting: it was asked to stop."""
        if self._services.machine is not None:
            self._services.machine.hurry(self._key(name))

    def equipped(self, job: Job[R], specs: Sequence[JobSpec]) -> list[JobSpec]:
        """Return what is to be run, with the limits of instance types, and to each host its GPUs."""
        machine = self._services.machine
        if machine is None:
            return list(specs)
        left = list(job.gpus)
        found = []
        for host, spec in zip(job.request.hosts, specs, strict=True):
            count = host_need(host, machine.machine).gpus
            own, left = left[:count], left[count:]
            # A job that names its devices itself has asked for these.
            given = {**ORDER, VISIBLE: ",".join(own), **spec.environment} if own else spec.environment
            limits = machine.resources(host, spec.resources)
            spec = replace(spec, environment=given, resources=limits)
            found.append(spec if job.pool is None else _with_cache(spec, job.pool.folder / host.name))
        return found

    def memory_of(self, host: Host) -> str:
        """Return why a host may use no more memory, if it is for its instance type; else nothing."""
        machine, most = self._services.machine, self._services.resources
        if machine is None or machine.resources(host, most).memory_bytes == most.memory_bytes:
            return ""
        return f"{host.instance_type} has no more: take a larger one, or set machine.limits to false"

    def _with_pool(self, job: Job[R], pool: PoolTurn) -> Job[R]:
        """Write down that a job has a warm pool, and that the one that had it before has not."""
        now, name, before = self._services.clock.now(), job.place.name, name_in(pool.took_over)
        if before:
            job = replace(job, notes=(*job.notes, _REUSES.format(before)))
            # It may have been deleted.
            with suppress(NotFoundError):
                self._records.change_pool(before, lambda left: left.handed_on(name, now))

        def noted(state: JobState) -> JobState:
            own = state.pool or Pool(pool.since, before)
            return msgspec.structs.replace(state, pool=own).with_notes(*job.notes)

        self._standing.change(name, noted)
        return job

    def _key(self, name: str) -> str:
        return key_of(self._kind, name)

    def _go_on(self, job: Job[R]) -> None:
        name = job.place.name
        try:
            if state_of(self._records.get(name)).stop_requested:
                self._driver.end(job, STOPPED)
                return
            now = self._services.clock.now()
            self._standing.change(name, lambda state: state.entered("Downloading", now))
            self._driver.begin(job)
        except (StepmillError, OSError) as error:
            self._driver.fail(job, error)


def _without_pool(state: JobState, now: datetime) -> JobState:
    """Return the state of a job that has ended and leaves none, be it that one was meant for it."""
    if state.pool is None:
        return state
    return msgspec.structs.replace(state, pool=state.pool.kept(now, now))


def _with_cache(spec: JobSpec, folder: Path) -> JobSpec:
    """Show a host what the jobs before it have left in the cache of their warm pool."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {CACHE_VARIABLE: CACHE_FOLDER, **spec.environment}
    return replace(spec, environment=environment, mounts=(*spec.mounts, Mount(folder, CACHE_FOLDER)))
