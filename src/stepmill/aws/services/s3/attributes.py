"""What is said of objects, between HTTP's headers and the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call
from stepmill.storage.objects.attributes import Attributes

STANDARD = "STANDARD"
DEFAULT_CONTENT_TYPE = "binary/octet-stream"

# S3 API reference, PutObject; S3 user guide, "Categorizing your storage using tags".
LARGEST_METADATA_BYTES = 2048
MOST_TAGS = 10
MOST_BUCKET_TAGS = 50
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256

_KEPT = ("cache-control", "content-disposition", "content-language", "expires")
_CHUNKED = "aws-chunked"


def attributes_of(call: Call) -> Attributes:
    """Return what a call says of the object that it puts.

    Raises:
        ApiError: If that is more than S3 keeps, or tags are wrong.
    """
    parameters, headers = call.parameters, call.request.headers
    metadata: Mapping[str, str] = parameters.get("Metadata", {})
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > LARGEST_METADATA_BYTES:
        raise ApiError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            members={"Size": size, "MaxSizeAllowed": LARGEST_METADATA_BYTES},
        )
    # As they came: a moment is told again in the client's own words.
    kept = {name: headers[name] for name in _KEPT if name in headers}
    # That encoding is of the transfer, not of the object.
    encodings = [word.strip() for word in headers.get("content-encoding", "").split(",")]
    encoding = ",".join(word for word in encodings if word and word != _CHUNKED)
    if encoding:
        kept["content-encoding"] = encoding
    return Attributes(
        content_type=headers.get("content-type", ""),
        metadata=dict(metadata),
        headers=kept,
        storage_class=storage_class_of(parameters),
        tags=tags_of_header(parameters.get("Tagging", "")),
    )


def storage_class_of(parameters: Mapping[str, Any]) -> str:
    """Return the storage class that a call names, empty for the usual one."""
    name: str = parameters.get("StorageClass", "")
    return "" if name == STANDARD else name


def tags_of_header(text: str) -> dict[str, str]:
    """Read ``x-amz-tagging``: a query.

    Raises:
        ApiError: If it is none, or the tags are wrong.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict") if text else []
    except ValueError as error:
        raise ApiError(
            "InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded."
        ) from error
    return checked_tags(pairs)


def tags_of_set(tagging: Mapping[str, Any], *, most: int = MOST_TAGS) -> dict[str, str]:
    """Return the tags of a ``Tagging`` document.

    Raises:
        ApiError: If they are wrong.
    """
    return checked_tags([(tag["Key"], tag["Value"]) for tag in tagging["TagSet"]], most=most)


def checked_tags(pairs: list[tuple[str, str]], *, most: int = MOST_TAGS) -> dict[str, str]:
    """Hold tags against S3's rules.

    Raises:
        ApiError: If there are too many or too long ones, or two of one key.
    """
    if len(pairs) > most:
        raise ApiError("BadRequest", f"Object tags cannot be greater than {most}")
    tags = dict(pairs)
    if len(tags) < len(pairs):
        raise ApiError("InvalidTag", "Cannot provide multiple Tags with the same key")
    for key, value in pairs:
        if not 1 <= len(key) <= LONGEST_TAG_KEY or len(value) > LONGEST_TAG_VALUE or key.startswith("aws:"):
            raise ApiError(
                "InvalidTag",
                f"The tag {key[:40]!r} is not possible.",
                mend=f"Keys have 1 to {LONGEST_TAG_KEY} characters and do not begin with aws:, "
                f"values have at most {LONGEST_TAG_VALUE}.",
            )
    return tags


def tag_set(tags: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Return tags as a ``Tagging`` document."""
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
