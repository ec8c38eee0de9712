"""Finds steps that wait for one another in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def cycles(waits_for: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Return one cycle of every group of nodes that can all reach one another.

    Args:
        waits_for: Node to the nodes that it waits for; unknown ones are ignored.

    Returns:
        Nodes in the order of waiting; the last one waits for the first.

    Example:
        >>> list(cycles({"a": ["b"], "b": ["c", "a"], "c": []}))
        [('a', 'b')]
    """
    for group in _strongly_connected(waits_for):
        if len(group) > 1:
            yield _one_cycle(group, waits_for)
        elif group[0] in waits_for[group[0]]:
            yield (group[0],)


def _one_cycle(group: list[str], waits_for: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a shortest cycle through the group's first node, by breadth."""
    inside = set(group)
    start = next(node for node in waits_for if node in inside)
    came_from: dict[str, str] = {}
    layer = [start]
    while layer:
        below: list[str] = []
        for node in layer:
            for target in waits_for[node]:
                if target == start:
                    return _trail(start, node, came_from)
                if target in inside and target not in came_from:
                    came_from[target] = node
                    below.append(target)
        layer = below
    return tuple(group)  # not reached: each node of a group lies on a cycle


def _trail(start: str, end: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    trail = [end]
    while trail[-1] != start:
        trail.append(came_from[trail[-1]])
    return tuple(reversed(trail))


def _strongly_connected(waits_for: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Tarjan's algorithm with a stack of its own, so that long chains cannot exhaust Python's."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    pending: list[str] = []
    is_pending: set[str] = set()
    for root in waits_for:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(waits_for[root]))]
        index[root] = low[root] = len(index)
        pending.append(root)
        is_pending.add(root)
        while work:
            node, targets = work[-1]
            target = next((each for each in targets if each in waits_for), None)
            if target is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    yield _pop_group(node, pending, is_pending)
            elif target not in index:
                index[target] = low[target] = len(index)
                pending.append(target)
                is_pending.add(target)
                work.append((target, iter(waits_for[target])))
            elif target in is_pending:
                low[node] = min(low[node], index[target])


def _pop_group(node: str, pending: list[str], is_pending: set[str]) -> list[str]:
    group: list[str] = []
    while not group or group[-1] != node:
        group.append(pending.pop())
        is_pending.discard(group[-1])
    return group
