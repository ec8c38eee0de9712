"""Presigned S3 requests of Signature Version 2, which boto3 makes unless it is told otherwise.

Source: S3 user guide (archived), "Signing and authenticating REST requests".
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from stepmill.aws.auth.claims import parameters_of
from stepmill.aws.auth.refusals import S3
from stepmill.aws.wire import Request

# Parameters that are part of the resource, so that nobody can turn a signed read into another one.
_SUBRESOURCES = frozenset(
    {
        "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle",
        "location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy",
        "replication", "requestPayment", "response-cache-control", "response-content-disposition",
        "response-content-encoding", "response-content-language", "response-content-type", "response-expires",
        "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads",
        "versionId", "versioning", "versions", "website",
    }
)  # fmt: skip


def access_key_of(request: Request) -> str:
    """Return the id of the key that a request says it is signed with."""
    return parameters_of(request.query).get("AWSAccessKeyId", "")


def is_presigned_v2(request: Request) -> bool:
    """Return whether a request bears a presigned query of version 2."""
    return "AWSAccessKeyId=" in request.query and "Signature=" in request.query


def check(request: Request, secret: str, now: datetime, path: str) -> None:
    """Hold a presigned request against its signature and its time.

    Args:
        request: As it was sent.
        secret: Of the key that it names.
        now: Aware.
        path: Its path with the bucket first, however that was addressed.

    Raises:
        ApiError: If it is not signed so, or its time is over.
    """
    given = parameters_of(request.query)
    expires = given.get("Expires", "")
    if not (expires.isascii() and expires.isdecimal() and len(expires) < len("9" * 12)):
        raise S3.malformed_query(
            "Query-string authentication requires Signature, Expires and AWSAccessKeyId."
        )
    if not any(
        _is_signed(secret, text, given["Signature"]) for text in _texts(request, expires, path, given)
    ):
        raise S3.mismatch()
    if now > datetime.fromtimestamp(int(expires), UTC):
        raise S3.expired()


def _is_signed(secret: str, text: str, given: str) -> bool:
    expected = hmac.digest(secret.encode(), text.encode(), "sha1")
    try:
        return hmac.compare_digest(expected, b64decode(given, validate=True))
    except (Base64Error, ValueError):
        return False


def _texts(request: Request, expires: str, path: str, given: Mapping[str, str]) -> list[str]:
    headers = request.headers
    amazon = "".join(
        f"{name}:{' '.join(value.split())}\n"
        for name, value in sorted(_amazon_headers(headers, given).items())
    )
    head = (
        f"{request.method}\n{headers.get('content-md5', '')}\n{headers.get('content-type', '')}\n{expires}\n"
    )
    resource = _resource(request.query)
    # A bucket in the host's name is part of the resource as well; a bucket alone is signed as a folder.
    paths = (request.path, path, f"{path}/" if path.count("/") == 1 else path)
    return [f"{head}{amazon}{one}{resource}" for one in dict.fromkeys(paths)]


def _amazon_headers(headers: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    # Clients put the headers that they signed into the query, too. What is sent as a header is what counts.
    return {n: value for n, value in (*given.items(), *headers.items()) if n.startswith("x-amz-")}


def _resource(query: str) -> str:
    kept = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name in _SUBRESOURCES:
            kept.append(f"{name}{equals}{unquote(value)}")
    return "?" + "&".join(sorted(kept)) if kept else ""
