"""Logs that a test writes piece by piece, each piece at a moment of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stepmill.compute.supervision.files import EXIT
from stepmill.compute.supervision.pump import LogWriter

HUGE = 10**9
T0 = 1_700_000_000_000_000
# The finest that the log writer tells apart, in microseconds.
FINEST = 10_000


class WrittenLog:
    """A log that grows.

    Args:
        folder: Of its job; made if need be.
        limit: How much of its head, and of its tail, is kept.
    """

    def __init__(self, folder: Path, limit: int = HUGE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = b""
        self.times: list[tuple[int, int]] = []
        self._now = T0
        self._writer = LogWriter(folder, limit, lambda: self._now)

    def write(self, pieces: Sequence[bytes], step: int = FINEST) -> None:
        """Write pieces, each so many microseconds later than what was written before."""
        for each in pieces:
            self._now += step
            self.times.append((len(self.data), self._now))
            self._writer.write(each)
            self.data += each

    def close(self) -> None:
        self._writer.close()

    def end(self) -> None:
        """Let the job be over."""
        self.close()
        (self.folder / EXIT).write_text("{}")

    def time_of(self, place: int) -> int:
        """Return when the byte at a place was written, in microseconds."""
        return max(at for offset, at in self.times if offset <= place)
