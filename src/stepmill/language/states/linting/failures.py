"""Finds failures that nobody catches or hears of, and those that end as success."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stepmill.core.errors import InvalidInputError
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import (
    Branch,
    FailState,
    MapState,
    ParallelState,
    State,
    StateMachine,
    TaskState,
    WorkState,
)
from stepmill.language.states.flow import is_terminal, transitions
from stepmill.language.states.resources import parse_resource

_ALL = frozenset({"States.ALL", "States.TaskFailed"})
# Integrations by which somebody is told.
_TELLING = frozenset(
    {
        "sns:publish",
        "aws-sdk:sns:publish",
        "aws-sdk:ses:sendEmail",
        "aws-sdk:sesv2:sendEmail",
        "events:putEvents",
    }
)
_NOTICES = ("notif", "alert", "alarm")


def branches_of(state: State) -> tuple[Branch, ...]:
    """Return the branches inside a state."""
    if isinstance(state, ParallelState):
        return state.branches
    return (state.processor,) if isinstance(state, MapState) else ()


def all_branches(branch: Branch) -> Iterator[Branch]:
    """Yield a branch and all inside its states."""
    waiting = [branch]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(below for state in each.states.values() for below in branches_of(state))


def check_failures(machine: StateMachine, collector: Collector) -> None:
    """Tell of failures in branches that nobody catches, and of caught ones that end well."""
    _check_uncaught(machine, collector)
    for branch in all_branches(machine):
        normal = _normal_way(branch)
        for state in branch.states.values():
            if isinstance(state, WorkState):
                for index, catcher in enumerate(state.catch):
                    place = f"{state.path}/Catch[{index}]"
                    _check_catcher(branch, catcher.next, normal, place, collector)


def _check_uncaught(branch: Branch, collector: Collector) -> None:
    """Look into the branches of what catches nothing, from the outside in."""
    for state in branch.states.values():
        inner = branches_of(state)
        if not inner or _catches_all(state):
            continue
        culprit = next((each for below in inner for each in _may_fail(below)), None)
        if culprit is not None and (isinstance(state, MapState) or len(inner) > 1):
            message = (
                f'If "{culprit.name}" fails, the work beside it is stopped, and nobody catches the failure.'
            )
            collector.add(Code.UNCAUGHT_FAILURE, state.path, message)
        else:
            for below in inner:
                _check_uncaught(below, collector)


def _may_fail(branch: Branch) -> Iterator[State]:
    """Yield the states whose failure leaves a branch."""
    for state in branch.states.values():
        if isinstance(state, TaskState) and not _catches_all(state):
            yield state
        elif branches_of(state) and not _catches_all(state):
            for below in branches_of(state):
                yield from _may_fail(below)


def _catches_all(state: State) -> bool:
    return isinstance(state, WorkState) and any(_ALL & set(each.errors) for each in state.catch)


def _normal_way(branch: Branch) -> frozenset[str]:
    """Return the names of the states that are reached without a failure."""
    return _reached(branch.states, [branch.start_at], with_catchers=False)


def _reached(states: Mapping[str, State], start: Iterable[str], *, with_catchers: bool) -> frozenset[str]:
    waiting, seen = list(start), set[str]()
    while waiting:
        name = waiting.pop()
        if name in states and name not in seen:
            seen.add(name)
            waiting.extend(
                target for target, steps in transitions(states[name]) if with_catchers or steps[0] != "Catch"
            )
    return frozenset(seen)


def _check_catcher(
    branch: Branch, target: str, normal: frozenset[str], place: str, collector: Collector
) -> None:
    after = _reached(branch.states, [target], with_catchers=False)
    states = [branch.states[name] for name in after]
    if any(isinstance(state, FailState) for state in states):
        return
    # Whoever goes back to the work means to go on in spite of the failure.
    own = [state for state in states if state.name not in normal]
    if any(not is_terminal(state) for state in states if state.name in normal):
        return
    telling = next((state for state in own if _tells(state)), None)
    if telling is not None:
        message = f'"{telling.name}" tells of the failure, and then the execution ends as a success.'
        collector.add(Code.FAILURE_ENDS_AS_SUCCESS, telling.path, message)
    elif not any(isinstance(state, TaskState) or branches_of(state) for state in states):
        message = "Whatever fails here is not told to anybody, and ends as a success."
        collector.add(Code.UNHEARD_FAILURE, place, message)


def _tells(state: State) -> bool:
    """Return whether a task tells somebody: by its integration, or a function by the name of its state."""
    if not isinstance(state, TaskState):
        return False
    try:
        resource = parse_resource(state.resource)
    except InvalidInputError:
        return False
    return resource.integration in _TELLING or (
        resource.service == "lambda" and any(word in state.name.lower() for word in _NOTICES)
    )
