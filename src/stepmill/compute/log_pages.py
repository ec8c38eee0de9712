"""Gives the lines of a job's log from any place in it, forwards and backwards, however long the log is.

A place is a byte of what the job wrote. It stays the same while the log grows, and while its middle is
dropped, so that it can be handed out and come back much later: nothing before it is read again.

Where a line is cut that is too long must not depend on where the reading began. Therefore the cuts lie
at multiples of ``BLOCK_BYTES``, each where the whole block before it has no line end.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from stepmill.compute.log_parts import gap_marker, log_parts
from stepmill.compute.supervision.files import EXIT, FolderState, folder_state
from stepmill.compute.supervision.pump import TIME_ENTRY, TIMES_SUFFIX

# No line is longer than twice this; longer ones come in pieces.
BLOCK_BYTES = 32 * 1024
_WINDOW_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of a log, or a piece of a very long one.

    Args:
        start: Place of its first byte.
        end: Place after its last one, which is its line end.
        at: When it came in: microseconds since the epoch.
        text: Without the line end; what is not UTF-8 is replaced.
    """

    start: int
    end: int
    at: int
    text: str


@dataclass(frozen=True)
class _Part:
    path: Path
    start: int
    end: int


@dataclass(frozen=True)
class _Run:
    """Parts without a gap between them."""

    parts: tuple[_Part, ...]

    @property
    def start(self) -> int:
        return self.parts[0].start

    @property
    def end(self) -> int:
        return self.parts[-1].end

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes between two places; fewer if a part is gone by now."""
        pieces = []
        for part in self.parts:
            low, high = max(start, part.start), min(end, part.end)
            if low >= high:
                continue
            with part.path.open("rb") as file:
                pieces.append(os.pread(file.fileno(), high - low, low - part.start))
        return b"".join(pieces)


class LogPages:
    """The log in a job's folder as it is now. Not to be kept: open another one to see what came in since.

    Args:
        folder: The job's folder. If there is no log, it is empty.
    """

    def __init__(self, folder: Path) -> None:
        # In this order: when the job has ended, its log is whole; and times are written before bytes.
        self.is_complete = (folder / EXIT).exists() or folder_state(folder) is FolderState.LOST
        self._runs = _runs(folder)
        self._times: dict[Path, _Times] = {}

    @property
    def size_bytes(self) -> int:
        """How much is kept of it."""
        return sum(run.end - run.start for run in self._runs)

    def forwards(self, place: int) -> Iterator[LogEntry]:
        """Give the lines from a place on, as far as they are complete.

        Args:
            place: 0, or the start or end of an entry.
        """
        with suppress(FileNotFoundError):  # the tail has moved on: who asks again sees the gap
            for run in self._runs:
                if place >= run.end:
                    continue
                if place < run.start:
                    yield self._gap(place, run)
                    place = run.start
                yield from self._forwards_in(run, place)
                place = run.end

    def backwards(self, place: int) -> Iterator[LogEntry]:
        """Give the lines before a place, the last one first.

        Args:
            place: The start or end of an entry, or of the log.
        """
        with suppress(FileNotFoundError):
            following: _Run | None = None
            for run in reversed(self._runs):
                if place <= run.start:
                    following = run
                    continue
                if following is not None and place > run.end:
                    yield self._gap(run.end, following, place)
                    place = run.end
                yield from self._backwards_in(run, min(place, run.end))
                place, following = run.start, run
            if place > 0 and following is not None and following.start > 0:
                yield self._gap(0, following, place)

    def place_at(self, micros: int) -> int:
        """Return the place of the first line at a moment or later, or of the one line before that."""
        for run in self._runs:
            for part in run.parts:
                offset = self._times_of(part).first_since(micros)
                if offset is not None:
                    return self._boundary_before(run, min(part.start + offset, run.end))
        return self._boundary_before(self._runs[-1], self._runs[-1].end) if self._runs else 0

    def _forwards_in(self, run: _Run, place: int) -> Iterator[LogEntry]:
        rest, rest_at = b"", place
        position = place
        while position < run.end:
            edge = min((position // BLOCK_BYTES + 1) * BLOCK_BYTES, run.end)
            data = run.read(position, edge)
            if len(data) < edge - position:
                return
            is_whole_block = edge - position == BLOCK_BYTES
            lines = data.split(b"\n")
            for line in lines[:-1]:
                end = rest_at + len(rest) + len(line) + 1
                yield self._entry(run, rest_at, end, rest + line)
                rest, rest_at = b"", end
            rest += lines[-1]
            if is_whole_block and len(lines) == 1:
                yield self._entry(run, rest_at, edge, rest)
                rest, rest_at = b"", edge
            position = edge
        if rest and self._is_whole_at(run):
            yield self._entry(run, rest_at, run.end, rest)

    def _backwards_in(self, run: _Run, top: int) -> Iterator[LogEntry]:
        while top > run.start:
            low = max(run.start, (top - 1) // BLOCK_BYTES * BLOCK_BYTES - _WINDOW_BLOCKS * BLOCK_BYTES)
            data = run.read(low, top)
            if len(data) < top - low:
                return
            cuts = _cuts(data, low)
            if low == run.start:
                cuts.insert(0, low)
            # What follows the last cut is a line only if it is known to end there.
            if cuts[-1] < top and (top < run.end or self._is_whole_at(run)):
                cuts.append(top)
            for start, end in zip(reversed(cuts[:-1]), reversed(cuts[1:]), strict=True):
                yield self._entry(run, start, end, data[start - low : end - low].removesuffix(b"\n"))
            top = cuts[0]

    def _is_whole_at(self, run: _Run) -> bool:
        """Say whether what stands at the end of a run without a line end will never get one."""
        return self.is_complete or run is not self._runs[-1]

    def _boundary_before(self, run: _Run, place: int) -> int:
        """Return the last end of a line at or before a place."""
        low = max(run.start, place // BLOCK_BYTES * BLOCK_BYTES - BLOCK_BYTES)
        if place == low:
            return place
        try:
            cuts = _cuts(run.read(low, place), low)
        except FileNotFoundError:
            return place
        return cuts[-1] if cuts else low

    def _entry(self, run: _Run, start: int, end: int, raw: bytes) -> LogEntry:
        part = run.parts[bisect_right(run.parts, start, key=lambda part: part.start) - 1]
        return LogEntry(
            start, end, self._times_of(part).at(start - part.start), raw.decode("utf-8", "replace")
        )

    def _gap(self, start: int, run: _Run, end: int | None = None) -> LogEntry:
        """Return the line that tells what is missing before a run."""
        end = run.start if end is None else end
        at = self._times_of(run.parts[0]).at(0)
        return LogEntry(start, end, at, gap_marker(end - start).strip().decode())

    def _times_of(self, part: _Part) -> _Times:
        if part.path not in self._times:
            self._times[part.path] = _Times(part.path)
        return self._times[part.path]


class _Times:
    """When the bytes of a part came in."""

    def __init__(self, path: Path) -> None:
        self._offsets: _Column | tuple[int, ...] = ()
        self._moments: _Column | tuple[int, ...] = ()
        self._last = 0
        with suppress(FileNotFoundError, ValueError):  # an empty file cannot be mapped
            with path.with_name(path.name + TIMES_SUFFIX).open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._offsets, self._moments = _Column(data, 0), _Column(data, 1)

    def at(self, offset: int) -> int:
        """Return when the byte at an offset came in."""
        if not self._offsets:
            return 0
        index = self._last
        # Mostly it is asked about one line after the other.
        if not (self._offsets[index] <= offset and self._is_before(offset, index + 1)):
            index = max(0, bisect_right(self._offsets, offset) - 1)
            self._last = index
        return self._moments[index]

    def first_since(self, micros: int) -> int | None:
        """Return the offset of the first byte that came in at a moment or later."""
        index = bisect_left(self._moments, micros)
        return self._offsets[index] if index < len(self._offsets) else None

    def _is_before(self, offset: int, index: int) -> bool:
        return index >= len(self._offsets) or offset < self._offsets[index]


class _Column:
    """One of the two columns of a file of times."""

    def __init__(self, data: mmap.mmap, column: int) -> None:
        self._data = data
        self._column = column
        self._length = len(data) // TIME_ENTRY.size

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(*index.indices(self._length)))
        return int(TIME_ENTRY.unpack_from(self._data, index * TIME_ENTRY.size)[self._column])


def _cuts(data: bytes, low: int) -> list[int]:
    """Return where lines end in bytes that begin at a place; of cuts in long lines those that can be told."""
    found = []
    position = data.find(b"\n")
    while position >= 0:
        found.append(low + position + 1)
        position = data.find(b"\n", position + 1)
    first = -(-low // BLOCK_BYTES) * BLOCK_BYTES
    edges = [
        edge
        for edge in range(first + BLOCK_BYTES, low + len(data) + 1, BLOCK_BYTES)
        if data.find(b"\n", edge - BLOCK_BYTES - low, edge - low) < 0
    ]
    return sorted({*found, *edges})


def _runs(folder: Path) -> list[_Run]:
    runs: list[list[_Part]] = []
    for part in log_parts(folder):
        with suppress(FileNotFoundError):
            size = part.path.stat().st_size
            found = _Part(part.path, part.start, part.start + size)
            if size and runs and runs[-1][-1].end == part.start:
                runs[-1].append(found)
            elif size:
                runs.append([found])
    return [_Run(tuple(parts)) for parts in runs]
