"""Conditions of HTTP and S3, held against what is there.

Source: RFC 9110, section 13; S3 API reference, GetObject: If-Match counts more than If-Unmodified-Since,
If-None-Match more than If-Modified-Since.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3.names import unquoted
from stepmill.storage.objects.attributes import Condition
from stepmill.storage.objects.info import ObjectInfo

_ANY = "*"
_SOURCE = "CopySource"


def write_condition(parameters: Mapping[str, Any]) -> Condition:
    """Return the condition on which a call writes.

    Raises:
        ApiError: If it is one that S3 does not offer either.
    """
    match, none_match = parameters.get("IfMatch"), parameters.get("IfNoneMatch")
    if none_match is not None and (none_match.strip() != _ANY or match is not None):
        raise ApiError(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented: If-None-Match takes "
            "only *, and not beside If-Match.",
            status=501,
        )
    return Condition(absent=True) if none_match is not None else etag_condition(match)


def etag_condition(match: str | None) -> Condition:
    """Return the condition of an ``If-Match``: this object, or with ``*`` any."""
    is_any = match is not None and match.strip() == _ANY
    return Condition(present=is_any, etag="" if match is None or is_any else unquoted(match))


def check_read(parameters: Mapping[str, Any], info: ObjectInfo) -> bool:
    """Hold an object against the conditions on which it is read.

    Returns:
        Whether the client has it already: it is to be told 304.

    Raises:
        ApiError: If it is not the one that is wanted.
    """
    _check_wanted(parameters, info, "")
    return _is_known(parameters, info, "")


def check_source(parameters: Mapping[str, Any], info: ObjectInfo) -> None:
    """Hold an object against the conditions on which it is copied.

    Raises:
        ApiError: If they do not hold.
    """
    _check_wanted(parameters, info, _SOURCE)
    if _is_known(parameters, info, _SOURCE):
        raise _failed("x-amz-copy-source-if-none-match")


def _check_wanted(parameters: Mapping[str, Any], info: ObjectInfo, prefix: str) -> None:
    match = parameters.get(f"{prefix}IfMatch")
    if match is not None:
        if not _names(match, info.etag):
            raise _failed("If-Match")
        return
    unmodified = parameters.get(f"{prefix}IfUnmodifiedSince")
    if unmodified is not None and _in_seconds(info.modified_at) > unmodified:
        raise _failed("If-Unmodified-Since")


def _is_known(parameters: Mapping[str, Any], info: ObjectInfo, prefix: str) -> bool:
    none_match = parameters.get(f"{prefix}IfNoneMatch")
    if none_match is not None:
        return _names(none_match, info.etag)
    modified = parameters.get(f"{prefix}IfModifiedSince")
    return modified is not None and _in_seconds(info.modified_at) <= modified


def _names(header: str, etag: str) -> bool:
    return any(given.strip() == _ANY or unquoted(given) == etag for given in header.split(","))


def _in_seconds(moment: datetime) -> datetime:
    """HTTP's dates have whole seconds: what is told is what is compared."""
    return moment.replace(microsecond=0)


def _failed(condition: str) -> ApiError:
    return ApiError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        members={"Condition": condition},
    )
