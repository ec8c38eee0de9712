"""Tasks that are one call of a service: they end with its answer, or when somebody sends their token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.core.api_calls import ApiCallError, ApiCalls, Spelling, WrongParametersError
from stepmill.core.clock import Clock
from stepmill.core.json import JsonObject, write_json
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStarted, TaskSubmitted, TaskSucceeded
from stepmill.jobs.integrations.creating import Creating, has_creating
from stepmill.jobs.integrations.errors import optimized_failure, sdk_failure, wrong_parameters
from stepmill.jobs.integrations.journal import Journal
from stepmill.jobs.integrations.preparing import named, prepared
from stepmill.jobs.integrations.services import Optimized, SdkService
from stepmill.jobs.integrations.shown import with_metadata
from stepmill.language.states.resources import Pattern, Resource

NO_OBJECT = "The value must be a JSON object"
FAILED_ENTRY = "EventBridge.FailedEntry"
# That a call has begun is told with its end, except of those that take their time.
_SLOW = frozenset({"Invoke", "StartSyncExecution"})


@dataclass(frozen=True)
class CallTools:
    """What tasks that call need.

    Args:
        calls: Calls services.
        journal: Of what must not be begun twice.
        clock: Tells the time.
    """

    calls: ApiCalls
    journal: Journal
    clock: Clock

    def creating(self, service: str) -> Creating:
        """Return who makes things of a service for tasks of optimised integrations."""
        return Creating(
            self.calls, self.journal, lambda response: with_metadata(service, response, self.clock.now())
        )


def parameters_of(task: Task) -> JsonObject:
    """Return the parameters of a task.

    Raises:
        WrongParametersError: If they are no object.
    """
    if not isinstance(task.payload, Mapping):
        raise WrongParametersError([NO_OBJECT])
    return task.payload


def shown_parameters(task: Task) -> JsonObject:
    """Return the parameters of a task as a cause shows them."""
    return task.payload if isinstance(task.payload, Mapping) else {}


def operation_of(resource: Resource) -> str:
    """Return the operation that a resource's action stands for: ``SendMessage``."""
    return resource.action[:1].upper() + resource.action[1:]


class OptimizedCall:
    """Does the tasks of an integration that Step Functions has optimised. See ``core.tasks.TaskHandler``.

    Args:
        tools: What it needs.
        service: Whose operation is called.
        resource: Of the tasks.
    """

    def __init__(self, tools: CallTools, service: Optimized, resource: Resource) -> None:
        self._tools = tools
        self._service = service
        self._operation = operation_of(resource)
        self._waits = resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN

    def start(self, task: Task, report: Report) -> None:
        """Call, and report the answer."""
        try:
            output = self._answer(task, parameters_of(task))
        except WrongParametersError as error:
            report(wrong_parameters(task.id, shown_parameters(task), error))
            return
        except ApiCallError as error:
            report(optimized_failure(task.id, self._service, error))
            return
        if output.get("FailedEntryCount"):
            told = {name: output[name] for name in ("Entries", "FailedEntryCount") if name in output}
            report(TaskFailed(task.id, FAILED_ENTRY, write_json(told)))
            return
        report(TaskSubmitted(task.id, output) if self._waits else TaskSucceeded(task.id, output))

    def stop(self, task: Task) -> None:
        """Do nothing: a call that was made cannot be taken back."""

    def _answer(self, task: Task, given: JsonObject) -> JsonObject:
        tools, service = self._tools, self._service.service
        parameters = prepared(service, self._operation, task, given)
        if has_creating(service, self._operation):
            return tools.creating(service).create(service, self._operation, task, parameters)
        response = tools.calls.call(service, self._operation, parameters, caller=task.execution_arn)
        return with_metadata(service, response, tools.clock.now())


class SdkCall:
    """Does the tasks of an ``aws-sdk`` integration.

    Args:
        tools: What it needs.
        service: Whose operation is called.
        resource: Of the tasks.
    """

    def __init__(self, tools: CallTools, service: SdkService, resource: Resource) -> None:
        self._tools = tools
        self._service = service
        self._operation = operation_of(resource)
        self._waits = resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN

    def start(self, task: Task, report: Report) -> None:
        """Call, and report the answer."""
        if self._operation in _SLOW:
            report(TaskStarted(task.id))
        try:
            output = self._answer(task, parameters_of(task))
        except WrongParametersError as error:
            report(wrong_parameters(task.id, shown_parameters(task), error))
            return
        except ApiCallError as error:
            report(sdk_failure(task.id, self._service, error))
            return
        report(TaskSubmitted(task.id, output) if self._waits else TaskSucceeded(task.id, output))

    def stop(self, task: Task) -> None:
        """Do nothing: a call that was made cannot be taken back."""

    def _answer(self, task: Task, given: JsonObject) -> JsonObject:
        tools, service = self._tools, self._service.service
        parameters = named(task, given) if self._operation == "StartExecution" else given
        if has_creating(service, self._operation):
            creating = Creating(tools.calls, tools.journal, lambda response: response.members, Spelling.SDK)
            return creating.create(service, self._operation, task, parameters)
        return tools.calls.call(
            service, self._operation, parameters, spelling=Spelling.SDK, caller=task.execution_arn
        ).members
