"""Pages of a log, against a model that has all of it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.compute import log_pages
from stepmill.compute.log_pages import LogEntry, LogPages
from stepmill.compute.supervision.files import LOCK
from support.written_logs import FINEST, HUGE, T0, WrittenLog

BLOCK = 16

# Pieces as a program writes them: lines, parts of lines, many lines, very long ones, broken UTF-8.
piece = st.one_of(
    st.binary(min_size=1, max_size=3 * BLOCK).map(lambda raw: raw.replace(b"\0", b"\n")),
    st.lists(st.sampled_from([b"", b"a", b"line", b"\xc3\xa9"]), min_size=1, max_size=9).map(
        lambda lines: b"\n".join(lines) + b"\n"
    ),
    st.integers(1, 6 * BLOCK).map(lambda size: b"x" * size),
)
pieces = st.lists(piece, max_size=10)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pages, "BLOCK_BYTES", BLOCK)


class Written(WrittenLog):
    """A log, and how it is read."""

    def forwards(self, place: int = 0) -> list[LogEntry]:
        return list(LogPages(self.folder).forwards(place))

    def backwards(self, place: int) -> list[LogEntry]:
        return list(LogPages(self.folder).backwards(place))


def text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@contextmanager
def in_a_folder(limit: int = HUGE) -> Iterator[Written]:
    with TemporaryDirectory() as folder:
        log = Written(Path(folder), limit)
        yield log
        log.close()


@given(pieces)
def test_nothing_is_lost_added_or_reordered(written: list[bytes]) -> None:
    with in_a_folder() as log:
        log.write(written)
        log.end()
        entries = log.forwards()
        places = [0, *(entry.end for entry in entries)]
        assert [entry.start for entry in entries] == places[:-1]
        assert places[-1] == len(log.data)
        for entry in entries:
            raw = log.data[entry.start : entry.end]
            assert b"\n" not in raw[:-1]
            assert entry.text == text(raw.removesuffix(b"\n"))
            assert len(raw) <= 2 * BLOCK
            assert entry.at == log.time_of(entry.start)


@given(pieces)
def test_short_lines_stay_whole(written: list[bytes]) -> None:
    with in_a_folder() as log:
        log.write(written)
        log.end()
        lines = log.data.split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        if all(len(line) < BLOCK for line in lines):
            assert [entry.text for entry in log.forwards()] == [
                line.decode("utf-8", "replace") for line in lines
            ]


@given(pieces, st.booleans())
def test_from_every_place_the_rest_is_the_same(written: list[bytes], ended: bool) -> None:
    with in_a_folder() as log:
        log.write(written)
        if ended:
            log.end()
        entries = log.forwards()
        for index, entry in enumerate(entries):
            assert log.forwards(entry.start) == entries[index:]
            assert log.forwards(entry.end) == entries[index + 1 :]
            assert log.backwards(entry.start) == entries[:index][::-1]
            assert log.backwards(entry.end) == entries[: index + 1][::-1]
        assert log.backwards(HUGE) == entries[::-1]
        assert log.forwards(HUGE) == []
        assert log.backwards(0) == []


@given(pieces, pieces)
def test_what_was_given_stays_when_the_log_grows(first: list[bytes], second: list[bytes]) -> None:
    with in_a_folder() as log:
        log.write(first)
        before = log.forwards()
        log.write(second)
        grown = log.forwards()
        assert grown[: len(before)] == before
        place = before[-1].end if before else 0
        assert log.forwards(place) == grown[len(before) :]


@given(pieces, st.integers(-2, 40))
def test_moments_are_found(written: list[bytes], step: int) -> None:
    with in_a_folder() as log:
        log.write(written)
        log.end()
        moment = T0 + step * FINEST // 2
        place = LogPages(log.folder).place_at(moment)
        assert place in {0, *(entry.end for entry in log.forwards())}
        found = log.forwards(place)
        assert [e for e in found if e.at >= moment] == [e for e in log.forwards() if e.at >= moment]
        assert sum(entry.at < moment for entry in found) <= 1


@settings(max_examples=200)
@given(st.lists(pieces, max_size=6), st.integers(1, 120), st.booleans())
def test_a_log_that_lost_its_middle(batches: list[list[bytes]], limit: int, ended: bool) -> None:
    with in_a_folder(limit) as log:
        seen: list[LogEntry] = []
        place = 0
        for batch in batches:
            log.write(batch)
            found = log.forwards(place)
            seen += found
            place = found[-1].end if found else place
        if ended:
            log.end()
        seen += log.forwards(place)
        # Whoever follows sees each byte once, or hears that it is gone; never anything twice.
        assert all(one.end == other.start for one, other in pairwise(seen))
        entries = log.forwards()
        assert all(one.end == other.start for one, other in pairwise(entries))
        for entry in entries:
            raw = log.data[entry.start : entry.end]
            is_gap = entry.text == f"[stepmill: {entry.end - entry.start} bytes of the log were dropped here]"
            assert is_gap or entry.text == text(raw.removesuffix(b"\n"))
        backwards = log.backwards(entries[-1].end if entries else 0)
        assert [entry.text for entry in backwards[::-1]] == [entry.text for entry in entries]
        if ended:
            assert (entries[-1].end if entries else 0) == len(log.data)


def test_a_line_is_given_when_it_is_complete(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write([b"one\ntw"])
    assert [entry.text for entry in log.forwards()] == ["one"]
    assert [entry.text for entry in log.backwards(HUGE)] == ["one"]
    log.write([b"o\nthree"])
    assert [entry.text for entry in log.forwards(4)] == ["two"]
    # It came in when it began.
    assert log.forwards(4)[0].at == T0 + FINEST
    log.end()
    assert [entry.text for entry in log.forwards(8)] == ["three"]


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    pages = LogPages(tmp_path / "nowhere")
    assert list(pages.forwards(0)) == []
    assert list(pages.backwards(HUGE)) == []
    assert pages.place_at(T0) == 0
    assert pages.size_bytes == 0
    assert not pages.is_complete


def test_a_log_whose_job_was_lost_is_complete(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write([b"half a line"])
    (tmp_path / "started.json").write_text("{}")
    (tmp_path / LOCK).touch()
    assert [entry.text for entry in log.forwards()] == ["half a line"]


def test_a_part_that_vanishes_while_it_is_read_ends_the_page(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write([b"one\n"])
    pages = LogPages(tmp_path)
    (tmp_path / "log").unlink()
    assert list(pages.forwards(0)) == []
    assert list(pages.backwards(4)) == []


def test_a_far_place_is_found_without_reading_what_lies_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Written(tmp_path)
    log.write([b"line\n" * 100] * 200)
    read: list[int] = []
    original = log_pages._Run.read

    def counted(run: log_pages._Run, start: int, end: int) -> bytes:
        read.append(end - start)
        return original(run, start, end)

    monkeypatch.setattr(log_pages._Run, "read", counted)
    pages = LogPages(tmp_path)
    place = pages.place_at(T0 + 150 * FINEST)
    next(pages.forwards(place))
    next(pages.backwards(place))
    assert sum(read) < 20 * BLOCK
