"""Lineage as it is kept: entities, and edges from what was there before to what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from stepmill.core.json import JsonObject


class LineageKind(StrEnum):
    """What an entity is."""

    ARTIFACT = "Artifact"
    ACTION = "Action"
    CONTEXT = "Context"
    COMPONENT = "TrialComponent"
    EXPERIMENT = "Experiment"


class AssociationType(StrEnum):
    """What an edge means. The source is on the left: the training data contributed to the job."""

    CONTRIBUTED_TO = "ContributedTo"
    ASSOCIATED_WITH = "AssociatedWith"
    PRODUCED = "Produced"
    SAME_AS = "SameAs"


@dataclass(frozen=True, slots=True)
class Entity:
    """A node of the graph.

    Args:
        arn: Unique.
        kind: What it is.
        type: What it is in the words of whoever made it: ``DataSet``, ``Model``, ``Approval``.
        name: Unique among actions and among contexts; of an artifact it may be empty.
        source_uri: What it stands for.
        place: ``source_uri`` without what makes no other place of it; empty if it is no place.
        digest: Of the content, ``sha256:`` and hexadecimal digits; empty if it is not known.
        created_at: Aware, UTC, in whole microseconds.
        modified_at: The same.
        body: All else: properties, description, how the source is told apart.
        id: Of the row; 0 until it is stored.
    """

    arn: str
    kind: LineageKind
    type: str
    name: str
    source_uri: str
    created_at: datetime
    modified_at: datetime
    place: str = ""
    digest: str = ""
    body: JsonObject = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of the graph, by the ARNs of its ends.

    Args:
        source: What was there before.
        destination: What came of it.
        type: See ``AssociationType``; may be empty.
        created_at: Aware, UTC.
    """

    source: str
    destination: str
    type: str
    created_at: datetime


class Link(NamedTuple):
    """An edge between rows. Answers hold thousands, so they are made by C."""

    source: int
    destination: int
    type: str


class Arrival(NamedTuple):
    """An edge by which a walk may come to a feature group.

    Args:
        row: From where.
        at: When the edge was made, microseconds since 1970-01-01T00:00Z.
        is_job: Whether that is a job.
    """

    row: int
    at: int
    is_job: bool


@dataclass(frozen=True)
class Association:
    """An edge with both of its ends."""

    source: Entity
    destination: Entity
    type: str
    created_at: datetime


@dataclass(frozen=True)
class Mark:
    """Says that lineage has been written of a record, as of a change of it.

    Args:
        kind: Of the record.
        name: Of the record.
        stamp: When it was changed, microseconds since 1970-01-01T00:00Z.
    """

    kind: str
    name: str
    stamp: int


@dataclass(frozen=True)
class EntitySelection:
    """Which entities of a kind are asked for. Empty and ``None``: any.

    Args:
        kind: Of this kind.
        source_uri: That stand for this.
        type: Of this type.
        created_after: Created later than this.
        created_before: Created earlier than this.
        by_name: Whether sorted by name, not by creation.
        descending: Whether the greatest comes first.
        limit: At most so many.
        after: Token of the page before.
    """

    kind: LineageKind
    source_uri: str = ""
    type: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    by_name: bool = False
    descending: bool = True
    limit: int = 100
    after: str | None = None


class EdgeOrder(StrEnum):
    """What associations are sorted by."""

    CREATED = "CreationTime"
    SOURCE = "SourceArn"
    DESTINATION = "DestinationArn"
    SOURCE_TYPE = "SourceType"
    DESTINATION_TYPE = "DestinationType"


@dataclass(frozen=True)
class EdgeSelection:
    """Which associations are asked for. Empty and ``None``: any.

    Args:
        source: ARN of the source.
        destination: ARN of the destination.
        source_type: Type or kind of the source.
        destination_type: Type or kind of the destination.
        type: Of the association.
        created_after: Created later than this.
        created_before: Created earlier than this.
        order: What is sorted by.
        descending: Whether the greatest comes first.
        limit: At most so many.
        after: Token of the page before.
    """

    source: str = ""
    destination: str = ""
    source_type: str = ""
    destination_type: str = ""
    type: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    order: EdgeOrder = EdgeOrder.CREATED
    descending: bool = True
    limit: int = 100
    after: str | None = None


class LineageStore(Protocol):
    """Keeps the graph. Safe to share between threads; several processes may use the same one."""

    def reading(self) -> AbstractContextManager[None]:
        """Let what this thread reads inside cost less; it still sees what is there at its time."""
        ...

    def record(
        self,
        entities: Sequence[Entity],
        edges: Sequence[Edge] = (),
        marks: Sequence[Mark] = (),
        renewed: Sequence[Entity] = (),
    ) -> None:
        """Write these, all in one transaction. What is there already stays as it is, but for what is renewed.

        Edges whose ends are neither among the entities nor there already are passed over.
        """
        ...

    def add(self, entity: Entity) -> bool:
        """Write an entity; return whether it is new."""
        ...

    def connect(self, edge: Edge) -> bool:
        """Write an edge between entities that are there; return whether it is new."""
        ...

    def disconnect(self, source: str, destination: str) -> bool:
        """Remove the edge between two; return whether there was one."""
        ...

    def find(self, arn: str) -> Entity | None:
        """Return an entity, or ``None``."""
        ...

    def update(self, arn: str, change: Callable[[Entity], Entity]) -> Entity | None:
        """Change name, digest and body of an entity with nobody else's change in between; ``None``: no such.

        What ``change`` gives says when it was modified.
        """
        ...

    def delete(self, arn: str) -> bool:
        """Remove an entity that has no edges; return whether that was done."""
        ...

    def degree(self, arn: str, *, limit: int = 1) -> int:
        """Return how many edges an entity has, counting no further than ``limit`` each way."""
        ...

    def entities(self, ids: Sequence[int], *, with_body: bool = True) -> dict[int, Entity]:
        """Return entities by the ids of their rows; with an empty body where nobody needs it."""
        ...

    def at(self, places: Sequence[str], *, limit: int = 1000) -> list[Entity]:
        """Return the artifacts at these places, newest first."""
        ...

    def named(self, arn: str, place: str, *, limit: int) -> list[Entity]:
        """Return the entity of an ARN, if there is one, and so many artifacts at a place, newest first."""
        ...

    def below(self, place: str, *, limit: int = 1000) -> list[Entity]:
        """Return the artifacts whose place begins with this one and a slash, newest first."""
        ...

    def oldest_with(self, digests: Collection[str]) -> dict[str, Entity]:
        """Return, of each of these contents, the oldest artifact, if there is one."""
        ...

    def digested(self, digests: Mapping[str, str], edges: Sequence[Edge] = ()) -> None:
        """Write the digests of artifacts by their ARNs, unless they were deleted, and what came to light."""
        ...

    def pending(self, first: str, last: str, *, limit: int) -> list[Entity]:
        """Return artifacts whose digest lies between these texts, or is one of them, in its order."""
        ...

    def like(self, text: str, *, limit: int = 10) -> list[Entity]:
        """Return entities whose name or source begins with or contains a text, newest first."""
        ...

    def links(self, ids: Sequence[int], *, upstream: bool, limit: int) -> list[Link]:
        """Return the edges that lead away from rows, up or down the stream; always in the same order."""
        ...

    def neighbours(self, ids: Sequence[int], *, upstream: bool, limit: int) -> list[int]:
        """Return the other ends of what ``links`` gives, in the same order."""
        ...

    def between(self, ids: Sequence[int]) -> list[Link]:
        """Return the edges of which both ends are among these rows."""
        ...

    def fan(self, ids: Sequence[int], *, upstream: bool, most: int) -> tuple[list[Link], dict[int, int]]:
        """Return at most so many edges that lead away from each row, and row -> how many there are."""
        ...

    def feature_groups(self) -> frozenset[int]:
        """Return the rows of all feature groups."""
        ...

    def arrivals(self, row: int, *, upstream: bool) -> list[Arrival]:
        """Return all edges by which a walk that goes up or down may come to a row."""
        ...

    def passing(self, row: int, moment: int, *, upstream: bool, limit: int) -> tuple[list[Link], int]:
        """Return at most so many edges that lead away from a row, and how many there are.

        Args:
            row: From where.
            moment: Of edges to jobs only those count that were made no later, downstream no earlier.
            upstream: Which way; then the newest come first, else the oldest.
            limit: At most so many.
        """
        ...

    def page(self, selection: EntitySelection) -> tuple[list[Entity], str | None]:
        """Return the entities asked for, and the token of the next page.

        Raises:
            InvalidInputError: If the token is none of ours.
        """
        ...

    def associations(self, selection: EdgeSelection) -> tuple[list[Association], str | None]:
        """Return the associations asked for, and the token of the next page.

        Raises:
            InvalidInputError: If the token is none of ours.
        """
        ...

    def unrecorded(
        self, kinds: Sequence[str], statuses: Sequence[str], *, since: int, limit: int
    ) -> list[tuple[str, str, int]]:
        """Return kind, name and last change of records of which nothing was written since that change.

        Args:
            kinds: Of the records.
            statuses: That they have; empty: any.
            since: Changed no earlier than this, microseconds since 1970-01-01T00:00Z.
            limit: At most so many, those that changed first first.
        """
        ...

    def unrecorded_executions(
        self, statuses: Sequence[str], *, since: int, limit: int
    ) -> list[tuple[str, int]]:
        """Return id and last change of executions of pipelines of which nothing was written since."""
        ...

    def stamp(self, kind: str, name: str) -> int:
        """Return the stamp of a mark; 0 if there is none."""
        ...
