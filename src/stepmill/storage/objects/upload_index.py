"""The index of uploads and their parts. Tables ``uploads``, ``parts``. Functions over an open connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.engine import Connection

from stepmill.storage.database import from_micros, to_micros
from stepmill.storage.objects.attributes import Attributes
from stepmill.storage.objects.digests import Checksum
from stepmill.storage.objects.uploads import Part, Upload, UploadNotFoundError
from stepmill.storage.objects.uri import S3Uri, end_of_prefix
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import parts, uploads


class _Said(msgspec.Struct, frozen=True, omit_defaults=True):
    attributes: Attributes
    checksum: Checksum | None = None
    full_object: bool = False


class _Digests(msgspec.Struct, frozen=True, omit_defaults=True):
    etag: str
    checksums: dict[Checksum, str] = {}


@dataclass(frozen=True)
class StoredPart:
    """A part and its blob."""

    part: Part
    blob: str


_BY_ID = Prepared(select(uploads).where(uploads.c.id == bindparam("id_")))
_INSERT = Prepared(uploads.insert())
_OLD = select(uploads.c.id).where(uploads.c.created_at < bindparam("before_"))
_OF_BUCKET = select(uploads.c.id).where(uploads.c.bucket == bindparam("bucket_"))
_DELETE = Prepared(uploads.delete().where(uploads.c.id == bindparam("id_")))
_PARTS = Prepared(
    select(parts)
    .where(parts.c.upload == bindparam("id_"), parts.c.number > bindparam("after_"))
    .order_by(parts.c.number)
    .limit(bindparam("limit_"))
)
_BLOBS = select(parts.c.blob).where(parts.c.upload == bindparam("id_"))
_THIS_PART = (parts.c.upload == bindparam("id_"), parts.c.number == bindparam("number_"))
_PART = Prepared(select(parts).where(*_THIS_PART))
_DELETE_PART = Prepared(parts.delete().where(*_THIS_PART))
_DELETE_PARTS = Prepared(parts.delete().where(parts.c.upload == bindparam("id_")))
_INSERT_PART = Prepared(parts.insert())


def add(connection: Connection, upload: Upload) -> None:
    """Add an upload."""
    said = _Said(upload.attributes, upload.checksum, upload.full_object)
    row = {
        "id": upload.id,
        "bucket": upload.uri.bucket,
        "key": upload.uri.key,
        "created_at": to_micros(upload.created_at),
        "body": msgspec.json.encode(said).decode(),
    }
    _INSERT.run(connection, row)


def get(connection: Connection, uri: S3Uri, upload: str) -> Upload:
    """Return an upload.

    Raises:
        UploadNotFoundError: If there is none of that address and id.
    """
    row = _BY_ID.one(connection, {"id_": upload})
    if row is None or (row.bucket, row.key) != (uri.bucket, uri.key):
        raise UploadNotFoundError(
            f"There is no upload {upload[:100]!r}.",
            where=str(uri),
            mend="It was completed or aborted; begin another.",
        )
    return _to_upload(row)


def page(
    connection: Connection, bucket: str, prefix: str, after: tuple[str, str], limit: int
) -> list[Upload]:
    """Return a page of a bucket's uploads, by key and id. See ``UploadStore.list``."""
    columns, (key, upload) = uploads.c, after
    query = select(uploads).where(columns.bucket == bucket, columns.key >= prefix)
    if key:
        later = and_(columns.key == key, columns.id > upload) if upload else columns.key > key
        query = query.where(or_(columns.key > key, later))
    if (end := end_of_prefix(prefix)) is not None:
        query = query.where(columns.key < end)
    query = query.order_by(columns.key, columns.id).limit(limit)
    return [_to_upload(row) for row in connection.execute(query)]


def begun_before(connection: Connection, moment: datetime) -> list[str]:
    """Return the ids of uploads that began before a moment."""
    return list(connection.scalars(_OLD, {"before_": to_micros(moment)}))


def of_bucket(connection: Connection, bucket: str) -> list[str]:
    """Return the ids of all uploads to a bucket."""
    return list(connection.scalars(_OF_BUCKET, {"bucket_": bucket}))


def remove(connection: Connection, ids: Iterable[str]) -> list[str]:
    """Remove uploads with all their parts; return the names of the parts' blobs."""
    blobs: list[str] = []
    for upload in ids:
        blobs += connection.scalars(_BLOBS, {"id_": upload})
        _DELETE_PARTS.run(connection, {"id_": upload})
        _DELETE.run(connection, {"id_": upload})
    return blobs


def put_part(connection: Connection, upload: str, stored: StoredPart) -> str | None:
    """Put a part in place of one of that number; return the blob of that one."""
    this = {"id_": upload, "number_": stored.part.number}
    old = _PART.one(connection, this)
    if old is not None:
        _DELETE_PART.run(connection, this)
    _INSERT_PART.run(connection, _to_row(upload, stored))
    return None if old is None else str(old.blob)


def parts_of(connection: Connection, upload: str, after: int, limit: int) -> Sequence[StoredPart]:
    """Return a page of an upload's parts, by number."""
    rows = _PARTS.all(connection, {"id_": upload, "after_": after, "limit_": limit})
    return [_to_part(row) for row in rows]


_SAID = msgspec.json.Decoder(_Said)
_DIGESTS = msgspec.json.Decoder(_Digests)


def _to_upload(row: Any) -> Upload:
    said = _SAID.decode(row.body)
    uri = S3Uri(row.bucket, row.key)
    return Upload(row.id, uri, from_micros(row.created_at), said.attributes, said.checksum, said.full_object)


def _to_row(upload: str, stored: StoredPart) -> Mapping[str, object]:
    part = stored.part
    return {
        "upload": upload,
        "number": part.number,
        "blob": stored.blob,
        "size_bytes": part.size_bytes,
        "modified_at": to_micros(part.modified_at),
        "body": msgspec.json.encode(_Digests(part.etag, dict(part.checksums))).decode(),
    }


def _to_part(row: Any) -> StoredPart:
    digests = _DIGESTS.decode(row.body)
    part = Part(row.number, row.size_bytes, digests.etag, from_micros(row.modified_at), digests.checksums)
    return StoredPart(part, row.blob)
