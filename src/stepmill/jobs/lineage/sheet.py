"""A sheet on which lineage is drawn up, before it is written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stepmill.catalog.entities import COMPONENT, usable_name
from stepmill.catalog.job_components import component_name
from stepmill.catalog.lineage.documents import ACTION, CONTEXT, artifact_arn, place_of
from stepmill.catalog.lineage.kept_code import KeptCode
from stepmill.catalog.lineage.versions import Version, Versions
from stepmill.catalog.packages import part
from stepmill.core.arns import Arns, SageMakerArn
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.lineage.facts import CODE, IMAGE, Thing
from stepmill.storage.lineage import AssociationType, Edge, Entity, LineageKind, LineageStore, Mark

# In the place of a digest, for one that has yet to be computed. Then comes the size: in the order of texts
# the smallest are the first, so that a query finds them without looking at the others.
PENDING = "pending:"
LARGEST_PENDING = f"{PENDING}\uffff"
_DIGESTED = "sha256:"
_LONGEST_URI = 2048
_LONGEST_DIGEST = 80

MEMBERS: Mapping[str, str] = {
    "processing-job": "ProcessingJob",
    "training-job": "TrainingJob",
    "transform-job": "TransformJob",
}


@dataclass
class Sheet:
    """Entities and edges that belong together.

    Args:
        store: Where they are written, and where what is there is looked up.
        arns: Builds ARNs.
        versions: Tells what lies at an address.
        code: Keeps code.
        known: Address and stamp -> ARN of an artifact that is there.
        new: ARNs of artifacts that were not told of before.
    """

    store: LineageStore
    arns: Arns
    versions: Versions
    code: KeptCode
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    entities: dict[str, Entity] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    renewed: dict[str, Entity] = field(default_factory=dict)

    def write(self) -> None:
        """Write all of it, in one transaction."""
        if not (self.entities or self.marks or self.renewed):
            return
        entities = [*self.entities.values()]
        edges = [*self.edges.values(), *same_as(self.store, entities)]
        self.store.record(entities, edges, self.marks, [*self.renewed.values()])

    def add(self, entity: Entity) -> str:
        """Add an entity, and return its ARN."""
        return self.entities.setdefault(entity.arn, entity).arn

    def connect(self, source: str, destination: str, kind: AssociationType, at: datetime) -> None:
        """Say that one thing came of another."""
        if source != destination:
            self.edges.setdefault((source, destination), Edge(source, destination, str(kind), at))

    def component(self, kind: str, name: str, arn: str, at: datetime, properties: JsonObject) -> str:
        """Add the trial component of a job, and return its ARN."""
        member = MEMBERS[kind]
        called = component_name(name, member)
        return self.add(
            Entity(
                self.arns.sagemaker(COMPONENT.kind, called), LineageKind.COMPONENT, f"SageMaker{member}",
                called, arn, at, at, body={"Properties": properties},
            )
        )  # fmt: skip

    def image(self, uri: str, at: datetime) -> str:
        """Add the artifact of an image, and return its ARN."""
        return self.artifact(uri, IMAGE, at)

    def artifact(
        self, uri: str, kind: str, at: datetime, *, name: str = "", body: JsonObject | None = None
    ) -> str:
        """Add the artifact of an address that needs no version, and return its ARN."""
        source: JsonObject = {"SourceUri": uri[:_LONGEST_URI]}
        return self.add(
            Entity(
                artifact_arn(self.arns, source), LineageKind.ARTIFACT, kind, name, uri[:_LONGEST_URI],
                at, at, place_of(uri)[:_LONGEST_URI], body={"source": source, **(body or {})},
            )
        )  # fmt: skip

    def data(self, thing: Thing, at: datetime, *, of: str, unchanged_since: datetime | None) -> str:
        """Add the artifact of what lies at an address now, and return its ARN.

        Args:
            thing: Its address and type.
            at: When it is told of.
            of: ARN of the job that took or gave it.
            unchanged_since: When the job took or gave it: had it been changed later, nobody could tell any
                more what the job saw, and it is an artifact of its own, without a digest.
        """
        version = self.versions.look(thing.uri)
        return self.data_as(version, thing, at, of=of, unchanged_since=unchanged_since)

    def data_as(
        self,
        version: Version | None,
        thing: Thing,
        at: datetime,
        *,
        of: str,
        unchanged_since: datetime | None,
    ) -> str:
        """Do what ``data`` does, with a version that was looked at just now."""
        uri = self.versions.address(thing.uri)[:_LONGEST_URI]
        if version is None or (unchanged_since is not None and version.newest > unchanged_since):
            source: JsonObject = {"SourceUri": uri, "SourceTypes": [{"SourceIdType": "Custom", "Value": of}]}
            why = "nothing was there" if version is None else "it was changed before it was looked at"
            return self._put(thing, uri, source, at, "", {"Content": f"unknown: {why}"}, {})
        key = (uri, version.stamp)
        if key not in self.known:
            found = self._known(uri, version)
            self.known[key] = found or self._add_version(thing, uri, version, at)
        return self.known[key]

    def _add_version(self, thing: Thing, uri: str, version: Version, at: datetime) -> str:
        properties: dict[str, Json] = {"Files": str(version.files), "Bytes": str(version.size_bytes)}
        extra: dict[str, Json] = {"stamp": version.stamp}
        if thing.type == CODE:
            kept, problem = self.code.keep(thing.uri)
            extra["code"] = [file.row for file in kept]
            if problem:
                properties["Kept"] = problem
        digest = version.digest or pending(version.size_bytes)
        return self._put(thing, uri, version.source(uri), at, digest, properties, extra)

    def _known(self, uri: str, version: Version) -> str | None:
        """Return the ARN of the artifact of a version, if it is told of already."""
        arn = artifact_arn(self.arns, version.source(uri))
        if arn in self.entities:
            return arn
        place = place_of(uri)
        # At the same place: the address may have been spelled otherwise.
        alike = [*self.store.named(arn, place, limit=50), *self.entities.values()]
        if any(entity.arn == arn for entity in alike):
            return arn
        same = (one for one in alike if one.place == place and one.body.get("stamp") == version.stamp)
        return next((one.arn for one in same), None)

    def _put(
        self,
        thing: Thing,
        uri: str,
        source: JsonObject,
        at: datetime,
        digest: str,
        properties: JsonObject,
        extra: JsonObject,
    ) -> str:
        arn = artifact_arn(self.arns, source)
        self.new.add(arn)
        return self.add(
            Entity(
                arn, LineageKind.ARTIFACT, thing.type, "", uri, at, at, place_of(uri)[:_LONGEST_URI],
                digest[:_LONGEST_DIGEST], {"source": source, "Properties": properties, **extra},
            )
        )  # fmt: skip

    def execution(self, arn: str, at: datetime, properties: JsonObject | None = None) -> str:
        """Add the context of an execution of a pipeline or state machine, and return its ARN."""
        read = SageMakerArn.read(arn)
        if read is not None:
            pipeline, _, identifier = read.name.partition("/execution/")
            called, kind = f"{pipeline[:90]}-{identifier}-aws-pipeline-execution", "PipelineExecution"
        else:
            machine, _, identifier = arn.partition(":execution:")[2].replace(":", "/").partition("/")
            called, kind = f"{machine[:40]}-{identifier[:60]}-execution", "StateMachineExecution"
        return self.context(usable_name(called), kind, arn, f"SageMaker{kind}", at, properties)

    def context(
        self,
        name: str,
        kind: str,
        uri: str,
        source_type: str,
        at: datetime,
        properties: JsonObject | None = None,
    ) -> str:
        """Add a context, and return its ARN."""
        source: JsonObject = {"SourceUri": uri, "SourceType": source_type}
        body: JsonObject = {"source": source, "Properties": properties or {}}
        entity = Entity(
            self.arns.sagemaker(CONTEXT.resource, name),
            LineageKind.CONTEXT,
            kind,
            name,
            uri,
            at,
            at,
            body=body,
        )
        if properties:
            self.renewed[entity.arn] = entity
        return self.add(entity)

    def feature_group(self, name_or_arn: str, at: datetime) -> str:
        """Add the context of a feature group, and return its ARN."""
        read = SageMakerArn.read(name_or_arn)
        name = read.name if read is not None else name_or_arn
        uri = self.arns.sagemaker("feature-group", name)
        return self.context(usable_name(f"{name}-aws-feature-group"), "FeatureGroup", uri, "ARN", at)

    def action(self, name: str, kind: str, uri: str, at: datetime, more: JsonObject) -> str:
        """Add an action, and return its ARN."""
        body: JsonObject = {"source": {"SourceUri": uri, "SourceType": "ARN"}, **more}
        arn = self.arns.sagemaker(ACTION.resource, name)
        return self.add(Entity(arn, LineageKind.ACTION, kind, name, uri, at, at, body=body))


def pending(size_bytes: int) -> str:
    """Return what stands in the place of the digest of so many bytes that are still to be read."""
    return f"{PENDING}{size_bytes:020}"


def same_as(store: LineageStore, entities: Sequence[Entity]) -> list[Edge]:
    """Return the edges between artifacts and the oldest ones of the same content at other addresses.

    From the older to the newer: what is told of one then goes for the other. That two things are empty
    makes them no relatives.
    """
    told = sorted(
        (one for one in entities if one.digest.startswith(_DIGESTED) and not _is_empty(one)),
        key=lambda one: one.created_at,
    )
    oldest = store.oldest_with({one.digest for one in told})
    edges: list[Edge] = []
    for one in told:
        other = oldest.setdefault(one.digest, one)
        if one.place != other.place:
            older, newer = sorted((one, other), key=lambda either: either.created_at)
            edges.append(Edge(older.arn, newer.arn, str(AssociationType.SAME_AS), newer.created_at))
    return edges


def _is_empty(entity: Entity) -> bool:
    return part(entity.body, "Properties").get("Bytes") in (None, "0")
