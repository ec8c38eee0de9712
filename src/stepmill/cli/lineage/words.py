"""What is said of an entity, in a few words."""

from __future__ import annotations

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
    "ProcessingJob": "processing job",
    "PipelineExecution": "execution",
    "StateMachineExecution": "execution",
    "FeatureGroup": "feature group",
    "Approval": "approval",
}
_LONGEST = 72


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
    return entity.name or entity.source_uri


def shortened(text: str, most: int = _LONGEST) -> str:
    """Return a text without its middle, if it is long.

    Example:
        >>> shortened("s3://bucket/a/very/long/way/to/a/file.csv", 24)
        's3://bucket...a/file.csv'
    """
    if len(text) <= most:
        return text
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
    if status := properties.get("ModelApprovalStatus"):
        told.append(str(status))
    told += [str(properties[name]) for name in ("Content", "Kept") if properties.get(name)]
    if entity.kind in (LineageKind.COMPONENT, LineageKind.CONTEXT):
        told.append(entity.created_at.astimezone().strftime("%Y-%m-%d %H:%M"))
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
