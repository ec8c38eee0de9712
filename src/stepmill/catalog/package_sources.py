"""What a model package takes over from the package or model that its ``SourceUri`` names.

Source: SageMaker API reference, CreateModelPackage, SourceUri: the ARN of a package to clone it, that of a
model to register it. The SDK leaves the inference specification out then, for SageMaker fills it in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stepmill.catalog.packages import PACKAGE_KIND, package_key, part
from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import RecordStore

_SOURCE = re.compile(r"arn:[^:]+:sagemaker:[^:]*:[^:]*:(?P<kind>model-package|model)/(?P<name>\S+)")
# Members that a container of a model and one of a model package have in common.
_COMMON = (
    "ContainerHostname",
    "Image",
    "ModelDataUrl",
    "ModelDataSource",
    "AdditionalModelDataSources",
    "Environment",
)


def with_source(request: JsonObject, records: RecordStore) -> JsonObject:
    """Return a CreateModelPackage request with what it takes over from its source.

    Args:
        request: As it came.
        records: Where packages and models are kept.

    Raises:
        NotFoundError: If its source is the ARN of a package or a model that is not here.
        InvalidInputError: If that ARN names none.
    """
    match = _SOURCE.fullmatch(str(request.get("SourceUri") or ""))
    if match is None or request.get("InferenceSpecification") is not None:
        return request
    is_package = match["kind"] == PACKAGE_KIND
    key = package_key(match[0]) if is_package else match["name"].lower()
    record = records.find(match["kind"], key)
    if record is None:
        raise NotFoundError(
            f"{'ModelPackage' if is_package else 'Model'} {match[0]} does not exist.",
            where="SourceUri",
            mend="Check the ARN.",
        )
    source = part(record.body, "request")
    if not is_package:
        return {**request, "InferenceSpecification": {"Containers": _containers_of_model(source)}}
    described = {**source, **part(part(record.body, "state"), "changes")}
    taken = described.get("InferenceSpecification")
    return request if taken is None else {**request, "InferenceSpecification": taken}


def _containers_of_model(model: JsonObject) -> list[Json]:
    several = model.get("Containers")
    if isinstance(several, Sequence) and not isinstance(several, str) and several:
        found = list(several)
    else:
        found = [model.get("PrimaryContainer")]
    return [
        {member: one[member] for member in _COMMON if one.get(member)}
        for one in found
        if isinstance(one, Mapping)
    ]
