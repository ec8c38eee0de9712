"""The part of the graph that people are shown: what led to something, or what came of it, within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepmill.catalog.lineage.gates import Gates
from stepmill.storage.lineage import Entity, LineageStore, Link

MOST_NODES = 300
MOST_EACH = 25
DEEPEST = 50
_EXECUTIONS = ("PipelineExecution", "StateMachineExecution")


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
    nodes: set[int] = {start.id}
    order, frontier = [start.id], [start.id]
    links: dict[tuple[int, int], Link] = {}
    more: dict[int, int] = {}
    gates = Gates(store, [start.id], upstream=upstream)
    for _ in range(depth):
        groups, others = gates.split(frontier)
        found, counts = store.fan(others, upstream=upstream, most=most_each)
        for gate in groups:
            passing, counts[gate] = gates.passing(gate, nodes, limit=most_each)
            found += passing
        left_out = {node: count - most_each for node, count in counts.items() if count > most_each}
        reached: list[int] = []
        for link in found:
            here, other = (link.destination, link.source) if upstream else (link.source, link.destination)
            if other not in nodes:
                if len(nodes) >= most_nodes:
                    left_out[here] = left_out.get(here, 0) + 1
                    continue
                nodes.add(other)
                reached.append(other)
            links[link.source, link.destination] = link
        more |= left_out
        order += reached
        frontier = [*reached, *gates.wider(reached)]
        if not frontier:
            break
    entities = store.entities(order)
    kept = {
        node: entities[node]
        for node in order
        if node in entities and not (upstream and _only_reused(entities[node], start))
    }
    between = [link for ends, link in links.items() if all(end in kept for end in ends)]
    return Shown(start, upstream, kept, between, more)


def _only_reused(entity: Entity, start: Entity) -> bool:
    """Return whether that is an execution that reused what led to something, after that was there."""
    return entity.type in _EXECUTIONS and entity.created_at > start.created_at and entity.id != start.id
