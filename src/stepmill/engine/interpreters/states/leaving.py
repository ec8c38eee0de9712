"""How a state ends well: its result becomes its output, and the branch goes on.

Source: Amazon States Language, "Input and Output Processing"; developer guide, "Passing data with variables".
"""

from __future__ import annotations

from collections.abc import Callable

from stepmill.core.json import Json, JsonObject, write_json
from stepmill.engine.interpreters.states.draft import Draft, Ended, Enter
from stepmill.engine.interpreters.states.evaluation import Evaluate, Scope
from stepmill.engine.interpreters.states.failure import DATA_LIMIT, StateFailure
from stepmill.engine.interpreters.states.frames import BranchFrame, Phase
from stepmill.engine.interpreters.states.plan import PlannedState

# Of the service, in bytes of UTF-8. Source: developer guide, "Quotas".
LARGEST_DATA = 256 * 1024
NOT_TRUNCATED: JsonObject = {"truncated": False}


def effective_input(planned: PlannedState, branch: BranchFrame, scope: Scope | None) -> Json:
    """Return what InputPath leaves of a state's raw input."""
    if planned.drops_input:
        return {}
    return branch.input if planned.read is None or scope is None else planned.read(scope)


def conclude(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    result: Json,
    scope: Scope | None,
) -> None:
    """Turn the result of a Pass, Task, Parallel or Map into its output, and go on.

    Raises:
        StateFailure: If something that the output is made of cannot be computed.
    """
    assigned: JsonObject | None = None
    if planned.state.uses_jsonata:
        output = result
        if scope is not None:
            scope.document, scope.result = branch.input, result
            assigned, output = write_jsonata(scope, result, planned.assign, planned.write)
        leave(draft, name, branch, planned, output, assigned, planned.next)
        return
    if scope is not None:
        scope.document = result
        # Variables are made of the raw result: what ResultSelector leaves out of it can still be kept.
        if planned.assign is not None:
            assigned = planned.assign(scope)
        if planned.select is not None:
            result = planned.select(scope)
    if planned.drops_result:
        output = branch.input
    else:
        output = result if planned.put is None else planned.put(branch.input, result)
    output = _through_output_path(planned, output, scope)
    leave(draft, name, branch, planned, output, assigned, planned.next)


def _through_output_path(planned: PlannedState, output: Json, scope: Scope | None) -> Json:
    if planned.drops_output:
        return {}
    if planned.write is None or scope is None:
        return output
    scope.document = output
    return planned.write(scope)


def pass_on(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, value: Json, scope: Scope | None
) -> None:
    """Go on after a state without a result: Wait, Succeed, and the default of a Choice."""
    if planned.state.uses_jsonata:
        assigned, output = None, value
        if scope is not None:
            assigned, output = write_jsonata(scope, value, planned.assign, planned.write)
        leave(draft, name, branch, planned, output, assigned, planned.next)
        return
    assigned = None
    if scope is not None and planned.assign is not None:
        scope.document = value
        assigned = planned.assign(scope)
    output = _through_output_path(planned, value, scope)
    leave(draft, name, branch, planned, output, assigned, planned.next)


def write_jsonata(
    scope: Scope,
    default: Json,
    assign: Callable[[Scope], JsonObject] | None,
    write: Evaluate | None,
) -> tuple[JsonObject | None, Json]:
    """Return what Assign sets and Output gives; both see the variables as they were."""
    assigned = None if assign is None else assign(scope)
    return assigned, default if write is None else write(scope)


def leave(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    output: Json,
    assigned: JsonObject | None,
    next_state: str | None,
) -> None:
    """Say that a state was left, and go on to the next, or to the end of the branch."""
    text = write_json(output)
    check_size(draft, planned, text)
    state = planned.state.name
    details: dict[str, Json] = {"name": state, "output": text, "outputDetails": NOT_TRUNCATED}
    if assigned:
        draft.assign(name, assigned)
        details["assignedVariables"] = {key: write_json(value) for key, value in assigned.items()}
        details["assignedVariablesDetails"] = NOT_TRUNCATED
    branch.link = draft.say(planned.exited, state, branch.link, "stateExitedEventDetails", details)
    draft.texts[name] = text
    branch.input, branch.input_text = output, None
    if branch.retries:
        branch.retries = ()
    branch.retry_count, branch.scheduled, branch.token = 0, 0, ""
    if next_state is None:
        draft.todo.appendleft(Ended(name, output))
        return
    branch.state, branch.phase = next_state, Phase.READY
    draft.todo.appendleft(Enter(name))


def check_size(draft: Draft, planned: PlannedState, text: str) -> None:
    """Hold what a state gives, or works on, against the service's limit, where it holds.

    Raises:
        StateFailure: If it is larger.
    """
    if is_too_large(draft, text):
        raise too_large(planned.state.name)


def is_too_large(draft: Draft, text: str) -> bool:
    """Return whether a text is beyond the service's limit, and the limit holds."""
    return draft.plan.parity and len(text) > LARGEST_DATA // 4 and len(text.encode()) > LARGEST_DATA


def too_large(who: str) -> StateFailure:
    """Return the failure of a state, or of what a task asked for, that gave too much."""
    return StateFailure(
        DATA_LIMIT,
        f"The state/task '{who}' returned a result with a size exceeding the maximum number of bytes service "
        "limit.",
    )
