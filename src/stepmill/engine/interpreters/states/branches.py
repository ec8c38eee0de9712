"""What is inside of a Parallel or a Map: stopped when a sibling failed, forgotten when nobody needs it."""

from __future__ import annotations

from stepmill.core.json import JsonObject
from stepmill.engine.interpreters.commands import StopTask
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.frames import BranchFrame, ForkFrame, MapRunStatus, Phase
from stepmill.engine.interpreters.states.runstops import drop_data, find_run, stop_run
from stepmill.engine.interpreters.states.timers import HEARTBEAT, RETRY, TIMEOUT, WAIT, drop_timers

# Branches that wait for nobody, in an execution that may be redriven.
_OVER = (Phase.ABORTED, Phase.FAILED, Phase.NOT_ENTERED)


def task_id_of(draft: Draft, name: str, branch: BranchFrame) -> str:
    """Return the id of the task that a branch waits for."""
    return f"{draft.started.execution_id}/{name}/{branch.scheduled}"


def iteration_details(draft: Draft, name: str, index: int) -> JsonObject:
    """Return the details of an event of an iteration of the Map that a branch is in."""
    return {"name": draft.planned(draft.branch(name)).state.name, "index": index}


def children_of(draft: Draft, name: str) -> list[str]:
    """Return the names of the branches under way inside of a branch."""
    fork = draft.get(f"fork/{name}")
    return [f"{name}.{index}" for index in fork.running] if isinstance(fork, ForkFrame) else []


def silence(draft: Draft, name: str, branch: BranchFrame) -> None:
    """Stop the task, and forget the timers, that a branch waits for."""
    match branch.phase:
        case Phase.WORKING:
            draft.commands.append(StopTask(task_id_of(draft, name, branch)))
            drop_task_timers(draft, name, branch)
        case Phase.WAITING:
            drop_timers(draft, name, branch, WAIT)
        case Phase.RETRYING:
            drop_timers(draft, name, branch, RETRY)


def drop_task_timers(draft: Draft, name: str, branch: BranchFrame) -> None:
    """Forget the timers of a task that has ended."""
    if branch.has_timeout:
        drop_timers(draft, name, branch, TIMEOUT)
        branch.has_timeout = False
    if branch.heartbeat_s:
        drop_timers(draft, name, branch, HEARTBEAT)
        branch.heartbeat_s, branch.heartbeat_due = 0, None


def abort(draft: Draft, name: str) -> None:
    """Stop a branch and all that is inside, and say so in the history."""
    branch = draft.branch(name)
    if branch.phase in _OVER:
        return
    planned = draft.planned(branch)
    if branch.phase is Phase.INSIDE:
        branch.link = abort_inside(draft, name)
    silence(draft, name, branch)
    if branch.phase is Phase.READY:
        branch.phase = Phase.NOT_ENTERED
        return
    draft.say(f"{planned.kind}StateAborted", planned.state.name, branch.link)
    branch.phase = Phase.ABORTED


def abort_inside(draft: Draft, name: str) -> int:
    """Stop all that is inside of a branch; return what its state's next event points at."""
    branch = draft.branch(name)
    if find_run(draft, branch) is not None:
        run = stop_run(draft, name, branch, MapRunStatus.ABORTED)
        return draft.say("MapRunAborted", run.state, run.link)
    for child in children_of(draft, name):
        abort_child(draft, name, child)
    return link_inside(draft, name, branch)


def link_inside(draft: Draft, name: str, branch: BranchFrame) -> int:
    """Return what the next event of a state points at that runs others inside."""
    run = find_run(draft, branch)
    return draft.fork(name).link if run is None else run.link


def abort_child(draft: Draft, parent: str, child: str) -> None:
    """Stop a branch inside of another; of a Map, its iteration is said to be aborted too."""
    branch = draft.branch(child)
    if branch.phase in _OVER:
        return
    abort(draft, child)
    if draft.planned(draft.branch(parent)).kind == "Map":
        index = int(child.rpartition(".")[2])
        details = iteration_details(draft, parent, index)
        draft.say(
            "MapIterationAborted",
            str(details["name"]),
            branch.link,
            "mapIterationAbortedEventDetails",
            details,
        )


def halt(draft: Draft, name: str) -> None:
    """Stop a branch and all that is inside without a word: the execution has ended around it."""
    branch = draft.branch(name)
    if branch.phase is Phase.INSIDE and find_run(draft, branch) is not None:
        stop_run(draft, name, branch, MapRunStatus.ABORTED)
    for child in children_of(draft, name):
        halt(draft, child)
    silence(draft, name, branch)
    if branch.phase not in _OVER:
        branch.phase = Phase.NOT_ENTERED if branch.phase is Phase.READY else Phase.ABORTED


def drop_inside(draft: Draft, name: str) -> None:
    """Forget all that was inside of a branch, if there was anything."""
    for child in children_of(draft, name):
        drop_inside(draft, child)
        draft.drop_branch(child)
    if draft.get(f"fork/{name}") is not None:
        draft.drop_fork(name)
    branch = draft.branch(name)
    if (run := find_run(draft, branch)) is not None:
        drop_data(draft, branch.scheduled, run)
