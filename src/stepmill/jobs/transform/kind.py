"""Transform jobs: the handler of ``sagemaker:createTransformJob``.

Source: container contract, C5 and C6.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, object_of, read_json
from stepmill.core.tasks import Report, Task
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.kinds import Collected, R, Startable, Workplace
from stepmill.jobs.locations import Location
from stepmill.jobs.records import TRANSFORM_JOB
from stepmill.jobs.requests.common import check_job_name
from stepmill.jobs.requests.data import Output
from stepmill.jobs.services import Images, JobServices
from stepmill.jobs.transform.containers import ModelCatalog, PackageCatalog
from stepmill.jobs.transform.laying import (
    CAPTURE_FOLDER,
    MODEL,
    OUTPUT_FOLDER,
    PROGRAM,
    family_variables,
    inference_script,
    lay_out,
    requirements_of_model,
)
from stepmill.jobs.transform.request import KEPT_MODEL, TransformRequest, read_transform_request
from stepmill.storage.objects.store import ObjectStore


class TransformKind:
    """What is special about transform jobs.

    Args:
        models: Where models are kept.
        packages: Where model packages are kept.
        images: Says what an image has to start.
    """

    record_kind = TRANSFORM_JOB
    member = "TransformJob"
    phases = False
    inputs_first = False
    logs_versions = False
    # Each sends its part of the objects; a bad one keeps nobody from the others.
    hosts_work_together = False

    def __init__(self, models: ModelCatalog, packages: PackageCatalog, images: Images) -> None:
        self._models = models
        self._packages = packages
        self._images = images

    def read(self, document: Json, project: Path) -> TransformRequest:
        """See ``JobKind``."""
        return read_transform_request(document, project, self._models, self._packages)

    def lay_out(
        self, request: TransformRequest, place: Workplace, objects: ObjectStore, project: Path
    ) -> None:
        """See ``JobKind``."""
        lay_out(request, place, objects, project, self._images)

    def command(self, request: TransformRequest, image: Startable) -> tuple[str, ...]:
        """See ``JobKind``."""
        offers = [self._images.offer(container.image) for container in request.containers]
        if len(offers) > 1 and (
            image.oci_image
            or any((o.oci_image, o.environment) != ("", offers[0].environment) for o in offers)
        ):
            raise UnsupportedError(
                "The containers of a pipeline share an environment, and these would have several.",
                where=request.containers[0].where,
                mend="Name one environment for all of their images in stepmill.toml: python or requirements.",
            )
        return ("python3" if image.oci_image else "python", PROGRAM)

    def source(self, request: TransformRequest, place: Workplace) -> Path | None:
        """See ``JobKind``."""
        return inference_script(request, place)

    def requirements(
        self, request: TransformRequest, place: Workplace, shown: Mapping[str, Path]
    ) -> Path | None:
        """See ``JobKind``. Several containers install each for itself: what one asks for is not another's."""
        del shown
        return requirements_of_model(request, place, self._images) if len(request.containers) == 1 else None

    def environment(self, request: TransformRequest, place: Workplace) -> Mapping[str, str]:
        """See ``JobKind``."""
        return {
            "TRANSFORM_JOB_NAME": place.name,
            "TRANSFORM_JOB_ARN": place.arn,
            **family_variables(request.containers[0]),
        }

    def outputs(self, request: TransformRequest, place: Workplace) -> tuple[Output, ...]:
        """See ``JobKind``. What is whole is stored while the job runs, and kept if it fails."""
        del place
        answers = Output("output", OUTPUT_FOLDER, request.output, continuous=True)
        if request.capture is None:
            return (answers,)
        return (answers, Output("capture", CAPTURE_FOLDER, request.capture.destination, continuous=True))

    def destinations(self, request: TransformRequest) -> tuple[Location, ...]:
        """See ``JobKind``."""
        del request
        return ()

    def collect(
        self, request: TransformRequest, place: Workplace, *, succeeded: bool, stopped: bool
    ) -> Collected:
        """See ``JobKind``."""
        del request, place, succeeded, stopped
        return Collected()


class TransformHandler(JobHandler[TransformRequest]):
    """The handler of transform jobs: a job that was begun goes on with the model of then."""

    def start(self, task: Task, report: Report) -> None:
        """See ``JobHandler``."""
        super().start(with_kept_model(self, task, "TransformJobName"), report)


def with_kept_model(handler: JobHandler[R], task: Task, member: str) -> Task:
    """Return the task of a job that was begun with the model of then, which may have been deleted since.

    Args:
        handler: Does the job.
        task: Its task.
        member: Where a request has the name of the job.
    """
    payload = object_of(task.payload)
    # What is wrong with a name is told where the request is read.
    with suppress(InvalidInputError):
        name = check_job_name(task.name or str(payload.get(member)), member)
        kept = handler.folder(name) / MODEL
        if kept.is_file():
            model = read_json(kept.read_bytes())
            return msgspec.structs.replace(task, payload={**payload, KEPT_MODEL: model})
    return task


def transform_handler(
    services: JobServices, models: ModelCatalog, packages: PackageCatalog
) -> JobHandler[TransformRequest]:
    """Return the handler of Transform steps."""
    return TransformHandler(services, TransformKind(models, packages, services.images))
