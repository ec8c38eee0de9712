"""Calls that make something with a name: made once, also by a task that is handed over again.

A crash may come between the call and the note of its answer. Then the name is taken when the task calls
again; what has it is the task's own if it was made after the task had noted that it is about to call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepmill.core.api_calls import ApiCallError, ApiCalls, ApiResponse, Spelling, WrongParametersError
from stepmill.core.json import JsonObject
from stepmill.core.tasks import Task
from stepmill.jobs.integrations.journal import Entry, Journal

_MILLISECONDS = 1000
_FAULT = 500


@dataclass(frozen=True)
class _Made:
    """What an operation makes, and how it is found again.

    Args:
        taken: The code of the error that says that the name is taken.
        describe: The operation that describes it.
        ask: Parameters of that operation, from those of the first.
        answer: What the first would have answered, from what describes it.
        created: Member that says when it was made.
    """

    taken: frozenset[str]
    describe: str
    ask: Callable[[JsonObject], JsonObject]
    answer: tuple[str, ...]
    created: str = "CreationTime"


def _by(name: str) -> Callable[[JsonObject], JsonObject]:
    return lambda given: {name: given.get(name)}


def _sagemaker(thing: str) -> _Made:
    # Some operations answer ValidationException to a name that is taken, as the service does.
    return _Made(
        frozenset({"ResourceInUse", "ValidationException"}),
        f"Describe{thing}",
        _by(f"{thing}Name"),
        (f"{thing}Arn",),
    )


_MADE: Mapping[tuple[str, str], _Made | None] = {
    **{
        ("sagemaker", f"Create{thing}"): _sagemaker(thing)
        for thing in (
            "Endpoint",
            "EndpointConfig",
            "HyperParameterTuningJob",
            "LabelingJob",
            "Model",
            "ProcessingJob",
            "TrainingJob",
            "TransformJob",
        )
    },
    # Names of jobs may repeat: the service knows the call by the task's id, and goes on with the job.
    ("batch", "SubmitJob"): None,
    # A start with name and input of a running execution means that one.
    ("stepfunctions", "StartExecution"): _Made(
        frozenset({"ExecutionAlreadyExists"}),
        "DescribeExecution",
        lambda given: {"ExecutionArn": _execution_arn(given)},
        ("ExecutionArn", "StartDate"),
        "StartDate",
    ),
}


def has_creating(service: str, operation: str) -> bool:
    """Return whether an operation makes something that must not be made twice."""
    return (service, operation) in _MADE


class Creating:
    """Makes things for tasks.

    Args:
        calls: Calls services.
        journal: Of what was begun.
        show: Makes the output of a task of an answer.
        spelling: Of answers.
    """

    def __init__(
        self,
        calls: ApiCalls,
        journal: Journal,
        show: Callable[[ApiResponse], JsonObject],
        spelling: Spelling = Spelling.OPTIMIZED,
    ) -> None:
        self._calls = calls
        self._journal = journal
        self._show = show
        self._spelling = spelling

    def create(self, service: str, operation: str, task: Task, parameters: JsonObject) -> JsonObject:
        """Call an operation for a task, once; return its answer as the task shows it.

        Raises:
            WrongParametersError: If the parameters are not those of the operation.
            ApiCallError: If the service refuses.
        """
        entry = self._journal.begin(task.id, task.execution_arn)
        if entry.answer is not None and _MADE[service, operation] is not None:
            return entry.answer
        try:
            response = self._calls.call(
                service,
                operation,
                parameters,
                spelling=self._spelling,
                caller=task.execution_arn,
                idempotency=task.id,
            )
        except ApiCallError as error:
            found = self._own(service, operation, parameters, entry, error)
            if found is None:
                # After a fault of the service nobody knows whether it was done.
                if error.status < _FAULT:
                    self._journal.forget(task.id)
                raise
            response = found
        except WrongParametersError:
            self._journal.forget(task.id)
            raise
        answer = self._show(response)
        self._journal.answer(task.id, answer)
        return answer

    def _own(
        self, service: str, operation: str, parameters: JsonObject, entry: Entry, error: ApiCallError
    ) -> ApiResponse | None:
        made = _MADE[service, operation]
        if entry.is_new or made is None or error.code not in made.taken:
            return None
        try:
            ask = made.ask(parameters)
            created = self._calls.call(service, made.describe, ask).members.get(made.created)
            begun_ms = int(entry.begun_at.timestamp() * _MILLISECONDS)
            if not isinstance(created, int) or created < begun_ms:
                return None
            found = self._calls.call(service, made.describe, ask, spelling=self._spelling).members
        except ApiCallError:
            return None
        return ApiResponse({name: found[name] for name in made.answer if name in found}, error.request_id)


def _execution_arn(given: JsonObject) -> str:
    machine = str(given.get("StateMachineArn", "")).split(":")
    return ":".join([*machine[:5], "execution", *machine[6:7], str(given.get("Name", ""))])
