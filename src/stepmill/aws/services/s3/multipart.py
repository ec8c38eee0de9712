"""Uploads in parts: CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, Abort...

Source: S3 user guide, "Amazon S3 multipart upload limits"; S3 API reference, CompleteMultipartUpload, Errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import attributes_of
from stepmill.aws.services.s3.checksums import CheckedBody, shown, wanted_checksum
from stepmill.aws.services.s3.completing import MOST_PARTS, chosen_parts, completed_before
from stepmill.aws.services.s3.conditions import check_source, write_condition
from stepmill.aws.services.s3.names import copy_source, quoted, uri_of
from stepmill.aws.services.s3.ranges import copy_extent
from stepmill.platform import Platform
from stepmill.storage.objects.digests import Checksum, has_full_object
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uploads import Part, UploadNotFoundError

_FULL_OBJECT = "FULL_OBJECT"


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    multipart = _Multipart(platform.objects)
    return {
        "CreateMultipartUpload": multipart.create,
        "UploadPart": multipart.put_part,
        "UploadPartCopy": multipart.copy_part,
        "CompleteMultipartUpload": multipart.complete,
        "AbortMultipartUpload": multipart.abort,
    }


class _Multipart:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._uploads = store.uploads

    def create(self, call: Call) -> dict[str, Any]:
        uri = uri_of(call.parameters)
        checksum = wanted_checksum(call.parameters)
        is_full = _is_full_object(call.parameters, checksum)
        upload = self._uploads.create(uri, attributes_of(call), checksum=checksum, full_object=is_full)
        told: dict[str, Any] = {"Bucket": uri.bucket, "Key": uri.key, "UploadId": upload.id}
        if checksum is not None:
            told["ChecksumAlgorithm"] = checksum
            told["ChecksumType"] = _FULL_OBJECT if is_full else "COMPOSITE"
        return told

    def put_part(self, call: Call) -> dict[str, Any]:
        uri, upload = uri_of(call.parameters), call.parameters["UploadId"]
        number = _number_of(call.parameters)
        wanted = self._uploads.get(uri, upload).checksum
        body = CheckedBody(call.request, wanted)
        if wanted is not None and body.checksum not in (None, wanted):
            raise ApiError(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()}, "
                f"actual checksum Type: {str(body.checksum).lower()}",
            )
        part = self._uploads.put_part(uri, upload, number, body, hashing=body.hashing)
        return {"ETag": quoted(part.etag), **_checksums(part)}

    def copy_part(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        uri, source = uri_of(parameters), copy_source(parameters["CopySource"])
        info = self._store.head(source)
        check_source(parameters, info)
        start, end = 0, info.size_bytes
        if "CopySourceRange" in parameters:
            start, end = copy_extent(parameters["CopySourceRange"], info.size_bytes)
        part = self._uploads.copy_part(
            uri,
            parameters["UploadId"],
            _number_of(parameters),
            source,
            start=start,
            end=end,
            source_etag=info.etag,
        )
        result = {"ETag": quoted(part.etag), "LastModified": part.modified_at, **_checksums(part)}
        return {"CopyPartResult": result}

    def complete(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        uri = uri_of(parameters)
        named = parameters.get("MultipartUpload", {}).get("Parts", [])
        try:
            parts = chosen_parts(self._uploads, uri, parameters, named)
            info = self._uploads.complete(
                uri, parameters["UploadId"], parts, condition=write_condition(parameters)
            )
        except UploadNotFoundError:
            before = completed_before(self._store, uri, named)
            if before is None:
                raise
            info = before
        return _told_of(call, info)

    def abort(self, call: Call) -> dict[str, Any]:
        self._uploads.abort(uri_of(call.parameters), call.parameters["UploadId"])
        return {}


def _told_of(call: Call, info: ObjectInfo) -> dict[str, Any]:
    host = call.request.headers.get("host", "")
    return {
        "Location": f"http://{host}{call.request.path}",
        "Bucket": info.bucket,
        "Key": info.key,
        "ETag": quoted(info.etag),
        **shown(info.checksums),
    }


def _is_full_object(parameters: Mapping[str, Any], checksum: Checksum | None) -> bool:
    kind = parameters.get("ChecksumType")
    if checksum is None:
        if kind is not None:
            raise ApiError(
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )
        return False
    # It is the only one of those that are offered which S3 does not make of the parts'.
    is_full = kind == _FULL_OBJECT or (kind is None and checksum is Checksum.CRC64NVME)
    if is_full != (checksum is Checksum.CRC64NVME) and not (is_full and has_full_object(checksum)):
        raise ApiError(
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {checksum.lower()} checksum algorithm.",
        )
    return is_full


def _number_of(parameters: Mapping[str, Any]) -> int:
    number: int = parameters["PartNumber"]
    if not 1 <= number <= MOST_PARTS:
        raise ApiError(
            "InvalidArgument",
            f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive",
            members={"ArgumentName": "partNumber", "ArgumentValue": number},
        )
    return number


def _checksums(part: Part) -> dict[str, str]:
    return {f"Checksum{checksum}": value for checksum, value in part.checksums.items()}
