"""States that ask nobody outside: Pass, Choice, Wait, Succeed, Fail."""

from __future__ import annotations

from datetime import datetime, timedelta

from stepmill.core.json import Json, write_json
from stepmill.engine.interpreters.states.context import scope_of
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.evaluation import Scope, expression_of, unexpected_type
from stepmill.engine.interpreters.states.failure import (
    StateFailure,
    query_failure,
    runtime_failure,
)
from stepmill.engine.interpreters.states.frames import BranchFrame, Phase
from stepmill.engine.interpreters.states.leaving import (
    conclude,
    effective_input,
    leave,
    pass_on,
    write_jsonata,
)
from stepmill.engine.interpreters.states.plan import PlannedRule, PlannedState
from stepmill.engine.interpreters.states.timers import WAIT, drop_timers, moment_after, set_timer
from stepmill.engine.interpreters.states.times import parse_moment
from stepmill.language.states.definition import ABSENT, FailState, PassState, WaitState

# The service counts a wait in milliseconds below 2 ** 31 seconds.
LONGEST_WAIT = timedelta(seconds=2**31 - 1)


def _scope(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> Scope | None:
    return scope_of(draft, name, branch, branch.input) if planned.uses_scope else None


def begin_pass(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Give the input, or a fixed result, on."""
    state = planned.state
    scope = _scope(draft, name, branch, planned)
    result = effective_input(planned, branch, scope)
    if isinstance(state, PassState) and state.result is not ABSENT:
        result = state.result
    elif planned.arguments is not None and scope is not None:
        scope.document = result
        result = planned.arguments(scope)
    conclude(draft, name, branch, planned, result, scope)


def begin_succeed(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """End the branch well."""
    scope = _scope(draft, name, branch, planned)
    pass_on(draft, name, branch, planned, effective_input(planned, branch, scope), scope)


def begin_fail(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """End the branch with an error.

    Raises:
        StateFailure: Always.
    """
    scope = _scope(draft, name, branch, planned)
    texts: list[str | None] = []
    for field in ("Error", "Cause"):
        given = planned.givens.get(field)
        value = None if given is None or scope is None else given(scope)
        if value is not None and not isinstance(value, str):
            raise _wrong_type(planned, _written(planned, field), field, "string", value)
        texts.append(value)
    raise StateFailure(*texts)


def _written(planned: PlannedState, field: str) -> Json:
    state = planned.state
    given = None
    if isinstance(state, FailState):
        given = state.error if field == "Error" else state.cause
    elif isinstance(state, WaitState):
        given = state.seconds if field == "Seconds" else state.timestamp
    return None if given is None else given.value


def _wrong_type(planned: PlannedState, written: Json, field: str, wanted: str, value: Json) -> StateFailure:
    if planned.state.uses_jsonata:
        return unexpected_type(written, field, wanted, value)
    return runtime_failure(f"The {field}Path parameter does not refer to a {wanted}: {write_json(value)}")


def begin_choice(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Take the first rule that holds, else the default.

    Raises:
        StateFailure: If there is neither.
    """
    scope = scope_of(draft, name, branch, branch.input)
    value = effective_input(planned, branch, scope)
    scope.document = value
    for rule in planned.rules:
        if _holds(planned, rule, scope):
            _take(draft, name, branch, planned, rule, scope, value)
            return
    if planned.next is None:
        # The specification calls it States.NoChoiceMatched; the service does not.
        raise runtime_failure(
            "Failed to transition out of the state. The state does not point to a next state."
        )
    pass_on(draft, name, branch, planned, value, scope)


def _holds(planned: PlannedState, rule: PlannedRule, scope: Scope) -> bool:
    found = rule.holds(scope)
    if not isinstance(found, bool):
        raise _wrong_type(planned, rule.written, rule.field, "boolean", found)
    return found


def _take(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    rule: PlannedRule,
    scope: Scope,
    value: Json,
) -> None:
    if planned.state.uses_jsonata:
        assigned, output = write_jsonata(scope, value, rule.assign, rule.output)
    else:
        assigned = None if rule.assign is None else rule.assign(scope)
        output = {} if planned.drops_output else value
        if planned.write is not None:
            output = planned.write(scope)
    leave(draft, name, branch, planned, output, assigned, rule.next)


def begin_wait(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Wait, unless the moment has come already."""
    scope = _scope(draft, name, branch, planned)
    if scope is not None:
        scope.document = effective_input(planned, branch, scope)
    due_at = _due_at(draft, planned, scope)
    if due_at <= draft.at:
        end_wait(draft, name, branch, planned)
        return
    branch.phase, branch.scheduled = Phase.WAITING, branch.entered
    set_timer(draft, WAIT, name, branch.scheduled, due_at)


def end_wait(draft: Draft, name: str, branch: BranchFrame, planned: PlannedState) -> None:
    """Go on after a wait."""
    scope = _scope(draft, name, branch, planned)
    value = effective_input(planned, branch, scope)
    if branch.phase is Phase.WAITING:
        drop_timers(draft, name, branch, WAIT)
    pass_on(draft, name, branch, planned, value, scope)


def _due_at(draft: Draft, planned: PlannedState, scope: Scope | None) -> datetime:
    state = planned.state
    if not isinstance(state, WaitState) or scope is None:
        raise TypeError(f"State {state.name!r} is no Wait.")
    if "Seconds" in planned.givens:
        seconds = planned.givens["Seconds"](scope)
        path = state.seconds.path if state.seconds is not None else ""
        due_at = moment_after(draft.at, _checked_seconds(planned, path, seconds))
    else:
        due_at = _moment(planned, planned.givens["Timestamp"](scope))
    if due_at - draft.at > LONGEST_WAIT:
        raise runtime_failure("Wait state delay is too long.")
    return due_at


def _checked_seconds(planned: PlannedState, path: str, seconds: Json) -> int:
    is_whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    if isinstance(seconds, int) and is_whole and seconds >= 0:
        # A longer wait is refused, however much longer it is.
        return min(seconds, 2 * int(LONGEST_WAIT.total_seconds()))
    if planned.state.uses_jsonata:
        if is_whole:
            raise query_failure(
                f"The JSONata expression '{expression_of(_written(planned, 'Seconds'))}' specified for the "
                f"field 'Seconds' returned a negative value: {seconds}",
                "Seconds",
            )
        raise _wrong_type(planned, _written(planned, "Seconds"), "Seconds", "number", seconds)
    said = f"{path} == {write_json(seconds)}"
    if is_whole:
        raise runtime_failure(f"The SecondsPath parameter references a negative value: {said}")
    raise runtime_failure(f"The SecondsPath parameter cannot be parsed as a long value: {said}")


def _moment(planned: PlannedState, value: Json) -> datetime:
    moment = parse_moment(value)
    if moment is not None:
        return moment
    state = planned.state
    if state.uses_jsonata:
        raise _wrong_type(planned, _written(planned, "Timestamp"), "Timestamp", "string", value)
    path = state.timestamp.path if isinstance(state, WaitState) and state.timestamp is not None else ""
    text = value if isinstance(value, str) else write_json(value)
    raise runtime_failure(
        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
        f"string: {path} == {text}"
    )
