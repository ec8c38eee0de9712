"""The burst: states follow one another until each branch waits, or it was enough for one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from stepmill.core.json import Json, JsonObject, write_json
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.commands import DropTimer
from stepmill.engine.interpreters.states.branches import halt
from stepmill.engine.interpreters.states.draft import Broken, Draft, Ended, Enter
from stepmill.engine.interpreters.states.failing import fail
from stepmill.engine.interpreters.states.failure import StateFailure
from stepmill.engine.interpreters.states.forks import begin_map, begin_parallel, take_end, take_failure
from stepmill.engine.interpreters.states.frames import ROOT, BranchFrame, Phase
from stepmill.engine.interpreters.states.leaving import NOT_TRUNCATED
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.simple import (
    begin_choice,
    begin_fail,
    begin_pass,
    begin_succeed,
    begin_wait,
)
from stepmill.engine.interpreters.states.tasks import begin_task
from stepmill.engine.interpreters.states.timers import TURN, set_timer, timer_of

# So many states one event may lead to; the rest goes on with a timer that is due at once. Between two such
# bursts an execution that would never end by itself can be stopped.
MOST_STATES = 500

_BEGIN: Mapping[str, Callable[[Draft, str, BranchFrame, PlannedState], None]] = {
    "Pass": begin_pass,
    "Choice": begin_choice,
    "Succeed": begin_succeed,
    "Fail": begin_fail,
    "Wait": begin_wait,
    "Task": begin_task,
    "Parallel": begin_parallel,
    "Map": begin_map,
}


def run(draft: Draft) -> None:
    """Do all that is to do, depth first: a branch goes on until it waits, then the next does."""
    left = MOST_STATES
    later: list[str] = []
    while draft.todo:
        match draft.todo.popleft():
            case Enter(name):
                if left <= 0:
                    later.append(name)
                    continue
                left -= 1
                _enter(draft, name)
            case Ended(name, output):
                _end(draft, name, output)
            case Broken(name, failure):
                _break(draft, name, failure)
        if not draft.is_running:
            draft.todo.clear()
            return
    if later:
        if draft.execution.ready:
            draft.commands.append(DropTimer(timer_of(TURN, ROOT, draft.execution.turn)))
        turn = draft.execution.turn + 1
        # The new timer is for those too that wait already. The branch that has just run is the last to go on,
        # so that none that never ends keeps the others waiting.
        ready = tuple(dict.fromkeys((*draft.execution.ready, *later[1:], later[0])))
        draft.root = replace(draft.execution, turn=turn, ready=ready)
        set_timer(draft, TURN, ROOT, turn, draft.at)


def _enter(draft: Draft, name: str) -> None:
    branch = draft.find_branch(name)
    if branch is None or branch.phase not in (Phase.READY, Phase.RETRY_DUE):
        return  # A sibling has failed meanwhile.
    planned = draft.planned(branch)
    if branch.phase is Phase.READY:
        _say_entered(draft, name, branch, planned)
    try:
        _BEGIN[planned.kind](draft, name, branch, planned)
    except StateFailure as failure:
        fail(draft, name, branch, failure)


def _say_entered(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    text = draft.texts.pop(name, None)
    if text is None:
        text = branch.input_text if branch.input_text is not None else write_json(branch.input)
    state = planned.state.name
    branch.before = branch.link
    branch.entered = branch.link = draft.say(
        planned.entered,
        state,
        branch.link,
        "stateEnteredEventDetails",
        {"name": state, "input": text, "inputDetails": NOT_TRUNCATED},
    )
    branch.entered_at = draft.at


def _end(draft: Draft, name: str, output: Json) -> None:
    if name != ROOT:
        parent = name.rpartition(".")[0]
        try:
            take_end(draft, name, output)
        except StateFailure as failure:
            fail(draft, parent, draft.branch(parent), failure)
        return
    text = draft.texts.pop(name, None) or write_json(output)
    link = draft.branch(ROOT).link
    details: JsonObject = {"output": text, "outputDetails": NOT_TRUNCATED}
    draft.say("ExecutionSucceeded", "", link, "executionSucceededEventDetails", details)
    draft.drop_branch(ROOT)
    draft.end(StateMachineExecutionStatus.SUCCEEDED, output=text)


def _break(draft: Draft, name: str, failure: StateFailure) -> None:
    link = draft.branch(name).link
    if failure.is_fatal:
        # It goes past all that is around it, without a word of that.
        halt(draft, ROOT)
    elif name != ROOT:
        take_failure(draft, name, failure)
        return
    found = {"error": failure.error, "cause": failure.cause}
    details = {key: text for key, text in found.items() if text is not None}
    draft.say("ExecutionFailed", "", link, "executionFailedEventDetails", details)
    draft.end(StateMachineExecutionStatus.FAILED, error=failure.error, cause=failure.cause)
