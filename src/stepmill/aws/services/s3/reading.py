"""GetObject, HeadObject, GetObjectAttributes.

The first two answer with headers that no model describes well: each is sent only where it has something to
say, and moments in the words of whoever put the object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from stepmill.aws.errors import ApiError, text_of
from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import DEFAULT_CONTENT_TYPE, STANDARD
from stepmill.aws.services.s3.checksums import shown
from stepmill.aws.services.s3.conditions import check_read
from stepmill.aws.services.s3.names import quoted, uri_of
from stepmill.aws.services.s3.ranges import Extent, UnsatisfiableError, extent_of
from stepmill.aws.wire import Body, FileRange, Request, Response
from stepmill.platform import Platform
from stepmill.storage.objects.info import ObjectInfo

_OVERRIDES = frozenset(
    f"response-{name}"
    for name in (
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    )
)
# What a header may hold; line ends would let a link's author write headers of his own.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LONGEST_PARTS_PAGE = 1000


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    store = platform.objects

    def get_object(call: Call) -> Response:
        info, path = store.locate(uri_of(call.parameters))
        return _answer(call, info, lambda extent: FileRange(path, extent.start, extent.size_bytes))

    def head_object(call: Call) -> Response:
        info = store.head(uri_of(call.parameters))
        return _answer(call, info, lambda _: b"")

    def get_object_attributes(call: Call) -> dict[str, Any]:
        info = store.head(uri_of(call.parameters))
        return {"LastModified": info.modified_at, **_attributes(call.parameters, info)}

    return {
        "GetObject": get_object,
        "HeadObject": head_object,
        "GetObjectAttributes": get_object_attributes,
    }


def _answer(call: Call, info: ObjectInfo, body_of: Callable[[Extent], Body]) -> Response:
    ids = (("x-amz-request-id", call.request_id),)
    if check_read(call.parameters, info):
        return Response(304, (*ids, *_validators(info)))
    try:
        extent = extent_of(call.parameters, info)
    except UnsatisfiableError as error:
        refused = codec_of("s3").error(
            error.code, text_of(error), call.request_id, status=error.status, members=error.members
        )
        return replace(refused, headers=(*refused.headers, ("Content-Range", f"bytes */{error.size_bytes}")))
    headers = dict(_headers(info))
    headers.update(_overrides(call.request))
    headers["Content-Length"] = str(extent.size_bytes)
    if extent.is_part:
        headers["Content-Range"] = f"bytes {extent.start}-{extent.end - 1}/{info.size_bytes}"
    if extent.parts_count is not None:
        headers["x-amz-mp-parts-count"] = str(extent.parts_count)
    # Of a part of the bytes, the checksum of all would be wrong: clients hold what they get against it.
    if call.parameters.get("ChecksumMode") == "ENABLED" and extent.size_bytes == info.size_bytes:
        for name, value in shown(info.checksums).items():
            headers[f"x-amz-checksum-{name.removeprefix('Checksum').lower()}"] = value
    return Response(206 if extent.is_part else 200, (*ids, *headers.items()), body_of(extent))


def _validators(info: ObjectInfo) -> tuple[tuple[str, str], ...]:
    return (
        ("ETag", quoted(info.etag)),
        ("Last-Modified", format_datetime(info.modified_at.replace(microsecond=0), usegmt=True)),
    )


def _headers(info: ObjectInfo) -> dict[str, str]:
    said = info.attributes
    headers = dict(_validators(info))
    headers["Accept-Ranges"] = "bytes"
    headers["Content-Type"] = said.content_type or DEFAULT_CONTENT_TYPE
    headers.update({name.title(): value for name, value in said.headers.items()})
    headers.update({f"x-amz-meta-{name}": value for name, value in said.metadata.items()})
    if said.storage_class:
        headers["x-amz-storage-class"] = said.storage_class
    if said.tags:
        headers["x-amz-tagging-count"] = str(len(said.tags))
    # An object may have been put by other means than HTTP, and say what no header can.
    return {name: value for name, value in headers.items() if _HEADER_VALUE.fullmatch(value)}


def _overrides(request: Request) -> dict[str, str]:
    """Return the headers that the query wants to be others."""
    if "response-" not in request.query:
        return {}
    found = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        if name in _OVERRIDES:
            if not _HEADER_VALUE.fullmatch(value):
                raise ApiError("InvalidArgument", "The value can be in no header.", where=name)
            found[name.removeprefix("response-").title()] = value
    return found


def _attributes(parameters: Mapping[str, Any], info: ObjectInfo) -> dict[str, Any]:
    known: dict[str, Any] = {
        "ETag": info.etag,
        "StorageClass": info.attributes.storage_class or STANDARD,
        "ObjectSize": info.size_bytes,
    }
    if info.checksums:
        known["Checksum"] = shown(info.checksums)
    if info.part_runs:
        known["ObjectParts"] = _parts(parameters, info)
    wanted = parameters["ObjectAttributes"]
    return {name: value for name, value in known.items() if name in wanted}


def _parts(parameters: Mapping[str, Any], info: ObjectInfo) -> dict[str, Any]:
    sizes = [size for count, size in info.part_runs for _ in range(count)]
    after = parameters.get("PartNumberMarker", 0)
    most = min(parameters.get("MaxParts", _LONGEST_PARTS_PAGE), _LONGEST_PARTS_PAGE)
    page = list(enumerate(sizes, 1))[after : after + most]
    return {
        "TotalPartsCount": len(sizes),
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1][0] if page else after,
        "MaxParts": most,
        "IsTruncated": after + len(page) < len(sizes),
        "Parts": [{"PartNumber": number, "Size": size} for number, size in page],
    }
