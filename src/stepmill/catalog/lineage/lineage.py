"""The graph of what came of what: artifacts, actions, contexts, and associations between them.

Source: SageMaker API reference, CreateArtifact, AddAssociation, ListAssociations, QueryLineage; developer
guide, "Amazon SageMaker ML Lineage Tracking".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from stepmill.catalog.entities import COMPONENT, EXPERIMENT
from stepmill.catalog.lineage import documents
from stepmill.catalog.lineage.documents import ARTIFACT, LINEAGE_GROUP, WORDS, KindWords
from stepmill.catalog.lineage.walk import Found, Question, ask
from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns, SageMakerArn
from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.storage.lineage import (
    Association,
    Edge,
    EdgeSelection,
    Entity,
    EntitySelection,
    LineageKind,
    LineageStore,
)
from stepmill.storage.records import Record, RecordStore

_GROUP_KIND = "lineage-group"
# Of a component that no job was recorded as.
_USERS_COMPONENT = "SageMakerExperimentTrialComponent"


class Lineage:
    """Keeps the graph. Safe to share between threads.

    Args:
        store: Where it is kept.
        records: Where experiments and trial components are kept: they can be ends of associations.
        clock: Tells when something was made.
        arns: Builds ARNs.
        tags: Keeps the tags of entities.
    """

    def __init__(
        self, store: LineageStore, records: RecordStore, clock: Clock, arns: Arns, tags: Tags
    ) -> None:
        self.store = store
        self.arns = arns
        self._records = records
        self._clock = clock
        self._tags = tags
        self._before: list[Callable[[], None]] = []

    def listen(self, before: Callable[[], None]) -> None:
        """Have that called before the graph is looked at: by whoever records what is still to be."""
        self._before.append(before)

    def catch_up(self) -> None:
        """Have recorded what has happened and is not recorded yet."""
        for call in self._before:
            call()

    # ---- entities --------------------------------------------------------------------------------

    def create(self, request: JsonObject, words: KindWords, *, token: str = "") -> str:
        """Make an entity from the request that creates it, and return its ARN.

        Args:
            request: The document as AWS takes it.
            words: Of which kind.
            token: Of a step: with the same one it is made once, and an artifact of its source is used again.

        Raises:
            InvalidInputError: If the request cannot be taken.
            ConflictError: If there is one of that name or, of an artifact, of that source.
        """
        tags = read_tags(request.get("Tags"))
        entity = documents.entity_of_request(request, words, self.arns, self._clock.now())
        if token:
            entity = replace(entity, body={**entity.body, "token": token})
        if not self.store.add(entity):
            if token and (words is ARTIFACT or self.get(entity.arn).body.get("token") == token):
                return entity.arn
            what = f"source {entity.source_uri!r}" if words is ARTIFACT else f"name {entity.name!r}"
            raise ConflictError(
                f"{words.kind} with {what} already exists: {entity.arn}.", mend="Use it, or delete it first."
            )
        if tags:
            self._tags.set(entity.arn, tags)
        return entity.arn

    def describe(self, name_or_arn: str, words: KindWords) -> JsonObject:
        """Return what the Describe operation answers.

        Raises:
            NotFoundError: If there is none.
        """
        return documents.describe(self.get(self.arn_of(name_or_arn, words)), words, self.arns)

    def update(self, name_or_arn: str, request: JsonObject, words: KindWords) -> str:
        """Change an entity as an Update request says, and return its ARN.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If it would have too many properties.
        """
        arn = self.arn_of(name_or_arn, words)
        now = self._clock.now()
        if self.store.update(arn, lambda old: documents.changed(old, request, words, now)) is None:
            raise _missing(arn)
        return arn

    def delete(self, name_or_arn: str, words: KindWords) -> str:
        """Remove an entity and its tags, and return its ARN.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it has associations.
        """
        arn = self.arn_of(name_or_arn, words)
        self.get(arn)
        if not self.store.delete(arn):
            self.get(arn)
            raise WrongStateError(
                f"The {words.called} {arn} cannot be deleted: it has associations.",
                mend="Delete its associations first.",
            )
        self._tags.clear(arn)
        return arn

    def delete_source(self, source: JsonObject) -> str:
        """Remove the artifact of a source. See ``delete``."""
        return self.delete(documents.artifact_arn(self.arns, source), ARTIFACT)

    def list(self, selection: EntitySelection) -> tuple[Sequence[JsonObject], str | None]:
        """Return the summaries asked for, and the token of the next page."""
        found, token = self.store.page(selection)
        return [documents.summary(entity, WORDS[selection.kind]) for entity in found], token

    def get(self, arn: str) -> Entity:
        """Return an entity by its ARN.

        Raises:
            NotFoundError: If there is none.
        """
        entity = self.store.find(arn)
        if entity is None:
            raise _missing(arn)
        return entity

    def arn_of(self, name_or_arn: str, words: KindWords) -> str:
        """Return the ARN of an entity that is named by its name or ARN.

        Raises:
            InvalidInputError: If it is the ARN of something else.
        """
        if not name_or_arn.startswith("arn:"):
            return self.arns.sagemaker(words.resource, name_or_arn)
        arn = SageMakerArn.read(name_or_arn)
        if arn is None or arn.kind != words.resource:
            raise InvalidInputError(
                f"{name_or_arn[:200]!r} names no {words.called}.",
                mend=f"Give one such as {self.arns.sagemaker(words.resource, 'NAME')}.",
            )
        return name_or_arn

    # ---- associations ----------------------------------------------------------------------------

    def connect(self, source: str, destination: str, kind: str = "") -> None:
        """Say that one entity came of another.

        Raises:
            NotFoundError: If one of them is not there.
            ConflictError: If that was said before.
        """
        for arn in (source, destination):
            self._open(arn)
        if not self.store.connect(Edge(source, destination, kind, self._clock.now())):
            raise ConflictError(
                f"Association already exists between {source} and {destination}.",
                mend="Delete it first to give it another type.",
            )

    def disconnect(self, source: str, destination: str) -> None:
        """Take back that one entity came of another.

        Raises:
            NotFoundError: If nobody said so.
        """
        if not self.store.disconnect(source, destination):
            raise NotFoundError(
                f"There is no association between {source} and {destination}.",
                mend="ListAssociations shows those that there are.",
            )

    def associations(self, selection: EdgeSelection) -> tuple[Sequence[Association], str | None]:
        """Return the associations asked for, and the token of the next page."""
        return self.store.associations(selection)

    def ask(self, question: Question) -> Found:
        """Return a page of what can be reached from where.

        Raises:
            NotFoundError: If one of the starts is not there.
            InvalidInputError: If the token is none of ours.
        """
        return ask(self.store, [self._open(arn) for arn in question.start], question)

    def born_at(self) -> datetime:
        """Return when the group that all entities are in was made: when it was first asked for."""
        with suppress(ConflictError):  # nearly always
            self._records.create(_GROUP_KIND, LINEAGE_GROUP, {})
        return self._records.get(_GROUP_KIND, LINEAGE_GROUP).created_at

    def exists(self, arn: str) -> bool:
        """Return whether there is such an artifact, action or context."""
        return self.store.find(arn) is not None

    def _open(self, arn: str) -> Entity:
        """Return an entity; of an experiment or trial component, make it if that is there.

        Raises:
            NotFoundError: If there is none.
        """
        entity = self.store.find(arn)
        if entity is None:
            record = self._record_of(arn)
            if record is None:
                raise _missing(arn)
            self.store.add(entity_of_record(arn, record))
            entity = self.get(arn)
        return entity

    def _record_of(self, text: str) -> Record | None:
        arn = SageMakerArn.read(text)
        if arn is None or arn.kind not in (COMPONENT.kind, EXPERIMENT.kind) or not self.arns.is_own(arn):
            return None
        return self._records.find(arn.kind, arn.name)


def entity_of_record(arn: str, record: Record) -> Entity:
    """Return the entity that stands for an experiment or a trial component."""
    request, source = part(record.body, "request"), part(part(record.body, "state"), "source")
    is_component = record.kind == COMPONENT.kind
    words = COMPONENT if is_component else EXPERIMENT
    return Entity(
        arn=arn,
        kind=LineageKind.COMPONENT if is_component else LineageKind.EXPERIMENT,
        type=str(source.get("SourceType") or _USERS_COMPONENT) if is_component else "Experiment",
        name=str(request.get(words.name) or record.name),
        source_uri=str(source.get("SourceArn") or ""),
        created_at=record.created_at,
        modified_at=record.modified_at,
    )


def _missing(arn: str) -> NotFoundError:
    return NotFoundError(f"{arn[:300]} does not exist.", mend="Check the name; List operations show them.")
