"""The protocol of object stores: what everyone else may count on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from stepmill.storage.objects.uri import S3Uri

# One round through memory when bytes are streamed.
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Args:
        bucket: Its bucket.
        key: Its key, at least one character.
        size_bytes: Its length.
        modified_at: When it was put there. Aware, UTC.
        sha256: Digest of its bytes, lower-case hexadecimal; empty if nobody has asked for it yet.
        content_type: As given when it was put; may be empty.
        metadata: The user's own, as given when it was put.
    """

    bucket: str
    key: str
    size_bytes: int
    modified_at: datetime
    sha256: str = ""
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> S3Uri:
        """Its address."""
        return S3Uri(self.bucket, self.key)


@dataclass(frozen=True)
class BucketInfo:
    """A bucket.

    Args:
        name: Its name.
        created_at: When it was made. Aware, UTC.
    """

    name: str
    created_at: datetime


class ObjectStore(Protocol):
    """Keeps objects. Safe to share between threads; several processes may use the same one.

    An object appears whole or not at all, at the moment when the method that puts it returns, and is
    on the disk then. Replacing it never changes the bytes that someone is reading.

    Every method that is given an address raises ``InvalidInputError`` if its key is empty where an
    object is meant, ``StorageFullError`` if no room is left (nothing was stored then), and
    ``StorageError`` if the store fails otherwise.
    """

    def create_bucket(self, name: str, *, exist_ok: bool = False) -> None:
        """Make a bucket.

        Raises:
            InvalidInputError: If S3 would refuse the name.
            ConflictError: If it exists, unless ``exist_ok``.
        """
        ...

    def bucket_exists(self, name: str) -> bool:
        """Return whether there is such a bucket."""
        ...

    def buckets(self) -> list[BucketInfo]:
        """Return all buckets, by name."""
        ...

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it still holds objects.
        """
        ...

    def put_bytes(
        self, uri: S3Uri, data: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Store these bytes, in place of what was there.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def put_stream(
        self,
        uri: S3Uri,
        chunks: Iterable[bytes],
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store what the iterable gives; if it raises, nothing is stored.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def put_file(self, uri: S3Uri, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file. See ``put_files``."""
        ...

    def put_files(self, items: Iterable[tuple[S3Uri, Path]], *, move: bool = False) -> list[ObjectInfo]:
        """Store many files, all or none.

        Args:
            items: Where to, and which. Of two for the same address the later one wins.
            move: The files may be taken away: where the store lies on the same file system they are
                not copied. They are removed once all are stored, and stay if anything fails.

        Raises:
            NotFoundError: If a bucket or a file is not there.
            InvalidInputError: If a path is not a regular file: a symbolic link, a folder, a device.
        """
        ...

    def head(self, uri: S3Uri) -> ObjectInfo:
        """Return what is known of an object.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def read_bytes(self, uri: S3Uri, *, limit_bytes: int | None = None) -> bytes:
        """Return an object's bytes.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If it is longer than ``limit_bytes``.
        """
        ...

    def chunks(self, uri: S3Uri, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Return an object's bytes from ``start`` up to, not including, ``end``, piece by piece.

        What was there at the moment of the call is read to its end, whatever happens to the address.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """Return the first ``limit`` objects, in the order of their keys' UTF-8 bytes.

        Args:
            bucket: Which bucket.
            prefix: Only keys that begin with it.
            after: Only keys greater than it: the last one of the page before.
            limit: At most so many, at least 1.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def all(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        """Return all objects whose key begins with that of ``prefix``, in order, page by page.

        ``s3://b/raw`` therefore also means ``s3://b/raw2/x``, as in S3.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def copy(self, source: S3Uri, target: S3Uri) -> ObjectInfo:
        """Store the object also under another address. No byte is moved.

        Raises:
            NotFoundError: If there is no such object, or no such bucket to copy to.
        """
        ...

    def delete(self, uris: Iterable[S3Uri]) -> None:
        """Remove these objects, all in one; those that are not there are passed over."""
        ...

    def link(self, uri: S3Uri, target: Path) -> None:
        """Put the object's bytes into a new file, without copying where that is possible.

        The file is read-only and may share its bytes with the store: never write to it.

        Raises:
            NotFoundError: If there is no such object, or no folder to put the file into.
            ConflictError: If something is at ``target`` already.
        """
        ...

    def path(self, uri: S3Uri) -> Path:
        """Return a file of this machine with the object's bytes. Never write to it.

        It stays at least as long as the object is neither replaced nor deleted; whoever needs it
        longer takes ``link``.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def digest(self, uri: S3Uri) -> str:
        """Return the SHA-256 of an object's bytes in lower-case hexadecimal; computed only once.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def digest_below(self, prefix: S3Uri) -> str:
        """Return one digest over all objects whose key begins with that of ``prefix``.

        It depends on what follows the prefix in each key, and on each object's bytes: equal trees
        have equal digests wherever they lie. No object at all has a digest too.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def collect_garbage(self) -> int:
        """Remove bytes that belong to no object; safe while others write.

        Returns:
            How many bytes were freed.
        """
        ...

    def disk_usage(self) -> int:
        """Return how many bytes of disk the store takes, garbage included."""
        ...
