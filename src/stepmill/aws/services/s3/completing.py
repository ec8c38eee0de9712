"""Which parts an upload is completed with, and whether they may be.

Source: S3 API reference, CompleteMultipartUpload, Errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3.names import unquoted
from stepmill.core.errors import NotFoundError
from stepmill.storage.objects.digests import Checksum, etag_of_parts
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uploads import Part, Upload, UploadStore, whole_checksum
from stepmill.storage.objects.uri import S3Uri

SMALLEST_PART_BYTES = 5 * 1024 * 1024
MOST_PARTS = 10_000


def chosen_parts(
    uploads: UploadStore, uri: S3Uri, parameters: Mapping[str, Any], named: Sequence[Mapping[str, Any]]
) -> list[Part]:
    """Return the parts that a call names.

    Raises:
        ApiError: If one is not there, is another one, too small or not in order, or if the whole is not
            what the client expects.
        UploadNotFoundError: If there is no such upload.
    """
    upload = uploads.get(uri, parameters["UploadId"])
    if not 1 <= len(named) <= MOST_PARTS:
        raise ApiError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
            mend=f"Name 1 to {MOST_PARTS} parts.",
        )
    numbers = [part.get("PartNumber", 0) for part in named]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ApiError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. The parts list must be specified in order by part "
            "number.",
        )
    there = {part.number: part for part in uploads.parts(uri, upload.id, limit=MOST_PARTS)}
    chosen = [_checked(there.get(number), given) for number, given in zip(numbers, named, strict=True)]
    for part in chosen[:-1]:
        if part.size_bytes < SMALLEST_PART_BYTES:
            raise ApiError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                members={
                    "ProposedSize": part.size_bytes,
                    "MinSizeAllowed": SMALLEST_PART_BYTES,
                    "PartNumber": part.number,
                    "ETag": part.etag,
                },
            )
    _check_whole(upload, chosen, parameters)
    return chosen


def completed_before(store: ObjectStore, uri: S3Uri, named: Sequence[Mapping[str, Any]]) -> ObjectInfo | None:
    """Return the object, if these very parts have become it already.

    A client that never saw the answer asks again, and must not be told that its upload is lost.
    """
    try:
        info = store.head(uri)
    except NotFoundError:
        return None
    etag = etag_of_parts([unquoted(part.get("ETag", "")) for part in named])
    return info if named and info.etag == etag else None


def _checked(part: Part | None, given: Mapping[str, Any]) -> Part:
    is_it = part is not None and unquoted(given.get("ETag", "")) == part.etag
    if part is None or not is_it or not _has_checksums(part, given):
        raise ApiError(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or "
            "the specified entity tag may not match the part's entity tag.",
            members={"PartNumber": given.get("PartNumber"), "ETag": given.get("ETag")},
        )
    return part


def _has_checksums(part: Part, given: Mapping[str, Any]) -> bool:
    return all(given.get(f"Checksum{checksum}", value) == value for checksum, value in part.checksums.items())


def _check_whole(upload: Upload, parts: Sequence[Part], parameters: Mapping[str, Any]) -> None:
    size = sum(part.size_bytes for part in parts)
    if parameters.get("MpuObjectSize", size) != size:
        raise ApiError(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {parameters['MpuObjectSize']} does not match "
            f"what was computed: {size}",
        )
    known = whole_checksum(upload, parts)
    for checksum in Checksum:
        given = parameters.get(f"Checksum{checksum}")
        # That of the parts' checksums may come without their number.
        value = known.get(checksum, "")
        if given is not None and given not in (value, value.partition("-")[0]):
            raise ApiError(
                "BadDigest", f"The {checksum} you specified did not match the calculated checksum."
            )
