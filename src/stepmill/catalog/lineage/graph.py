"""The part of the graph that people are shown: what led to something, or what came of it, within bounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepmill.storage.lineage import Entity, LineageStore, Link

MOST_NODES = 300
MOST_EACH = 25
DEEPEST = 50


@dataclass(frozen=True)
class Shown:
    """A part of the graph.

    Args:
        start: Where it begins.
        upstream: Whether it tells what led there, not what came of it.
        entities: Of the nodes, by the ids of their rows, the nearest first.
        links: Between nodes; each once.
        more: Node -> how many of its neighbours are left out.
    """

    start: Entity
    upstream: bool
    entities: Mapping[int, Entity]
    links: Sequence[Link]
    more: Mapping[int, int]

    def next_of(self, node: int) -> list[tuple[int, str]]:
        """Return the neighbours of a node one step further on, and the types of the edges to them."""
        found: list[tuple[int, str]] = []
        for link in self.links:
            here, there = (
                (link.destination, link.source) if self.upstream else (link.source, link.destination)
            )
            if here == node:
                found.append((there, link.type))
        return found


def shown(
    store: LineageStore,
    start: Entity,
    *,
    upstream: bool,
    depth: int = DEEPEST,
    most_nodes: int = MOST_NODES,
    most_each: int = MOST_EACH,
) -> Shown:
    """Return what led to an entity, or what came of it.

    Args:
        store: Holds the graph.
        start: Where to begin.
        upstream: Whether what led there.
        depth: How many edges far.
        most_nodes: At most so many entities.
        most_each: Of each entity at most so many neighbours; the others are counted.
    """
    nodes: dict[int, int] = {start.id: 0}
    links: dict[tuple[int, int], Link] = {}
    more: dict[int, int] = {}
    todo = deque([start.id])
    while todo:
        node = todo.popleft()
        far = nodes[node]
        if far >= depth:
            continue
        found = store.links([node], upstream=upstream, limit=most_each)
        left_out = store.count(node, upstream=upstream) - len(found) if len(found) == most_each else 0
        for link in found:
            other = link.source if upstream else link.destination
            if other not in nodes:
                if len(nodes) >= most_nodes:
                    left_out += 1
                    continue
                nodes[other] = far + 1
                todo.append(other)
            links[link.source, link.destination] = link
        if left_out:
            more[node] = left_out
    entities = store.entities(list(nodes))
    kept = {node: entities[node] for node in nodes if node in entities}
    between = [link for ends, link in links.items() if all(end in kept for end in ends)]
    return Shown(start, upstream, kept, between, more)
