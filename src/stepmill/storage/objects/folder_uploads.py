"""Uploads to the object store of a single machine: each part is a blob until they are joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from sqlalchemy.engine import Connection

from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.storage.objects import index, upload_index
from stepmill.storage.objects.attributes import ALWAYS, Attributes, Condition
from stepmill.storage.objects.blobs import Batch, Staged, inode_hint
from stepmill.storage.objects.changes import ChangeKind, Listeners, ObjectChange
from stepmill.storage.objects.digests import (
    Checksum,
    Hashing,
    etag_of_parts,
    has_full_object,
    opaque_etag,
)
from stepmill.storage.objects.files import Piece
from stepmill.storage.objects.index import Entry, with_blob_of
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.shelf import Shelf, require_key
from stepmill.storage.objects.upload_index import StoredPart
from stepmill.storage.objects.uploads import ABANDONED_AFTER, Part, Upload, whole_checksum
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.texts import check_text

_ALL = 2**31 - 1


class FolderUploads:
    """Uploads. See ``UploadStore`` for what each method promises.

    Args:
        shelf: Where the objects are.
        clock: Says when something was put.
        listeners: Are told of objects that are complete.
    """

    def __init__(self, shelf: Shelf, clock: Clock, listeners: Listeners) -> None:
        self._shelf = shelf
        self._database = shelf.database
        self._clock = clock
        self._listeners = listeners

    def create(
        self,
        uri: S3Uri,
        attributes: Attributes | None = None,
        *,
        checksum: Checksum | None = None,
        full_object: bool = False,
    ) -> Upload:
        """Begin an upload."""
        require_key(uri)
        if full_object and not (checksum and has_full_object(checksum)):
            raise InvalidInputError(
                f"The {checksum or 'checksum'} of a whole object cannot be told from those of its parts.",
                mend="Take a CRC, or the checksum of the parts' checksums.",
            )
        now = self._clock.now()
        upload = Upload(uuid4().hex, uri, now, attributes or Attributes(), checksum, full_object)
        with self._database.write() as connection:
            index.require_bucket(connection, uri.bucket)
            upload_index.add(connection, upload)
        return upload

    def get(self, uri: S3Uri, upload: str) -> Upload:
        """Return an upload."""
        require_key(uri)
        check_text(upload)
        with self._database.read() as connection:
            return upload_index.get(connection, uri, upload)

    def list(
        self, bucket: str, prefix: str = "", *, after: tuple[str, str] = ("", ""), limit: int = 1000
    ) -> list[Upload]:
        """Return the first ``limit`` uploads of a bucket, by key and id."""
        check_text(bucket, prefix, *after)
        if limit < 1:
            raise InvalidInputError(f"A page of {limit} is not possible.", mend="Ask for 1 or more.")
        with self._database.read() as connection:
            index.require_bucket(connection, bucket)
            return upload_index.page(connection, bucket, prefix, after, limit)

    def put_part(
        self, uri: S3Uri, upload: str, number: int, chunks: Iterable[bytes], *, hashing: Hashing | None = None
    ) -> Part:
        """Store a part."""
        _check_number(number)
        self.get(uri, upload)
        hashing = Hashing() if hashing is None else hashing
        with self._shelf.blobs.batch() as batch:
            staged = batch.write(chunks, hashing.update)
            part = Part(number, staged.size_bytes, hashing.etag, self._clock.now(), hashing.values())
            self._put_part(batch, uri, upload, StoredPart(part, staged.blob))
        return part

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
        """Store bytes of an object as a part."""
        _check_number(number)
        checksum = self.get(uri, upload).checksum
        with self._shelf.blobs.batch() as batch:

            def join(blob: Path, entry: Entry) -> Staged:
                Condition(etag=source_etag).check(str(source), entry.shown_etag)
                return batch.join([_piece(blob, entry, start, end)])

            staged = self._shelf.with_blob(self._shelf.entry(source), join)
            checksums = {} if checksum is None else _checksums(batch, staged, checksum)
            etag = opaque_etag(staged.blob)
            part = Part(number, staged.size_bytes, etag, self._clock.now(), checksums)
            self._put_part(batch, uri, upload, StoredPart(part, staged.blob))
        return part

    def parts(self, uri: S3Uri, upload: str, *, after: int = 0, limit: int = 1000) -> Sequence[Part]:
        """Return the first ``limit`` parts with greater numbers than ``after``."""
        require_key(uri)
        with self._database.read() as connection:
            upload_index.get(connection, uri, upload)
            return [stored.part for stored in upload_index.parts_of(connection, upload, after, limit)]

    def complete(
        self, uri: S3Uri, upload: str, parts: Sequence[Part], *, condition: Condition = ALWAYS
    ) -> ObjectInfo:
        """Make the object of these parts."""
        if not parts:
            raise InvalidInputError("An object has at least one part.", where=str(uri))
        about = self.get(uri, upload)
        with self._database.read() as connection:
            stored = _chosen(connection, about, parts)
        with self._shelf.blobs.batch() as batch:
            try:
                whole = self._join(batch, stored)
            except FileNotFoundError as error:
                raise _changed(uri) from error
            entry = replace(with_blob_of(_entry(about, parts), whole), modified_at=self._clock.now())

            def write(connection: Connection) -> list[str]:
                # Someone may have put a part meanwhile, or completed or aborted all.
                if _chosen(connection, about, parts) != stored:
                    raise _changed(uri)
                index.put(connection, entry, condition)
                return upload_index.remove(connection, [upload])

            blobs = self._shelf.commit(batch, write)
        self._shelf.blobs.remove(set(blobs) - {entry.blob})
        self._listeners.tell(
            [ObjectChange(ChangeKind.ASSEMBLED, uri, entry.modified_at, entry.size_bytes, entry.etag)]
        )
        return entry.info

    def abort(self, uri: S3Uri, upload: str) -> None:
        """Give an upload up."""
        require_key(uri)
        with self._database.write() as connection:
            upload_index.get(connection, uri, upload)
            blobs = upload_index.remove(connection, [upload])
        self._shelf.blobs.remove(blobs)

    def drop_abandoned(self) -> None:
        """Give those up that began long ago."""
        before = self._clock.now() - ABANDONED_AFTER
        with self._database.read() as connection:
            some = upload_index.begun_before(connection, before)
        if some:
            with self._database.write() as connection:
                upload_index.remove(connection, some)

    def _put_part(self, batch: Batch, uri: S3Uri, upload: str, stored: StoredPart) -> None:
        def write(connection: Connection) -> str | None:
            upload_index.get(connection, uri, upload)
            return upload_index.put_part(connection, upload, stored)

        replaced = self._shelf.commit(batch, write)
        if replaced is not None:
            self._shelf.blobs.remove([replaced])

    def _join(self, batch: Batch, stored: Sequence[StoredPart]) -> Staged:
        paths = [self._shelf.blobs.path(one.blob) for one in stored]
        if len(stored) == 1:
            # The only part is the object: its blob stays.
            status = paths[0].stat()
            return Staged(stored[0].blob, status.st_size, inode_hint(status))
        pieces = zip(paths, stored, strict=True)
        return batch.join(Piece(path, 0, one.part.size_bytes) for path, one in pieces)


def _check_number(number: int) -> None:
    if number < 1:
        raise InvalidInputError(f"A part cannot have the number {number}.", mend="Count from 1.")


def _piece(blob: Path, entry: Entry, start: int, end: int | None) -> Piece:
    last = entry.size_bytes if end is None else end
    if not 0 <= start <= last <= entry.size_bytes:
        raise InvalidInputError(
            f"The object has {entry.size_bytes} bytes; there are none from {start} to {last}.",
            where=f"s3://{entry.bucket}/{entry.key}",
        )
    return Piece(blob, start, last - start)


def _chosen(connection: Connection, upload: Upload, parts: Sequence[Part]) -> Sequence[StoredPart]:
    """Return the stored parts that are meant, in the order that is meant."""
    upload_index.get(connection, upload.uri, upload.id)
    there = {stored.part.number: stored for stored in upload_index.parts_of(connection, upload.id, 0, _ALL)}
    chosen = [there.get(part.number) for part in parts]
    found = [stored for stored, part in zip(chosen, parts, strict=True) if stored and stored.part == part]
    if len(found) < len(parts):
        raise _changed(upload.uri)
    return found


def _changed(uri: S3Uri) -> ConflictError:
    return ConflictError(
        "A part is not there, or another one by now.", where=str(uri), mend="List the parts."
    )


def _entry(upload: Upload, parts: Sequence[Part]) -> Entry:
    sizes = [part.size_bytes for part in parts]
    return Entry(
        upload.uri.bucket,
        upload.uri.key,
        blob="",
        size_bytes=sum(sizes),
        modified_at=upload.created_at,
        etag=etag_of_parts([part.etag for part in parts]),
        checksums=whole_checksum(upload, parts),
        parts=[(len(list(run)), size) for size, run in groupby(sizes)],
        attributes=upload.attributes,
    )


def _checksums(batch: Batch, staged: Staged, checksum: Checksum) -> Mapping[Checksum, str]:
    hashing = Hashing([checksum])
    for chunk in batch.read(staged):
        hashing.update(chunk)
    return hashing.values()
