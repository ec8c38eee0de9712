"""Reads the logs of jobs: whole, by lines with their times, at the end only, or while they grow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stepmill.compute.log_parts import LogPart, gap_marker, log_parts
from stepmill.compute.supervision.files import EXIT, FolderState, folder_state
from stepmill.compute.supervision.pump import TIME_ENTRY, TIMES_SUFFIX

# A longer line is given in pieces of this length: a program may print gigabytes without a newline.
LONGEST_LINE_BYTES = 64 * 1024

_PIECE_BYTES = 1 << 16
_LARGEST_TAIL_BYTES = 4 << 20
_POLL_SECONDS = 0.1
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class LogLine:
    """A line of a log.

    Args:
        at: When it came in, within ten milliseconds. Aware, UTC.
        text: Without its line end; what is not UTF-8 is replaced.
    """

    at: datetime
    text: str


def raw_log(folder: Path) -> Iterator[bytes]:
    """Give what the job wrote, byte for byte, in pieces; what was dropped is told in a line of its own.

    Args:
        folder: The job's folder. If there is no log, nothing is given.
    """
    position = 0
    for part in log_parts(folder):
        if part.start > position:
            yield gap_marker(part.start - position)
        position = part.start
        try:
            with part.path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    position += len(piece)
                    yield piece
        except FileNotFoundError:  # too old by now: the tail has moved on
            continue


def read_log(folder: Path, *, tail: int | None = None) -> str:
    """Return the log as text.

    Args:
        folder: The job's folder.
        tail: Only so many of the last lines.
    """
    if tail is None:
        return b"".join(raw_log(folder)).decode("utf-8", "replace")
    return "".join(f"{line}\n" for line in tail_log(folder, tail))


def tail_log(folder: Path, lines: int) -> tuple[str, ...]:
    """Return the last lines of a log, for a failure's reason; at most four mebibytes of them.

    Of a line longer than ``LONGEST_LINE_BYTES`` the end is given.
    """
    pieces: deque[bytes] = deque()
    newlines = size = 0
    for piece in _pieces_from_the_end(folder):
        pieces.appendleft(piece)
        newlines += piece.count(b"\n")
        size += len(piece)
        if newlines > lines or size > _LARGEST_TAIL_BYTES:
            break
    found = b"".join(pieces).split(b"\n")
    if not found[-1]:
        found.pop()
    kept = found[-lines:] if lines > 0 else []
    return tuple(_text(line[-LONGEST_LINE_BYTES:]) for line in kept)


def log_lines(folder: Path) -> Iterator[LogLine]:
    """Give the lines of a log with their times, as far as it is written."""
    yield from LogReader(folder).read(final=True)


def follow_log(
    folder: Path, *, wait: Callable[[float], None] = time.sleep, keep_on: Callable[[], bool] | None = None
) -> Iterator[LogLine]:
    """Give the lines of a log as they come in, and end when the job has ended.

    Args:
        folder: The job's folder.
        wait: Waits for so many seconds.
        keep_on: Asked between looks; the generator ends when it says False.
    """
    reader = LogReader(folder)
    while True:
        ended = (folder / EXIT).exists() or folder_state(folder) is FolderState.LOST
        yield from reader.read(final=ended)
        if ended or (keep_on is not None and not keep_on()):
            return
        wait(_POLL_SECONDS)


class LogReader:
    """Reads the log in a job's folder, and reads on where it left off."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._position = 0
        self._rest = b""
        self._rest_at = _EPOCH

    def read(self, *, final: bool) -> Iterator[LogLine]:
        """Give the lines that are complete by now; if it is the final look, the incomplete last too."""
        for part in log_parts(self._folder):
            yield from self._read_part(part)
        if final and self._rest:
            yield LogLine(self._rest_at, _text(self._rest))
            self._rest = b""

    def _read_part(self, part: LogPart) -> Iterator[LogLine]:
        try:
            size = part.path.stat().st_size
            if part.start + size <= self._position:
                return
            times = _Times(part.path)
            with part.path.open("rb") as file:
                if part.start > self._position:
                    yield from self._skip(part.start, times.at(0))
                file.seek(self._position - part.start)
                while piece := file.read(_PIECE_BYTES):
                    yield from self._take(piece, self._position - part.start, times)
                    self._position += len(piece)
        except FileNotFoundError:
            return

    def _skip(self, start: int, at: datetime) -> Iterator[LogLine]:
        """Tell of the gap before a part."""
        if self._rest:
            yield LogLine(self._rest_at, _text(self._rest))
            self._rest = b""
        yield LogLine(at, _text(gap_marker(start - self._position).strip()))
        self._position = start

    def _take(self, piece: bytes, offset: int, times: _Times) -> Iterator[LogLine]:
        for raw in _split(piece):
            if not self._rest:
                self._rest_at = times.at(offset)
            offset += len(raw)
            self._rest += raw
            while len(self._rest) > LONGEST_LINE_BYTES:
                yield LogLine(self._rest_at, _text(self._rest[:LONGEST_LINE_BYTES]))
                self._rest = self._rest[LONGEST_LINE_BYTES:]
            if raw.endswith(b"\n"):
                yield LogLine(self._rest_at, _text(self._rest[:-1]))
                self._rest = b""


class _Times:
    """When each byte of a part came in. Asked in ascending order."""

    def __init__(self, path: Path) -> None:
        try:
            data = path.with_name(path.name + TIMES_SUFFIX).read_bytes()
        except FileNotFoundError:
            data = b""
        usable = len(data) - len(data) % TIME_ENTRY.size
        self._entries = list(TIME_ENTRY.iter_unpack(data[:usable]))
        self._next = 0
        self._now = _EPOCH if not self._entries else _moment(self._entries[0][1])

    def at(self, offset: int) -> datetime:
        """Return when the byte at an offset came in."""
        while self._next < len(self._entries) and self._entries[self._next][0] <= offset:
            self._now = _moment(self._entries[self._next][1])
            self._next += 1
        return self._now


def _split(piece: bytes) -> list[bytes]:
    """Split at newlines only: a progress bar's carriage returns belong to its line."""
    lines = piece.split(b"\n")
    ended = [line + b"\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def _pieces_from_the_end(folder: Path) -> Iterator[bytes]:
    """Give the log in pieces, the last one first."""
    below: int | None = None
    for part in reversed(log_parts(folder)):
        try:
            with part.path.open("rb") as file:
                end = file.seek(0, 2)
                if below is not None and part.start + end < below:
                    yield gap_marker(below - part.start - end)
                while end > 0:
                    start = max(0, end - _PIECE_BYTES)
                    file.seek(start)
                    yield file.read(end - start)
                    end = start
        except FileNotFoundError:
            continue
        below = part.start


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
