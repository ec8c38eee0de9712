"""PutObject, DeleteObject, DeleteObjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError, code_of, text_of
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import attributes_of
from stepmill.aws.services.s3.checksums import CheckedBody, shown
from stepmill.aws.services.s3.conditions import etag_condition, write_condition
from stepmill.aws.services.s3.names import bucket_of, quoted, require_bucket, uri_of
from stepmill.core.errors import StepmillError
from stepmill.platform import Platform
from stepmill.storage.objects.uri import S3Uri

_MOST_AT_ONCE = 1000


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    store = platform.objects

    def put_object(call: Call) -> dict[str, Any]:
        uri = uri_of(call.parameters)
        body = CheckedBody(call.request)
        info = store.put_stream(
            uri,
            body,
            attributes=attributes_of(call),
            hashing=body.hashing,
            condition=write_condition(call.parameters),
        )
        return {"ETag": quoted(info.etag), **shown(info.checksums)}

    def delete_object(call: Call) -> None:
        uri = uri_of(call.parameters)
        require_bucket(store, uri.bucket)
        store.delete([uri], condition=etag_condition(call.parameters.get("IfMatch")))

    def delete_objects(call: Call) -> dict[str, Any]:
        bucket = bucket_of(call.parameters)
        require_bucket(store, bucket)
        wanted = call.parameters["Delete"]
        if not 1 <= len(wanted["Objects"]) <= _MOST_AT_ONCE:
            raise ApiError("MalformedXML", f"Between 1 and {_MOST_AT_ONCE} objects are deleted at once.")
        errors: list[dict[str, Any]] = []
        deleted: list[dict[str, Any]] = []
        at_once: list[S3Uri] = []
        for given in wanted["Objects"]:
            named = {name: given[name] for name in ("Key", "VersionId") if name in given}
            try:
                uri = uri_of({**given, "Bucket": bucket})
                _refuse_conditions(given)
                if "ETag" in given:
                    store.delete([uri], condition=etag_condition(given["ETag"]))
                else:
                    at_once.append(uri)
            except StepmillError as error:
                errors.append({**named, "Code": code_of("s3", error).code, "Message": text_of(error)})
            else:
                deleted.append(named)
        store.delete(at_once)
        return {"Deleted": [] if wanted.get("Quiet") else deleted, "Errors": errors}

    return {
        "PutObject": put_object,
        "DeleteObject": delete_object,
        "DeleteObjects": delete_objects,
    }


def _refuse_conditions(given: Mapping[str, Any]) -> None:
    for name in ("LastModifiedTime", "Size"):
        if name in given:
            raise ApiError(
                "NotImplemented", f"A deletion on the condition of a {name} is not offered.", status=501
            )
