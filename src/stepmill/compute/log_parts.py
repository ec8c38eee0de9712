"""The parts in which a job's log is kept; see ``supervision.pump`` for how they come about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepmill.compute.supervision.files import LOG
from stepmill.compute.supervision.pump import part_name


@dataclass(frozen=True)
class LogPart:
    """A file that holds a part of a log.

    Args:
        path: Of the file; it may be gone when it is opened: the tail moves on.
        start: Which byte of what the job wrote is the file's first.
    """

    path: Path
    start: int


def log_parts(folder: Path) -> list[LogPart]:
    """Return the parts that are there, in order."""
    starts = []
    for path in folder.glob(f"{LOG}*"):
        if path.name == LOG:
            starts.append(0)
        elif path.suffix[1:].isdecimal() and path.stem == LOG:
            starts.append(int(path.suffix[1:]))
    return [LogPart(folder / part_name(start), start) for start in sorted(starts)]


def gap_marker(size_bytes: int) -> bytes:
    """Return the line that tells of bytes that were dropped."""
    return f"\n[stepmill: {size_bytes} bytes of the log were dropped here]\n".encode()
