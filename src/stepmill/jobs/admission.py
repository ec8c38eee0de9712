"""Checks whether a job can be done before it is taken: whoever asks hears at once what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.core.json import Json
from stepmill.jobs.access import check_access
from stepmill.jobs.channels import check_inputs
from stepmill.jobs.kinds import JobKind, R, Workplace
from stepmill.jobs.requests.common import check_job_name
from stepmill.jobs.services import JobServices
from stepmill.jobs.staging import check_groups, check_paths


@dataclass(frozen=True)
class Admitted:
    """A job that can be done.

    Args:
        name: Of the job.
        arn: Of the job.
        notes: What is accepted but means nothing here.
        algorithm: The built-in algorithm that its image runs if no script is given; empty if there is none.
    """

    name: str
    arn: str
    notes: tuple[str, ...] = ()
    algorithm: str = ""


def admit(kind: JobKind[R], services: JobServices, document: Json) -> Admitted:
    """Say that a job can be done as it is asked for, as far as that is known before anything is built.

    Args:
        kind: Of the job.
        services: What it would be done with.
        document: The request.

    Raises:
        InvalidInputError: If a value cannot be taken, or nothing says what to run.
        UnsupportedError: If it asks for what is not offered: an image, several hosts.
    """
    request = kind.read(document, services.project)
    name = check_job_name(request.name, f"{kind.member}Name")
    offer = services.images.offer(request.image, request.needs)
    kind.command(request, offer)
    folder = services.folder / kind.record_kind / name
    place = Workplace(name, services.arns.sagemaker(kind.record_kind, name), folder)
    check_paths(kind, request, place, services.private)
    check_groups(request, services.has_group)
    check_access(request, services.door)
    if kind.inputs_first:
        check_inputs(request.inputs, services.objects)
    return Admitted(name, place.arn, request.notes, offer.algorithm)
