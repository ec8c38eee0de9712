"""What an UpdateModelPackage request makes of a model package. Pure.

The request that made a package stays as it came; what was changed since lies over it.

Source: SageMaker API reference, UpdateModelPackage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stepmill.catalog import packages
from stepmill.catalog.packages import ModelApprovalStatus
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record

# API reference, AdditionalInferenceSpecifications.
MOST_SPECIFICATIONS = 15

# Members that replace what was there.
_REPLACED = (
    "InferenceSpecification",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
    "SourceUri",
)


def updated(record: Record, request: JsonObject, *, at: str, digests: JsonObject) -> Record:
    """Return the record of a package as it is after an update.

    Args:
        record: Of the package.
        request: The UpdateModelPackage request.
        at: When, ISO 8601: goes with a decision about approval.
        digests: Address -> digest of model data that the request names.

    Raises:
        InvalidInputError: If a member cannot be taken.
        ConflictError: If it has an inference specification of a name that is to be added.
    """
    state = packages.part(record.body, "state")
    described = {**packages.part(record.body, "request"), **packages.part(state, "changes")}
    changes: dict[str, Json] = {
        **packages.part(state, "changes"),
        **{name: request[name] for name in _REPLACED if name in request},
        **_metadata(described, request),
        **_specifications(described, request),
    }
    status: str = record.status
    decided: JsonObject = {}
    if "ModelApprovalStatus" in request:
        status = approval = ModelApprovalStatus.read(request["ModelApprovalStatus"])
        decided = _decided(state, approval, request, at)
    elif "ApprovalDescription" in request:
        decided = {"approval_description": request["ApprovalDescription"]}
    known: JsonObject = {**packages.part(state, "digests"), **digests}
    new: JsonObject = {**state, **decided, "changes": changes, "digests": known}
    return replace(record, status=status, body={**record.body, "state": new})


def _decided(state: JsonObject, status: ModelApprovalStatus, request: JsonObject, at: str) -> JsonObject:
    earlier = state.get("approvals")
    description = str(request.get("ApprovalDescription") or "")
    decision: JsonObject = {"status": status, "description": description, "at": at}
    return {
        "approval_description": description,
        "approvals": [*(earlier if isinstance(earlier, Sequence) else ()), decision],
    }


def _metadata(described: JsonObject, request: JsonObject) -> JsonObject:
    name = "CustomerMetadataProperties"
    removed = request.get(f"{name}ToRemove")
    if name not in request and not removed:
        return {}
    gone = frozenset(str(key) for key in removed) if isinstance(removed, Sequence) else frozenset[str]()
    kept = {key: value for key, value in packages.part(described, name).items() if key not in gone}
    return {name: {**kept, **packages.part(request, name)}}


def _specifications(described: JsonObject, request: JsonObject) -> JsonObject:
    name = "AdditionalInferenceSpecifications"
    added = _objects(request.get(f"{name}ToAdd"))
    if not added:
        return {}
    all_of_them = [*_objects(described.get(name)), *added]
    names = [str(one.get("Name")) for one in all_of_them]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise ConflictError(
            f"The model package has an inference specification {twice!r} already.",
            where=f"{name}ToAdd",
            mend="Choose another name.",
        )
    if len(all_of_them) > MOST_SPECIFICATIONS:
        raise InvalidInputError(
            f"A model package has at most {MOST_SPECIFICATIONS} additional inference specifications.",
            where=f"{name}ToAdd",
            mend="Add fewer.",
        )
    return {name: all_of_them}


def _objects(value: Json) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [one for one in value if isinstance(one, Mapping)]
