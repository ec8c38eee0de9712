"""The object store of a single machine: blobs in a folder, the index in the metadata database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, TypeVar

from stepmill.core.clock import Clock
from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StorageError,
    WrongStateError,
)
from stepmill.storage.database import Database
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects import files, index
from stepmill.storage.objects.blobs import Batch, BlobFolder, Staged, inode_hint, sweep_blobs
from stepmill.storage.objects.index import Entry
from stepmill.storage.objects.store import CHUNK_BYTES, BucketInfo, ObjectInfo
from stepmill.storage.objects.uri import S3Uri, check_bucket_name
from stepmill.storage.texts import check_text

_Result = TypeVar("_Result")

_PAGE = 1000


class FolderStore:
    """Objects in a folder. See ``ObjectStore`` for what each method promises.

    Args:
        database: Holds the index.
        folder: Holds the bytes. Where the files that come in and go out by reference lie on the same
            file system, no byte of theirs is copied.
        clock: Says when an object was put.
    """

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self._blobs = BlobFolder(folder)
        self._clock = clock

    def create_bucket(self, name: str, *, exist_ok: bool = False) -> None:
        """Make a bucket."""
        check_bucket_name(name)
        with self._database.write() as connection:
            if not index.has_bucket(connection, name):
                index.add_bucket(connection, name, self._clock.now())
            elif not exist_ok:
                raise ConflictError(
                    f"There is a bucket {name!r} already.", mend="Choose another name, or use it."
                )

    def bucket_exists(self, name: str) -> bool:
        """Return whether there is such a bucket."""
        check_text(name)
        with self._database.read() as connection:
            return index.has_bucket(connection, name)

    def buckets(self) -> list[BucketInfo]:
        """Return all buckets, by name."""
        with self._database.read() as connection:
            return index.list_buckets(connection)

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket."""
        check_text(name)
        with self._database.write() as connection:
            index.require_bucket(connection, name)
            if not index.is_empty(connection, name):
                raise WrongStateError(f"The bucket {name!r} is not empty.", mend="Delete its objects first.")
            index.remove_bucket(connection, name)

    def put_bytes(
        self, uri: S3Uri, data: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Store these bytes; if they are there already, only the time and what is said of them changes."""
        _require_key(uri)
        about = Entry(uri.bucket, uri.key, "", len(data), self._clock.now(), content_type=content_type)
        about = replace(about, metadata=dict(metadata or {}), sha256=sha256(data).hexdigest())
        with self._database.read() as connection:
            here = index.find(connection, uri)
        if here is not None and _is_equal(here, about):
            with self._database.write() as connection:
                if index.find(connection, uri) == here:
                    entry = replace(about, blob=here.blob, inode=here.inode)
                    index.replace_all(connection, [entry])
                    return entry.info
        return self._put_one(about, [data])

    def put_stream(
        self,
        uri: S3Uri,
        chunks: Iterable[bytes],
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store what the iterable gives."""
        _require_key(uri)
        about = Entry(uri.bucket, uri.key, "", 0, self._clock.now(), content_type=content_type)
        return self._put_one(replace(about, metadata=dict(metadata or {})), chunks)

    def put_file(self, uri: S3Uri, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file."""
        return self.put_files([(uri, path)], move=move)[0]

    def put_files(self, items: Iterable[tuple[S3Uri, Path]], *, move: bool = False) -> list[ObjectInfo]:
        """Store many files in one transaction.

        A file that shares its bytes with an object of this store (``link`` gave it) is not copied, whatever
        ``move`` says. Else one with several names is copied: through another name it could be changed.
        """
        wanted = list(items)
        for uri, _ in wanted:
            _require_key(uri)
        self._require_buckets({uri.bucket for uri, _ in wanted})
        now = self._clock.now()
        with self._blobs.batch() as batch:
            entries = {uri: self._take_in(batch, uri, path, move=move) for uri, path in wanted}
            stored = {uri: replace(entry, modified_at=now) for uri, entry in entries.items()}
            self._commit(batch, tuple(stored.values()))
        if move:
            for _, path in wanted:
                with suppress(OSError):  # it is stored; that the first name stays behind harms nobody
                    path.unlink()
        return [stored[uri].info for uri, _ in wanted]

    def head(self, uri: S3Uri) -> ObjectInfo:
        """Return what is known of an object."""
        return self._entry(uri).info

    def read_bytes(self, uri: S3Uri, *, limit_bytes: int | None = None) -> bytes:
        """Return an object's bytes."""
        file, entry = self._open(uri)
        with file, translated_disk_errors():
            if limit_bytes is not None and entry.size_bytes > limit_bytes:
                raise InvalidInputError(
                    f"The object has {entry.size_bytes} bytes; at most {limit_bytes} are read here.",
                    where=str(uri),
                )
            return file.read()

    def chunks(self, uri: S3Uri, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Return an object's bytes piece by piece."""
        if start < 0 or (end is not None and end < start):
            raise InvalidInputError(f"There are no bytes from {start} to {end}.", where=str(uri))
        file, entry = self._open(uri)
        return _chunks(file, start, min(entry.size_bytes, entry.size_bytes if end is None else end))

    def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = _PAGE) -> list[ObjectInfo]:
        """Return the first ``limit`` objects, in the order of their keys."""
        return [entry.info for entry in self._page(bucket, prefix, after, limit)]

    def all(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        """Return all objects whose key begins with that of ``prefix``."""
        first = self._page(prefix.bucket, prefix.key, "", _PAGE)
        return (entry.info for entry in self._rest(prefix, first))

    def copy(self, source: S3Uri, target: S3Uri) -> ObjectInfo:
        """Store the object also under another address."""
        _require_key(source)
        _require_key(target)
        with self._database.write() as connection:
            here = index.find(connection, source)
            if here is None:
                raise index.object_not_found(source)
            entry = replace(here, bucket=target.bucket, key=target.key, modified_at=self._clock.now())
            index.replace_all(connection, [entry])
        return entry.info

    def delete(self, uris: Iterable[S3Uri]) -> None:
        """Remove these objects; their bytes are freed by ``collect_garbage``."""
        gone = list(uris)
        with self._database.write() as connection:
            index.remove(connection, gone)

    def link(self, uri: S3Uri, target: Path) -> None:
        """Put the object's bytes into a new file, sharing them where that is possible."""
        if not target.parent.is_dir():
            raise NotFoundError("There is no folder to put the file into.", where=str(target.parent))
        self._with_blob(self._entry(uri), lambda blob, _: _link_or_copy(blob, target))

    def path(self, uri: S3Uri) -> Path:
        """Return the file with the object's bytes."""
        return self._blobs.path(self._entry(uri).blob)

    def digest(self, uri: S3Uri) -> str:
        """Return the SHA-256 of an object's bytes."""
        entry = self._entry(uri)
        return entry.sha256 or self._digests([entry])[0]

    def digest_below(self, prefix: S3Uri) -> str:
        """Return one digest over all objects whose key begins with that of ``prefix``."""
        total, after = sha256(), ""
        while entries := self._page(prefix.bucket, prefix.key, after, _PAGE):
            for entry, digest in zip(entries, self._digests(entries), strict=True):
                # Keys may hold any character: their length, not a separator, tells where one ends.
                name = entry.key.removeprefix(prefix.key).encode()
                total.update(b"%d:%s%s" % (len(name), name, bytes.fromhex(digest)))
            after = entries[-1].key
        return total.hexdigest()

    def collect_garbage(self) -> int:
        """Remove blobs to which no object refers, and what killed processes left."""

        def referenced(blobs: set[str]) -> set[str]:
            with self._database.read() as connection:
                return index.referenced(connection, blobs)

        return sweep_blobs(self._blobs, referenced)

    def disk_usage(self) -> int:
        """Return how many bytes of disk the blobs take, garbage included."""
        return self._blobs.disk_usage()

    def _put_one(self, about: Entry, chunks: Iterable[bytes]) -> ObjectInfo:
        self._require_buckets({about.bucket})
        with self._blobs.batch() as batch:
            staged = batch.write(chunks)
            entry = _with_blob_of(about, staged)
            self._commit(batch, [entry])
        return entry.info

    def _take_in(self, batch: Batch, uri: S3Uri, path: Path, *, move: bool) -> Entry:
        about = Entry(uri.bucket, uri.key, "", 0, self._clock.now())
        with translated_disk_errors(), files.open_regular(path) as descriptor:
            status = os.fstat(descriptor)
            if status.st_nlink > 1:
                own = self._own_blob(status)
                shared = batch.share(path, status) if own is not None else None
                if own is not None and shared is not None:
                    return replace(_with_blob_of(about, shared), sha256=own.sha256)
            elif move:
                adopted = batch.adopt(path, status)
                if adopted is not None:
                    return _with_blob_of(about, adopted)
            return _with_blob_of(about, batch.copy(descriptor))

    def _own_blob(self, status: os.stat_result) -> Entry | None:
        """Return an entry whose blob is that very file."""
        if status.st_mode & files.ANY_WRITE:
            return None  # somebody made it writable: who knows what is in it
        with self._database.read() as connection:
            candidates = index.by_inode(connection, inode_hint(status))
        for entry in candidates:
            with suppress(FileNotFoundError):
                if files.is_same_file(self._blobs.path(entry.blob).stat(), status):
                    return entry
        return None

    def _commit(self, batch: Batch, entries: Sequence[Entry]) -> None:
        """Let the index speak of what the batch brought."""
        try:
            batch.publish()
            with self._database.write() as connection:
                index.replace_all(connection, entries)
        except BaseException:
            self._withdraw(batch)
            raise

    def _withdraw(self, batch: Batch) -> None:
        """Remove a batch's blobs, unless the failure came after all was done; else the sweep will."""
        with suppress(StorageError), self._database.read() as connection:
            kept = index.referenced(connection, batch.staged)
            self._blobs.remove(set(batch.staged) - kept)

    def _require_buckets(self, names: set[str]) -> None:
        with self._database.read() as connection:
            for name in sorted(names):
                index.require_bucket(connection, name)

    def _entry(self, uri: S3Uri) -> Entry:
        _require_key(uri)
        with self._database.read() as connection:
            entry = index.find(connection, uri)
        if entry is None:
            raise index.object_not_found(uri)
        return entry

    def _open(self, uri: S3Uri) -> tuple[BinaryIO, Entry]:
        return self._with_blob(self._entry(uri), lambda blob, entry: (blob.open("rb"), entry))

    def _with_blob(self, entry: Entry, use: Callable[[Path, Entry], _Result]) -> _Result:
        """Use the blob; if it was replaced and swept away meanwhile, the one that replaced it."""
        uri = S3Uri(entry.bucket, entry.key)
        while True:
            with translated_disk_errors():
                try:
                    return use(self._blobs.path(entry.blob), entry)
                except FileNotFoundError as error:
                    missing = error
            again = self._entry(uri)
            if again.blob == entry.blob:
                raise StorageError(
                    "The bytes of this object are missing in the store.",
                    where=f"{uri}, {self._blobs.path(entry.blob)}",
                    mend="Put it again, or restore the home folder from a backup.",
                ) from missing
            entry = again

    def _page(self, bucket: str, prefix: str, after: str, limit: int) -> Sequence[Entry]:
        check_text(bucket, prefix, after)
        if limit < 1:
            raise InvalidInputError(f"A page of {limit} is not possible.", mend="Ask for 1 or more.")
        with self._database.read() as connection:
            return index.page(connection, bucket, prefix, after, limit)

    def _rest(self, prefix: S3Uri, entries: Sequence[Entry]) -> Iterator[Entry]:
        while entries:
            yield from entries
            entries = self._page(prefix.bucket, prefix.key, entries[-1].key, _PAGE)

    def _digests(self, entries: Sequence[Entry]) -> Sequence[str]:
        """Return the entries' digests; compute and remember those that are missing."""
        known = {entry.blob: entry.sha256 for entry in entries if entry.sha256}
        computed: dict[str, str] = {}
        digests = []
        for entry in entries:
            digest = known.get(entry.blob)
            if digest is None:
                blob, digest = self._with_blob(entry, _compute)
                known[blob] = computed[blob] = digest
            digests.append(digest)
        if computed:
            with self._database.write() as connection:
                index.remember_digests(connection, computed)
        return digests


def _require_key(uri: S3Uri) -> None:
    if not uri.key:
        raise InvalidInputError(
            "This is the address of a bucket, not of an object.",
            where=str(uri),
            mend="Add a key: s3://bucket/key.",
        )


def _with_blob_of(about: Entry, staged: Staged) -> Entry:
    return replace(
        about, blob=staged.blob, size_bytes=staged.size_bytes, sha256=staged.sha256, inode=staged.inode
    )


def _is_equal(one: Entry, other: Entry) -> bool:
    return (one.sha256, one.size_bytes) == (other.sha256, other.size_bytes)


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    with file:
        with translated_disk_errors():
            file.seek(start)
        left = end - start
        while left > 0:
            with translated_disk_errors():
                chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


def _compute(blob: Path, entry: Entry) -> tuple[str, str]:
    with blob.open("rb") as file:
        return entry.blob, file_digest(file, "sha256").hexdigest()


def _link_or_copy(blob: Path, target: Path) -> None:
    try:
        if not files.try_link(blob, target):
            with files.open_regular(blob) as source:
                # Not flushed: whoever wants a file of his own from a crashed machine asks again.
                files.copy_new(source, target, durable=False)
    except FileExistsError as error:
        raise ConflictError("There is something at this place already.", where=str(target)) from error
