"""What is known of buckets and objects without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stepmill.core.errors import NotFoundError
from stepmill.storage.objects.attributes import Attributes
from stepmill.storage.objects.digests import Checksum
from stepmill.storage.objects.uri import S3Uri


class BucketNotFoundError(NotFoundError):
    """There is no bucket of that name."""


@dataclass(frozen=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Args:
        bucket: Its bucket.
        key: Its key, at least one character.
        size_bytes: Its length.
        modified_at: When it was put there. Aware, UTC.
        sha256: Digest of its bytes, lower-case hexadecimal; empty if nobody has asked for it yet.
        etag: Equal for equal bytes only, and the same as long as the object is. Of an object put in one
            piece its MD5; of one put in parts, that of the parts' and a hyphen and their number; of a file
            taken in unread, another text with a hyphen.
        checksums: Those that were asked for when it was put, in base64; of an object put in parts perhaps
            with a hyphen and their number: the checksum of the parts' checksums.
        part_runs: Of an object put in parts: how many of which length, in order.
        attributes: What is said of it.
    """

    bucket: str
    key: str
    size_bytes: int
    modified_at: datetime
    sha256: str = ""
    etag: str = ""
    checksums: Mapping[Checksum, str] = field(default_factory=dict)
    part_runs: tuple[tuple[int, int], ...] = ()
    attributes: Attributes = field(default_factory=Attributes)

    @property
    def uri(self) -> S3Uri:
        """Its address."""
        return S3Uri(self.bucket, self.key)

    @property
    def content_type(self) -> str:
        """As given when it was put; may be empty."""
        return self.attributes.content_type

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own, as given when it was put."""
        return self.attributes.metadata


@dataclass(frozen=True)
class BucketInfo:
    """A bucket.

    Args:
        name: Its name.
        created_at: When it was made. Aware, UTC.
    """

    name: str
    created_at: datetime
