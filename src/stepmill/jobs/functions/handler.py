"""The handler of Lambda steps: ``lambda:invoke``.

Source: developer guide, "Lambda step".
"""

from __future__ import annotations

from stepmill.compute.spec import JobRunning
from stepmill.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Report, Task, TaskFailed, TaskReport, TaskStarted, TaskSucceeded
from stepmill.jobs.functions.answer import outputs_of, raised
from stepmill.jobs.functions.calls import CallEnded, CallEvent, FunctionCall, FunctionCalls
from stepmill.jobs.functions.function import Function, parse_reference
from stepmill.jobs.functions.outcome import Answered, Broken, NotCarriedOut, Raised
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.jobs.output_parameters import as_wire_list, read_declared

CLIENT_ERROR = "ClientError"
SERVICE_FAULT = "Step.SERVICE_FAULT"


class FunctionHandler:
    """Calls functions for steps.

    Args:
        versions: Which functions there are.
        calls: Calls them.
    """

    def __init__(self, versions: FunctionVersions, calls: FunctionCalls) -> None:
        self._versions = versions
        self._calls = calls

    def start(self, task: Task, report: Report) -> None:
        """Call the function, or pick up the call that was begun."""
        try:
            reference = task.extra.get("FunctionArn")
            name, qualifier = parse_reference(reference)
            function, notes = self._chosen(name, qualifier)
            read_declared(task.extra.get("OutputParameters"))
            call = FunctionCall(
                task.id, function, task.payload, task.name, step=task.step, execution_arn=task.execution_arn
            )
            self._calls.run(call, lambda event: report(self._told(task, function, notes, event)))
        except (InvalidInputError, NotFoundError, UnsupportedError) as error:
            report(TaskFailed(task.id, CLIENT_ERROR, str(error)))

    def stop(self, task: Task) -> None:
        """Do nothing: SageMaker waits for a function, up to its timeout, when an execution is stopped."""

    def _chosen(self, name: str, qualifier: str) -> tuple[Function, tuple[str, ...]]:
        """Return the function, and what is to be said about the choice.

        A definition that was written for AWS may name an alias that was never made here.
        """
        if self._versions.has(name, qualifier):
            return self._versions.get(name, qualifier), ()
        return self._versions.get(name), (
            f"{name} has no version or alias {qualifier} here: its newest code runs",
        )

    def _told(self, task: Task, function: Function, notes: tuple[str, ...], event: CallEvent) -> TaskReport:
        if isinstance(event, JobRunning):
            metadata: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": []}}
            return TaskStarted(task.id, metadata, (*notes, *event.notes))
        return self._final(task, function, event)

    def _final(self, task: Task, function: Function, ended: CallEnded) -> TaskReport:
        metadata: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": []}}
        match ended.outcome:
            case Answered(result):
                return _succeeded(task, function, result)
            case Raised(document):
                error, cause = CLIENT_ERROR, raised(function.name, document)
            case Broken(kind, message, has_log):
                log = self._log(ended) if has_log else ""
                error, cause = CLIENT_ERROR, f"{function.name}: {kind}: {message}{log}"
            case NotCarriedOut(message):
                text = f"The call of {function.name} was not carried out: {message}"
                error, cause = SERVICE_FAULT, f"{text}{self._log(ended)}"
        return TaskFailed(task.id, error, cause, metadata)

    def _log(self, ended: CallEnded) -> str:
        lines = self._calls.log_of(ended)
        return "\n" + "\n".join(lines) if lines else ""


def _succeeded(task: Task, function: Function, result: Json) -> TaskReport:
    try:
        values = outputs_of(function.name, result, read_declared(task.extra.get("OutputParameters")))
    except InvalidInputError as error:
        nothing: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": []}}
        return TaskFailed(task.id, CLIENT_ERROR, str(error), nothing)
    shown: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": as_wire_list(values)}}
    return TaskSucceeded(task.id, {"OutputParameters": values}, shown)
