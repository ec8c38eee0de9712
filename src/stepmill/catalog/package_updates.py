"""What an UpdateModelPackage request makes of a model package. Pure.

The request that made a package stays as it came; what was changed since lies over it.

Source: SageMaker API reference, UpdateModelPackage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stepmill.catalog import packages
from stepmill.catalog.model_cards import check_card, replaced_card
from stepmill.catalog.package_reviews import decided, entered
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.json import Json, JsonObject, objects_of
from stepmill.storage.records import Record

# API reference, AdditionalInferenceSpecifications.
MOST_SPECIFICATIONS = 15
# API reference, CustomerMetadataProperties.
MOST_PROPERTIES = 50
# A client repeats a request soon, or never.
MOST_TOKENS = 20

# Members that replace what was there.
_REPLACED = (
    "InferenceSpecification",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
    "SourceUri",
)

# Members that a package on its own does not have.
_OF_VERSIONS = ("ModelApprovalStatus", "ModelLifeCycle")


def updated(record: Record, request: JsonObject, *, at: str, by: str, digests: JsonObject) -> Record:
    """Return the record of a package as it is after an update; the same one if its token came before.

    Args:
        record: Of the package.
        request: The UpdateModelPackage request.
        at: When, ISO 8601: goes with a decision about approval, and with a stage.
        by: Name of the key of whoever asks; empty for the terminal.
        digests: Address -> digest of model data that the request names.

    Raises:
        InvalidInputError: If a member cannot be taken.
        ConflictError: If it has an inference specification of a name that is to be added.
    """
    state = packages.part(record.body, "state")
    token, seen = request.get("ClientToken"), _texts(state.get("update_tokens"))
    if token and token in seen:
        return record
    if not record.parent:
        _check_unversioned(request)
    described = {**packages.part(record.body, "request"), **packages.part(state, "changes")}
    changes: dict[str, Json] = {
        **packages.part(state, "changes"),
        **{name: request[name] for name in _REPLACED if request.get(name) is not None},
        **_card(described, request),
        **_metadata(described, request),
        **_specifications(described, request),
    }
    decision = decided(state, request, at=at, by=by)
    status = str(request["ModelApprovalStatus"]) if "ModelApprovalStatus" in request else record.status
    known: JsonObject = {**packages.part(state, "digests"), **digests}
    new: JsonObject = {
        **state,
        **decision,
        **entered(state, request, at=at, by=by),
        "modified_by": by,
        "changes": changes,
        "digests": known,
        "update_tokens": [*seen, str(token)][-MOST_TOKENS:] if token else seen,
    }
    return replace(record, status=status, body={**record.body, "state": new})


def _check_unversioned(request: JsonObject) -> None:
    for member in _OF_VERSIONS:
        if request.get(member) is not None:
            raise InvalidInputError(
                "A model package on its own is not approved, and goes through no stages.",
                where=member,
                mend="Register it as a version of a group.",
            )


def _card(described: JsonObject, request: JsonObject) -> JsonObject:
    card = request.get("ModelCard")
    if card is None:
        return {}
    check_card(card)
    return {
        "ModelCard": replaced_card(packages.part(described, "ModelCard"), packages.part(request, "ModelCard"))
    }


def _metadata(described: JsonObject, request: JsonObject) -> JsonObject:
    name = "CustomerMetadataProperties"
    removed = request.get(f"{name}ToRemove")
    if name not in request and not removed:
        return {}
    gone = frozenset(str(key) for key in removed) if isinstance(removed, Sequence) else frozenset[str]()
    kept = {key: value for key, value in packages.part(described, name).items() if key not in gone}
    after = {**kept, **packages.part(request, name)}
    if len(after) > MOST_PROPERTIES:
        raise InvalidInputError(
            f"A model package has at most {MOST_PROPERTIES} metadata properties.",
            where=name,
            mend="Remove some with CustomerMetadataPropertiesToRemove.",
        )
    return {name: after}


def _specifications(described: JsonObject, request: JsonObject) -> JsonObject:
    name = "AdditionalInferenceSpecifications"
    added = objects_of(request.get(f"{name}ToAdd"))
    if not added:
        return {}
    all_of_them = [*objects_of(described.get(name)), *added]
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


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
