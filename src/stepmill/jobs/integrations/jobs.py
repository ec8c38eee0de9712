"""Tasks that are a processing or a training job, and end with it.

Those who do the jobs of pipelines do them. A job belongs to its task, whose id is in its record: handed over
again after a crash, the task goes on with it.

Source: Step Functions developer guide, "Create and manage Amazon SageMaker AI jobs with Step Functions".
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.api_calls import ApiCallError, ApiResponse, WrongParametersError
from stepmill.core.errors import ConflictError, InvalidInputError, StepmillError, UnsupportedError
from stepmill.core.json import Json, write_json
from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskReport,
    TaskStopped,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.jobs.direct import DirectHandler
from stepmill.jobs.integrations.calls import CallTools, parameters_of, shown_parameters
from stepmill.jobs.integrations.errors import TASK_FAILED, optimized_failure, wrong_parameters
from stepmill.jobs.integrations.services import OPTIMIZED
from stepmill.jobs.integrations.shown import with_metadata
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, TRANSFORM_JOB, JobRecords, state_of
from stepmill.jobs.tuning.records import SUMMARIES, TUNING_JOB
from stepmill.storage.records import RecordStore

_SAGEMAKER = OPTIMIZED["sagemaker"]
# Action -> the kind of the records, and what members are called by.
JOB_ACTIONS: Mapping[str, tuple[str, str]] = {
    "createHyperParameterTuningJob": (TUNING_JOB, "HyperParameterTuningJob"),
    "createProcessingJob": (PROCESSING_JOB, "ProcessingJob"),
    "createTrainingJob": (TRAINING_JOB, "TrainingJob"),
    "createTransformJob": (TRANSFORM_JOB, "TransformJob"),
}


@dataclass(frozen=True)
class JobMakers:
    """Who does jobs, and where they are kept.

    Args:
        handler: Gives, by the kind of their records, who does them.
        records: Where they are kept.
        tags: Where their tags are kept.
    """

    handler: Callable[[str], DirectHandler]
    records: RecordStore
    tags: Tags


class JobTask:
    """Does the tasks of ``sagemaker:createTrainingJob.sync`` and its like. See ``core.tasks.TaskHandler``.

    Args:
        tools: What it needs to check requests and show descriptions.
        makers: Who does the jobs.
        action: ``createTrainingJob`` or ``createProcessingJob``.
    """

    def __init__(self, tools: CallTools, makers: JobMakers, action: str) -> None:
        self._tools = tools
        self._makers = makers
        self._kind, self._member = JOB_ACTIONS[action]
        self._records = JobRecords(makers.records, self._kind)
        self._lock = threading.Lock()
        self._stopping: set[str] = set()

    def start(self, task: Task, report: Report) -> None:
        """Begin the job, or go on with it; report its description when it has ended."""
        try:
            given = self._tools.calls.members("sagemaker", f"Create{self._member}", parameters_of(task))
            arn = self._admit(task, given)
        except WrongParametersError as error:
            report(wrong_parameters(task.id, shown_parameters(task), error))
            return
        except ApiCallError as error:
            report(optimized_failure(task.id, _SAGEMAKER, error))
            return
        response = ApiResponse({f"{self._member}Arn": arn}, str(uuid.uuid4()))
        report(TaskSubmitted(task.id, with_metadata("sagemaker", response, self._tools.clock.now())))
        handler = self._makers.handler(self._kind)
        handler.start(self._job(task, given), lambda told: self._hear(task, told, report))

    def stop(self, task: Task) -> None:
        """Ask the job to end: SIGTERM, and SIGKILL after its grace time."""
        with self._lock:
            self._stopping.add(task.id)
        self._makers.handler(self._kind).stop(self._job(task, shown_parameters(task)))

    def _job(self, task: Task, document: Mapping[str, Any]) -> Task:
        name = document.get(f"{self._member}Name")
        return _job_task(task, self._kind, document, name if isinstance(name, str) else "")

    def _admit(self, task: Task, given: Mapping[str, Any]) -> str:
        """Return the ARN of the job that is about to begin, or has begun.

        Raises:
            ApiCallError: If SageMaker would refuse it.
        """
        name = str(given[f"{self._member}Name"])
        record = self._records.find(name)
        if record is not None:
            state = state_of(record)
            if state.task_id == task.id:
                return state.arn
            raise _refusal(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a "
                f"{self._kind.replace('-', ' ')} with this name already exists ({state.arn})",
            )
        try:
            tags = read_tags(given.get("Tags"))
            admitted = self._makers.handler(self._kind).check(given)
        except ConflictError as error:
            raise _refusal("ResourceInUse", str(error)) from error
        except (InvalidInputError, UnsupportedError) as error:
            raise _refusal("ValidationException", str(error), is_modelled=False) from error
        except StepmillError as error:
            raise _refusal("InternalFailure", str(error), status=500, is_modelled=False) from error
        if tags:
            self._makers.tags.set(admitted.arn, tags)
        return admitted.arn

    def _hear(self, task: Task, told: TaskReport, report: Report) -> None:
        match told:
            case TaskSucceeded():
                report(TaskSucceeded(task.id, self._shown(told.output)))
            case TaskFailed() if told.output is None:
                # It never came to be.
                refusal = _refusal("ValidationException", told.cause, is_modelled=False)
                report(optimized_failure(task.id, _SAGEMAKER, refusal))
            case TaskFailed():
                report(TaskFailed(task.id, TASK_FAILED, write_json(self._shown(told.output))))
            case TaskStopped():
                cause = write_json(self._shown(told.output)) if told.output is not None else told.cause
                with self._lock:
                    was_asked = task.id in self._stopping
                    self._stopping.discard(task.id)
                report(TaskStopped(task.id, cause) if was_asked else TaskFailed(task.id, TASK_FAILED, cause))

    def _shown(self, description: Json) -> Json:
        members = dict(description) if isinstance(description, Mapping) else {}
        # Only steps of pipelines show it.
        members.pop(SUMMARIES, None)
        return self._tools.calls.shown("sagemaker", f"Describe{self._member}", members)


def _job_task(task: Task, resource: str, payload: Json, name: str) -> Task:
    """Return the task of a job that a task is: the same, in the words of whoever does jobs."""
    return Task(task.id, resource, payload, task.execution_arn, task.pipeline, task.step, name)


def _refusal(code: str, message: str, *, status: int = 400, is_modelled: bool = True) -> ApiCallError:
    return ApiCallError(code, message, status=status, request_id=str(uuid.uuid4()), is_modelled=is_modelled)
