"""What is said of an entity, in a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rich.filesize import decimal

from stepmill.catalog.lineage.documents import vertex_type
from stepmill.catalog.lineage.graph import Shown
from stepmill.core.json import Json
from stepmill.storage.lineage import Entity, LineageKind

_CALLED = {
    "DataSet": "data",
    "Code": "code",
    "Image": "image",
    "Model": "model",
    "ModelData": "model data",
    "ModelPackage": "model version",
    "ModelGroup": "model group",
    "TrainingJob": "training job",
    "TransformJob": "transform job",
    "ProcessingJob": "processing job",
    "PipelineExecution": "execution",
    "StateMachineExecution": "execution",
    "FeatureGroup": "feature group",
    "Approval": "approval",
    "ModelLifeCycle": "stage",
}
_LONGEST = 72
_REVIEW = ("ModelApprovalStatus", "Stage", "StageStatus")
_PLACE = re.compile(r"(?P<scheme>[a-z0-9]+://)(?P<way>.+)", re.DOTALL)


def kind_of(entity: Entity) -> str:
    """Return what an entity is, as people say it."""
    told = vertex_type(entity)
    return _CALLED.get(told, told or str(entity.kind).lower())


def name_of(entity: Entity) -> str:
    """Return the name that people know an entity by: of a job that of its step, of a version ``churn/3``."""
    step = properties_of(entity).get("StepName")
    if step and entity.kind is LineageKind.COMPONENT:
        return str(step)
    if entity.type in ("ModelPackage", "ModelGroup", "FeatureGroup", "PipelineExecution"):
        return entity.source_uri.partition("/")[2].replace("/execution/", " ") or entity.source_uri
    if entity.kind is LineageKind.ARTIFACT:
        return entity.source_uri
    if said := [str(told[name]) for name in _REVIEW if (told := properties_of(entity)).get(name)]:
        return " ".join(said)
    return entity.name or entity.source_uri


def label_of(entity: Entity, most: int = _LONGEST) -> str:
    """Return the name of an entity in so many characters: of an image without its registry."""
    name = name_of(entity)
    return shortened(name.rpartition("/")[2] or name if entity.type == "Image" else name, most)


def shortened(text: str, most: int = _LONGEST) -> str:
    """Return a text without its middle, if it is long; of an address the end of its way, as whole names.

    Example:
        >>> shortened("s3://bucket/a/very/long/way/to/a/file.csv", 24)
        's3://.../to/a/file.csv'
        >>> shortened("a-name-of-a-job-without-an-end", 20)
        'a-name-of...t-an-end'
    """
    if len(text) <= most:
        return text
    if place := _PLACE.fullmatch(text):
        start, names = f"{place['scheme']}.../", place["way"].rstrip("/").split("/")
        fit = names.pop()
        while names and len(start) + len(names[-1]) + 1 + len(fit) <= most:
            fit = f"{names.pop()}/{fit}"
        if len(start) + len(fit) <= most:
            return start + fit
    end = (most - 3) // 2
    return f"{text[: most - 3 - end]}...{text[len(text) - end :]}"


def details_of(entity: Entity) -> str:
    """Return what else is worth a glance: the digest, the size, when it was made."""
    properties = properties_of(entity)
    told: list[str] = []
    if entity.digest.startswith("sha256:"):
        told.append(entity.digest[:15])
    elif entity.digest:
        told.append("not digested yet")
    size = str(properties.get("Bytes", ""))
    if size.isdigit():
        told.append(decimal(int(size)))
    told += [str(properties[name]) for name in ("Content", "Kept") if properties.get(name)]
    if entity.kind is not LineageKind.ARTIFACT or entity.type == "ModelPackage":
        told.append(entity.created_at.astimezone().strftime("%Y-%m-%d %H:%M"))
    if by := properties.get("By"):
        told.append(f"by {by}")
    if entity.kind is LineageKind.ACTION and entity.body.get("Description"):
        told.append(str(entity.body["Description"]))
    return "  ".join(told)


def properties_of(entity: Entity) -> Mapping[str, Json]:
    """Return the properties of an entity."""
    found = entity.body.get("Properties")
    return found if isinstance(found, Mapping) else {}


def document_of(graph: Shown) -> dict[str, object]:
    """Return a part of the graph as a document."""
    arns = {node: entity.arn for node, entity in graph.entities.items()}
    return {
        "start": graph.start.arn,
        "direction": "upstream" if graph.upstream else "downstream",
        "entities": [entity_document(entity) for entity in graph.entities.values()],
        "edges": [
            {"source": arns[link.source], "destination": arns[link.destination], "type": link.type}
            for link in graph.links
        ],
        "more": {arns[node]: count for node, count in graph.more.items()},
    }


def entity_document(entity: Entity) -> dict[str, object]:
    """Return an entity as a document."""
    return {
        "arn": entity.arn,
        "kind": str(entity.kind),
        "type": entity.type,
        "name": name_of(entity),
        "source": entity.source_uri,
        "digest": entity.digest if entity.digest.startswith("sha256:") else "",
        "createdAt": entity.created_at,
        "properties": dict(properties_of(entity)),
    }
