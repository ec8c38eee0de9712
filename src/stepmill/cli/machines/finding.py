"""Which execution is meant: one of a state machine, by its name, its ARN, or as the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepmill.core.errors import NotFoundError

if TYPE_CHECKING:
    from stepmill.engine.machines.summaries import MachineExecution
    from stepmill.platform import Platform

_LOOK_BACK = 1000


def find_machine_execution(platform: Platform, reference: str = "") -> MachineExecution:
    """Return an execution of a state machine.

    Args:
        platform: Where.
        reference: Its ARN, its name or the beginning of one; empty: the newest.

    Raises:
        NotFoundError: If there is none, or if several are meant.
    """
    if reference.startswith("arn:"):
        return platform.machine_executions.describe(reference)
    newest = platform.machine_executions.find(limit=_LOOK_BACK if reference else 1).executions
    found = [each for each in newest if each.details.name == reference] or [
        each for each in newest if each.details.name.startswith(reference)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError(
            f"{len(found)} executions of state machines are called like {reference!r}.",
            mend=f"Give an ARN: {found[0].arn} or {found[1].arn}?",
        )
    if reference:
        raise NotFoundError(
            f"There is no execution {reference!r} of a state machine.", mend="`stepmill list` shows all."
        )
    raise NotFoundError("No state machine has been run here yet.", mend="Start with `stepmill run FILE`.")


def is_of_a_machine(platform: Platform, reference: str) -> bool:
    """Return whether an execution that is asked for is one of a state machine, not of a pipeline.

    Args:
        platform: Where.
        reference: As the user gave it; empty: the newest of all.
    """
    if reference.startswith("arn:"):
        return ":states:" in reference
    try:
        ours = find_machine_execution(platform, reference)
    except NotFoundError:
        return False
    newest = platform.executions.find(limit=_LOOK_BACK if reference else 1).executions
    if reference:
        return not any(each.id.startswith(reference) for each in newest)
    return not newest or newest[0].created_at < ours.started_at
