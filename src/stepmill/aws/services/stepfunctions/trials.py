"""TestState on the wire: one state, tried out with its real work or with a mock.

Source: Step Functions API reference, ``TestState``; developer guide, "Testing state machines with TestState".
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.stepfunctions.mocks import check_mock
from stepmill.core.errors import DefinitionError, InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.states.events import ExecutionStarted
from stepmill.engine.interpreters.states.trial import Trial, TrialRequest, TrialResult
from stepmill.language.states.checking import read
from stepmill.language.states.definition import ExecutionType, State, StateMachine, TaskState
from stepmill.language.states.diagnostics import refusal
from stepmill.language.states.resources import Pattern, parse_resource
from stepmill.platform import Platform

# What a state is called that comes without a name, as the context object shows it.
_NAME = "StateName"
_MACHINE = "StateMachineName"
_WITH_DATA = ("DEBUG", "TRACE")
# Source: developer guide: a test runs for up to five minutes.
_LONGEST_S = 300.0
_TARGETS = ("Next", "Default")
_FORKS = ("Parallel", "Map")


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operation that tries a state out."""

    def test_state(call: Call) -> dict[str, Any]:
        given = call.parameters
        document, name = _state_of(given["definition"], given.get("stateName") or "")
        machine = _machine_of(document, name)
        state = machine.states[machine.start_at]
        mock = _mock_of(given.get("mock"), state)
        if mock is None and document.get("Type") in _FORKS:
            raise ApiError(
                "ValidationException", f"State type '{document['Type']}' needs a mock to be tested."
            )
        trial = _trial(platform, given, machine)
        if mock is not None:
            trial.begin_with(mock)
        elif (task := trial.begin()) is not None:
            _refuse_what_waits(state)
            trial.report(_done(platform, task))
        return _told(trial.result(), given.get("inspectionLevel") or "INFO", given.get("input") or "{}")

    return {"TestState": test_state}


def _trial(platform: Platform, given: Mapping[str, Any], machine: StateMachine) -> Trial:
    now = datetime.now(UTC)
    context = _object(given.get("context"), "context")
    execution, about = _part(context, "Execution"), _part(context, "StateMachine")
    arns = platform.state_machines.arns
    item = _part(_part(context, "Map"), "Item")
    index = item.get("Index")
    run = secrets.token_hex(16)
    started = ExecutionStarted(
        execution_id="test",
        execution_arn=str(
            execution.get("Id")
            or arns.express_execution(_MACHINE, secrets.token_hex(8), secrets.token_hex(8))
        ),
        name=str(execution.get("Name") or run),
        machine_arn=str(about.get("Id") or arns.machine(_MACHINE)),
        machine_name=str(about.get("Name") or _MACHINE),
        role_arn=given.get("roleArn") or str(execution.get("RoleArn") or ""),
        input_text=given.get("input") or "{}",
        started_at=now,
        seed=secrets.token_hex(16),
        kind=ExecutionType.EXPRESS,
        map_index=index if isinstance(index, int) else -1,
        map_item=write_json(item.get("Value")) if isinstance(index, int) else "",
    )
    retries = (given.get("stateConfiguration") or {}).get("retrierRetryCount") or 0
    try:
        request = TrialRequest(machine, started, _object(given.get("variables"), "variables"), int(retries))
        return Trial(request, now)
    except InvalidInputError as error:
        raise ApiError(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error.what}'"
        ) from error


def _state_of(definition: str, name: str) -> tuple[JsonObject, str]:
    """Return the document of the state that is meant, and its name."""
    try:
        document = read_json(definition)
    except InvalidInputError as error:
        raise ApiError("InvalidDefinition", refusal_of_text(error)) from error
    if not isinstance(document, Mapping):
        raise ApiError(
            "InvalidDefinition", "Invalid State Machine Definition: 'The definition is no object.'"
        )
    if not name:
        return (document, _NAME) if "Type" in document else _first(document)
    for found, state in _all_states(document):
        if found == name:
            language = document.get("QueryLanguage")
            return ({"QueryLanguage": language, **state} if language else state), name
    raise ApiError("ValidationException", f"State '{name[:80]}' not found in the state machine definition.")


def refusal_of_text(error: InvalidInputError) -> str:
    """Return the message of ``InvalidDefinition`` for what is no JSON."""
    return f"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: {error.what}'"


def _first(document: JsonObject) -> tuple[JsonObject, str]:
    states = document.get("States")
    if isinstance(states, Mapping) and len(states) == 1:
        ((name, state),) = states.items()
        if isinstance(state, Mapping):
            return state, name
    raise ApiError("ValidationException", "Give stateName: the definition has more than one state.")


def _all_states(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    todo: list[Json] = [document]
    while todo:
        branch = todo.pop()
        states = branch.get("States") if isinstance(branch, Mapping) else None
        for name, state in states.items() if isinstance(states, Mapping) else ():
            if isinstance(state, Mapping):
                yield name, state
                branches = state.get("Branches")
                todo += branches if isinstance(branches, list) else []
                todo += [state.get("ItemProcessor"), state.get("Iterator")]


def _machine_of(document: JsonObject, name: str) -> StateMachine:
    """Return a machine of the state and of what it leads to.

    Raises:
        ApiError: If the state is none.
    """
    targets = {str(target): {"Type": "Succeed"} for target in _targets(document)}
    states = {**targets, name: document}
    whole: dict[str, Json] = {"StartAt": name, "States": states}
    if "QueryLanguage" in document:
        whole["QueryLanguage"] = document["QueryLanguage"]
    try:
        return read(write_json(whole))
    except DefinitionError as error:
        raise ApiError("InvalidDefinition", refusal(error.findings)) from error


def _targets(document: JsonObject) -> Iterator[Json]:
    for member in _TARGETS:
        if member in document:
            yield document[member]
    for member in ("Choices", "Catch"):
        entries = document.get(member)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and "Next" in entry:
                yield entry["Next"]


def _mock_of(given: Mapping[str, Any] | None, state: State) -> TaskSucceeded | TaskFailed | None:
    if given is None:
        return None
    result, failure = given.get("result"), given.get("errorOutput")
    if (result is None) == (failure is None):
        raise ApiError(
            "ValidationException",
            "A test mock should have only one of the following fields: [result, errorOutput].",
        )
    if failure is not None:
        return TaskFailed("", failure.get("error") or "", failure.get("cause") or "")
    try:
        output = read_json(str(result))
    except InvalidInputError as error:
        raise ApiError("ValidationException", "Mocked result must be valid JSON") from error
    if isinstance(state, TaskState):
        check_mock(parse_resource(state.resource), output, given.get("fieldValidationMode") or "STRICT")
    return TaskSucceeded("", output)


def _refuse_what_waits(state: State) -> None:
    if (
        isinstance(state, TaskState)
        and parse_resource(state.resource).pattern is not Pattern.REQUEST_RESPONSE
    ):
        raise ApiError(
            "InvalidDefinition",
            f"Invalid State Machine Definition: 'The resource {state.resource} needs a mock to be tested.'",
        )


def _done(platform: Platform, task: Task) -> TaskReport:
    """Have the task done, and return what it came to."""
    handler = platform.integrations.get(task.resource)
    if handler is None:
        raise ApiError("InvalidDefinition", f"Nobody here does the work of {task.resource}.")
    ended = threading.Event()
    last: list[TaskReport] = []

    def take(report: TaskReport) -> None:
        if isinstance(report, TaskSucceeded | TaskFailed | TaskStopped):
            last.append(report)
            ended.set()

    handler.start(task, take)
    if not ended.wait(_LONGEST_S):
        handler.stop(task)
        return TaskFailed(task.id, "States.Timeout", f"The test took longer than {_LONGEST_S:.0f} seconds.")
    return last[0]


def _object(text: str | None, where: str) -> JsonObject:
    if not text:
        return {}
    try:
        document = read_json(text)
    except InvalidInputError as error:
        raise ApiError("ValidationException", f"The {where} is no JSON: {error.what}") from error
    if not isinstance(document, Mapping):
        raise ApiError("ValidationException", f"The {where} must be a JSON object.")
    return document


def _part(document: JsonObject, name: str) -> JsonObject:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _told(result: TrialResult, level: str, given: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": result.status.value}
    said = {
        "output": result.output,
        "error": result.error,
        "cause": result.cause,
        "nextState": result.next_state,
    }
    answer |= {member: text for member, text in said.items() if text is not None}
    if level in _WITH_DATA:
        data: dict[str, Any] = {name: write_json(value) for name, value in result.noted.items()}
        data["input"] = given  # as it was written
        if result.variables:
            data["variables"] = write_json(result.variables)
        details = {
            "catchIndex": result.catch_index,
            "retryIndex": result.retry_index,
            "retryBackoffIntervalSeconds": result.retry_after_s,
        }
        if known := {member: value for member, value in details.items() if value is not None}:
            data["errorDetails"] = known
        answer["inspectionData"] = data
    return answer
