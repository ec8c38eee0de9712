"""Pages of the events of log streams, and the events of several streams in one order.

Source: CloudWatch Logs API reference, GetLogEvents and FilterLogEvents: at most 10,000 events or 1 MB a
page; an event counts 26 bytes more than its text; periods include their start and not their end.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.compute.log_pages import LogEntry, LogPages
from stepmill.jobs.log_streams import LogStream

MOST_EVENTS = 10_000
MOST_BYTES = 1024 * 1024
_BYTES_OF_AN_EVENT = 26
_ENDLESS = 1 << 62

# What orders events of several streams: milliseconds, name of the stream, place in it.
EventKey: TypeAlias = tuple[int, str, int]


@dataclass(frozen=True)
class Period:
    """Which events are asked for, in milliseconds since the epoch.

    Args:
        since: Those of this moment, and later ones.
        until: Those earlier than this moment.
    """

    since: int = 0
    until: int = _ENDLESS


@dataclass(frozen=True)
class EventPage:
    """Events of one stream.

    Args:
        entries: In order.
        start: What comes before ends here.
        end: What comes after begins here.
        is_complete: Whether no events will be added to the stream any more.
    """

    entries: tuple[LogEntry, ...]
    start: int
    end: int
    is_complete: bool


def milliseconds(entry: LogEntry) -> int:
    """Return when an event came in, in milliseconds since the epoch."""
    return entry.at // 1000


def events_after(pages: LogPages, period: Period, limit: int, place: int | None = None) -> EventPage:
    """Return the first events after a place.

    Args:
        pages: The log.
        period: Only events in it.
        limit: Not more than so many.
        place: Where the page before ended; ``None``: from the beginning.
    """
    begin = pages.place_at(period.since * 1000) if period.since > 0 else 0
    begin = max(begin, place or 0)
    chosen = EventBudget(limit)
    for entry in pages.forwards(begin):
        at = milliseconds(entry)
        if at >= period.until or (at >= period.since and not chosen.take(entry)):
            break
    if not chosen.entries:
        here = begin if place is None else place
        return EventPage((), here, here, pages.is_complete)
    return _page(chosen.entries, pages)


def events_before(pages: LogPages, period: Period, limit: int, place: int | None = None) -> EventPage:
    """Return the last events before a place. See ``events_after``; ``None``: before the end."""
    end = _end_of(pages, period)
    end = end if place is None else min(end, place)
    chosen = EventBudget(limit)
    for entry in pages.backwards(end):
        if milliseconds(entry) < period.since or not chosen.take(entry):
            break
    if not chosen.entries:
        here = end if place is None else place
        return EventPage((), here, here, pages.is_complete)
    return _page(chosen.entries[::-1], pages)


def merged_events(
    streams: Sequence[LogStream], period: Period, after: EventKey | None = None
) -> Iterator[tuple[LogStream, LogEntry]]:
    """Give the events of streams in the order of their times. A stream is opened when its time has come.

    Args:
        streams: Which.
        period: Only events in it.
        after: Only those that follow this one.
    """
    waiting = sorted(streams, key=lambda stream: stream.created_at, reverse=True)
    heap: list[tuple[EventKey, LogStream, LogEntry, Iterator[LogEntry]]] = []

    def push(stream: LogStream, entries: Iterator[LogEntry]) -> None:
        for entry in entries:
            key = (milliseconds(entry), stream.name, entry.start)
            if key[0] >= period.until:
                return
            if key[0] >= period.since and (after is None or key > after):
                heapq.heappush(heap, (key, stream, entry, entries))
                return

    while waiting or heap:
        while waiting and (not heap or _born(waiting[-1]) <= heap[0][0][0]):
            stream = waiting.pop()
            if _born(stream) < period.until:
                pages = LogPages(stream.folder)
                begin = max(period.since, after[0] if after else 0)
                push(stream, pages.forwards(pages.place_at(begin * 1000) if begin else 0))
        if heap:
            _, stream, entry, entries = heapq.heappop(heap)
            push(stream, entries)
            yield stream, entry


def _born(stream: LogStream) -> int:
    # No event is older than its job; a second, in case the clocks of two processes differ.
    return int(stream.created_at.timestamp() * 1000) - 1000


class EventBudget:
    """Takes events until a page is full.

    Args:
        limit: Not more than so many.
    """

    def __init__(self, limit: int) -> None:
        self.entries: list[LogEntry] = []
        self._left = min(limit, MOST_EVENTS)
        self._bytes_left = MOST_BYTES

    def take(self, entry: LogEntry) -> bool:
        """Take an event if there is room for it."""
        # By its text: an event that tells of a gap spans more than a page may hold.
        size = len(entry.text.encode()) + _BYTES_OF_AN_EVENT
        if self._left == 0 or size > self._bytes_left:
            return False
        self._left -= 1
        self._bytes_left -= size
        self.entries.append(entry)
        return True


def _page(entries: Sequence[LogEntry], pages: LogPages) -> EventPage:
    return EventPage(tuple(entries), entries[0].start, entries[-1].end, pages.is_complete)


def _end_of(pages: LogPages, period: Period) -> int:
    """Return where the last event of a period ends."""
    end = pages.place_at(period.until * 1000)
    for entry in pages.forwards(end):
        if milliseconds(entry) >= period.until:
            break
        end = entry.end
    return end
