"""The states of a machine as lines, in the order in which they are met. Pure.

States that follow one another stand below one another; those of a branch are indented below the state that
has it. So a chain reads as a list, and what runs side by side is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from stepmill.language.states.definition import (
    Branch,
    ChoiceState,
    MapState,
    ParallelState,
    State,
    WorkState,
)


@dataclass(frozen=True)
class StateRow:
    """One line of the drawing.

    Args:
        name: The state.
        type: ``Task``, ``Choice``.
        margin: Box-drawing characters before the name; empty outside branches.
        leads_to: Where it may go on, in the order of the definition; empty at an end.
    """

    name: str
    type: str
    margin: str = ""
    leads_to: tuple[str, ...] = ()


def rows_of(branch: Branch) -> list[StateRow]:
    """Return a row for every state of a machine, those of its branches too.

    Unreachable states come last.
    """
    return list(_rows(branch, ""))


def _rows(branch: Branch, margin: str) -> Iterator[StateRow]:
    for name in _order(branch):
        state = branch.states[name]
        yield StateRow(name, type(state).__name__.removesuffix("State"), margin, leads_to(state))
        inner = _branches_of(state)
        for position, each in enumerate(inner):
            is_last = position == len(inner) - 1
            head, rest = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            for row in _rows(each, ""):
                yield replace(row, margin=_below(margin) + head + row.margin)
                head = rest


def _below(margin: str) -> str:
    """Return the margin of what stands below a line."""
    return margin.replace("├─ ", "│  ").replace("└─ ", "   ")


def leads_to(state: State) -> tuple[str, ...]:
    """Return where a state may go on, each once: next, choices, default, catchers."""
    names: list[str | None] = [state.next]
    if isinstance(state, ChoiceState):
        names += [rule.next for rule in state.choices]
        names.append(state.default)
    if isinstance(state, WorkState):
        names += [catcher.next for catcher in state.catch]
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _branches_of(state: State) -> tuple[Branch, ...]:
    match state:
        case ParallelState():
            return state.branches
        case MapState():
            return (state.processor,)
    return ()


def _order(branch: Branch) -> list[str]:
    """Return the states in depth-first order: what follows, then where else it may lead."""
    seen: dict[str, None] = {}
    todo = [branch.start_at]
    while todo:
        name = todo.pop()
        if name in seen or name not in branch.states:
            continue
        seen[name] = None
        todo.extend(reversed(leads_to(branch.states[name])))
    return [*seen, *(name for name in branch.states if name not in seen)]
