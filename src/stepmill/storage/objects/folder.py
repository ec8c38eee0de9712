"""The object store of a single machine: blobs in a folder, the index in the metadata database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from sqlalchemy.engine import Connection

from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject, write_json
from stepmill.storage.database import Database
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects import content, files, index, listing, upload_index
from stepmill.storage.objects.attributes import ALWAYS, Attributes, Condition
from stepmill.storage.objects.blobs import sweep_blobs
from stepmill.storage.objects.changes import ChangeKind, Listeners, ObjectChange
from stepmill.storage.objects.digests import Checksum, Hashing
from stepmill.storage.objects.files import CHUNK_BYTES
from stepmill.storage.objects.folder_uploads import FolderUploads
from stepmill.storage.objects.index import Entry, with_blob_of
from stepmill.storage.objects.info import BucketInfo, ObjectInfo
from stepmill.storage.objects.shelf import Shelf, require_key
from stepmill.storage.objects.uri import S3Uri, check_bucket_name
from stepmill.storage.texts import check_text

_PAGE = 1000
_ALL = 10_000_000


class FolderStore:
    """Objects in a folder. See ``ObjectStore`` for what each method promises.

    Args:
        database: Holds the index.
        folder: Holds the bytes. Where the files that come in and go out by reference lie on the same
            file system, no byte of theirs is copied.
        clock: Says when an object was put.
    """

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._shelf = Shelf(database, folder)
        self._database = database
        self._blobs = self._shelf.blobs
        self._clock = clock
        self.listeners = Listeners()
        self.uploads = FolderUploads(self._shelf, clock, self.listeners)

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
            upload_index.remove(connection, upload_index.of_bucket(connection, name))

    def bucket_setting(self, bucket: str, name: str) -> JsonObject | None:
        """Return what is set for a bucket under a name."""
        check_text(bucket, name)
        with self._database.read() as connection:
            index.require_bucket(connection, bucket)
            body = index.setting(connection, bucket, name)
        return None if body is None else msgspec.json.decode(body, type=JsonObject)

    def change_bucket_setting(self, bucket: str, name: str, value: JsonObject | None) -> None:
        """Set something for a bucket under a name."""
        check_text(bucket, name)
        with self._database.write() as connection:
            index.require_bucket(connection, bucket)
            index.change_setting(connection, bucket, name, None if value is None else write_json(value))

    def put_bytes(
        self, uri: S3Uri, data: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Store these bytes; if they are there already, only the time and what is said of them changes."""
        require_key(uri)
        digest = sha256(data).hexdigest()
        about = self._about(uri, Attributes(content_type, dict(metadata or {})))
        with self._database.read() as connection:
            here = index.find(connection, uri)
        if here is not None and (here.sha256, here.size_bytes) == (digest, len(data)):
            entry = replace(here, modified_at=about.modified_at, attributes=about.attributes, checksums={})
            entry = replace(entry, etag=md5(data, usedforsecurity=False).hexdigest(), parts=())
            with self._database.write() as connection:
                same = index.find(connection, uri) == here
                if same:
                    index.replace_all(connection, [entry])
            if same:
                return self._told(ChangeKind.PUT, entry)
        return self._put_one(about, [data], Hashing(sha256=digest), ALWAYS)

    def put_stream(
        self,
        uri: S3Uri,
        chunks: Iterable[bytes],
        *,
        attributes: Attributes | None = None,
        hashing: Hashing | None = None,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        """Store what the iterable gives."""
        require_key(uri)
        about = self._about(uri, attributes or Attributes())
        return self._put_one(about, chunks, Hashing() if hashing is None else hashing, condition)

    def put_file(self, uri: S3Uri, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file."""
        return self.put_files([(uri, path)], move=move)[0]

    def put_files(
        self,
        items: Iterable[tuple[S3Uri, Path]],
        *,
        move: bool = False,
        instead_of: Iterable[S3Uri] = (),
    ) -> list[ObjectInfo]:
        """Store many files in one transaction.

        A file that shares its bytes with an object of this store (``link`` gave it) is not copied, whatever
        ``move`` says. Else one with several names is copied: through another name it could be changed.
        """
        wanted, former = list(items), list(instead_of)
        for uri, _ in wanted:
            require_key(uri)
        self._require_buckets({uri.bucket for uri, _ in wanted})
        now = self._clock.now()
        with self._blobs.batch() as batch:
            stored = {
                uri: content.take_in(
                    self._shelf, batch, Entry(uri.bucket, uri.key, "", 0, now), path, move=move
                )
                for uri, path in wanted
            }
            gone = self._shelf.commit(batch, lambda tx: _replace(tx, former, tuple(stored.values())))
        self._tell(ChangeKind.PUT, stored.values())
        self.listeners.tell(ObjectChange(ChangeKind.DELETED, uri, now) for uri in gone if uri not in stored)
        if move:
            for _, path in wanted:
                with suppress(OSError):  # it is stored; that the first name stays behind harms nobody
                    path.unlink()
        return [stored[uri].info for uri, _ in wanted]

    def head(self, uri: S3Uri) -> ObjectInfo:
        """Return what is known of an object."""
        return self._shelf.entry(uri).info

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
        return [index.info_of(row) for row in self._page(bucket, prefix, after, limit)]

    def all(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        """Return all objects whose key begins with that of ``prefix``."""
        first = self.list(prefix.bucket, prefix.key)
        return self._rest(prefix, first)

    def list_folded(
        self, bucket: str, prefix: str = "", *, delimiter: str, after: str = "", limit: int = _PAGE
    ) -> Sequence[ObjectInfo | str]:
        """Return the first ``limit`` objects and folders, in order."""
        _check_page(bucket, prefix, after, limit)
        check_text(delimiter)
        if not delimiter:
            raise InvalidInputError("A delimiter has at least one character.", mend="Use `list` without one.")
        with self._database.read() as connection:
            return listing.folded_page(connection, bucket, prefix, delimiter, after, limit)

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
        """Store the object also under another address."""
        require_key(source)
        require_key(target)
        with self._database.write() as connection:
            here = index.get(connection, source)
            Condition(etag=source_etag).check(str(source), here.shown_etag)
            entry = replace(here, bucket=target.bucket, key=target.key, modified_at=self._clock.now())
            if attributes is not None:
                entry = replace(entry, attributes=attributes)
            if checksums is not None:
                entry = replace(entry, checksums=checksums)
            index.put(connection, entry, condition)
        return self._told(ChangeKind.COPIED, entry)

    def change_tags(self, uri: S3Uri, tags: Mapping[str, str]) -> ObjectInfo:
        """Let an object have these tags and no others."""
        require_key(uri)
        with self._database.write() as connection:
            here = index.get(connection, uri)
            entry = replace(here, attributes=replace(here.attributes, tags=dict(tags)))
            index.replace_all(connection, [entry])
        return entry.info

    def delete(self, uris: Iterable[S3Uri], *, condition: Condition = ALWAYS) -> None:
        """Remove these objects; their bytes are freed by ``collect_garbage``."""
        wanted = list(uris)
        with self._database.write() as connection:
            if condition != ALWAYS:
                for uri in wanted:
                    here = index.find(connection, uri)
                    condition.check(str(uri), None if here is None else here.shown_etag)
            gone = index.remove(connection, wanted)
        now = self._clock.now()
        self.listeners.tell(ObjectChange(ChangeKind.DELETED, uri, now) for uri in gone)

    def link(self, uri: S3Uri, target: Path) -> None:
        """Put the object's bytes into a new file, sharing them where that is possible."""
        if not target.parent.is_dir():
            raise NotFoundError("There is no folder to put the file into.", where=str(target.parent))
        self._shelf.with_blob(self._shelf.entry(uri), lambda blob, _: _link_or_copy(blob, target))

    def path(self, uri: S3Uri) -> Path:
        """Return the file with the object's bytes."""
        return self._blobs.path(self._shelf.entry(uri).blob)

    def locate(self, uri: S3Uri) -> tuple[ObjectInfo, Path]:
        """Return what is known of an object, and the file with its bytes."""
        entry = self._shelf.entry(uri)
        return entry.info, self._blobs.path(entry.blob)

    def locate_all(self, prefix: S3Uri) -> Sequence[tuple[ObjectInfo, Path]]:
        """Return what is known of all objects with this prefix, and the files with their bytes."""
        rows = self._page(prefix.bucket, prefix.key, "", _ALL)
        return [(index.info_of(row), self._blobs.path(row.blob)) for row in rows]

    def digest(self, uri: S3Uri, passed: Callable[[int], None] | None = None) -> str:
        """Return the SHA-256 of an object's bytes."""
        entry = self._shelf.entry(uri)
        return entry.sha256 or content.digests(self._shelf, [entry], passed)[0]

    def digest_below(self, prefix: S3Uri) -> str:
        """Return one digest over all objects whose key begins with that of ``prefix``."""
        total, after = sha256(), ""
        while rows := self._page(prefix.bucket, prefix.key, after, _PAGE):
            entries = [index.from_row(row) for row in rows]
            for entry, digest in zip(entries, content.digests(self._shelf, entries), strict=True):
                # Keys may hold any character: their length, not a separator, tells where one ends.
                name = entry.key.removeprefix(prefix.key).encode()
                total.update(b"%d:%s%s" % (len(name), name, bytes.fromhex(digest)))
            after = entries[-1].key
        return total.hexdigest()

    def collect_garbage(self) -> int:
        """Remove blobs to which no object refers, and what killed processes left."""
        self.uploads.drop_abandoned()

        def referenced(blobs: set[str]) -> set[str]:
            with self._database.read() as connection:
                return index.referenced(connection, blobs)

        return sweep_blobs(self._blobs, referenced)

    def disk_usage(self) -> int:
        """Return how many bytes of disk the blobs take, garbage included."""
        return self._blobs.disk_usage()

    def _about(self, uri: S3Uri, attributes: Attributes) -> Entry:
        return Entry(uri.bucket, uri.key, "", 0, self._clock.now(), attributes=attributes)

    def _put_one(
        self, about: Entry, chunks: Iterable[bytes], hashing: Hashing, condition: Condition
    ) -> ObjectInfo:
        self._require_buckets({about.bucket})
        with self._blobs.batch() as batch:
            entry = with_blob_of(about, batch.write(chunks, hashing.update))
            entry = replace(entry, sha256=hashing.sha256, etag=hashing.etag, checksums=hashing.values())
            self._shelf.commit(batch, lambda tx: index.put(tx, entry, condition))
        return self._told(ChangeKind.PUT, entry)

    def _told(self, kind: ChangeKind, entry: Entry) -> ObjectInfo:
        self._tell(kind, [entry])
        return entry.info

    def _tell(self, kind: ChangeKind, entries: Iterable[Entry]) -> None:
        self.listeners.tell(
            ObjectChange(
                kind, S3Uri(entry.bucket, entry.key), entry.modified_at, entry.size_bytes, entry.shown_etag
            )
            for entry in entries
        )

    def _require_buckets(self, names: set[str]) -> None:
        with self._database.read() as connection:
            for name in sorted(names):
                index.require_bucket(connection, name)

    def _open(self, uri: S3Uri) -> tuple[BinaryIO, Entry]:
        return self._shelf.with_blob(self._shelf.entry(uri), lambda blob, entry: (blob.open("rb"), entry))

    def _page(self, bucket: str, prefix: str, after: str, limit: int) -> Sequence[Any]:
        _check_page(bucket, prefix, after, limit)
        with self._database.read() as connection:
            return listing.page(connection, bucket, prefix, after, limit)

    def _rest(self, prefix: S3Uri, found: Sequence[ObjectInfo]) -> Iterator[ObjectInfo]:
        while found:
            yield from found
            if len(found) < _PAGE:
                return
            found = self.list(prefix.bucket, prefix.key, after=found[-1].key)


def _replace(connection: Connection, former: Iterable[S3Uri], entries: Sequence[Entry]) -> list[S3Uri]:
    gone = index.remove(connection, former)
    index.replace_all(connection, entries)
    return gone


def _check_page(bucket: str, prefix: str, after: str, limit: int) -> None:
    check_text(bucket, prefix, after)
    if limit < 1:
        raise InvalidInputError(f"A page of {limit} is not possible.", mend="Ask for 1 or more.")


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


def _link_or_copy(blob: Path, target: Path) -> None:
    try:
        if not files.try_link(blob, target):
            with files.open_regular(blob) as source:
                # Not flushed: whoever wants a file of his own from a crashed machine asks again.
                files.copy_new(source, target, durable=False)
    except FileExistsError as error:
        raise ConflictError("There is something at this place already.", where=str(target)) from error
