"""The protocol of object stores: what everyone else may count on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stepmill.core.json import JsonObject
from stepmill.storage.objects.attributes import ALWAYS, Attributes, Condition
from stepmill.storage.objects.changes import Listeners
from stepmill.storage.objects.digests import Checksum, Hashing
from stepmill.storage.objects.info import BucketInfo, ObjectInfo
from stepmill.storage.objects.uploads import UploadStore
from stepmill.storage.objects.uri import S3Uri


class ObjectStore(Protocol):
    """Keeps objects. Safe to share between threads; several processes may use the same one.

    An object appears whole or not at all, at the moment when the method that puts it returns, and is
    on the disk then. Replacing it never changes the bytes that someone is reading.

    Every method that is given an address raises ``InvalidInputError`` if its key is empty where an
    object is meant, ``StorageFullError`` if no room is left (nothing was stored then), and
    ``StorageError`` if the store fails otherwise. Where there is no such bucket, the ``NotFoundError`` is a
    ``BucketNotFoundError``. Where a ``Condition`` is given, see it for what else is raised; what it is held
    against and the change are one transaction.
    """

    @property
    def uploads(self) -> UploadStore:
        """Objects that arrive in parts."""
        ...

    @property
    def listeners(self) -> Listeners:
        """Who is told of changes."""
        ...

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

    def bucket_setting(self, bucket: str, name: str) -> JsonObject | None:
        """Return what is set for a bucket under a name: ``tags``, ``notifications``. ``None``: nothing is.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def change_bucket_setting(self, bucket: str, name: str, value: JsonObject | None) -> None:
        """Set something for a bucket under a name; ``None``: nothing any more. It is gone with the bucket.

        Raises:
            NotFoundError: If there is no such bucket.
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
        attributes: Attributes | None = None,
        hashing: Hashing | None = None,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        """Store what the iterable gives; if it raises, nothing is stored.

        Args:
            uri: Where to.
            chunks: The bytes.
            attributes: What is said of the object.
            hashing: Takes in each piece before the next one is asked for, so the iterable can hold the
                digests against expected ones at its end. They are kept with the object.
            condition: On which the object is put.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def put_file(self, uri: S3Uri, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file. See ``put_files``."""
        ...

    def put_files(
        self,
        items: Iterable[tuple[S3Uri, Path]],
        *,
        move: bool = False,
        instead_of: Iterable[S3Uri] = (),
    ) -> list[ObjectInfo]:
        """Store many files, all or none.

        Args:
            items: Where to, and which. Of two for the same address the later one wins.
            move: The files may be taken away: where the store lies on the same file system they are
                not copied. They are removed once all are stored, and stay if anything fails.
            instead_of: Objects that are removed in the same moment; those that are not there are passed over.

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

    def list_folded(
        self, bucket: str, prefix: str = "", *, delimiter: str, after: str = "", limit: int = 1000
    ) -> Sequence[ObjectInfo | str]:
        """Return the first ``limit`` objects and folders, in order. It takes no longer for large folders.

        Args:
            bucket: Which bucket.
            prefix: Only keys that begin with it.
            delimiter: Keys that contain it after the prefix are folded into what ends with its first
                occurrence there: a folder. At least one character.
            after: Only what is greater than it: the last key or folder of the page before. A folder is
                greater than itself only as part of another one.
            limit: At most so many, at least 1.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def copy(
        self,
        source: S3Uri,
        target: S3Uri,
        *,
        attributes: Attributes | None = None,
        checksums: Mapping[Checksum, str] | None = None,
        source_etag: str = "",
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        """Store the object also under another address. No byte is moved.

        Args:
            source: Which object.
            target: Where to; the same address, to say something else of it.
            attributes: What is said of the copy; ``None``: what is said of the object.
            checksums: To be kept with the copy; ``None``: the object's.
            source_etag: The object must still be the one with this ETag; empty: whichever it is.
            condition: On which the target is replaced.

        Raises:
            NotFoundError: If there is no such object, or no such bucket to copy to.
            ConflictError: If the object is another one by now.
        """
        ...

    def change_tags(self, uri: S3Uri, tags: Mapping[str, str]) -> ObjectInfo:
        """Let an object have these tags and no others. It counts as unmodified.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def delete(self, uris: Iterable[S3Uri], *, condition: Condition = ALWAYS) -> None:
        """Remove these objects, all in one; those that are not there are passed over.

        Args:
            uris: Which.
            condition: Must hold for each of them, or none is removed.
        """
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

    def locate(self, uri: S3Uri) -> tuple[ObjectInfo, Path]:
        """Return what is known of an object, and its ``path``, both as of one moment.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def locate_all(self, prefix: S3Uri) -> Sequence[tuple[ObjectInfo, Path]]:
        """Return what ``locate`` does of all objects whose key begins with that of ``prefix``, by key.

        All of it is as of one moment, however many there are.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        ...

    def digest(self, uri: S3Uri, passed: Callable[[int], None] | None = None) -> str:
        """Return the SHA-256 of an object's bytes in lower-case hexadecimal; computed only once.

        Args:
            uri: Of the object.
            passed: Is told of each piece that has to be read how many bytes it had; what it raises ends the
                reading.

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
        """Remove bytes that belong to no object, and uploads given up long ago; safe while others write.

        Returns:
            How many bytes were freed.
        """
        ...

    def disk_usage(self) -> int:
        """Return how many bytes of disk the store takes, garbage included."""
        ...
