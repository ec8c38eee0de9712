"""Checks the transitions of one branch: their targets, its ends, and that every state can be reached.

Source: Amazon States Language specification, "Transitions"; texts and order as the service gives them.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import (
    Branch,
    ChoiceState,
    FailState,
    State,
    SucceedState,
    WorkState,
)
from stepmill.language.states.entry import Entry
from stepmill.language.states.places import Place


def transitions(state: State) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield where a state can go, each with the place of that name in the state."""
    if state.next is not None:
        yield state.next, ("Next",)
    if isinstance(state, ChoiceState):
        for index, rule in enumerate(state.choices):
            yield rule.next, ("Choices", index, "Next")
        if state.default is not None:
            yield state.default, ("Default",)
    if isinstance(state, WorkState):
        for index, catcher in enumerate(state.catch):
            yield catcher.next, ("Catch", index, "Next")


def reachable(branch: Branch) -> frozenset[str]:
    """Return the names of the states to which a way from the start leads."""
    waiting, seen = [branch.start_at], set[str]()
    while waiting:
        name = waiting.pop()
        if name in branch.states and name not in seen:
            seen.add(name)
            waiting.extend(target for target, _ in transitions(branch.states[name]))
    return frozenset(seen)


def is_terminal(state: State) -> bool:
    """Return whether a branch ends after a state."""
    if isinstance(state, ChoiceState):
        return False
    return isinstance(state, SucceedState | FailState) or state.next is None


def check_flow(branch: Branch, entry: Entry, collector: Collector) -> None:
    """Check the transitions of a branch."""
    if branch.start_at not in branch.states and isinstance(entry.fields.get("StartAt"), str):
        _missing(branch.start_at, entry.place / "StartAt", collector)
    for name, state in branch.states.items():
        for target, steps in transitions(state):
            if target not in branch.states:
                place = entry.place / "States" / name
                for step in steps:
                    place = place / step
                _missing(target, place, collector)
    if not any(is_terminal(state) for state in branch.states.values()):
        where = entry.place if entry.place.parent else None
        collector.add(Code.MISSING_END_STATE, where, "Workflow has no terminal state")
        return
    if branch.start_at:
        _check_reached(branch, entry.place / "States", collector)


def _check_reached(branch: Branch, place: Place, collector: Collector) -> None:
    reached = reachable(branch)
    for name in branch.states:
        if name not in reached:
            message = f'State "{name}" is not reachable.'
            collector.add(Code.MISSING_TRANSITION_TARGET, place / name, message, "Remove it, or lead to it.")


def _missing(target: str, place: Place, collector: Collector) -> None:
    if target:
        mend = "Name a state of the same branch."
        collector.add(Code.MISSING_TRANSITION_TARGET, place, f"Missing 'Next' target: {target}", mend)
