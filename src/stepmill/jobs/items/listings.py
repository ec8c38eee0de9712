"""Items that are objects of a bucket, and items of many objects one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from stepmill.core.json import JsonObject
from stepmill.jobs.items.source import ItemReaderError, ItemSource, Placed, number_in
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

_PAGE = 1000

# Opens the source of an object; called when its turn has come.
SourceOf: TypeAlias = Callable[[S3Uri], ItemSource]


class ListedObjects:
    """Each object below a prefix is an item, as ``ListObjectsV2`` tells of it.

    Args:
        objects: Where they are.
        bucket: Their bucket.
        prefix: What their keys begin with.
        start_after: Only keys behind this one.
    """

    def __init__(self, objects: ObjectStore, bucket: str, prefix: str = "", start_after: str = "") -> None:
        self._objects = objects
        self._bucket = bucket
        self._prefix = prefix
        self._start_after = start_after

    def items(self, cursor: JsonObject) -> Iterator[Placed]:
        """See ``ItemSource``."""
        for info in self._behind(cursor):
            yield _told(info), {"after": info.key}

    def uris(self, cursor: JsonObject) -> Iterator[tuple[S3Uri, JsonObject]]:
        """Yield addresses instead, each with the cursor behind it."""
        for info in self._behind(cursor):
            yield info.uri, {"after": info.key}

    def _behind(self, cursor: JsonObject) -> Iterator[ObjectInfo]:
        after = cursor.get("after", self._start_after)
        if not isinstance(after, str):
            raise ItemReaderError(f"{after!r} is no key.")
        while True:
            page = self._objects.list(self._bucket, self._prefix, after=after, limit=_PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].key


class Chained:
    """The items of many objects: those of the first, then those of the second.

    Args:
        uris: Gives the addresses behind a cursor, each with the cursor behind it.
        source_of: Opens an object.
    """

    def __init__(
        self, uris: Callable[[JsonObject], Iterator[tuple[S3Uri, JsonObject]]], source_of: SourceOf
    ) -> None:
        self._uris = uris
        self._source_of = source_of

    def items(self, cursor: JsonObject) -> Iterator[Placed]:
        """See ``ItemSource``."""
        outer, inner = _object(cursor.get("outer")), _object(cursor.get("inner"))
        for uri, behind in self._uris(outer):
            for item, place in self._source_of(uri).items(inner):
                yield item, {"outer": outer, "inner": place}
            outer, inner = behind, {}


def numbered(uris: list[S3Uri]) -> Callable[[JsonObject], Iterator[tuple[S3Uri, JsonObject]]]:
    """Return what ``Chained`` takes, for a list."""

    def behind(cursor: JsonObject) -> Iterator[tuple[S3Uri, JsonObject]]:
        for index in range(number_in(cursor, "file"), len(uris)):
            yield uris[index], {"file": index + 1}

    return behind


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _told(info: ObjectInfo) -> JsonObject:
    # Source: Step Functions developer guide, "ItemReader (Map)", Amazon S3 objects as the data source.
    return {
        "Etag": f'"{info.etag}"',
        "Key": info.key,
        "LastModified": int(info.modified_at.timestamp()),
        "Size": info.size_bytes,
        "StorageClass": "STANDARD",
    }
