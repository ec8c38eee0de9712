"""Lets jobs begin when their turn has come on the machine that they share, and gives them what they booked.

Nothing of it is kept in the record but that the job is ``Pending``: whoever picks it up after a crash asks
again, and the moment when the job was asked for gives it the place back that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Generic

from stepmill.compute.spec import JobSpec
from stepmill.core.errors import StepmillError
from stepmill.core.tasks import TaskStarted
from stepmill.jobs import attempts
from stepmill.jobs.job import Job
from stepmill.jobs.kinds import JobKind, R
from stepmill.jobs.machine.hardware import ORDER, VISIBLE
from stepmill.jobs.machine.needs import host_need
from stepmill.jobs.records import JobRecords, state_of
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.resumption import STOPPED, Driver
from stepmill.jobs.services import JobServices
from stepmill.jobs.standing import Standing
from stepmill.storage.failures import translated_disk_errors


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
                self._key(name), job.request.hosts, job.asked_at, job.place.folder, runs=runs
            )
        job = replace(job, notes=tuple(dict.fromkeys((*job.notes, *turn.notes))), gpus=turn.gpus)
        if turn.has_come:
            return job
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
        if self._services.machine is not None:
            # How the job ended is to be told all the same; the booking ends with this process.
            with suppress(OSError):
                self._services.machine.leave(self._key(job.place.name))

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
            found.append(replace(spec, environment=given, resources=limits))
        return found

    def memory_of(self, host: Host) -> str:
        """Return why a host may use no more memory, if it is for its instance type; else nothing."""
        machine, most = self._services.machine, self._services.resources
        if machine is None or machine.resources(host, most).memory_bytes == most.memory_bytes:
            return ""
        return f"{host.instance_type} has no more: take a larger one, or set machine.limits to false"

    def _key(self, name: str) -> str:
        return f"{self._kind}/{name}"

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
