"""The context object: what an execution can read of itself.

Source: Step Functions developer guide, "Accessing execution data from the Context object".
"""

from __future__ import annotations

from functools import partial

from stepmill.core.json import Json, JsonObject
from stepmill.engine.interpreters.states.chance import Chance
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.evaluation import Scope
from stepmill.engine.interpreters.states.frames import BranchFrame, StartedFrame
from stepmill.engine.interpreters.states.times import moment_text
from stepmill.language.states.definition import WorkState


def scope_of(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    document: Json,
    *,
    token: str = "",
    item: tuple[int, Json] | None = None,
) -> Scope:
    """Return what the expressions of a state see.

    Args:
        draft: The advance.
        name: Of the branch.
        branch: Its frame.
        document: What ``$`` is.
        token: Task token, where there is one.
        item: Index and value, for what a Map computes for one iteration.
    """
    make = partial(context_of, draft, name, branch, token=token, item=item)
    chance = Chance(draft.started.seed, f"{draft.last_event}/{name}")
    text = branch.input_text if document is branch.input else None
    return Scope(document, draft.variables(name), make, chance, draft.at, text)


def context_of(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    *,
    token: str = "",
    item: tuple[int, Json] | None = None,
) -> JsonObject:
    """Return the context object for a state."""
    started = draft.started
    redriven_at = draft.execution.redriven_at
    redriven = {} if redriven_at is None else {"RedriveTime": moment_text(redriven_at)}
    context: dict[str, Json] = {
        "Execution": {
            "Id": started.execution_arn,
            "Input": started.input,
            "Name": started.name,
            "RoleArn": started.role_arn,
            "StartTime": moment_text(started.started_at),
            "RedriveCount": started.redrive_count + draft.execution.redrives,
            **redriven,
        },
        "StateMachine": {"Id": started.machine_arn, "Name": started.machine_name},
        "State": _state(draft, branch),
    }
    found = item if item is not None else _item(draft, name, started)
    if found is not None:
        context["Map"] = {"Item": {"Index": found[0], "Value": found[1]}}
    if token:
        context["Task"] = {"Token": token}
    return context


def _state(draft: Draft, branch: BranchFrame) -> JsonObject:
    state = draft.planned(branch).state
    found: dict[str, Json] = {
        "EnteredTime": moment_text(branch.entered_at or draft.at),
        "Name": state.name,
    }
    if isinstance(state, WorkState):
        found["RetryCount"] = branch.retry_count
    return found


def _item(draft: Draft, name: str, started: StartedFrame) -> tuple[int, Json] | None:
    """Return the index and the value of the innermost iteration that a branch belongs to."""
    outer, _, last = name.rpartition(".")
    while outer:
        if draft.planned(draft.branch(outer)).kind == "Map":
            return int(last), draft.item(outer, int(last))
        outer, _, last = outer.rpartition(".")
    return (started.map_index, started.map_item) if started.map_index >= 0 else None
