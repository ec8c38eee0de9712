"""What the requests for both kinds of job share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.images.needs import NO_NEEDS, Needs
from stepmill.jobs.requests.data import GroupOutput, Input
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.requests.hosts import ONE_HOST, Host
from stepmill.jobs.requests.remote_functions import needs_of

# API reference: TrainingJobName, ProcessingJobName.
_JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
LONGEST_JOB_NAME = 63


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What to run, for whichever kind of job.

    Args:
        name: Of the job; empty if the request leaves it to others.
        document: The request as it came.
        image: URI of the image.
        entrypoint: Replaces the image's own; may be empty.
        arguments: Follow the entry point.
        environment: Variables.
        inputs: What the job finds in its folders.
        hosts: That do it together. Their types limit nothing here.
        timeout: After which the job is stopped; ``None``: never.
        network: Whether the job may reach the network.
        role: ARN of the role that it has.
        notes: What is accepted but means nothing here.
        feature_groups: Those that it says it puts records into.
        spot: Whether it runs on capacity that can be taken away.
        longest_wait: From its creation, waiting for capacity included, after which it is stopped; ``None``:
            never.
        retries: So often it is begun again when it was lost through no fault of its own.
        keep_alive: For how long its machine is kept for a job that matches.
        matches: What is the same of jobs whose machine it may reuse; empty: of none.
    """

    name: str
    document: JsonObject
    image: str
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: dict[str, str]
    inputs: tuple[Input, ...]
    hosts: tuple[Host, ...] = ONE_HOST
    timeout: timedelta | None
    network: bool
    role: str
    notes: tuple[str, ...] = ()
    feature_groups: tuple[GroupOutput, ...] = ()
    spot: bool = False
    longest_wait: timedelta | None = None
    retries: int = 0
    keep_alive: timedelta = timedelta(0)
    matches: str = ""

    @property
    def needs_endpoint(self) -> bool:
        """Whether it needs AWS's services to do anything: it runs a function that the SDK put into S3."""
        return self.needs != NO_NEEDS

    @property
    def needs(self) -> Needs:
        """What it needs of its environment beyond what its image promises."""
        return needs_of(self.entrypoint, self.arguments)


def check_job_name(name: str, where: str) -> str:
    """Return the name of a job.

    Raises:
        InvalidInputError: If SageMaker would not take it.
    """
    # The length comes first: the pattern takes time to say no to a long row of hyphens.
    if len(name) > 2 * LONGEST_JOB_NAME or not _JOB_NAME.fullmatch(name) or len(name) > LONGEST_JOB_NAME:
        raise InvalidInputError(
            f"{name[:100]!r} cannot be the name of a job.",
            where=where,
            mend=f"Take 1 to {LONGEST_JOB_NAME} letters, digits and hyphens, no hyphen at either end.",
        )
    return name


def read_environment(fields: Fields) -> dict[str, str]:
    """Return the variables of a job.

    Raises:
        InvalidInputError: If a name cannot be the name of a variable.
    """
    environment = fields.text_map("Environment")
    for name in environment:
        if not name or "=" in name or "\0" in name:
            raise InvalidInputError(
                f"{name[:100]!r} cannot be the name of a variable.",
                where=fields.place("Environment"),
                mend="Use letters, digits and underscores.",
            )
    return environment


def read_timeout(fields: Fields) -> timedelta | None:
    """Return ``StoppingCondition.MaxRuntimeInSeconds``; ``None`` if it is not given: no limit then."""
    return read_seconds(fields.fields("StoppingCondition"), "MaxRuntimeInSeconds")


def read_seconds(fields: Fields, name: str) -> timedelta | None:
    """Return a member that is a number of seconds, at least one; ``None`` if it is not given."""
    if not fields.has(name):
        return None
    # Nobody waits longer than a year; the cap keeps what follows inside a timedelta.
    return timedelta(seconds=min(fields.integer(name, least=1), 366 * 86_400))
