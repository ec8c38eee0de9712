"""Walks up and down the graph, breadth first, and no further than whoever asks reads on.

Source: SageMaker API reference, QueryLineage; developer guide, "Querying lineage entities".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stepmill.catalog.lineage.documents import vertex_type
from stepmill.catalog.lineage.gates import Gates
from stepmill.catalog.packages import part
from stepmill.core.errors import InvalidInputError
from stepmill.storage.lineage import Edge, Entity, LineageKind, LineageStore
from stepmill.storage.paging import decode_place, encode_place

# API reference, MaxDepth.
DEEPEST = 10
# Where a request does not say how many: the SDK reads one page only.
PAGE_SIZE = 1000
# Of so many rows the edges are read at once.
_FRONTIER = 500
# So many edges are read at once, and so many entities: whoever has enough reads no more.
_LINKS_AT_ONCE = 2000
_ENTITIES_AT_ONCE = 250
# No walk looks at more edges than this: a graph that large is not answered in one piece.
MOST_LINKS = 200_000
_TOKEN = "walk"  # noqa: S105  (what its places are called, no secret)


class Direction(StrEnum):
    """Which way a walk goes."""

    UP = "Ascendants"
    DOWN = "Descendants"
    BOTH = "Both"


@dataclass(frozen=True)
class Reached:
    """What a walk comes to next.

    Args:
        ids: Rows that it had not come to before.
        depth: How far from the start, from 1.
        upstream: Which way.
    """

    ids: Sequence[int]
    depth: int
    upstream: bool


def walk(
    store: LineageStore,
    start: Sequence[int],
    direction: Direction,
    *,
    depth: int = DEEPEST,
    most_links: int = MOST_LINKS,
) -> Iterator[Reached]:
    """Yield what can be reached, the nearest first; both ways: first up, then down.

    Cycles end where they began. Through feature groups a walk goes as time does; see ``gates.py``.

    Args:
        store: Holds the graph.
        start: Rows to start from.
        direction: Which way.
        depth: How many edges far.
        most_links: Stop after so many edges each way.
    """
    for upstream in (True, False):
        if direction is not (Direction.DOWN if upstream else Direction.UP):
            yield from _one_way(store, start, upstream, depth, most_links)


def _one_way(
    store: LineageStore, start: Sequence[int], upstream: bool, depth: int, most_links: int
) -> Iterator[Reached]:
    seen, frontier, left = set(start), list(start), most_links
    gates = Gates(store, seen.copy(), upstream=upstream)
    for far in range(1, depth + 1):
        found: list[int] = []
        groups, others_than_groups = gates.split(frontier)
        for gate in groups:
            links, _ = gates.passing(gate, seen, limit=left)
            left -= len(links)
            ends = (link.source if upstream else link.destination for link in links)
            new = [one for one in dict.fromkeys(ends) if one not in seen]
            seen.update(new)
            yield Reached(new, far, upstream)
            found += new
        for at in range(0, len(others_than_groups), _FRONTIER):
            limit = _LINKS_AT_ONCE
            while left > 0:
                some = others_than_groups[at : at + _FRONTIER]
                others = store.neighbours(some, upstream=upstream, limit=min(limit, left))
                new = [one for one in dict.fromkeys(others) if one not in seen]
                seen.update(new)
                yield Reached(new, far, upstream)
                found += new
                if len(others) < min(limit, left):
                    left -= len(others)
                    break
                if limit >= left:
                    return
                # Whoever reads on gets the first ones again, which is cheaper than to sort them all.
                limit *= 8
        frontier = [*found, *gates.wider(found)]
        if not frontier:
            return


@dataclass(frozen=True)
class Filters:
    """Which of the entities that were reached are answered. Empty: all.

    Args:
        types: Of one of these types.
        kinds: Of one of these kinds.
        created_after: Created later than this.
        created_before: Created earlier than this.
        modified_after: Changed later than this.
        modified_before: Changed earlier than this.
        properties: That have one of these.
    """

    types: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    def take(self, entity: Entity) -> bool:
        """Return whether an entity is answered."""
        own = part(entity.body, "Properties")
        return (
            (not self.types or vertex_type(entity) in self.types or entity.type in self.types)
            and (not self.kinds or entity.kind in self.kinds)
            and (self.created_after is None or entity.created_at > self.created_after)
            and (self.created_before is None or entity.created_at < self.created_before)
            and (self.modified_after is None or entity.modified_at > self.modified_after)
            and (self.modified_before is None or entity.modified_at < self.modified_before)
            and (
                not self.properties or any(own.get(name) == value for name, value in self.properties.items())
            )
        )


@dataclass(frozen=True)
class Question:
    """What is asked of the graph.

    Args:
        start: ARNs to start from.
        direction: Which way.
        filters: What is answered.
        include_edges: Whether edges are answered.
        depth: How many edges far.
        limit: At most so many entities.
        after: Token of the page before.
    """

    start: Sequence[str]
    direction: Direction = Direction.BOTH
    filters: Filters = Filters()
    include_edges: bool = False
    depth: int = DEEPEST
    limit: int = PAGE_SIZE
    after: str | None = None


@dataclass(frozen=True)
class Found:
    """A page of the answer.

    Args:
        entities: The nearest first; with no filters, those that were started from come before all. Only
            of those, and where properties were asked for, is the body read; else it is empty.
        edges: Between those answered so far, of which at least one is on this page.
        next_token: For ``after``; ``None`` at the end.
    """

    entities: Sequence[Entity]
    edges: Sequence[Edge] = ()
    next_token: str | None = None


def ask(store: LineageStore, start: Sequence[Entity], question: Question) -> Found:
    """Return a page of the answer to a question.

    Args:
        store: Holds the graph.
        start: The entities that ``question.start`` names.
        question: What is asked.

    Raises:
        InvalidInputError: If the token is none of ours.
    """
    skip = 0
    if question.after is not None:
        place, _ = decode_place(question.after, _TOKEN, text=False)
        if not isinstance(place, int) or place < 0:
            raise InvalidInputError("Invalid NextToken.", where="NextToken", mend="Ask again without it.")
        skip = place
    found: list[Entity] = []
    answered: dict[int, Entity] = {}
    for entity in _answers(store, start, question):
        found.append(entity)
        if len(found) > skip + question.limit:
            break
    page = found[skip : skip + question.limit]
    answered = {entity.id: entity for entity in (*start, *found[: skip + question.limit])}
    more = len(found) > skip + question.limit
    return Found(
        page,
        tuple(_edges_among(store, page, answered)) if question.include_edges else (),
        encode_place(_TOKEN, skip + question.limit, "") if more else None,
    )


def _answers(store: LineageStore, start: Sequence[Entity], question: Question) -> Iterator[Entity]:
    filters, given = question.filters, {entity.id for entity in start}
    is_all = filters == Filters()
    if is_all:
        yield from start
    told: set[int] = set(given)
    for reached in walk(store, list(given), question.direction, depth=question.depth):
        new = [one for one in reached.ids if one not in told]
        told.update(new)
        for at in range(0, len(new), _ENTITIES_AT_ONCE):
            some = new[at : at + _ENTITIES_AT_ONCE]
            # Thousands of documents that nobody looks into would keep the garbage collector busy.
            entities = store.entities(some, with_body=bool(filters.properties))
            for one in some:
                entity = entities.get(one)
                # An experiment may be an end of an association, but is no vertex of an answer.
                if entity and entity.kind is not LineageKind.EXPERIMENT and (is_all or filters.take(entity)):
                    yield entity


def _edges_among(
    store: LineageStore, page: Sequence[Entity], answered: Mapping[int, Entity]
) -> Iterator[Edge]:
    """Yield the edges between entities that were answered, of which at least one end is on the page."""
    here = {one.id for one in page}
    for link in store.between(list(answered)):
        if link.source in here or link.destination in here:
            source, destination = answered[link.source], answered[link.destination]
            yield Edge(source.arn, destination.arn, link.type, destination.created_at)
