"""The protocol of objects that arrive in parts: begun, filled in any order, then assembled or given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from stepmill.core.errors import NotFoundError
from stepmill.storage.objects.attributes import ALWAYS, Attributes, Condition
from stepmill.storage.objects.digests import (
    Checksum,
    Hashing,
    composite_checksum,
    full_object_checksum,
)
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.uri import S3Uri

# Nobody comes back to one after that; its parts are garbage.
ABANDONED_AFTER = timedelta(days=7)


class UploadNotFoundError(NotFoundError):
    """There is no such upload: it was assembled or given up, or is another object's."""


@dataclass(frozen=True)
class Upload:
    """An object that arrives in parts.

    Args:
        id: Its name.
        uri: Where the object will be.
        created_at: When it was begun. Aware, UTC.
        attributes: What will be said of the object.
        checksum: What every part's bytes are summed up with; ``None``: nothing.
        full_object: Whether the object's checksum is that of its bytes, not of its parts' checksums.
    """

    id: str
    uri: S3Uri
    created_at: datetime
    attributes: Attributes = field(default_factory=Attributes)
    checksum: Checksum | None = None
    full_object: bool = False


@dataclass(frozen=True)
class Part:
    """A part of an upload that has arrived.

    Args:
        number: Its place among the others; at least 1.
        size_bytes: Its length.
        etag: As an object's.
        modified_at: When it arrived. Aware, UTC.
        checksums: Those that were asked for, in base64.
    """

    number: int
    size_bytes: int
    etag: str
    modified_at: datetime
    checksums: Mapping[Checksum, str] = field(default_factory=dict)


def whole_checksum(upload: Upload, parts: Sequence[Part]) -> Mapping[Checksum, str]:
    """Return the checksum of the object that these parts make, if it is known of all of them."""
    checksum = upload.checksum
    if checksum is None or not all(checksum in part.checksums for part in parts):
        return {}
    values = [part.checksums[checksum] for part in parts]
    if upload.full_object:
        sizes = [part.size_bytes for part in parts]
        return {checksum: full_object_checksum(checksum, zip(values, sizes, strict=True))}
    return {checksum: composite_checksum(checksum, values)}


class UploadStore(Protocol):
    """Keeps uploads, as durable as objects. See ``ObjectStore`` for what all methods promise.

    Every method that is given an upload raises ``UploadNotFoundError`` if there is none of that address and
    id any more.
    """

    def create(
        self,
        uri: S3Uri,
        attributes: Attributes | None = None,
        *,
        checksum: Checksum | None = None,
        full_object: bool = False,
    ) -> Upload:
        """Begin an upload.

        Raises:
            NotFoundError: If there is no such bucket.
            InvalidInputError: If the checksum of a whole cannot be told from those of its parts.
        """
        ...

    def get(self, uri: S3Uri, upload: str) -> Upload:
        """Return an upload."""
        ...

    def list(
        self, bucket: str, prefix: str = "", *, after: tuple[str, str] = ("", ""), limit: int = 1000
    ) -> list[Upload]:
        """Return the first ``limit`` uploads of a bucket, by key and id.

        Args:
            bucket: Which bucket.
            prefix: Only keys that begin with it.
            after: Key and id of the last one of the page before; with an empty id: all of greater keys.
            limit: At most so many, at least 1.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def put_part(
        self, uri: S3Uri, upload: str, number: int, chunks: Iterable[bytes], *, hashing: Hashing | None = None
    ) -> Part:
        """Store a part, in place of one of that number. See ``ObjectStore.put_stream``."""
        ...

    def copy_part(
        self,
        uri: S3Uri,
        upload: str,
        number: int,
        source: S3Uri,
        *,
        start: int = 0,
        end: int | None = None,
        source_etag: str = "",
    ) -> Part:
        """Store bytes of an object as a part, from ``start`` up to, not including, ``end``.

        They do not pass through memory, unless the upload wants a checksum.

        Raises:
            NotFoundError: If there is no such object.
            InvalidInputError: If it does not have all these bytes.
            ConflictError: If the object's ETag is another than ``source_etag``, where that is given.
        """
        ...

    def parts(self, uri: S3Uri, upload: str, *, after: int = 0, limit: int = 1000) -> Sequence[Part]:
        """Return the first ``limit`` parts with greater numbers than ``after``, in order."""
        ...

    def complete(
        self, uri: S3Uri, upload: str, parts: Sequence[Part], *, condition: Condition = ALWAYS
    ) -> ObjectInfo:
        """Make the object of these parts, in their order, and end the upload; other parts are dropped.

        The bytes are joined by the kernel. If it fails, the upload is as before.

        Raises:
            ConflictError: If one of the parts is not there, or another one by now.
            InvalidInputError: If there is no part.
        """
        ...

    def abort(self, uri: S3Uri, upload: str) -> None:
        """Give an upload up."""
        ...
