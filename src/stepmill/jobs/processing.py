"""Processing jobs: the handler of ``sagemaker:createProcessingJob``.

Source: container contract, C4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json
from stepmill.core.tasks import Report, Task
from stepmill.jobs.checks.laying import (
    CLARIFY,
    asks_clarify,
    imports_of,
    lay_out_program,
    path_of,
    program_of,
)
from stepmill.jobs.contract import inside, lay_out_processing
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.kinds import Collected, Startable, Workplace, read_small_file
from stepmill.jobs.locations import Location
from stepmill.jobs.packages import LARGEST_FILE_BYTES
from stepmill.jobs.places import workplaces
from stepmill.jobs.records import PROCESSING_JOB
from stepmill.jobs.requests.data import Output
from stepmill.jobs.requests.processing import ProcessingRequest, read_processing_request
from stepmill.jobs.requirement_places import requirements_of_processing
from stepmill.jobs.services import JobServices
from stepmill.storage.objects.store import ObjectStore

if TYPE_CHECKING:
    from stepmill.jobs.checks.shadow_models import ShadowModels

RESOURCE = "sagemaker:createProcessingJob"

# API reference, DescribeProcessingJob: ExitMessage.
LONGEST_EXIT_MESSAGE = 1024


class ProcessingKind:
    """What is special about processing jobs.

    Args:
        shadows: Makes whoever finds the models of Clarify's jobs; called where there is such a job. ``None``:
            requests are only read.
    """

    record_kind = PROCESSING_JOB
    member = "ProcessingJob"
    phases = False
    inputs_first = False
    logs_versions = False
    hosts_work_together = True

    def __init__(self, shadows: Callable[[], ShadowModels] | None = None) -> None:
        self._shadows = shadows

    def read(self, document: Json, project: Path) -> ProcessingRequest:
        """See ``JobKind``."""
        request = read_processing_request(document, project)
        shadows = self._shadows_of(request)
        return request if shadows is None else shadows.joined(request)

    def lay_out(
        self, request: ProcessingRequest, place: Workplace, objects: ObjectStore, project: Path
    ) -> None:
        """See ``JobKind``."""
        del objects, project
        lay_out_processing(place.ml, request, place.name, place.arn, place.host)
        if program := _program(request):
            lay_out_program(program, inside(place.ml, path_of(program)).parent)
        if shadows := self._shadows_of(request):
            shadows.lay_out(request, place)

    def command(self, request: ProcessingRequest, image: Startable) -> tuple[str, ...]:
        """See ``JobKind``."""
        if image.program and not request.entrypoint:
            _refuse_several_hosts(request)
            if shadows := self._shadows_of(request):
                shadows.check(request, image)
            return ("python", path_of(image.program))
        command = (*(request.entrypoint or image.entrypoint), *request.arguments)
        if not request.entrypoint and not image.entrypoint and not image.oci_image:
            raise InvalidInputError(
                f"Nothing says which program to run: the image {request.image!r} has no entry point here.",
                where="AppSpecification.ContainerEntrypoint",
                mend='Name it: ["python3", "/opt/ml/processing/input/code/script.py"].',
            )
        return command

    def source(self, request: ProcessingRequest, place: Workplace) -> Path | None:
        """See ``JobKind``."""
        program = _program(request)
        return imports_of(program, inside(place.ml, path_of(program)).parent) if program else None

    def requirements(
        self, request: ProcessingRequest, place: Workplace, shown: Mapping[str, Path]
    ) -> Path | None:
        """See ``JobKind``."""
        words = (*request.entrypoint, *request.arguments)
        return requirements_of_processing(words, shown, place.folder, LARGEST_FILE_BYTES + 1)

    def environment(self, request: ProcessingRequest, place: Workplace) -> Mapping[str, str]:
        """See ``JobKind``."""
        del request
        return {"PROCESSING_JOB_NAME": place.name, "PROCESSING_JOB_ARN": place.arn}

    def outputs(self, request: ProcessingRequest, place: Workplace) -> tuple[Output, ...]:
        """See ``JobKind``."""
        del place
        return request.outputs

    def destinations(self, request: ProcessingRequest) -> tuple[Location, ...]:
        """See ``JobKind``."""
        del request
        return ()

    def collect(
        self, request: ProcessingRequest, place: Workplace, *, succeeded: bool, stopped: bool
    ) -> Collected:
        """See ``JobKind``."""
        del succeeded, stopped
        messages = [
            read_small_file(each.ml / "output" / "message", LONGEST_EXIT_MESSAGE)
            for each in workplaces(request, place)
        ]
        return Collected(exit_message="".join(messages)[:LONGEST_EXIT_MESSAGE])

    def _shadows_of(self, request: ProcessingRequest) -> ShadowModels | None:
        if self._shadows is None or _program(request) != CLARIFY:
            return None
        return self._shadows()


class ProcessingHandler(JobHandler[ProcessingRequest]):
    """The handler of processing jobs: one of Clarify that was begun goes on with the model of then."""

    def start(self, task: Task, report: Report) -> None:
        """See ``JobHandler``."""
        if asks_clarify(task.payload):
            # Whoever runs no such job does not load what serves models.
            from stepmill.jobs.transform.kind import with_kept_model

            task = with_kept_model(self, task, "ProcessingJobName")
        super().start(task, report)


def _program(request: ProcessingRequest) -> str:
    """Return the program that stands for an image, unless the request names another one."""
    return "" if request.entrypoint else program_of(request.image)


def _refuse_several_hosts(request: ProcessingRequest) -> None:
    """Refuse what would give a report of each host, on its part of the data or all of it."""
    if len(request.hosts) > 1:
        raise UnsupportedError(
            f"The program of the image {request.image!r} runs on one host here.",
            where="ProcessingResources.ClusterConfig.InstanceCount",
            mend="Set it to 1.",
        )


def processing_handler(
    services: JobServices, shadows: Callable[[], ShadowModels] | None = None
) -> JobHandler[ProcessingRequest]:
    """Return the handler of processing steps. See ``ProcessingKind``."""
    return ProcessingHandler(services, ProcessingKind(shadows))
