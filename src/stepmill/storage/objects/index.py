"""The index of an object store: which key of which bucket means which blob. Tables ``buckets``, ``objects``.

Functions over an open connection: the caller says what belongs to one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, union
from sqlalchemy.engine import Connection

from stepmill.core.errors import NotFoundError
from stepmill.storage.database import from_micros, to_micros
from stepmill.storage.objects.attributes import ALWAYS, Attributes, Condition
from stepmill.storage.objects.blobs import Staged
from stepmill.storage.objects.digests import Checksum, opaque_etag
from stepmill.storage.objects.info import BucketInfo, BucketNotFoundError, ObjectInfo
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import bucket_settings, buckets, objects, parts


class _Body(msgspec.Struct, frozen=True, omit_defaults=True):
    content_type: str = ""
    metadata: dict[str, str] = {}
    headers: dict[str, str] = {}
    storage_class: str = ""
    tags: dict[str, str] = {}
    etag: str = ""
    checksums: dict[Checksum, str] = {}
    parts: list[tuple[int, int]] = []

    def attributes(self) -> Attributes:
        if not (self.content_type or self.metadata or self.headers or self.storage_class or self.tags):
            return _NOTHING_SAID
        return Attributes(self.content_type, self.metadata, self.headers, self.storage_class, self.tags)


_NOTHING_SAID = Attributes()
_DECODE = msgspec.json.Decoder(_Body).decode


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
        etag: As ``ObjectInfo`` has it; empty if nobody has computed the MD5.
        checksums: As ``ObjectInfo`` has them.
        parts: Of an object that was put in parts: so many of such a length, in order. Lengths repeat.
        attributes: What is said of it.
    """

    bucket: str
    key: str
    blob: str
    size_bytes: int
    modified_at: datetime
    sha256: str = ""
    inode: int = 0
    etag: str = ""
    checksums: Mapping[Checksum, str] = field(default_factory=dict)
    parts: Sequence[tuple[int, int]] = ()
    attributes: Attributes = field(default_factory=Attributes)

    @property
    def shown_etag(self) -> str:
        """Its ETag."""
        return self.etag or opaque_etag(self.blob)

    @property
    def info(self) -> ObjectInfo:
        """What the world may know of it."""
        return ObjectInfo(
            bucket=self.bucket,
            key=self.key,
            size_bytes=self.size_bytes,
            modified_at=self.modified_at,
            sha256=self.sha256,
            etag=self.shown_etag,
            checksums=self.checksums,
            part_runs=tuple(self.parts),
            attributes=self.attributes,
        )


def with_blob_of(about: Entry, staged: Staged) -> Entry:
    """Return an entry with the blob that was staged for it."""
    return replace(about, blob=staged.blob, size_bytes=staged.size_bytes, inode=staged.inode)


_THIS = (objects.c.bucket == bindparam("bucket_"), objects.c.key == bindparam("key_"))
_FIND = Prepared(select(objects).where(*_THIS))
_DELETE = Prepared(objects.delete().where(*_THIS))
_INSERT = objects.insert()
_BY_INODE = Prepared(select(objects).where(objects.c.inode == bindparam("inode_")).limit(8))
_REFERENCED = union(
    *(
        select(table.c.blob).where(table.c.blob.in_(bindparam("blobs_", expanding=True)))
        for table in (objects, parts)
    )
)
_REMEMBER = (
    objects.update()
    .where(objects.c.blob == bindparam("blob_"), objects.c.sha256 == "")
    .values(sha256=bindparam("sha256_"))
)
_BUCKET = Prepared(select(buckets.c.name).where(buckets.c.name == bindparam("name_")))
_ALL_BUCKETS = select(buckets).order_by(buckets.c.name)
_SETTING = (bucket_settings.c.bucket == bindparam("bucket_"), bucket_settings.c.name == bindparam("name_"))
_GET_SETTING = select(bucket_settings.c.body).where(*_SETTING)
_DELETE_SETTING = bucket_settings.delete().where(*_SETTING)
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


def bucket_not_found(name: str) -> BucketNotFoundError:
    """Return the error of a bucket that is not there."""
    return BucketNotFoundError(
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
    """Remove an empty bucket, with what is set for it."""
    connection.execute(buckets.delete().where(buckets.c.name == name))
    connection.execute(bucket_settings.delete().where(bucket_settings.c.bucket == name))


def setting(connection: Connection, bucket: str, name: str) -> str | None:
    """Return what is set for a bucket under a name."""
    body: str | None = connection.scalar(_GET_SETTING, {"bucket_": bucket, "name_": name})
    return body


def change_setting(connection: Connection, bucket: str, name: str, body: str | None) -> None:
    """Set something for a bucket under a name; ``None``: nothing."""
    connection.execute(_DELETE_SETTING, {"bucket_": bucket, "name_": name})
    if body is not None:
        connection.execute(bucket_settings.insert(), {"bucket": bucket, "name": name, "body": body})


def find(connection: Connection, uri: S3Uri) -> Entry | None:
    """Return what is at an address."""
    row = _FIND.one(connection, {"bucket_": uri.bucket, "key_": uri.key})
    return None if row is None else from_row(row)


def get(connection: Connection, uri: S3Uri) -> Entry:
    """Return what is at an address.

    Raises:
        BucketNotFoundError: If there is no such bucket.
        NotFoundError: If there is no such object.
    """
    entry = find(connection, uri)
    if entry is None:
        require_bucket(connection, uri.bucket)
        raise object_not_found(uri)
    return entry


def put(connection: Connection, entry: Entry, condition: Condition) -> None:
    """Put one in place of what is at its address, on a condition. See ``Condition.check`` for what is raised.

    Raises:
        BucketNotFoundError: If the bucket is not there.
    """
    if condition is not ALWAYS:
        uri = S3Uri(entry.bucket, entry.key)
        here = find(connection, uri)
        condition.check(str(uri), None if here is None else here.shown_etag)
    replace_all(connection, [entry])


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


def remove(connection: Connection, uris: Iterable[S3Uri]) -> list[S3Uri]:
    """Remove what is at these addresses; return those where something was."""
    return [uri for uri in uris if _DELETE.run(connection, {"bucket_": uri.bucket, "key_": uri.key})]


def by_inode(connection: Connection, inode: int) -> list[Entry]:
    """Return some entries whose blob had that inode when it was put."""
    return [from_row(row) for row in _BY_INODE.all(connection, {"inode_": inode})]


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


def from_row(row: Any) -> Entry:
    """Return the entry that a row of ``objects`` holds."""
    body = _DECODE(row.body)
    return Entry(
        bucket=row.bucket,
        key=row.key,
        blob=row.blob,
        size_bytes=row.size_bytes,
        modified_at=from_micros(row.modified_at),
        sha256=row.sha256,
        inode=row.inode,
        etag=body.etag,
        checksums=body.checksums,
        parts=body.parts,
        attributes=body.attributes(),
    )


def info_of(row: Any) -> ObjectInfo:
    """Return ``from_row(row).info`` in half the time: listings have many."""
    body = _DECODE(row.body)
    return ObjectInfo(
        row.bucket,
        row.key,
        row.size_bytes,
        from_micros(row.modified_at),
        row.sha256,
        body.etag or opaque_etag(row.blob),
        body.checksums,
        tuple(body.parts),
        body.attributes(),
    )


def _to_row(entry: Entry) -> dict[str, Any]:
    said = entry.attributes
    body = _Body(
        content_type=said.content_type,
        metadata=dict(said.metadata),
        headers=dict(said.headers),
        storage_class=said.storage_class,
        tags=dict(said.tags),
        etag=entry.etag,
        checksums=dict(entry.checksums),
        parts=list(entry.parts),
    )
    return {
        "bucket": entry.bucket,
        "key": entry.key,
        "blob": entry.blob,
        "size_bytes": entry.size_bytes,
        "modified_at": to_micros(entry.modified_at),
        "sha256": entry.sha256,
        "inode": entry.inode,
        "body": msgspec.json.encode(body).decode(),
    }
