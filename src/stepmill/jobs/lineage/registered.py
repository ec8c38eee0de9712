"""Draws up the lineage of models, model packages and feature groups.

Source: developer guide, "Amazon SageMaker AI-Created Tracking Entities": model packages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stepmill.catalog.entities import usable_name
from stepmill.catalog.features.group import GROUP_KIND as FEATURE_GROUP_KIND
from stepmill.catalog.lineage.documents import place_of
from stepmill.catalog.models import MODEL_KIND
from stepmill.catalog.package_reviews import ModelApprovalStatus, approvals_of, stages_of
from stepmill.catalog.packages import GROUP_KIND, PACKAGE_KIND, model_data_of, part
from stepmill.core.json import JsonObject, objects_of
from stepmill.jobs.lineage.facts import MODEL, Thing
from stepmill.jobs.lineage.sheet import Sheet
from stepmill.storage.database import to_micros
from stepmill.storage.lineage import AssociationType, LineageKind, Mark
from stepmill.storage.records import Record

KINDS = (MODEL_KIND, PACKAGE_KIND, FEATURE_GROUP_KIND)
# Of model data that no job here made.
_MODEL_DATA = "ModelData"
# What stands for a model package: the SDK looks for the artifact that has its ARN as the source.
_PACKAGE = "ModelPackage"
# Of actions: the SDK looks for approvals by this type. SageMaker has none for stages.
APPROVAL, STAGE = "Approval", "ModelLifeCycle"


def draw_up_record(sheet: Sheet, record: Record) -> None:
    """Draw up a model, a model package or a feature group."""
    if record.kind == MODEL_KIND:
        _draw_model(sheet, record)
    elif record.kind == PACKAGE_KIND:
        _draw_package(sheet, record)
    else:
        sheet.feature_group(record.name, record.created_at)
    sheet.marks.append(Mark(record.kind, record.name, to_micros(record.modified_at)))


def _draw_model(sheet: Sheet, record: Record) -> None:
    at, request = record.created_at, part(record.body, "request")
    name = str(request.get("ModelName") or record.name)
    model = sheet.artifact(sheet.arns.sagemaker(MODEL_KIND, name), MODEL, at, name=usable_name(name))
    for container in (part(request, "PrimaryContainer"), *objects_of(request.get("Containers"))):
        for arn in _of_container(sheet, container, at):
            sheet.connect(arn, model, AssociationType.CONTRIBUTED_TO, at)


def _draw_package(sheet: Sheet, record: Record) -> None:
    at, request, state = record.created_at, part(record.body, "request"), part(record.body, "state")
    group = str(state.get("group") or "")
    package_arn = (
        sheet.arns.model_package(group, record.number)
        if group
        else sheet.arns.sagemaker(PACKAGE_KIND, str(request.get("ModelPackageName") or record.name))
    )
    step = str(part(state, "source").get("step") or "")
    package = sheet.artifact(
        package_arn, _PACKAGE, at, body={"Properties": {"StepName": step}} if step else None
    )
    trained: set[str] = set()
    for container in objects_of(part(request, "InferenceSpecification").get("Containers")):
        for arn in _of_container(sheet, container, at):
            sheet.connect(arn, package, AssociationType.CONTRIBUTED_TO, at)
            trained |= set(_makers(sheet, arn))
    execution = str(part(state, "source").get("execution") or "")
    if execution:
        sheet.connect(sheet.execution(execution, at), package, AssociationType.ASSOCIATED_WITH, at)
    if not group:
        return
    context = _group_context(sheet, group, record, execution)
    sheet.connect(package, context, AssociationType.ASSOCIATED_WITH, at)
    for component in trained:
        sheet.connect(component, context, AssociationType.CONTRIBUTED_TO, at)
    _draw_reviews(sheet, record, package, package_arn, f"{group}-{record.number}")


def _group_context(sheet: Sheet, group: str, record: Record, execution: str) -> str:
    name = f"{group}-aws-model-package-group"
    properties: JsonObject = {"PipelineExecutionArn": execution} if execution else {}
    uri = sheet.arns.sagemaker(GROUP_KIND, group)
    return sheet.context(usable_name(name), "ModelGroup", uri, "ARN", record.created_at, properties)


def _draw_reviews(sheet: Sheet, record: Record, package: str, package_arn: str, called: str) -> None:
    """Draw an action for the status that a version was made with, for each decision since, for each stage."""
    taken: set[str] = set()
    for review in (*_decisions(record), *_stages(record)):
        name = usable_name(f"{called}-{review.said}-{int(review.at.timestamp())}-aws-model-package")
        # The same may be said twice in a second.
        while name in taken:
            name += "-again"
        taken.add(name)
        told = {**review.properties, **({"By": review.by} if review.by else {})}
        more: JsonObject = {
            "Status": "Completed",
            "Properties": told,
            **({"Description": review.description} if review.description else {}),
        }
        action = sheet.action(name, review.type, package_arn, review.at, more)
        sheet.connect(action, package, AssociationType.CONTRIBUTED_TO, review.at)


@dataclass(frozen=True)
class _Review:
    type: str
    said: str
    at: datetime
    properties: JsonObject
    description: str = ""
    by: str = ""


def _decisions(record: Record) -> Iterator[_Review]:
    request, state = part(record.body, "request"), part(record.body, "state")
    first = str(request.get("ModelApprovalStatus") or ModelApprovalStatus.PENDING)
    yield _Review(APPROVAL, first, record.created_at, {"ModelApprovalStatus": first})
    for one in approvals_of(state):
        at, told = datetime.fromisoformat(one.at), {"ModelApprovalStatus": str(one.status)}
        yield _Review(APPROVAL, str(one.status), at, told, one.description, one.by)


def _stages(record: Record) -> Iterator[_Review]:
    for one in stages_of(part(record.body, "state")):
        at, told = datetime.fromisoformat(one.at), {"Stage": one.stage, "StageStatus": one.status}
        yield _Review(STAGE, f"{one.stage}-{one.status}", at, told, one.description, one.by)


def _of_container(sheet: Sheet, container: JsonObject, at: datetime) -> Iterator[str]:
    """Yield the artifacts that a container is made of."""
    for _, uri, _ in model_data_of(container):
        yield _model_data(sheet, uri, at)
    if image := container.get("Image"):
        yield sheet.image(str(image), at)
    if package := container.get("ModelPackageName"):
        text = str(package)
        arn = text if text.startswith("arn:") else sheet.arns.sagemaker(PACKAGE_KIND, text)
        yield sheet.artifact(arn, _PACKAGE, at)


def _model_data(sheet: Sheet, uri: str, at: datetime) -> str:
    """Return the artifact of model data: the one that a job made, as long as it is that."""
    arn = sheet.data(Thing("model", uri, _MODEL_DATA), at, of=uri, unchanged_since=None)
    drawn = sheet.entities.get(arn)
    if drawn is not None and drawn.body.get("stamp") is None:
        # The data is gone by now; what was there when the job had ended is the best that is known.
        for made in sheet.store.at([place_of(sheet.versions.address(uri))], limit=50):
            if made.created_at <= at and any(_makers(sheet, made.arn)):
                sheet.entities.pop(arn)
                return made.arn
    return arn


def _makers(sheet: Sheet, artifact: str) -> Iterator[str]:
    """Yield the trial components of the jobs that made an artifact."""
    entity = sheet.store.find(artifact)
    if entity is None:
        return
    links = sheet.store.links([entity.id], upstream=True, limit=100)
    sources = sheet.store.entities([link.source for link in links if link.type == AssociationType.PRODUCED])
    yield from (one.arn for one in sources.values() if one.kind is LineageKind.COMPONENT)
