"""Definitions that a call gives, and versions that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call
from stepmill.aws.services.sagemaker.refusals import VALIDATION
from stepmill.catalog.pipeline_records import PipelineVersion
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.platform import Platform
from stepmill.storage.objects.uri import S3Uri

# A definition of 10,000 steps has some 10 MB.
LARGEST_DEFINITION_BYTES = 64 * 1024 * 1024

_INLINE, _STORED = "PipelineDefinition", "PipelineDefinitionS3Location"


def definition_of(platform: Platform, call: Call) -> str | None:
    """Return the text of the definition that a call gives, checked; ``None`` if it gives none.

    Raises:
        InvalidInputError: If it gives two, or one that cannot be read.
        DefinitionError: If it is wrong. Carries all findings.
    """
    inline, location = call.parameters.get(_INLINE), call.parameters.get(_STORED)
    if inline is not None and location is not None:
        raise InvalidInputError(f"Both {_INLINE} and {_STORED} are given.", mend="Give one of them.")
    text: str | None = inline
    if location is not None:
        text = _stored(platform, location)
    if text is not None:
        platform.engine.check(text)
    return text


def version_of(platform: Platform, name: str, given: Mapping[str, Any]) -> PipelineVersion:
    """Return the version of a pipeline that a call names by its number or an alias, else the newest.

    Raises:
        InvalidInputError: If it names one in both ways.
        NotFoundError: If there is no such pipeline or version.
    """
    number, alias = given.get("PipelineVersionId"), given.get("PipelineVersionAlias")
    if number is not None and alias is not None:
        raise InvalidInputError(
            "Both PipelineVersionId and PipelineVersionAlias are given.", mend="Give one of them."
        )
    return platform.pipelines.get(name, number, alias=alias or "")


def _stored(platform: Platform, location: Mapping[str, Any]) -> str:
    uri = S3Uri(location["Bucket"], location["ObjectKey"])
    if location.get("VersionId", "null") != "null":
        raise ApiError(
            "UnsupportedOperation",
            f"Stepmill does not read definitions by the version of their object ({uri}).",
            where=f"{_STORED}.VersionId",
            mend="Leave it out to read the newest.",
        )
    try:
        data = platform.objects.read_bytes(uri, limit_bytes=LARGEST_DEFINITION_BYTES)
        return data.decode()
    except (NotFoundError, UnicodeError) as error:
        reason = "it is no UTF-8" if isinstance(error, UnicodeError) else "there is no such object"
        raise ApiError(
            VALIDATION,
            f"The definition at {uri} cannot be read: {reason}.",
            where=_STORED,
            mend="Upload it first, as JSON in UTF-8.",
        ) from error
