"""Model packages as documents: what is kept of one, and what Describe and List answer. Pure.

Source: SageMaker API reference, CreateModelPackage, DescribeModelPackage, ListModelPackages,
DescribeModelPackageGroup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stepmill.core.arns import Arns
from stepmill.core.clock import as_text
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject, object_of
from stepmill.storage.records import Record

GROUP_KIND = "model-package-group"
PACKAGE_KIND = "model-package"

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_GROUP_ARN = re.compile(r"arn:[^:]+:sagemaker:[^:]*:[^:]*:model-package-group/(?P<name>[^/]+)")
_PACKAGE_ARN = re.compile(r"arn:[^:]+:sagemaker:[^:]*:[^:]*:model-package/(?P<name>[^/]+(/[0-9]+)?)")
# A package is made from one container, or from a chain of at most fifteen.
MOST_CONTAINERS = 15

# Members of the request that Describe does not answer.
_NOT_DESCRIBED = frozenset({"Tags", "ClientToken", "ModelPackageName", "ModelPackageGroupName"})

# Members of the request that ask for work that is not done here.
_NOT_OFFERED = {
    "CertifyForMarketplace": "Certification for a marketplace",
    "SourceAlgorithmSpecification": "A model package of an algorithm resource",
    "ValidationSpecification": "Validation of a model package by a transform job",
}


def group_key(name_or_arn: str) -> str:
    """Return the key of a group's record. Names differ by more than their case, as their ARNs do.

    Raises:
        InvalidInputError: If that is neither a name nor the ARN of a group.
    """
    match = _GROUP_ARN.fullmatch(name_or_arn)
    return checked_name(match["name"] if match else name_or_arn, "ModelPackageGroupName").lower()


def package_key(name_or_arn: str) -> str:
    """Return the key of a package's record, from its ARN, ``group/version``, or its own name.

    Raises:
        InvalidInputError: If that is none of them.
    """
    match = _PACKAGE_ARN.fullmatch(name_or_arn)
    name, slash, version = (match["name"] if match else name_or_arn).partition("/")
    if slash and not (version.isascii() and version.isdigit()):
        raise InvalidInputError(
            f"{name_or_arn[:200]!r} does not name a model package.",
            mend="Give its ARN, or GROUP/VERSION such as churn/3.",
        )
    key = checked_name(name, "ModelPackageName").lower()
    return f"{key}/{int(version)}" if slash else key


def checked_name(name: Json, where: str) -> str:
    """Return a name if SageMaker would take it.

    Raises:
        InvalidInputError: If it would not.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise InvalidInputError(
        f"{str(name)[:80]!r} cannot be a name.",
        where=where,
        mend="Use 1 to 63 letters, digits and hyphens, with a letter or digit at both ends.",
    )


def group_of(request: JsonObject) -> str:
    """Return the name or ARN of the group that a CreateModelPackage request names; empty if it is on its own.

    Raises:
        InvalidInputError: If it names both a group and a package, or neither.
    """
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if bool(group) == bool(name):
        which = "both a group and a name of its own" if group else "neither a group nor a name"
        raise InvalidInputError(
            f"The model package has {which}.",
            where="ModelPackageGroupName",
            mend="Name the group that it becomes a version of, or only the package.",
        )
    return str(group or "")


def check_offered(request: JsonObject) -> None:
    """Check that a CreateModelPackage request asks for nothing that would silently not be done.

    Raises:
        UnsupportedError: If it does.
    """
    for member, what in _NOT_OFFERED.items():
        if request.get(member):
            raise UnsupportedError(f"{what} is not offered.", where=member, mend="Leave it out.")


def containers(request: JsonObject) -> tuple[JsonObject, ...]:
    """Return the containers of a CreateModelPackage request; empty if it names none.

    Raises:
        InvalidInputError: If they are not what the API takes.
    """
    specification = request.get("InferenceSpecification")
    if specification is None:
        return ()
    found = specification.get("Containers") if isinstance(specification, Mapping) else None
    if not isinstance(found, Sequence) or isinstance(found, str) or not 1 <= len(found) <= MOST_CONTAINERS:
        raise InvalidInputError(
            f"A model package is made from 1 to {MOST_CONTAINERS} containers.",
            where="InferenceSpecification.Containers",
            mend='Give a list such as [{"Image": "...", "ModelDataUrl": "s3://..."}].',
        )
    wrong = next((index for index, one in enumerate(found) if not isinstance(one, Mapping)), None)
    if wrong is not None:
        raise InvalidInputError(
            "A container is an object.",
            where=f"InferenceSpecification.Containers[{wrong}]",
            mend='Write it as {"Image": "...", "ModelDataUrl": "s3://..."}.',
        )
    return tuple(one for one in found if isinstance(one, Mapping))


def model_data_of(container: JsonObject) -> Iterator[tuple[str, str, bool]]:
    """Yield the model data that a container names: its place in the container, address, whether a prefix."""
    url = container.get("ModelDataUrl")
    if isinstance(url, str) and url:
        yield "ModelDataUrl", url, container.get("Mode") == "MultiModel"
    source = container.get("ModelDataSource")
    s3 = source.get("S3DataSource") if isinstance(source, Mapping) else None
    if isinstance(s3, Mapping) and isinstance(s3.get("S3Uri"), str):
        yield "ModelDataSource.S3DataSource.S3Uri", str(s3["S3Uri"]), s3.get("S3DataType") == "S3Prefix"


def describe_group(record: Record, arns: Arns) -> JsonObject:
    """Return what DescribeModelPackageGroup answers."""
    request = part(record.body, "request")
    name = str(request["ModelPackageGroupName"])
    described: dict[str, Json] = {
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": arns.sagemaker("model-package-group", name),
        "CreationTime": as_text(record.created_at),
        "CreatedBy": _identity(record.body.get("by")),
        "ModelPackageGroupStatus": "Completed",
    }
    for member in ("ModelPackageGroupDescription", "ManagedConfiguration"):
        if given := request.get(member):
            described[member] = given
    return described


def describe_package(record: Record, arns: Arns) -> JsonObject:
    """Return what DescribeModelPackage answers. A version is named after its group."""
    request, state = part(record.body, "request"), part(record.body, "state")
    described: dict[str, Json] = {"CertifyForMarketplace": False}
    described |= {k: v for k, v in request.items() if k not in _NOT_DESCRIBED}
    described |= part(state, "changes")
    if record.parent:
        group = str(state["group"])
        described |= {
            "ModelPackageName": group,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": record.number,
            "ModelPackageArn": arns.model_package(group, record.number),
        }
    else:
        name = str(request["ModelPackageName"])
        described |= {"ModelPackageName": name, "ModelPackageArn": arns.sagemaker("model-package", name)}
    # Of a package on its own there is nothing to approve.
    described.pop("ModelApprovalStatus", None)
    described |= {
        "CreationTime": as_text(record.created_at),
        "CreatedBy": _identity(state.get("by")),
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    }
    if record.status:
        described["ModelApprovalStatus"] = record.status
    if record.modified_at != record.created_at:
        described["LastModifiedTime"] = as_text(record.modified_at)
        described["LastModifiedBy"] = _identity(state.get("modified_by"))
    if description := state.get("approval_description"):
        described["ApprovalDescription"] = description
    return described


def part(body: JsonObject, key: str) -> JsonObject:
    """Return an object within a record's body; empty if it is not there."""
    return object_of(body.get(key))


def _identity(name: Json) -> JsonObject:
    """Return the UserContext of the owner of a key; empty for the terminal, where nobody signs."""
    return {"IamIdentity": {"PrincipalId": name}} if name else {}
