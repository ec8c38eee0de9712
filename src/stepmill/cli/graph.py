"""Arrange the steps of a pipeline as a tree of lines. Pure.

A step hangs below the last of those it waits for (the one that is deepest in the graph); the others
are named beside it. So every step has one line, and the longest chains read as paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the drawing.

    Args:
        name: The step.
        branch: Box-drawing characters before it; empty for a root.
        also_after: Steps it waits for besides the one that it hangs below.
    """

    name: str
    branch: str
    also_after: tuple[str, ...] = ()


def arrange(after: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return a row for every step.

    Args:
        after: For every step, in the order of the document, those it waits for. Names that are no
            keys are passed over. There is no cycle.

    Example:
        >>> for row in arrange({"Prepare": [], "Train": ["Prepare"], "Check": ["Train", "Prepare"]}):
        ...     print(row.branch + row.name, *row.also_after)
        Prepare
        └─ Train
           └─ Check Prepare
    """
    depths = _depths(after)
    children: dict[str, list[str]] = {name: [] for name in after}
    roots: list[str] = []
    others: dict[str, tuple[str, ...]] = {}
    for name, needs in after.items():
        known = [need for need in needs if need in after]
        if not known:
            roots.append(name)
            continue
        parent = max(known, key=lambda need: depths[need])
        children[parent].append(name)
        others[name] = tuple(need for need in known if need != parent)
    rows: list[Row] = []
    # An explicit stack: a chain may be longer than Python's.
    todo = [(root, "", "") for root in reversed(roots)]
    while todo:
        name, branch, margin = todo.pop()
        rows.append(Row(name, branch, others.get(name, ())))
        below = children[name]
        for position in range(len(below) - 1, -1, -1):
            is_last = position == len(below) - 1
            todo.append(
                (
                    below[position],
                    margin + ("└─ " if is_last else "├─ "),
                    margin + ("   " if is_last else "│  "),
                )
            )
    return rows


def _depths(after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return for every step the length of the longest chain that leads to it."""
    depths: dict[str, int] = {}
    for start in after:
        todo = [start]
        while todo:
            name = todo[-1]
            open_needs = [need for need in after[name] if need in after and need not in depths]
            if name in depths or not open_needs:
                todo.pop()
                if name not in depths:
                    depths[name] = 1 + max(
                        (depths[need] for need in after[name] if need in after), default=-1
                    )
                continue
            todo.extend(open_needs)
    return depths
