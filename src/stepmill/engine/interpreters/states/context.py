"""The context object: what an execution can read of itself.

Source: Step Functions developer guide, "Accessing execution data from the Context object".
"""

from __future__ import annotations

from collections.abc import Mapping
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
    item: JsonObject | None = None,
) -> Scope:
    """Return what the expressions of a state see.

    Args:
        draft: The advance.
        name: Of the branch.
        branch: Its frame.
        document: What ``$`` is.
        token: Task token, where there is one.
        item: What ``$$.Map.Item`` is, for what a Map computes for one iteration.
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
    item: JsonObject | None = None,
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
        context["Map"] = {"Item": found}
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


def item_of(index: int, item: Json, *, is_pair: bool) -> JsonObject:
    """Return what ``$$.Map.Item`` is in an iteration.

    Args:
        index: Of the iteration.
        item: That it was begun for.
        is_pair: Whether the item is a member of an object.

    Example:
        >>> item_of(0, {"Key": "a", "Value": 1}, is_pair=True)
        {'Index': 0, 'Key': 'a', 'Value': 1}
    """
    if is_pair and isinstance(item, Mapping):
        return {"Index": index, "Key": item["Key"], "Value": item["Value"]}
    return {"Index": index, "Value": item}


def _item(draft: Draft, name: str, started: StartedFrame) -> JsonObject | None:
    """Return the item of the innermost iteration that a branch belongs to."""
    outer, _, last = name.rpartition(".")
    while outer:
        if draft.planned(draft.branch(outer)).kind == "Map":
            return item_of(int(last), draft.item(outer, int(last)), is_pair=draft.fork(outer).has_pairs)
        outer, _, last = outer.rpartition(".")
    return item_of(started.map_index, started.map_item, is_pair=False) if started.map_index >= 0 else None
