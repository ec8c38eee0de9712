"""The log of a job: bounded, exact, with the time of every piece.

The log is kept in parts. ``log`` begins at byte 0 of what the program wrote and grows up to the limit:
the head. What comes after it goes to parts named by the byte they begin at, ``log.<n>``; only as many
of the newest as the limit needs are kept: the tail. What lies between two parts was dropped. Beside
each part ``<part>.times`` holds pairs of 64-bit little-endian numbers: an offset within the part, and
the microsecond since the epoch at which the bytes from there on came in.
"""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stepmill.compute.supervision.files import LOG

TIMES_SUFFIX = ".times"
TIME_ENTRY = struct.Struct("<QQ")

# Two pieces nearer to each other than this share one entry of the times; a hundred entries of 16 bytes
# a second are the most that a log costs beside itself.
_FINEST_MICROSECONDS = 10_000


def part_name(start: int) -> str:
    """Return the file name of the part that begins at a byte.

    Example:
        >>> part_name(0), part_name(4096)
        ('log', 'log.4096')
    """
    return f"{LOG}.{start}" if start else LOG


@dataclass
class _Part:
    start: int
    limit: int
    data_fd: int
    times_fd: int
    size: int = 0
    timed_at: int = 0


class LogWriter:
    """Writes a log of any length into bounded room.

    A full disk loses what comes in while it is full, and nothing else; ``dropped_bytes`` and
    ``trouble`` tell.

    Args:
        folder: The job's folder.
        limit_bytes: How much of the head, and at least how much of the tail, is kept.
        now: Gives the time in microseconds since the epoch.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, now: Callable[[], int] = lambda: time.time_ns() // 1000
    ) -> None:
        self._folder = folder
        self._limit = max(limit_bytes, 1)
        # With parts of half the limit at most one and a half times the limit is on the disk.
        self._part_limit = max(self._limit // 2, 1)
        self._now = now
        self._tail: deque[tuple[int, int]] = deque()
        self.size = 0
        self.dropped_bytes = 0
        self.trouble = ""
        self._part: _Part | None = None
        try:
            is_cut = self._go_on()
            self._part = self._open()
        except OSError as error:
            self.trouble = str(error)
        else:
            if is_cut:
                self.write(b"\n")

    def _go_on(self) -> bool:
        """Go on after what an earlier attempt at the job wrote; say whether its last line has no end."""
        head = self._folder / LOG
        if not head.exists():
            return False
        starts = [int(p.suffix[1:]) for p in self._folder.glob(f"{LOG}.*") if p.suffix[1:].isdecimal()]
        last, end = head, head.stat().st_size
        for start in sorted(starts):
            last = self._folder / part_name(start)
            size = last.stat().st_size
            self._tail.append((start, size))
            end = start + size
        self.size = end
        with last.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            return file.read(1) not in (b"", b"\n")

    def write(self, data: bytes) -> None:
        """Take in a piece of the log. Never raises for want of room."""
        view = memoryview(data)
        while view:
            taken = self._write_some(view)
            view = view[taken:]

    def close(self) -> None:
        """Let go of the files."""
        if self._part is not None:
            os.close(self._part.data_fd)
            os.close(self._part.times_fd)
            self._part = None

    def _write_some(self, view: memoryview) -> int:
        """Write what fits into the current part; return how many bytes are done with."""
        try:
            part = self._part_with_room()
            self._note_time(part)
            written = os.write(part.data_fd, view[: part.limit - part.size])
        except OSError as error:
            self._lose(len(view), error)
            return len(view)
        part.size += written
        self.size += written
        return written

    def _part_with_room(self) -> _Part:
        part = self._part
        if part is not None and part.size < part.limit:
            return part
        if part is not None:
            self.close()
            if part.start:
                self._tail.append((part.start, part.size))
            self._forget_what_is_too_old()
        self._part = self._open()
        return self._part

    def _forget_what_is_too_old(self) -> None:
        while self._tail and self._tail[0][0] + self._tail[0][1] <= self.size - self._limit:
            start, size = self._tail.popleft()
            self._remove(start)
            self.dropped_bytes += size

    def _remove(self, start: int) -> None:
        path = self._folder / part_name(start)
        path.unlink(missing_ok=True)
        path.with_name(path.name + TIMES_SUFFIX).unlink(missing_ok=True)

    def _lose(self, size: int, error: OSError) -> None:
        """Leave a gap: what comes next begins a part of its own."""
        self.dropped_bytes += size
        self.trouble = str(error)
        part = self._part
        self.close()
        if part is not None and part.size == 0:
            self._remove(part.start)
        elif part is not None and part.start:
            self._tail.append((part.start, part.size))
        self.size += size

    def _open(self) -> _Part:
        start = self.size
        path = self._folder / part_name(start)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        data_fd = os.open(path, flags, 0o600)
        try:
            times_fd = os.open(path.with_name(path.name + TIMES_SUFFIX), flags, 0o600)
        except OSError:
            os.close(data_fd)
            raise
        return _Part(start, self._part_limit if start else self._limit, data_fd, times_fd)

    def _note_time(self, part: _Part) -> None:
        now = self._now()
        if part.size == 0 or now - part.timed_at >= _FINEST_MICROSECONDS:
            os.write(part.times_fd, TIME_ENTRY.pack(part.size, now))
            part.timed_at = now
