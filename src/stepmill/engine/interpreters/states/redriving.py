"""Redrive: an execution that ended badly goes on from the states that failed or were under way.

What has succeeded is not done again; of a Parallel or Map only the branches and iterations that did not end
well go on. Retriers begin to count anew, and so does the machine's timeout.

Source: developer guide, "Restarting state machine executions with redrive".
"""

from __future__ import annotations

from msgspec.structs import replace

from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.states.branches import children_of
from stepmill.engine.interpreters.states.draft import Draft, Enter
from stepmill.engine.interpreters.states.frames import ROOT, BranchFrame, ForkFrame, MapRunStatus, Phase
from stepmill.engine.interpreters.states.lifecycle import set_machine_timer
from stepmill.engine.interpreters.states.mapruns import redrive_run
from stepmill.engine.interpreters.states.runstops import find_run
from stepmill.language.states.definition import WorkState

_REDRIVEN = (
    StateMachineExecutionStatus.FAILED,
    StateMachineExecutionStatus.ABORTED,
    StateMachineExecutionStatus.TIMED_OUT,
    StateMachineExecutionStatus.PENDING_REDRIVE,
)


def redrive(draft: Draft) -> None:
    """Go on with an execution that ended badly; any other is left alone."""
    if draft.execution.status not in _REDRIVEN:
        return
    count = draft.execution.redrives + 1
    draft.root = replace(
        draft.execution,
        status=StateMachineExecutionStatus.RUNNING,
        redrives=count,
        redriven_at=draft.at,
    )
    link = draft.say(
        "ExecutionRedriven",
        "",
        draft.last_event,
        "executionRedrivenEventDetails",
        {"redriveCount": count},
    )
    set_machine_timer(draft)
    _resume(draft, ROOT, link)


def _resume(draft: Draft, name: str, link: int) -> None:
    branch = draft.branch(name)
    planned = draft.planned(branch)
    branch.retries, branch.retry_count = (), 0
    fork = draft.get(f"fork/{name}")
    if isinstance(fork, ForkFrame):
        branch.phase = Phase.INSIDE
        draft.put(f"fork/{name}", replace(fork, link=link))
        for child in children_of(draft, name):
            _resume(draft, child, link)
        return
    branch.link = link
    if branch.phase is not Phase.NOT_ENTERED and _has_run(draft, branch):
        redrive_run(draft, name, branch, planned, link)
        return
    # A Task is scheduled again; what only failed to compute is entered again.
    is_entered = branch.phase is Phase.ABORTED or (
        branch.phase is Phase.FAILED and isinstance(planned.state, WorkState)
    )
    branch.phase = Phase.RETRY_DUE if is_entered else Phase.READY
    draft.todo.append(Enter(name))


def _has_run(draft: Draft, branch: BranchFrame) -> bool:
    run = find_run(draft, branch)
    is_map = draft.planned(branch).kind == "Map"
    return is_map and run is not None and run.status is not MapRunStatus.SUCCEEDED
