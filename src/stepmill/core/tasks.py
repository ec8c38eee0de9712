"""What crosses the line between the engine and those who do the work.

The engine hands a ``Task`` to the handler that is registered for its resource; the handler answers
with reports. A task's id is its idempotency key: after a crash the same task is handed over again,
and the handler picks up the work that it began.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeAlias

import msgspec

from stepmill.core.json import Json, JsonObject


class CachePolicy(msgspec.Struct, frozen=True):
    """A wish that results are kept, to be reused.

    Args:
        expire_after: How old an earlier result may be; ``None``: any age.
        reuse: Whether an earlier result will do. If not, the work is done, and its result kept.
    """

    expire_after: timedelta | None = None
    reuse: bool = True


class Task(msgspec.Struct, frozen=True):
    """Outside work that a node asks for.

    Args:
        id: Idempotency key, unique for ever: ``<execution id>/<step>/<attempt>``.
        resource: Who does it: ``sagemaker:createProcessingJob``, ``lambda:invoke``.
        payload: The request document, resolved: what AWS's operation of that name would get.
        execution_arn: For whom.
        pipeline: Name of the pipeline.
        step: Name of the step.
        name: Suggested name of the job, unique and within AWS's limits; empty where none is made.
        extra: Keys of the step beside its Arguments that the handler needs (``FunctionArn``,
            ``SqsQueueUrl``, ``OutputParameters``).
        cache: Given if results are kept, and an earlier one may do.
    """

    id: str
    resource: str
    payload: Json
    execution_arn: str
    pipeline: str
    step: str
    name: str = ""
    extra: JsonObject = {}
    cache: CachePolicy | None = None


class TaskStarted(msgspec.Struct, frozen=True, tag=True):
    """The work is under way. May be reported again, with more metadata.

    Args:
        task_id: Whose.
        metadata: What the step's listing shows: ``{"TrainingJob": {"Arn": ...}}``.
        notes: Remarks for the one who looks: why the cache missed, which isolation a job has.
    """

    task_id: str
    metadata: JsonObject = {}
    notes: tuple[str, ...] = ()


class TaskSubmitted(msgspec.Struct, frozen=True, tag=True):
    """The work was handed in; its end is reported later. Only state machines tell it apart from the start.

    Args:
        task_id: Whose.
        output: What the service answered: the response of ``CreateTrainingJob``, of ``SendMessage``.
    """

    task_id: str
    output: Json = None


class TaskHeartbeat(msgspec.Struct, frozen=True, tag=True):
    """A sign of life of work that has a heartbeat to keep."""

    task_id: str


class TaskSucceeded(msgspec.Struct, frozen=True, tag=True):
    """The work is done.

    Args:
        task_id: Whose.
        output: The document that properties are read from: the answer of Describe.
        metadata: As in ``TaskStarted``.
        cached_from: ARN of the execution whose result was reused, if it was.
    """

    task_id: str
    output: Json = None
    metadata: JsonObject = {}
    cached_from: str = ""


class TaskFailed(msgspec.Struct, frozen=True, tag=True):
    """The work failed.

    Args:
        task_id: Whose.
        error: A name of the language: ``SageMaker.JOB_INTERNAL_ERROR``, ``Step.SERVICE_FAULT``,
            ``AlgorithmError``, ``ClientError``.
        cause: For a human: the reason with, for a job, the last lines of its log.
        metadata: As in ``TaskStarted``.
        output: As in ``TaskSucceeded``, if there is one: steps with a trigger on the failure may read it.
    """

    task_id: str
    error: str
    cause: str = ""
    metadata: JsonObject = {}
    output: Json = None


class TaskStopped(msgspec.Struct, frozen=True, tag=True):
    """The work ended because it was asked to stop. Its members are those of ``TaskFailed``."""

    task_id: str
    cause: str = ""
    metadata: JsonObject = {}
    output: Json = None


TaskReport: TypeAlias = TaskStarted | TaskSubmitted | TaskHeartbeat | TaskSucceeded | TaskFailed | TaskStopped
Report: TypeAlias = Callable[[TaskReport], None]


class TaskHandler(Protocol):
    """Does one kind of work."""

    def start(self, task: Task, report: Report) -> None:
        """Begin the work, or pick up what was begun under the same task id.

        Called on a worker thread, so it may block. ``report`` may be called from any thread, now or
        later; exactly one of its calls is a final one (succeeded, failed, stopped). What this
        raises is reported by the engine as ``TaskFailed``.
        """
        ...

    def stop(self, task: Task) -> None:
        """Ask the work to end soon; its final report still comes. Unknown or ended: do nothing."""
        ...
