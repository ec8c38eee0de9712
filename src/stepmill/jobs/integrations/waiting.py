"""Tasks that begin something and end with it: ``.sync``.

What was begun is looked at until it is over. Its description is the task's output or, of what failed, the
cause: JSON as text.

Source: Step Functions developer guide, "Run a Job (.sync)"; the pages of the integrations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from stepmill.core.api_calls import ApiCallError, WrongParametersError
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSubmitted, TaskSucceeded
from stepmill.jobs.integrations.calls import CallTools, operation_of, parameters_of, shown_parameters
from stepmill.jobs.integrations.errors import TASK_FAILED, optimized_failure, wrong_parameters
from stepmill.jobs.integrations.preparing import prepared
from stepmill.jobs.integrations.services import Optimized
from stepmill.jobs.integrations.watching import Watching
from stepmill.language.states.resources import Resource


@dataclass(frozen=True)
class Waited:
    """How something that was begun is waited for.

    Args:
        describe: The operation that describes it.
        ask: Parameters of that operation, from the answer that the task got when it began it, and from the
            task's own parameters.
        status: The member that says how it stands.
        succeeded: The status of what ended well.
        failed: The statuses of what ended otherwise.
        stop: The operation that stops it.
        pick: Takes the description out of the answer.
        named: Parameters of that operation, from those of the one that describes.
        reason: The member of that operation that says why; empty: there is none.
    """

    describe: str
    ask: Callable[[JsonObject, JsonObject], JsonObject]
    status: str
    succeeded: str
    failed: frozenset[str]
    stop: str
    pick: Callable[[JsonObject], JsonObject] = lambda answer: answer
    named: Callable[[JsonObject], JsonObject] = lambda asked: asked
    reason: str = ""


def _sagemaker(thing: str) -> Waited:
    def ask(_answer: JsonObject, given: JsonObject) -> JsonObject:
        return {f"{thing}Name": given.get(f"{thing}Name")}

    failed = frozenset({"Failed", "Stopped"})
    return Waited(f"Describe{thing}", ask, f"{thing}Status", "Completed", failed, f"Stop{thing}")


def _first(document: JsonObject, member: str, default: Any) -> Any:
    items = document.get(member)
    return items[0] if isinstance(items, Sequence) and items else default


WAITED: Mapping[tuple[str, str], Waited] = {
    ("batch", "SubmitJob"): Waited(
        "DescribeJobs",
        lambda answer, _given: {"Jobs": [answer.get("JobId")]},
        "Status",
        "SUCCEEDED",
        frozenset({"FAILED"}),
        "TerminateJob",
        lambda answer: _first(answer, "Jobs", {}),
        lambda asked: {"JobId": _first(asked, "Jobs", "")},
        "Reason",
    ),
    ("sagemaker", "CreateHyperParameterTuningJob"): _sagemaker("HyperParameterTuningJob"),
    ("sagemaker", "CreateLabelingJob"): _sagemaker("LabelingJob"),
    ("sagemaker", "CreateProcessingJob"): _sagemaker("ProcessingJob"),
    ("sagemaker", "CreateTrainingJob"): _sagemaker("TrainingJob"),
    ("sagemaker", "CreateTransformJob"): _sagemaker("TransformJob"),
    ("stepfunctions", "StartExecution"): Waited(
        "DescribeExecution",
        lambda answer, _given: {"ExecutionArn": answer.get("ExecutionArn")},
        "Status",
        "SUCCEEDED",
        frozenset({"ABORTED", "FAILED", "TIMED_OUT"}),
        "StopExecution",
        reason="Cause",
    ),
}
_FAULT = 500
_STOPPED = "The task was stopped by its state machine."


class WaitedCall:
    """Does the tasks of a ``.sync`` integration. See ``core.tasks.TaskHandler``.

    Args:
        tools: What it needs to call.
        watching: Looks at what was begun.
        service: Whose operation is called.
        resource: Of the tasks.
    """

    def __init__(self, tools: CallTools, watching: Watching, service: Optimized, resource: Resource) -> None:
        self._tools = tools
        self._watching = watching
        self._service = service
        self._operation = operation_of(resource)
        self._waited = WAITED[service.service, self._operation]
        # By ``.sync:2`` an execution's input and output are JSON, by ``.sync`` they are text.
        self._is_parsed = resource.suffix == ".sync:2"
        self._lock = threading.Lock()
        # Tasks that were asked to stop, maybe before what they begin was there.
        self._stopping: set[str] = set()

    def start(self, task: Task, report: Report) -> None:
        """Begin the work, or pick up what was begun."""
        try:
            given = parameters_of(task)
            parameters = prepared(self._service.service, self._operation, task, given)
            answer = self._tools.creating(self._service.service).create(
                self._service.service, self._operation, task, parameters
            )
        except WrongParametersError as error:
            report(wrong_parameters(task.id, shown_parameters(task), error))
            return
        except ApiCallError as error:
            report(optimized_failure(task.id, self._service, error))
            return
        report(TaskSubmitted(task.id, answer))
        ask = self._waited.ask(answer, parameters)
        with self._lock:
            is_stopping = task.id in self._stopping
        if is_stopping:
            self._stop(ask)
        self._watching.watch(partial(self._look, task, ask, report))

    def stop(self, task: Task) -> None:
        """Stop what was begun; the end that it then comes to is reported."""
        with self._lock:
            self._stopping.add(task.id)
        answer = self._tools.journal.answer_of(task.id)
        if answer is not None:
            given = prepared(self._service.service, self._operation, task, shown_parameters(task))
            self._stop(self._waited.ask(answer, given))

    def _stop(self, ask: JsonObject) -> None:
        parameters = dict(self._waited.named(ask))
        if self._waited.reason:
            parameters[self._waited.reason] = _STOPPED
        try:
            self._tools.calls.call(self._service.service, self._waited.stop, parameters)
        except ApiCallError:
            return  # it has ended meanwhile, which is looked at

    def _look(self, task: Task, ask: JsonObject, report: Report) -> bool:
        waited = self._waited
        try:
            answer = self._tools.calls.call(self._service.service, waited.describe, ask).members
        except ApiCallError as error:
            if error.status >= _FAULT:
                return False
            self._forget(task)
            report(optimized_failure(task.id, self._service, error))
            return True
        found = waited.pick(answer)
        status = found.get(waited.status)
        if status != waited.succeeded and status not in waited.failed:
            return False
        self._forget(task)
        shown = _parsed(found) if self._is_parsed else found
        if status == waited.succeeded:
            report(TaskSucceeded(task.id, shown))
        else:
            report(TaskFailed(task.id, TASK_FAILED, write_json(shown)))
        return True

    def _forget(self, task: Task) -> None:
        with self._lock:
            self._stopping.discard(task.id)


def _parsed(description: JsonObject) -> JsonObject:
    """Return the description of an execution with its input and output as JSON."""
    return {
        name: _json_of(value) if name in ("Input", "Output") else value for name, value in description.items()
    }


def _json_of(value: Json) -> Json:
    try:
        return read_json(str(value))
    except InvalidInputError:
        return value
