"""ListObjects, ListObjectsV2, ListObjectVersions: pages of objects and of what their keys are folded into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import STANDARD
from stepmill.aws.services.s3.checksums import type_of
from stepmill.aws.services.s3.names import (
    NULL_VERSION,
    bucket_of,
    encoded,
    owner_of,
    quoted,
    require_bucket,
)
from stepmill.aws.services.s3.tokens import read_token, token_of
from stepmill.platform import Platform
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.store import ObjectStore

_LONGEST_PAGE = 1000


@dataclass(frozen=True)
class _Page:
    """A page of a listing.

    Args:
        objects: In order.
        folders: In order.
        last: The last of both; empty if there is none.
        is_truncated: Whether more follow.
    """

    objects: Sequence[ObjectInfo]
    folders: Sequence[str]
    last: str
    is_truncated: bool


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    store = platform.objects
    owner = owner_of(platform.settings.account)

    def list_objects(call: Call) -> dict[str, Any]:
        given = call.parameters
        page, common = _page(store, given, given.get("Marker", ""))
        encoding = given.get("EncodingType")
        contents = [{**_object(info, encoding), "Owner": owner} for info in page.objects]
        has_next = page.is_truncated and "Delimiter" in given
        return {
            **common,
            "Contents": contents,
            "Marker": encoded(given.get("Marker", ""), encoding),
            "NextMarker": encoded(page.last, encoding) if has_next else None,
        }

    def list_objects_v2(call: Call) -> dict[str, Any]:
        given = call.parameters
        token = given.get("ContinuationToken")
        if token == "":
            raise ApiError("InvalidArgument", "The continuation token provided is incorrect")
        page, common = _page(store, given, read_token(token) if token else given.get("StartAfter", ""))
        encoding = given.get("EncodingType")
        contents = [_object(info, encoding) for info in page.objects]
        if given.get("FetchOwner"):
            contents = [{**one, "Owner": owner} for one in contents]
        return {
            **common,
            "Contents": contents,
            "KeyCount": len(page.objects) + len(page.folders),
            "ContinuationToken": token,
            "NextContinuationToken": token_of(page.last) if page.is_truncated else None,
            "StartAfter": encoded(given.get("StartAfter"), encoding),
        }

    def list_object_versions(call: Call) -> dict[str, Any]:
        given = call.parameters
        if given.get("VersionIdMarker") and not given.get("KeyMarker"):
            raise ApiError("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
        page, common = _page(store, given, given.get("KeyMarker", ""))
        encoding = given.get("EncodingType")
        only = {"VersionId": NULL_VERSION, "IsLatest": True, "Owner": owner}
        return {
            **common,
            "Versions": [{**_object(info, encoding), **only} for info in page.objects],
            "KeyMarker": encoded(given.get("KeyMarker", ""), encoding),
            "VersionIdMarker": given.get("VersionIdMarker", ""),
            "NextKeyMarker": encoded(page.last, encoding) if page.is_truncated else None,
            "NextVersionIdMarker": NULL_VERSION if page.is_truncated else None,
        }

    return {
        "ListObjects": list_objects,
        "ListObjectsV2": list_objects_v2,
        "ListObjectVersions": list_object_versions,
    }


def _page(store: ObjectStore, given: Mapping[str, Any], after: str) -> tuple[_Page, dict[str, Any]]:
    """Return a page, and the members that all kinds of listings have."""
    bucket = bucket_of(given)
    prefix, delimiter, encoding = (
        given.get("Prefix", ""),
        given.get("Delimiter", ""),
        given.get("EncodingType"),
    )
    asked = given.get("MaxKeys", _LONGEST_PAGE)
    if asked < 0:
        raise ApiError(
            "InvalidArgument",
            "Argument max-keys must be an integer between 0 and 2147483647",
            where="max-keys",
        )
    most = min(asked, _LONGEST_PAGE)
    page = _found(store, bucket, prefix, delimiter, after, most)
    common = {
        "Name": bucket,
        "Prefix": encoded(prefix, encoding),
        "Delimiter": encoded(delimiter, encoding) or None,
        "MaxKeys": most,
        "EncodingType": encoding,
        "IsTruncated": page.is_truncated,
        "CommonPrefixes": [{"Prefix": encoded(folder, encoding)} for folder in page.folders],
    }
    return page, common


def _found(store: ObjectStore, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> _Page:
    if most == 0:
        require_bucket(store, bucket)
        return _Page((), (), "", is_truncated=False)
    found: Sequence[ObjectInfo | str]
    if delimiter:
        found = store.list_folded(bucket, prefix, delimiter=delimiter, after=after, limit=most + 1)
    else:
        found = store.list(bucket, prefix, after=after, limit=most + 1)
    shown = found[:most]
    objects = [one for one in shown if not isinstance(one, str)]
    folders = [one for one in shown if isinstance(one, str)]
    last = shown[-1] if shown else ""
    name = last if isinstance(last, str) else last.key
    return _Page(objects, folders, name, is_truncated=len(found) > most)


def _object(info: ObjectInfo, encoding: str | None) -> dict[str, Any]:
    members: dict[str, Any] = {
        "Key": encoded(info.key, encoding),
        "LastModified": info.modified_at,
        "ETag": quoted(info.etag),
        "Size": info.size_bytes,
        "StorageClass": info.attributes.storage_class or STANDARD,
    }
    if info.checksums:
        members["ChecksumAlgorithm"] = list(info.checksums)
        members["ChecksumType"] = type_of(info.checksums)
    return members
