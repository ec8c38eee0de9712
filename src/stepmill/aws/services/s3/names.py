"""Buckets and keys of a call, and how ETags, keys and owners are written on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from stepmill.aws.errors import ApiError
from stepmill.core.errors import InvalidInputError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import LONGEST_KEY_BYTES, S3Uri, check_bucket_name

# What every object's only version is called where there is no versioning.
NULL_VERSION = "null"

_QUERY = re.compile(r"\?versionId=(?P<version>.*)$")


def bucket_of(parameters: Mapping[str, Any]) -> str:
    """Return the bucket that a call is for.

    Raises:
        ApiError: If S3 would refuse the name.
    """
    name: str = parameters["Bucket"]
    try:
        check_bucket_name(name)
    except InvalidInputError as error:
        raise ApiError(
            "InvalidBucketName",
            "The specified bucket is not valid.",
            mend=error.mend,
            members={"BucketName": name[:100]},
        ) from error
    return name


def uri_of(parameters: Mapping[str, Any]) -> S3Uri:
    """Return the address of the object that a call is for.

    Raises:
        ApiError: If S3 would refuse the bucket's name, or the key is too long, or another version is asked
            for than the only one.
    """
    check_version(parameters.get("VersionId"))
    return address(bucket_of(parameters), parameters["Key"])


def address(bucket: str, key: str) -> S3Uri:
    """Return an address.

    Raises:
        ApiError: If the key is too long, or no text.
    """
    try:
        uri = S3Uri(bucket, key)
    except InvalidInputError as error:
        if len(key.encode(errors="replace")) <= LONGEST_KEY_BYTES:
            raise
        raise ApiError(
            "KeyTooLongError", "Your key is too long.", members={"MaxSizeAllowed": LONGEST_KEY_BYTES}
        ) from error
    if not key:
        raise ApiError("InvalidURI", "Couldn't parse the specified URI: the key is empty.")
    return uri


def check_version(version: str | None) -> None:
    """Hold that no other version is asked for than the only one.

    Raises:
        ApiError: If one is.
    """
    if version is not None and version != NULL_VERSION:
        raise ApiError(
            "NoSuchVersion",
            "The specified version does not exist.",
            status=404,
            mend="Buckets have no versioning here; the only version is 'null'.",
            members={"VersionId": version[:200]},
        )


def copy_source(text: str) -> S3Uri:
    """Read ``x-amz-copy-source``: ``bucket/key``, percent-encoded, perhaps with a version.

    Raises:
        ApiError: If it is not of that form.

    Example:
        >>> copy_source("/data/raw/a%20b.csv?versionId=null")
        S3Uri(bucket='data', key='raw/a b.csv')
    """
    version = _QUERY.search(text)
    if version is not None:
        check_version(version["version"])
        text = text[: version.start()]
    bucket, slash, key = unquote(text, errors="surrogateescape").removeprefix("/").partition("/")
    if not slash or bucket.startswith("arn:"):
        raise ApiError(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey.",
            where="x-amz-copy-source",
        )
    return address(bucket_of({"Bucket": bucket}), key)


def quoted(etag: str) -> str:
    """Return an ETag as HTTP writes it."""
    return f'"{etag}"'


def unquoted(etag: str) -> str:
    """Return an ETag without what HTTP writes around it."""
    return etag.strip().removeprefix("W/").strip('"')


def encoded(text: str | None, encoding: str | None) -> str | None:
    """Return a key as a listing tells it: percent-encoded if the client asked for that.

    XML cannot carry all characters that a key may hold.
    """
    return quote(text, safe="/", errors="replace") if text and encoding == "url" else text


def owner_of(account: str) -> dict[str, str]:
    """Return who owns everything here: a canonical user id is 64 hexadecimal digits."""
    return {"ID": sha256(account.encode()).hexdigest(), "DisplayName": account}


def require_bucket(store: ObjectStore, bucket: str) -> None:
    """Hold that there is such a bucket.

    Raises:
        ApiError: If not.
    """
    if not store.bucket_exists(bucket):
        raise ApiError(
            "NoSuchBucket", "The specified bucket does not exist", status=404, members={"BucketName": bucket}
        )
