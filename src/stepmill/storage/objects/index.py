"""The index of an object store: which key of which bucket means which blob. Tables ``buckets``, ``objects``.

Functions over an open connection: the caller says what belongs to one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from stepmill.core.errors import NotFoundError
from stepmill.storage.database import from_micros, to_micros
from stepmill.storage.objects.store import BucketInfo, ObjectInfo
from stepmill.storage.objects.uri import S3Uri, end_of_prefix
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import buckets, objects


class _Body(msgspec.Struct, frozen=True, omit_defaults=True):
    content_type: str = ""
    metadata: dict[str, str] = {}


@dataclass(frozen=True)
class Entry:
    """One row of the index.

    Args:
        bucket: Which bucket.
        key: Which key.
        blob: Name of the blob with the bytes.
        size_bytes: Its length.
        modified_at: When it was put. Aware, UTC.
        sha256: Its digest; empty if it is not known.
        inode: Of the blob's file: only a hint, another file may have got that number since.
        content_type: As given when it was put.
        metadata: As given when it was put.
    """

    bucket: str
    key: str
    blob: str
    size_bytes: int
    modified_at: datetime
    sha256: str = ""
    inode: int = 0
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def info(self) -> ObjectInfo:
        """What the world may know of it."""
        return ObjectInfo(
            bucket=self.bucket,
            key=self.key,
            size_bytes=self.size_bytes,
            modified_at=self.modified_at,
            sha256=self.sha256,
            content_type=self.content_type,
            metadata=self.metadata,
        )


_THIS = (objects.c.bucket == bindparam("bucket_"), objects.c.key == bindparam("key_"))
_FIND = Prepared(select(objects).where(*_THIS))
_DELETE = objects.delete().where(*_THIS)
_INSERT = objects.insert()
_BY_INODE = select(objects).where(objects.c.inode == bindparam("inode_")).limit(8)
_REFERENCED = select(objects.c.blob).where(objects.c.blob.in_(bindparam("blobs_", expanding=True)))
_REMEMBER = (
    objects.update()
    .where(objects.c.blob == bindparam("blob_"), objects.c.sha256 == "")
    .values(sha256=bindparam("sha256_"))
)
_BUCKET = Prepared(select(buckets.c.name).where(buckets.c.name == bindparam("name_")))
_ALL_BUCKETS = select(buckets).order_by(buckets.c.name)
_ANY_OBJECT = select(objects.c.key).where(objects.c.bucket == bindparam("name_")).limit(1)

# SQLite takes 32,766 values in one statement.
_VALUES_AT_ONCE = 10_000


def has_bucket(connection: Connection, name: str) -> bool:
    """Return whether there is such a bucket."""
    return _BUCKET.one(connection, {"name_": name}) is not None


def require_bucket(connection: Connection, name: str) -> None:
    """Hold that there is such a bucket.

    Raises:
        NotFoundError: If not.
    """
    if not has_bucket(connection, name):
        raise bucket_not_found(name)


def bucket_not_found(name: str) -> NotFoundError:
    """Return the error of a bucket that is not there."""
    return NotFoundError(
        f"There is no bucket {name!r}.", where=f"s3://{name}", mend="Create it, or correct the name."
    )


def object_not_found(uri: S3Uri) -> NotFoundError:
    """Return the error of an object that is not there."""
    return NotFoundError(
        "There is no such object.",
        where=str(uri),
        mend="List what is there: keys are compared letter by letter.",
    )


def list_buckets(connection: Connection) -> list[BucketInfo]:
    """Return all buckets, by name."""
    return [BucketInfo(row.name, from_micros(row.created_at)) for row in connection.execute(_ALL_BUCKETS)]


def add_bucket(connection: Connection, name: str, at: datetime) -> None:
    """Add a bucket that is not there."""
    connection.execute(buckets.insert(), {"name": name, "created_at": to_micros(at)})


def is_empty(connection: Connection, bucket: str) -> bool:
    """Return whether a bucket holds no object."""
    return connection.execute(_ANY_OBJECT, {"name_": bucket}).first() is None


def remove_bucket(connection: Connection, name: str) -> None:
    """Remove an empty bucket."""
    connection.execute(buckets.delete().where(buckets.c.name == name))


def find(connection: Connection, uri: S3Uri) -> Entry | None:
    """Return what is at an address."""
    row = _FIND.one(connection, {"bucket_": uri.bucket, "key_": uri.key})
    return None if row is None else _from_row(row)


def replace_all(connection: Connection, entries: Sequence[Entry]) -> None:
    """Put these in place of what is at their addresses, each of which occurs once.

    Raises:
        NotFoundError: If a bucket is not there.
    """
    for bucket in sorted({entry.bucket for entry in entries}):
        require_bucket(connection, bucket)
    if entries:
        remove(connection, (S3Uri(entry.bucket, entry.key) for entry in entries))
        connection.execute(_INSERT, [_to_row(entry) for entry in entries])


def remove(connection: Connection, uris: Iterable[S3Uri]) -> None:
    """Remove what is at these addresses."""
    values = [{"bucket_": uri.bucket, "key_": uri.key} for uri in uris]
    if values:
        connection.execute(_DELETE, values)


def by_inode(connection: Connection, inode: int) -> list[Entry]:
    """Return some entries whose blob had that inode when it was put."""
    return [_from_row(row) for row in connection.execute(_BY_INODE, {"inode_": inode})]


def referenced(connection: Connection, blobs: Iterable[str]) -> set[str]:
    """Return those of the blobs to which an entry refers."""
    wanted, found = list(blobs), set[str]()
    for start in range(0, len(wanted), _VALUES_AT_ONCE):
        some = wanted[start : start + _VALUES_AT_ONCE]
        found.update(connection.scalars(_REFERENCED, {"blobs_": some}))
    return found


def remember_digests(connection: Connection, digests: Mapping[str, str]) -> None:
    """Write down what was computed: blob -> SHA-256."""
    if digests:
        connection.execute(
            _REMEMBER, [{"blob_": blob, "sha256_": sha256} for blob, sha256 in digests.items()]
        )


def page(connection: Connection, bucket: str, prefix: str, after: str, limit: int) -> list[Entry]:
    """Return a page of a bucket, in the order of the keys' UTF-8 bytes.

    A range of the primary key, not LIKE, which knows neither order nor case nor ``%`` in a key.

    Raises:
        NotFoundError: If there is no such bucket.
    """
    require_bucket(connection, bucket)
    query = select(objects).where(objects.c.bucket == bucket)
    query = query.where(objects.c.key > after if after >= prefix and after else objects.c.key >= prefix)
    end = end_of_prefix(prefix)
    if end is not None:
        query = query.where(objects.c.key < end)
    return [_from_row(row) for row in connection.execute(query.order_by(objects.c.key).limit(limit))]


def _to_row(entry: Entry) -> dict[str, Any]:
    return {
        "bucket": entry.bucket,
        "key": entry.key,
        "blob": entry.blob,
        "size_bytes": entry.size_bytes,
        "modified_at": to_micros(entry.modified_at),
        "sha256": entry.sha256,
        "inode": entry.inode,
        "body": msgspec.json.encode(_Body(entry.content_type, dict(entry.metadata))).decode(),
    }


def _from_row(row: Any) -> Entry:
    body = msgspec.json.decode(row.body, type=_Body)
    return Entry(
        bucket=row.bucket,
        key=row.key,
        blob=row.blob,
        size_bytes=row.size_bytes,
        modified_at=from_micros(row.modified_at),
        sha256=row.sha256,
        inode=row.inode,
        content_type=body.content_type,
        metadata=body.metadata,
    )
