"""Lineage entities as documents: from the requests that make them to what Describe and List answer. Pure.

Source: SageMaker API reference, CreateArtifact, CreateAction, CreateContext and their Describe operations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import md5

from stepmill.catalog.packages import part
from stepmill.core.arns import Arns
from stepmill.core.clock import as_text
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.storage.lineage import Association, Entity, LineageKind

# API reference, LineageEntityParameters.
MOST_PROPERTIES = 30
# The group that all entities of an account are in; AWS's own name for it.
LINEAGE_GROUP = "sagemaker-default-lineage-group"
# Of the types of trial components, where they stand in associations.
_COMPONENT_PREFIX = "SageMaker"
_KEPT = ("Description", "Status", "Properties", "MetadataProperties")


@dataclass(frozen=True)
class KindWords:
    """How a kind of entity is spelled.

    Args:
        kind: The kind.
        resource: In its ARN.
        called: In sentences.
    """

    kind: LineageKind
    resource: str
    called: str

    @property
    def member(self) -> str:
        """What its members in documents begin with."""
        return str(self.kind)


ARTIFACT = KindWords(LineageKind.ARTIFACT, "artifact", "artifact")
ACTION = KindWords(LineageKind.ACTION, "action", "action")
CONTEXT = KindWords(LineageKind.CONTEXT, "context", "context")
WORDS: Mapping[LineageKind, KindWords] = {words.kind: words for words in (ARTIFACT, ACTION, CONTEXT)}


def artifact_arn(arns: Arns, source: JsonObject) -> str:
    """Return the ARN of the artifact of a source: the same source is the same artifact.

    Example:
        >>> artifact_arn(Arns("us-west-2", "123456789012"), {"SourceUri": "s3://b/k"})
        'arn:aws:sagemaker:us-west-2:123456789012:artifact/34049efd98fb584b251c1c956e993b7a'
    """
    types = source.get("SourceTypes")
    told = sorted(
        f"{one.get('SourceIdType')}={one.get('Value')}"
        for one in (types if isinstance(types, Sequence) and not isinstance(types, str) else ())
        if isinstance(one, Mapping)
    )
    text = write_json([source.get("SourceUri"), told]) if told else str(source.get("SourceUri"))
    return arns.sagemaker(ARTIFACT.resource, md5(text.encode(), usedforsecurity=False).hexdigest())


def entity_of_request(request: JsonObject, words: KindWords, arns: Arns, now: datetime) -> Entity:
    """Return the entity that a Create request asks for.

    Raises:
        InvalidInputError: If it has too many properties.
    """
    source = part(request, "Source")
    name = str(request.get(f"{words.member}Name") or "")
    arn = artifact_arn(arns, source) if words is ARTIFACT else arns.sagemaker(words.resource, name)
    kept = {member: request[member] for member in _KEPT if request.get(member)}
    check_properties(part(kept, "Properties"))
    uri = str(source.get("SourceUri") or "")
    return Entity(
        arn=arn,
        kind=words.kind,
        type=str(request.get(f"{words.member}Type") or ""),
        name=name,
        source_uri=uri,
        place=place_of(uri) if words is ARTIFACT else "",
        created_at=now,
        modified_at=now,
        body={"source": source, **kept},
    )


def check_properties(properties: JsonObject) -> None:
    """Hold properties against AWS's limit.

    Raises:
        InvalidInputError: If they are too many.
    """
    if len(properties) > MOST_PROPERTIES:
        raise InvalidInputError(
            f"An entity has at most {MOST_PROPERTIES} properties, these would be {len(properties)}.",
            where="Properties",
            mend="Remove some first.",
        )


def changed(entity: Entity, request: JsonObject, words: KindWords, now: datetime) -> Entity:
    """Return an entity as an Update request leaves it: properties are removed, then added by name.

    Raises:
        InvalidInputError: If it would have too many properties.
    """
    body = dict(entity.body)
    for member in ("Description", "Status"):
        if member in request:
            body[member] = request[member]
    removed = request.get("PropertiesToRemove")
    gone = frozenset(removed) if isinstance(removed, Sequence) else frozenset[str]()
    left = {name: value for name, value in part(body, "Properties").items() if name not in gone}
    body["Properties"] = {**left, **part(request, "Properties")}
    check_properties(part(body, "Properties"))
    named = request.get("ArtifactName") if words is ARTIFACT else None
    return replace(entity, body=body, modified_at=now, name=str(named or entity.name))


def describe(entity: Entity, words: KindWords, arns: Arns) -> dict[str, Json]:
    """Return what a Describe operation answers."""
    return {
        **summary(entity, words),
        **{member: entity.body[member] for member in _KEPT if entity.body.get(member)},
        "Properties": part(entity.body, "Properties"),
        "CreatedBy": {},
        "LastModifiedBy": {},
        "LineageGroupArn": arns.sagemaker("lineage-group", LINEAGE_GROUP),
    }


def summary(entity: Entity, words: KindWords) -> dict[str, Json]:
    """Return the entry in a list."""
    member = words.member
    return {
        f"{member}Arn": entity.arn,
        **({f"{member}Name": entity.name} if entity.name else {}),
        "Source": entity.body.get("source") or {"SourceUri": entity.source_uri},
        f"{member}Type": entity.type,
        **({"Status": entity.body["Status"]} if entity.body.get("Status") else {}),
        "CreationTime": as_text(entity.created_at),
        "LastModifiedTime": as_text(entity.modified_at),
    }


def association_summary(association: Association) -> dict[str, Json]:
    """Return the entry of an association in a list."""
    source, destination = association.source, association.destination
    return {
        "SourceArn": source.arn,
        "DestinationArn": destination.arn,
        "SourceType": source.type,
        "DestinationType": destination.type,
        **({"AssociationType": association.type} if association.type else {}),
        **({"SourceName": source.name} if source.name else {}),
        **({"DestinationName": destination.name} if destination.name else {}),
        "CreationTime": as_text(association.created_at),
        "CreatedBy": {},
    }


def vertex(entity: Entity) -> dict[str, Json]:
    """Return an entity as QueryLineage answers it."""
    return {"Arn": entity.arn, "Type": vertex_type(entity)[:40], "LineageType": str(entity.kind)}


def vertex_type(entity: Entity) -> str:
    """Return the type of an entity as QueryLineage tells it: ``TrainingJob`` of a job's component.

    In associations it is ``SageMakerTrainingJob``.
    """
    if entity.kind is LineageKind.COMPONENT:
        return entity.type.removeprefix(_COMPONENT_PREFIX)
    return entity.type


_SLASHES = re.compile(r"(?<!:)/{2,}")


def place_of(uri: str) -> str:
    """Return an address without what makes no other place of it: slashes at its end, or doubled in paths.

    Example:
        >>> place_of("s3://bucket/data/"), place_of("file:///tmp//x/"), place_of("arn:aws:sns:x:1:t")
        ('s3://bucket/data', 'file:///tmp/x', 'arn:aws:sns:x:1:t')
    """
    if uri.startswith("s3://"):
        # A key may well have two slashes in it.
        return uri.rstrip("/") if len(uri) > len("s3://") else uri
    if uri.startswith(("file://", "/")):
        return "file://" + (_SLASHES.sub("/", uri.removeprefix("file://")).rstrip("/") or "/")
    return uri
