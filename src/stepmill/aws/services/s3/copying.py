"""CopyObject."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import attributes_of, storage_class_of
from stepmill.aws.services.s3.checksums import shown, wanted_checksum
from stepmill.aws.services.s3.conditions import check_source, write_condition
from stepmill.aws.services.s3.names import copy_source, quoted, uri_of
from stepmill.platform import Platform
from stepmill.storage.objects.attributes import Attributes
from stepmill.storage.objects.digests import Checksum, Hashing
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.store import ObjectStore

_REPLACE = "REPLACE"
# One of them makes a copy of an object onto itself one that changes something.
_CHANGES = ("StorageClass", "ServerSideEncryption")


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    store = platform.objects

    def copy_object(call: Call) -> dict[str, Any]:
        parameters = call.parameters
        source, target = copy_source(parameters["CopySource"]), uri_of(parameters)
        directives = (parameters.get("MetadataDirective"), parameters.get("TaggingDirective"))
        if source == target and _REPLACE not in directives and not any(n in parameters for n in _CHANGES):
            raise ApiError(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without "
                "changing the object's metadata, storage class, website redirect location or encryption "
                "attributes.",
            )
        info = store.head(source)
        check_source(parameters, info)
        checksum = wanted_checksum(parameters)
        copied = store.copy(
            source,
            target,
            attributes=_attributes(call, info),
            checksums=None if checksum is None else _computed(store, info, checksum),
            # What was held against the conditions, and read, must be what is copied.
            source_etag=info.etag,
            condition=write_condition(parameters),
        )
        return {
            "CopyObjectResult": {
                "ETag": quoted(copied.etag),
                "LastModified": copied.modified_at,
                **shown(copied.checksums),
            },
            "CopySourceVersionId": None,
        }

    return {"CopyObject": copy_object}


def _attributes(call: Call, info: ObjectInfo) -> Attributes:
    given = attributes_of(call)
    if call.parameters.get("MetadataDirective") != _REPLACE:
        given = replace(given, **_said(info.attributes))
    if call.parameters.get("TaggingDirective") != _REPLACE:
        given = replace(given, tags=info.attributes.tags)
    # It is the one thing that a copy does not take over.
    return replace(given, storage_class=storage_class_of(call.parameters))


def _said(attributes: Attributes) -> dict[str, Any]:
    return {
        "content_type": attributes.content_type,
        "metadata": attributes.metadata,
        "headers": attributes.headers,
    }


def _computed(store: ObjectStore, info: ObjectInfo, checksum: Checksum) -> dict[Checksum, str]:
    if "-" not in info.checksums.get(checksum, "-"):
        return {checksum: info.checksums[checksum]}
    hashing = Hashing([checksum])
    for chunk in store.chunks(info.uri):
        hashing.update(chunk)
    return hashing.values()
