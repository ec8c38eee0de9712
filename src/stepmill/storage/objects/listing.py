"""Pages of a bucket: objects in the order of their keys' UTF-8 bytes, folded to folders if so asked.

A range of the primary key, not LIKE, which knows neither order nor case nor ``%`` in a key.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.engine import Connection

from stepmill.storage.objects import index
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.uri import end_of_prefix
from stepmill.storage.prepared import Prepared
from stepmill.storage.tables import objects

# Rows that are looked at before a folder's end is jumped to; more as long as all of them count.
_FIRST_LOOK = 16


def _ranges(*, inclusive: bool, bounded: bool) -> Prepared:
    key = objects.c.key
    query: Select[Any] = select(objects).where(objects.c.bucket == bindparam("bucket_"))
    query = query.where(key >= bindparam("start_") if inclusive else key > bindparam("start_"))
    if bounded:
        query = query.where(key < bindparam("end_"))
    return Prepared(query.order_by(key).limit(bindparam("limit_")))


_RANGES = {
    (inclusive, bounded): _ranges(inclusive=inclusive, bounded=bounded)
    for inclusive in (False, True)
    for bounded in (False, True)
}


def page(connection: Connection, bucket: str, prefix: str, after: str, limit: int) -> list[Any]:
    """Return the rows of a page of a bucket.

    Raises:
        BucketNotFoundError: If there is no such bucket.
    """
    index.require_bucket(connection, bucket)
    inclusive = not (after and after >= prefix)
    return _rows(connection, bucket, prefix if inclusive else after, inclusive, prefix, limit)


def folded_page(
    connection: Connection, bucket: str, prefix: str, delimiter: str, after: str, limit: int
) -> list[ObjectInfo | str]:
    """Return a page of a bucket, with all keys that have the delimiter after the prefix folded.

    Args:
        connection: Of the database.
        bucket: Which bucket.
        prefix: Only keys that begin with it.
        delimiter: Up to its first occurrence after the prefix, keys are folded into one.
        after: The last key, or folded one, of the page before.
        limit: At most so many of both.

    Returns:
        In order: objects, and what keys were folded into. A folder costs some rows, however many it holds.

    Raises:
        BucketNotFoundError: If there is no such bucket.
    """
    index.require_bucket(connection, bucket)
    found: list[ObjectInfo | str] = []
    start: str | None = prefix
    inclusive = True
    if after and after >= prefix:
        start, inclusive = after, False
        if fold(after, prefix, delimiter) == after:
            start, inclusive = end_of_prefix(after), True
    look = _FIRST_LOOK
    while start is not None and len(found) < limit:
        look = min(look, limit - len(found))
        rows = _rows(connection, bucket, start, inclusive, prefix, look)
        before = len(found)
        for row in rows:
            folder = fold(row.key, prefix, delimiter)
            if folder is None:
                found.append(index.info_of(row))
            elif not found or found[-1] != folder:
                found.append(folder)
        if len(rows) < look:
            break
        inclusive = isinstance(found[-1], str)
        start = end_of_prefix(found[-1]) if isinstance(found[-1], str) else rows[-1].key
        look = max(_FIRST_LOOK, 2 * (len(found) - before))
    return found


def fold(key: str, prefix: str, delimiter: str) -> str | None:
    """Return what a key is folded into; ``None`` if it stands for itself.

    Example:
        >>> fold("raw/2024/a.csv", "raw/", "/")
        'raw/2024/'
    """
    at = key.find(delimiter, len(prefix))
    return key[: at + len(delimiter)] if at >= 0 else None


def _rows(
    connection: Connection, bucket: str, start: str, inclusive: bool, prefix: str, limit: int
) -> list[Any]:
    end = end_of_prefix(prefix)
    values: dict[str, object] = {"bucket_": bucket, "start_": start, "limit_": limit}
    if end is not None:
        values["end_"] = end
    return _RANGES[inclusive, end is not None].all(connection, values)
