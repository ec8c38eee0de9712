"""Pages of events, against a model: the list of all events, cut as the API reference says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.log_pages import LogEntry, LogPages
from stepmill.jobs import log_events
from stepmill.jobs.log_events import (
    EventKey,
    Period,
    events_after,
    events_before,
    merged_events,
    milliseconds,
)
from stepmill.jobs.log_streams import LogStream
from support.written_logs import FINEST, T0, WrittenLog

MS = T0 // 1000
# Lines that come in together, and pauses between them: many have the same time.
BURSTS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), max_size=7)
MOMENTS = st.one_of(st.none(), st.integers(-2, 40).map(lambda step: MS + step * FINEST // 2000))
LIMITS = st.integers(1, 9)


@contextmanager
def log_of(bursts: list[tuple[int, int]]) -> Iterator[WrittenLog]:
    with TemporaryDirectory() as folder:
        log = WrittenLog(Path(folder))
        for number, (lines, pause) in enumerate(bursts):
            text = b"".join(b"%d-%d\n" % (number, line) for line in range(lines))
            log.write([text] if text else [], pause * FINEST)
        log.end()
        yield log


def everything(log: WrittenLog) -> list[LogEntry]:
    return list(LogPages(log.folder).forwards(0))


def period(since: int | None, until: int | None) -> Period:
    return Period(since or 0, Period().until if until is None else until)


def within(entries: list[LogEntry], chosen: Period) -> list[LogEntry]:
    return [each for each in entries if chosen.since <= milliseconds(each) < chosen.until]


@given(BURSTS, MOMENTS, MOMENTS, LIMITS)
def test_pages_forwards_are_the_events_of_the_period(
    bursts: list[tuple[int, int]], since: int | None, until: int | None, limit: int
) -> None:
    with log_of(bursts) as log:
        chosen = period(since, until)
        pages = LogPages(log.folder)
        seen: list[LogEntry] = []
        page = events_after(pages, chosen, limit)
        while page.entries:
            assert len(page.entries) <= limit
            assert (page.start, page.end) == (page.entries[0].start, page.entries[-1].end)
            seen += page.entries
            page = events_after(LogPages(log.folder), chosen, limit, page.end)
        assert seen == within(everything(log), chosen)
        # At the end the same place comes back, again and again.
        assert events_after(pages, chosen, limit, page.end).end == page.end


@given(BURSTS, MOMENTS, MOMENTS, LIMITS)
def test_pages_backwards_are_the_same_from_the_end(
    bursts: list[tuple[int, int]], since: int | None, until: int | None, limit: int
) -> None:
    with log_of(bursts) as log:
        chosen = period(since, until)
        pages = LogPages(log.folder)
        seen: list[LogEntry] = []
        page = events_before(pages, chosen, limit)
        while page.entries:
            assert len(page.entries) <= limit
            seen = [*page.entries, *seen]
            page = events_before(LogPages(log.folder), chosen, limit, page.start)
        assert seen == within(everything(log), chosen)
        assert events_before(pages, chosen, limit, page.start).start == page.start


@given(BURSTS, LIMITS)
def test_one_can_turn_round_at_every_page(bursts: list[tuple[int, int]], limit: int) -> None:
    with log_of(bursts) as log:
        pages = LogPages(log.folder)
        page = events_after(pages, Period(), limit)
        while page.entries:
            following = events_after(pages, Period(), limit, page.end)
            back = events_before(pages, Period(), len(page.entries), following.start)
            if following.entries:
                assert back.entries == page.entries
            page = following


@given(BURSTS, st.integers(0, 60))
def test_resuming_as_the_sdk_does_loses_and_repeats_nothing(
    bursts: list[tuple[int, int]], seen_so_far: int
) -> None:
    """The SDK comes back with the time of its last event, and skips as many as it has seen of it."""
    with log_of(bursts) as log:
        events = [(milliseconds(each), each.text) for each in everything(log)]
        seen = events[:seen_so_far]
        last = seen[-1][0] if seen else 0
        skip = sum(at == last for at, _ in seen)
        page = events_after(LogPages(log.folder), Period(since=last), 10_000)
        rest = [(milliseconds(each), each.text) for each in page.entries][skip:]
        assert seen + rest == events


def test_a_page_is_full_by_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_events, "MOST_BYTES", 3 * (10 + 26))
    log = WrittenLog(tmp_path)
    log.write([b"0123456789\n"] * 10)
    pages = LogPages(tmp_path)
    assert len(events_after(pages, Period(), 100).entries) == 3
    assert len(events_before(pages, Period(), 100).entries) == 3


def test_an_event_that_tells_of_a_gap_is_as_long_as_its_text(tmp_path: Path) -> None:
    log = WrittenLog(tmp_path, limit=20_000)
    log.write([(b"x" * 99 + b"\n") * 12_000])
    texts = [entry.text for entry in events_after(LogPages(tmp_path), Period(), 10_000).entries]
    (gap,) = (text for text in texts if text.startswith("[stepmill:"))
    assert int(gap.split()[1]) > log_events.MOST_BYTES


def test_a_log_that_is_written_is_not_complete(tmp_path: Path) -> None:
    log = WrittenLog(tmp_path)
    log.write([b"one\ntwo"])
    page = events_after(LogPages(tmp_path), Period(), 10)
    assert ([each.text for each in page.entries], page.is_complete) == (["one"], False)
    assert events_before(LogPages(tmp_path), Period(), 10).end == 4
    log.end()
    page = events_after(LogPages(tmp_path), Period(), 10, page.end)
    assert ([each.text for each in page.entries], page.is_complete) == (["two"], True)


def test_an_empty_log_has_an_end_to_come_back_to(tmp_path: Path) -> None:
    pages = LogPages(tmp_path)
    assert events_after(pages, Period(), 10).end == 0
    assert events_before(pages, Period(), 10).start == 0


@dataclass
class Group:
    """Logs of several jobs."""

    logs: list[WrittenLog]

    @property
    def streams(self) -> list[LogStream]:
        born = datetime.fromtimestamp(T0 / 1e6, UTC)
        return [LogStream(log.folder.name, log.folder, born) for log in self.logs]

    def events(self, chosen: Period) -> list[EventKey]:
        return sorted(
            (milliseconds(entry), log.folder.name, entry.start)
            for log in self.logs
            for entry in within(everything(log), chosen)
        )


@given(st.lists(BURSTS, max_size=3), MOMENTS, MOMENTS, st.integers(0, 50))
def test_events_of_several_streams_come_in_one_order(
    all_bursts: list[list[tuple[int, int]]], since: int | None, until: int | None, cut: int
) -> None:
    with TemporaryDirectory() as folder:
        logs = []
        for number, bursts in enumerate(all_bursts):
            log = WrittenLog(Path(folder, f"job-{number}"))
            for lines, pause in bursts:
                log.write([b"line\n" * lines] if lines else [], pause * FINEST)
            log.end()
            logs.append(log)
        group, chosen = Group(logs), period(since, until)
        expected = group.events(chosen)

        def keys(after: EventKey | None = None) -> list[EventKey]:
            found = merged_events(group.streams, chosen, after)
            return [(milliseconds(entry), stream.name, entry.start) for stream, entry in found]

        assert keys() == expected
        if expected:
            place = expected[cut % len(expected)]
            assert keys(place) == expected[expected.index(place) + 1 :]


def test_a_stream_is_opened_only_when_its_time_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def opening(folder: Path) -> LogPages:
        opened.append(folder.name)
        return LogPages(folder)

    monkeypatch.setattr(log_events, "LogPages", opening)
    streams = []
    for hour in range(3):
        log = WrittenLog(tmp_path / str(hour))
        log.write([b"line\n"], (1 + hour * 3600) * 1_000_000)
        log.end()
        streams.append(LogStream(str(hour), log.folder, datetime.fromtimestamp(T0 / 1e6 + hour * 3600, UTC)))
    events = merged_events(streams, Period())
    next(events)
    assert opened == ["0"]
    assert len(list(events)) == 2
    assert list(merged_events(streams, Period(until=MS))) == []
    assert opened == ["0", "1", "2", "0"]
