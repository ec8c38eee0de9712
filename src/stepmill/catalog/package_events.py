"""What the bus of events is told of model packages. Pure.

Source: SageMaker developer guide, "Events that SageMaker sends to EventBridge", "Model package state change".
"""

from __future__ import annotations

from datetime import datetime

from stepmill.core.clock import as_text
from stepmill.core.happenings import Happening
from stepmill.core.json import Json, JsonObject

# Member of DescribeModelPackage -> what an event calls it among the fields that were updated.
_FIELDS = {
    "ModelApprovalStatus": "ModelApprovalStatus",
    "ApprovalDescription": "ApprovalDescription",
    "ModelLifeCycle": "ModelLifeCycle",
    "CustomerMetadataProperties": "CustomerMetadataProperties",
    "InferenceSpecification": "InferenceSpecification",
    "AdditionalInferenceSpecifications": "AdditionalInferenceSpecifications",
    "SourceUri": "sourceUri",
    "ModelCard": "ModelCard",
    "ModelPackageRegistrationType": "ModelPackageRegistrationType",
    "ModelPackageStatus": "ModelPackageStatus",
}

# A card may say what not everybody who hears of events should know; who made what, the event does not say.
_NOT_TOLD = frozenset({"ModelCard", "CreatedBy", "LastModifiedBy", "SecurityConfig"})
_MOMENTS = ("CreationTime", "LastModifiedTime")


def updated_fields(before: JsonObject, after: JsonObject) -> list[str]:
    """Return what an update has changed, by the names that events use.

    Args:
        before: What DescribeModelPackage answered.
        after: What it answers now.

    Example:
        >>> updated_fields({"SourceUri": "a"}, {"SourceUri": "b", "ModelApprovalStatus": "Approved"})
        ['ModelApprovalStatus', 'sourceUri']
    """
    return [name for member, name in _FIELDS.items() if before.get(member) != after.get(member)]


def package_changed(described: JsonObject, now: datetime, *, fields: list[str] | None = None) -> Happening:
    """Return what is told of a model package that was made or changed.

    Args:
        described: What DescribeModelPackage answers.
        now: When it is told. Aware.
        fields: What was changed; ``None`` if it was made.
    """
    detail: dict[str, Json] = {name: value for name, value in described.items() if name not in _NOT_TOLD}
    if "ModelPackageVersion" in described:
        # Of a version, events give the group's name only.
        detail.pop("ModelPackageName", None)
    for member in _MOMENTS:
        if member in detail:
            detail[member] = _to_the_second(str(detail[member]))
    detail.setdefault("LastModifiedTime", detail["CreationTime"])
    if fields is not None:
        detail["UpdatedModelPackageFields"] = fields
    arn = str(described["ModelPackageArn"])
    return Happening("aws.sagemaker", "SageMaker Model Package State Change", now, detail, (arn,))


def _to_the_second(moment: str) -> str:
    return as_text(datetime.fromisoformat(moment).replace(microsecond=0))
