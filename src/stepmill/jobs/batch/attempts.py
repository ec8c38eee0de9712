"""Attempts of jobs: each is a job of compute's, in the environment that its image stands for.

Source: Batch user guide, "Job environment variables", "Job timeouts": 30 seconds between SIGTERM and SIGKILL.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from stepmill.compute.spec import JobEvent, JobSpec
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.jobs.access import Visitor, access_by
from stepmill.jobs.batch.container import command_of, environment_of, memory_of
from stepmill.jobs.batch.job import Job
from stepmill.jobs.contract import job_environment
from stepmill.jobs.kinds import can_be_warm
from stepmill.jobs.services import JobServices
from stepmill.storage.records import RecordStore

# Attempts, by the names of their jobs of compute's: which job, and the stream of its log.
ATTEMPT_KIND = "batch-attempt"
GRACE = timedelta(seconds=30)
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


class Attempts:
    """Begins attempts, and stops them.

    Args:
        services: Gives what to work with, when the first attempt is begun.
        records: Where attempts are kept.
    """

    def __init__(self, services: Callable[[], JobServices], records: RecordStore) -> None:
        self._services = services
        self._records = records

    def run(self, job: Job, environment: str, hear: Callable[[JobEvent], None]) -> None:
        """Begin the job's attempt, or pick it up. Returns at once; see ``Compute.run``.

        Args:
            job: Whose.
            environment: Name of the compute environment, told to the program.
            hear: Gets what becomes of it.

        Raises:
            StepmillError: If it cannot be begun; ``hear`` gets nothing.
        """
        services, order = self._services(), job.order
        task = task_of(job)
        with suppress(ConflictError):
            body: JsonObject = {"job": job.id, "stream": stream_of(job)}
            self._records.create(ATTEMPT_KIND, task, body, parent=job.id, number=job.attempt)
        image = services.images.resolve(str(order.container["image"]))
        command = (*image.entrypoint, *command_of(order.container))
        if not command and not image.oci_image:
            raise InvalidInputError(
                f"Nothing says which program to run: the image {image.uri!r} has no entry point here.",
                where="containerProperties.command",
                mend="Give a command.",
            )
        folder = self.folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        timeout = timedelta(seconds=order.timeout_s) if order.timeout_s else None
        visitor = Visitor.of(
            ATTEMPT_KIND,
            task,
            job.id,
            role=str(order.container.get("jobRoleArn") or ""),
            session=order.name,
            folder=folder,
            lasts=timeout,
        )
        access = access_by(services.door, visitor)
        given = {**environment_of(order.container), **_variables(job, environment)}
        limit = services.resources.memory_bytes
        memory = memory_of(order.container)
        spec = JobSpec(
            job_id=task,
            folder=folder,
            command=command,
            environment=access.environment(job_environment(services.arns, given)),
            python=image.python,
            mounts=access.mounts,
            oci_image=image.oci_image,
            warm=services.warm and can_be_warm(command, image),
            resources=replace(services.resources, memory_bytes=min(memory, limit or memory)),
            loopback=access.is_there,
            timeout=timeout,
            grace=GRACE,
            isolation=image.engine or services.isolation,
            log_limit_bytes=services.log_limit_bytes,
        )
        services.compute.run(spec, hear)

    def stop(self, job: Job) -> None:
        """Ask the job's attempt to end: SIGTERM, and SIGKILL after its grace time."""
        self._services().compute.stop(self.folder(job))

    def folder(self, job: Job) -> Path:
        """Return the folder of the job's attempt: its log is there."""
        return self._services().folder / ATTEMPT_KIND / task_of(job)


def task_of(job: Job) -> str:
    """Return the name of the attempt that is under way or comes next: the same for the same one."""
    return uuid.uuid5(_NAMESPACE, f"{job.id}/{job.attempt}").hex


def stream_of(job: Job) -> str:
    """Return the stream of an attempt's log."""
    return f"{job.order.definition_name}/default/{task_of(job)}"


def _variables(job: Job, environment: str) -> dict[str, str]:
    order = job.order
    variables = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JQ_NAME": order.queue,
        "AWS_BATCH_CE_NAME": environment,
        "AWS_BATCH_JOB_ATTEMPT": str(job.attempt),
    }
    return {**variables, "AWS_BATCH_JOB_ARRAY_INDEX": str(order.index)} if order.array else variables
