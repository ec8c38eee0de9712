"""Says what compute is to run for a host of a job, in which surroundings and with which libraries."""

from __future__ import annotations

from stepmill.catalog.job_components import experiment_config
from stepmill.compute.spec import JobSpec
from stepmill.core.tasks import TaskStarted
from stepmill.images.catalog import ResolvedImage
from stepmill.images.environments import Progress, told_of_downloads
from stepmill.jobs.access import Access, Visitor
from stepmill.jobs.contract import job_environment
from stepmill.jobs.job import Job
from stepmill.jobs.kinds import JobKind, R, Workplace, can_be_warm
from stepmill.jobs.packages import Kept, kept_for
from stepmill.jobs.services import JobServices
from stepmill.jobs.staging import Staged
from stepmill.jobs.standing import Standing


def visitor_of(kind: JobKind[R], job: Job[R]) -> Visitor:
    """Return what a job calls itself where it calls AWS's services."""
    request, place = job.request, job.place
    return Visitor.of(
        kind.record_kind,
        place.name,
        job.task.id,
        role=request.role,
        session=place.name,
        folder=place.folder,
        lasts=request.longest_wait or request.timeout,
    )


def downloads_of(job: Job[R], standing: Standing) -> Progress:
    """Return who is told what is downloaded for a job: whoever hears of the job, or has it described."""

    def tell(line: str) -> None:
        job.report(TaskStarted(job.task.id, job.metadata, (line,)))
        standing.change(job.place.name, lambda state: state.telling(f"Preparing the image: {line}"))

    return told_of_downloads(tell)


def kept_packages(
    services: JobServices,
    kind: JobKind[R],
    job: Job[R],
    image: ResolvedImage,
    host: tuple[Workplace, Staged],
    progress: Progress,
) -> Kept | None:
    """Return the libraries kept for a job's requirements.txt, installed if need be; see ``kept_for``.

    Args:
        services: What to work with.
        kind: Of job.
        job: Whose.
        image: Which software it runs in.
        host: Where its first host works, and what was laid out there.
        progress: Gets a line now and then.
    """
    if not job.request.network:  # as in SageMaker, where pip then finds no index
        return None
    place, staged = host
    shown = {mount.target: mount.source for mount in staged.mounts}
    return kept_for(
        services.packages,
        kind.requirements(job.request, place, shown),
        job.request.environment,
        image,
        services.isolation,
        progress,
    )


def spec_of(
    services: JobServices,
    kind: JobKind[R],
    job: Job[R],
    image: ResolvedImage,
    command: tuple[str, ...],
    host: tuple[Workplace, Staged],
    access: Access,
) -> JobSpec:
    """Return what is to be run for one host of a job; of limits only those that all jobs have.

    Args:
        services: What to work with.
        kind: Of job.
        job: Whose.
        image: Which software it runs in.
        command: The program and its arguments.
        host: Where it works, and what was laid out there.
        access: Its key.
    """
    request = job.request
    place, staged = host
    given = {**kind.environment(request, place), **request.environment}
    if (experiment := experiment_config(request.document, place.name).experiment) and access.is_there:
        # MLflow's client logs into the experiment of the pipeline, if the script names no other one.
        given.setdefault("MLFLOW_EXPERIMENT_NAME", experiment)
    return JobSpec(
        job_id=place.job_id,
        folder=place.folder,
        command=command,
        environment=access.environment(job_environment(services.arns, given)),
        python=image.python,
        mounts=(*staged.mounts, *access.mounts),
        oci_image=image.oci_image,
        warm=services.warm and can_be_warm(command, image),
        source=kind.source(request, place),
        resources=services.resources,
        network=request.network,
        loopback=access.is_there,
        grace=services.spot.grace if request.spot else JobSpec.grace,
        isolation=image.engine or services.isolation,
        log_limit_bytes=services.log_limit_bytes,
        remarks=tuple(f"Stepmill: {line}." for line in image.differences if kind.logs_versions),
    )
