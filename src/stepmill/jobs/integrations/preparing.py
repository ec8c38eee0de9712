"""What Step Functions adds to the parameters of a task before it calls.

Source: Step Functions developer guide: the pages of the integrations with EventBridge, Batch, Step Functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import NAMESPACE_OID, uuid5

from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Task

_MANAGED: JsonObject = {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}


def prepared(service: str, operation: str, task: Task, given: JsonObject) -> JsonObject:
    """Return the parameters of a call.

    Args:
        service: As botocore names it.
        operation: ``StartExecution``.
        task: For which.
        given: Its parameters.
    """
    match service, operation:
        case "events", "PutEvents":
            return _with_resources(task, given)
        case "batch", "SubmitJob":
            return _managed(given)
        case "stepfunctions", "StartExecution":
            return named(task, given)
    return given


def _with_resources(task: Task, given: JsonObject) -> JsonObject:
    """The ARNs of the execution and of its state machine are appended to each entry's resources."""
    entries = given.get("Entries")
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return given
    parts = task.execution_arn.split(":")
    machine = ":".join([*parts[:5], "stateMachine", task.pipeline])
    own: list[Json] = [task.execution_arn, machine]
    return {**given, "Entries": [_entry_with(entry, own) for entry in entries]}


def _entry_with(entry: Json, own: list[Json]) -> Json:
    if not isinstance(entry, Mapping):
        return entry
    resources = entry.get("Resources")
    before = resources if isinstance(resources, Sequence) and not isinstance(resources, str) else []
    return {**entry, "Resources": [*before, *own]}


def _managed(given: JsonObject) -> JsonObject:
    overrides = given.get("ContainerOverrides", {})
    if not isinstance(overrides, Mapping):
        return given
    variables = overrides.get("Environment", [])
    if not isinstance(variables, Sequence) or isinstance(variables, str):
        return given
    return {**given, "ContainerOverrides": {**overrides, "Environment": [*variables, _MANAGED]}}


def named(task: Task, given: JsonObject) -> JsonObject:
    """Return the parameters of StartExecution with a name, made of the task's id, so that it starts once."""
    if given.get("Name") is not None:
        return given
    return {**given, "Name": str(uuid5(NAMESPACE_OID, task.id))}
