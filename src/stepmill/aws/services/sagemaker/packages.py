"""Operations on model packages: versions of a group, and packages on their own.

Source: SageMaker API reference. The texts of errors are those that the SDKs look for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepmill.aws.errors import ApiError, code_of
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import Listing, read_listing
from stepmill.aws.services.sagemaker.names import name_of
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.aws.services.sagemaker.whose import with_arns
from stepmill.catalog.packages import GROUP_KIND, PACKAGE_KIND
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.platform import Platform

_NAME = "ModelPackageName"
_ARN = "ModelPackageArn"
_GROUP = "ModelPackageGroupName"

# What is left of a card's content where only its metadata is asked for: section and key.
_CARD_METADATA = (
    ("model_overview", "model_id"),
    ("model_overview", "model_name"),
    ("intended_uses", "risk_rating"),
    ("model_package_details", "model_package_group_name"),
    ("model_package_details", "model_package_arn"),
)


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    registry, arns = platform.models, platform.settings.arns

    @contextmanager
    def named(call: Call, member: str = _NAME) -> Iterator[str]:
        """Give the name of the package that a call is about; tell in AWS's words if it is missing."""
        name = name_of(call.parameters, member, PACKAGE_KIND, arns)
        missing = f"ModelPackage {arns.sagemaker(PACKAGE_KIND, name)} does not exist."
        with told_as(VALIDATION, NotFoundError, missing):
            yield name

    def describe(call: Call) -> JsonObject:
        with named(call) as name:
            found = _as_told(with_arns(registry.describe(name), arns))
        return _without_card(found) if call.parameters.get("IncludedData") == "MetadataOnly" else found

    def list_(call: Call) -> dict[str, Any]:
        listing = _selected(call, read_listing(call, descending=False))
        if group := call.parameters.get(_GROUP):
            name = name_of(call.parameters, _GROUP, GROUP_KIND, arns)
            with told_as(VALIDATION, NotFoundError, f"ModelPackageGroup {group} does not exist."):
                kept = registry.groups.get(name)
            if call.parameters.get("ModelPackageType") == "Unversioned":
                return listing.answer("ModelPackageSummaryList", (), None)
            listing = listing.within(parent=kept.name)
        found, token = registry.list(listing.selection)
        return listing.answer("ModelPackageSummaryList", map(_summary, found), token)

    def update(call: Call) -> dict[str, Any]:
        with named(call, _ARN) as name:
            registry.describe(name)
        _check_containers(call.parameters)
        with told_as("ConflictException", ConflictError), told_as(VALIDATION, NotFoundError):
            return {_ARN: registry.update(name, call.parameters, by=call.caller.name)[_ARN]}

    def delete(call: Call) -> None:
        with named(call) as name:
            platform.lineage.catch_up()  # what it was made of is known for good
            registry.delete(name)

    return {
        "CreateModelPackage": lambda call: _create(platform, call),
        "DescribeModelPackage": describe,
        "ListModelPackages": list_,
        "UpdateModelPackage": update,
        "DeleteModelPackage": delete,
        "BatchDescribeModelPackage": lambda call: _describe_many(platform, call),
    }


def _create(platform: Platform, call: Call) -> dict[str, Any]:
    registry, arns = platform.models, platform.settings.arns
    _check_kind(call.parameters)
    _check_containers(call.parameters)
    if call.parameters.get(_GROUP):
        group = name_of(call.parameters, _GROUP, GROUP_KIND, arns)
        missing = f"ModelPackageGroup {arns.sagemaker(GROUP_KIND, group)} does not exist."
        with told_as(VALIDATION, NotFoundError, missing):
            registry.groups.get(group)
    # Tokens of calls and of tasks are told apart.
    token = call.parameters.get("ClientToken")
    with told_as(VALIDATION, ConflictError), told_as(VALIDATION, NotFoundError):
        made = registry.create(call.parameters, token=f"call/{token}" if token else "", by=call.caller.name)
    return {_ARN: made[_ARN]}


def _check_kind(given: Mapping[str, Any]) -> None:
    """Check that a package is a version or on its own, and has what its kind has.

    Raises:
        ApiError: If it is both, neither, or a version with tags.
    """
    group, name = given.get(_GROUP), given.get(_NAME)
    if group and name:
        raise ApiError(
            VALIDATION,
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use.",
        )
    if not group and not name:
        raise ApiError(VALIDATION, "Missing ARN.")
    if group and given.get("Tags"):
        raise ApiError(
            VALIDATION,
            "Tags are not supported in Model Package versions. Please add them to the Model Package Group.",
        )


def _check_containers(given: Mapping[str, Any]) -> None:
    """Check that containers have nothing that only additional specifications have.

    Raises:
        ApiError: If one has.
    """
    containers = (given.get("InferenceSpecification") or {}).get("Containers") or ()
    if any(container.get("AdditionalS3DataSource") for container in containers):
        raise ApiError(VALIDATION, "AdditionalS3DataSource is not allowed in InferenceSpecification")


def _describe_many(platform: Platform, call: Call) -> dict[str, Any]:
    found: dict[str, JsonObject] = {}
    failed: dict[str, JsonObject] = {}
    for arn in call.parameters["ModelPackageArnList"]:
        try:
            name = name_of({_ARN: arn}, _ARN, PACKAGE_KIND, platform.settings.arns)
            found[arn] = _batch_summary(platform.models.describe(name))
        except (NotFoundError, InvalidInputError) as error:
            code = code_of("sagemaker", error).code
            failed[arn] = {"ErrorCode": code, "ErrorResponse": str(error)}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}


def _selected(call: Call, listing: Listing) -> Listing:
    """Return the listing with the filters that only model packages have."""
    kind = call.parameters.get("ModelPackageType")
    if kind is None:
        # Whoever names a group means its versions.
        kind = "Versioned" if call.parameters.get(_GROUP) else "Unversioned"
    listing = listing.within(status=call.parameters.get("ModelApprovalStatus"))
    if kind == "Unversioned":
        return listing.within(parent="")
    return listing.of_parents() if kind == "Versioned" else listing


def _as_told(described: JsonObject) -> JsonObject:
    """Return what Describe answers: a version goes by the name that leads to it.

    SDK 3 asks next for whatever is called the package's name; the group's would lead nowhere.
    """
    if _GROUP not in described:
        return described
    return {**described, _NAME: f"{described[_GROUP]}/{described['ModelPackageVersion']}"}


def _summary(described: JsonObject) -> JsonObject:
    """Return the entry in a list; there, a version has no name but its group's."""
    hidden = _NAME if _GROUP in described else ""
    return {member: value for member, value in described.items() if member != hidden}


def _batch_summary(described: JsonObject) -> JsonObject:
    empty: JsonObject = {"Containers": [], "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}
    # Required in this answer, though a package need not have them.
    return {_GROUP: described[_NAME], "InferenceSpecification": empty, **described}


def _without_card(described: JsonObject) -> JsonObject:
    card = described.get("ModelCard")
    if not isinstance(card, Mapping):
        return described
    content = read_json(str(card.get("ModelCardContent") or "{}"))
    kept: dict[str, dict[str, Json]] = {}
    for section, key in _CARD_METADATA:
        found = content.get(section) if isinstance(content, Mapping) else None
        if isinstance(found, Mapping) and key in found:
            kept.setdefault(section, {})[key] = found[key]
    return {**described, "ModelCard": {**card, "ModelCardContent": write_json(kept)}}
