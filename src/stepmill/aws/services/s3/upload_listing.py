"""ListParts, ListMultipartUploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import STANDARD
from stepmill.aws.services.s3.names import bucket_of, encoded, owner_of, quoted, uri_of
from stepmill.platform import Platform
from stepmill.storage.objects.listing import fold
from stepmill.storage.objects.uploads import Part, Upload, UploadStore

_LONGEST_PAGE = 1000


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    uploads = platform.objects.uploads
    owner = owner_of(platform.settings.account)
    owned = {"Owner": owner, "Initiator": owner}

    def list_parts(call: Call) -> dict[str, Any]:
        given = call.parameters
        uri, after = uri_of(given), given.get("PartNumberMarker", 0)
        upload = uploads.get(uri, given["UploadId"])
        most = _most(given.get("MaxParts", _LONGEST_PAGE), "max-parts")
        found = uploads.parts(uri, upload.id, after=after, limit=most + 1)
        page = found[:most]
        return {
            "Bucket": uri.bucket,
            "Key": uri.key,
            "UploadId": upload.id,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else after,
            "MaxParts": most,
            "IsTruncated": len(found) > most,
            "Parts": [_part(part) for part in page],
            "StorageClass": upload.attributes.storage_class or STANDARD,
            **owned,
            **_checksum(upload),
        }

    def list_multipart_uploads(call: Call) -> dict[str, Any]:
        given = call.parameters
        bucket, encoding = bucket_of(given), given.get("EncodingType")
        most = _most(given.get("MaxUploads", _LONGEST_PAGE), "max-uploads")
        found = _found(uploads, bucket, given, most + 1)
        page = found[:most]
        last = page[-1] if page else None
        return {
            "Bucket": bucket,
            "Prefix": encoded(given.get("Prefix", ""), encoding),
            "Delimiter": encoded(given.get("Delimiter"), encoding),
            "KeyMarker": encoded(given.get("KeyMarker", ""), encoding),
            "UploadIdMarker": given.get("UploadIdMarker", ""),
            "NextKeyMarker": encoded(_key_of(last), encoding) if len(found) > most else None,
            "NextUploadIdMarker": last.id if isinstance(last, Upload) and len(found) > most else None,
            "MaxUploads": most,
            "IsTruncated": len(found) > most,
            "EncodingType": encoding,
            "Uploads": [{**_upload(one, encoding), **owned} for one in page if isinstance(one, Upload)],
            "CommonPrefixes": [{"Prefix": encoded(one, encoding)} for one in page if isinstance(one, str)],
        }

    return {"ListParts": list_parts, "ListMultipartUploads": list_multipart_uploads}


def _found(uploads: UploadStore, bucket: str, given: Mapping[str, Any], limit: int) -> list[Upload | str]:
    """Return uploads and folders of them; uploads are few, so none is jumped over."""
    prefix, delimiter = given.get("Prefix", ""), given.get("Delimiter", "")
    after = (given.get("KeyMarker", ""), given.get("UploadIdMarker", ""))
    found: list[Upload | str] = []
    while len(found) < limit:
        page = uploads.list(bucket, prefix, after=after, limit=_LONGEST_PAGE)
        for upload in page:
            folder = fold(upload.uri.key, prefix, delimiter) if delimiter else None
            if folder is None:
                found.append(upload)
            elif folder not in (after[0], found[-1] if found else None):
                found.append(folder)
        if len(page) < _LONGEST_PAGE:
            break
        after = (page[-1].uri.key, page[-1].id)
    return found[:limit]


def _key_of(one: Upload | str | None) -> str | None:
    return one.uri.key if isinstance(one, Upload) else one


def _most(asked: int, where: str) -> int:
    if asked < 0:
        raise ApiError(
            "InvalidArgument", f"Argument {where} must be an integer between 0 and 2147483647", where=where
        )
    return max(1, min(asked, _LONGEST_PAGE))


def _part(part: Part) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified_at,
        "ETag": quoted(part.etag),
        "Size": part.size_bytes,
        **{f"Checksum{checksum}": value for checksum, value in part.checksums.items()},
    }


def _upload(upload: Upload, encoding: str | None) -> dict[str, Any]:
    return {
        "UploadId": upload.id,
        "Key": encoded(upload.uri.key, encoding),
        "Initiated": upload.created_at,
        "StorageClass": upload.attributes.storage_class or STANDARD,
        **_checksum(upload),
    }


def _checksum(upload: Upload) -> dict[str, str]:
    if upload.checksum is None:
        return {}
    kind = "FULL_OBJECT" if upload.full_object else "COMPOSITE"
    return {"ChecksumAlgorithm": upload.checksum, "ChecksumType": kind}
