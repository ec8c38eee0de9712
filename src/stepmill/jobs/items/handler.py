"""The handler that reads pages of items: ``stepmill:readItems``.

The payload is ``{"resource", "arguments", "config", "cursor", "limit"}``: what the ``ItemReader`` says,
rendered, where the page before ended (``null`` for the first), and how many items a page has at most. The
output is ``{"items": [...], "cursor": {...}}``; the cursor is ``null`` behind the last item.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSucceeded
from stepmill.jobs.items.opening import open_source
from stepmill.jobs.items.request import ReadRequest, read_request
from stepmill.jobs.items.source import START, ItemReaderError, ItemSource, number_in
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

RESOURCE = "stepmill:readItems"
FAILED = "States.ItemReaderFailed"

LARGEST_PAGE = 10_000
# A page lies in the memory of whoever maps over it.
_LARGEST_PAGE_BYTES = 4 * 1024 * 1024


class ItemReader:
    """Reads items of distributed maps.

    Args:
        objects: Where they are.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        # A JSON document is read whole, and the next page is mostly one of the same document.
        self._last: tuple[str, ItemSource] | None = None

    def start(self, task: Task, report: Report) -> None:
        """Read and report a page, or what is wrong."""
        try:
            report(TaskSucceeded(task.id, self._page(task.payload)))
        except NotFoundError as error:
            report(TaskFailed(task.id, FAILED, str(error)))
        except (ItemReaderError, InvalidInputError) as error:
            report(TaskFailed(task.id, FAILED, error.what))

    def stop(self, task: Task) -> None:
        """Do nothing: reading ends by itself."""

    def _page(self, payload: Json) -> JsonObject:
        if not isinstance(payload, Mapping):
            raise ItemReaderError("There is nothing to read from.")
        request = read_request(payload)
        cursor = _object(payload.get("cursor"))
        version = "" if request.lists else self._objects.head(S3Uri(request.bucket, request.key)).etag
        if cursor and cursor.get("version") != version:
            raise ItemReaderError(f"The object '{request.key}' was replaced while it was read.")
        limit = payload.get("limit")
        most = min(limit, LARGEST_PAGE) if isinstance(limit, int) and limit > 0 else LARGEST_PAGE
        items, place, taken = _read(self._source(request, version), request.max_items, cursor, most)
        behind: JsonObject = {"place": place, "taken": taken, "version": version}
        return {"items": items, "cursor": None if place is None else behind}

    def _source(self, request: ReadRequest, version: str) -> ItemSource:
        key = f"{version} {request}"
        with self._lock:
            if self._last is None or self._last[0] != key:
                self._last = (key, open_source(request, self._objects))
            return self._last[1]


def _read(
    source: ItemSource, max_items: int, cursor: JsonObject, most: int
) -> tuple[list[Json], JsonObject | None, int]:
    """Return items, where the next begin if there are any, and how many were taken in all."""
    taken = number_in(cursor, "taken")
    place: JsonObject = _object(cursor.get("place")) or START
    items: list[Json] = []
    size_bytes = 0
    for item, behind in source.items(place):
        if max_items and taken >= max_items:
            return items, None, taken
        if len(items) >= most or size_bytes >= _LARGEST_PAGE_BYTES:
            return items, place, taken
        items.append(item)
        size_bytes += len(write_json(item))
        taken += 1
        place = behind
    return items, None, taken


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
