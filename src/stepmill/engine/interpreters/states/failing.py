"""A state has failed: it is tried again, or the failure is caught, or its branch fails with it.

Source: Amazon States Language, "Errors": retriers are tried before catchers; the first that matches counts.
"""

from __future__ import annotations

from stepmill.core.json import Json, JsonObject
from stepmill.engine.interpreters.states.branches import abort_inside, drop_inside, halt, link_inside
from stepmill.engine.interpreters.states.chance import Chance
from stepmill.engine.interpreters.states.context import scope_of
from stepmill.engine.interpreters.states.draft import Broken, Draft
from stepmill.engine.interpreters.states.evaluation import Scope
from stepmill.engine.interpreters.states.failure import StateFailure, matches
from stepmill.engine.interpreters.states.frames import BranchFrame, Phase
from stepmill.engine.interpreters.states.leaving import leave
from stepmill.engine.interpreters.states.plan import PlannedCatcher, PlannedState
from stepmill.engine.interpreters.states.timers import RETRY, moment_after, set_timer
from stepmill.language.states.definition import Jitter, Retrier, WorkState

# Where rate ** attempt leaves what a float can hold, so does every wait that anybody would see.
LONGEST_WAIT_S = 366 * 24 * 3600


def fail(
    draft: Draft, name: str, branch: BranchFrame, failure: StateFailure, *, is_from_inside: bool = False
) -> None:
    """Take the failure of the state that a branch is in.

    Args:
        draft: The advance.
        name: Of the branch.
        branch: Its frame.
        failure: What happened.
        is_from_inside: Whether it is that of a branch or iteration inside, which a redrive goes on with.
    """
    planned = draft.planned(branch)
    state = planned.state
    failure = failure.placed(state.name, branch.entered)
    if failure.is_fatal:
        if branch.phase is Phase.INSIDE:
            branch.link = link_inside(draft, name, branch)
            halt(draft, name)
            drop_inside(draft, name)
        branch.phase = Phase.FAILED
        draft.todo.appendleft(Broken(name, failure))
        return
    if branch.phase is Phase.INSIDE:
        branch.link = abort_inside(draft, name)
        if not is_from_inside:
            drop_inside(draft, name)
    if failure.location:
        _say_evaluation_failed(draft, branch, planned, failure)
    if isinstance(state, WorkState):
        if (index := _matching_retrier(state, branch, failure)) is not None:
            _retry(draft, name, branch, state.retry[index], index, len(state.retry))
            return
        for catcher in planned.catchers:
            if matches(catcher.catcher.errors, failure):
                try:
                    _catch(draft, name, branch, planned, catcher, failure)
                except StateFailure as second:
                    _give_up(draft, name, branch, planned, second)
                return
    branch.phase = Phase.FAILED
    draft.todo.appendleft(Broken(name, failure))


def _give_up(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, failure: StateFailure
) -> None:
    """Take the failure of a catcher itself: nobody catches that one."""
    failure = failure.placed(planned.state.name, branch.entered)
    if failure.location:
        _say_evaluation_failed(draft, branch, planned, failure)
    branch.phase = Phase.FAILED
    draft.todo.appendleft(Broken(name, failure))


def _say_evaluation_failed(
    draft: Draft, branch: BranchFrame, planned: PlannedState, failure: StateFailure
) -> None:
    state = planned.state.name
    details: JsonObject = {
        "error": failure.error,
        "cause": failure.cause,
        "location": failure.location,
        "state": state,
    }
    branch.link = draft.say("EvaluationFailed", state, branch.before, "evaluationFailedEventDetails", details)
    if planned.kind == "Map":
        branch.link = draft.say("MapStateFailed", state, branch.link)


def _matching_retrier(state: WorkState, branch: BranchFrame, failure: StateFailure) -> int | None:
    """Return the index of the first retrier that takes a failure, if it has attempts left."""
    for index, retrier in enumerate(state.retry):
        if matches(retrier.errors, failure):
            used = branch.retries[index] if branch.retries else 0
            return index if used < retrier.max_attempts else None
    return None


def _retry(draft: Draft, name: str, branch: BranchFrame, retrier: Retrier, index: int, count: int) -> None:
    used = list(branch.retries or (0,) * count)
    drop_inside(draft, name)
    chance = Chance(draft.started.seed, f"retry/{name}/{draft.last_event}")
    delay = retry_delay_s(retrier, used[index], chance.random())
    used[index] += 1
    branch.retries, branch.retry_count = tuple(used), branch.retry_count + 1
    branch.phase, branch.scheduled = Phase.RETRYING, draft.last_event
    set_timer(draft, RETRY, name, branch.scheduled, moment_after(draft.at, delay))


def retry_delay_s(retrier: Retrier, used: int, draw: float) -> float:
    """Return how long to wait before a retry, in seconds.

    Args:
        retrier: Which one.
        used: How often it was used before.
        draw: At least 0 and below 1: how much of the wait is left with full jitter.

    Example:
        >>> retry_delay_s(Retrier(errors=("States.ALL",), interval_s=2, backoff_rate=3.0), 2, 0.5)
        18.0
    """
    longest = LONGEST_WAIT_S if retrier.max_delay_s is None else min(retrier.max_delay_s, LONGEST_WAIT_S)
    try:
        delay = min(retrier.interval_s * float(retrier.backoff_rate) ** used, longest)
    except OverflowError:
        delay = float(longest)
    return delay * draw if retrier.jitter is Jitter.FULL else delay


def _catch(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    catcher: PlannedCatcher,
    failure: StateFailure,
) -> None:
    error: Json = failure.output
    assigned = None
    output = error
    if catcher.assign is not None or catcher.output is not None:
        scope = scope_of(draft, name, branch, branch.input if planned.state.uses_jsonata else error)
        scope.error_output = error
        assigned = None if catcher.assign is None else catcher.assign(scope)
        output = _caught_output(catcher, scope, error)
    if not planned.state.uses_jsonata:
        if catcher.catcher.result_path is None:
            output = branch.input
        elif catcher.put is not None:
            output = catcher.put(branch.input, error)
    drop_inside(draft, name)
    leave(draft, name, branch, planned, output, assigned, catcher.next)


def _caught_output(catcher: PlannedCatcher, scope: Scope, error: Json) -> Json:
    return error if catcher.output is None else catcher.output(scope)
