"""What jobs used of the machine: in their records when they have ended, else in their folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from stepmill.compute.usage import read_usage, thinned
from stepmill.jobs.records import Usage, state_of
from stepmill.storage.records import Record

# More than a curve of a terminal shows; a record stays small.
MOST_KEPT = 300


def usage_in(folder: Path) -> tuple[Usage, ...]:
    """Return what the job of a folder has used so far, thinned.

    Args:
        folder: Of the job.
    """
    return tuple(
        Usage(
            sample.at,
            round(sample.cpu_percent, 1),
            sample.memory_bytes,
            sample.gpu_percent,
            sample.gpu_memory_percent,
        )
        for sample in thinned(read_usage(folder), MOST_KEPT)
    )


def usage_of(record: Record, folder: Path) -> tuple[Usage, ...]:
    """Return what a job has used.

    Args:
        record: Of the job.
        folder: Of the job.
    """
    state = state_of(record)
    return state.usage if state.status.is_final else usage_in(folder)


def memory_percent(usage: Usage) -> float:
    """Return how much of the machine's memory a job used, in percent."""
    whole = memory_of_machine()
    return 100 * usage.memory_bytes / whole if whole else 0.0


@lru_cache(maxsize=1)
def memory_of_machine() -> int:
    """Return how many bytes of memory this machine has; 0 if it does not tell."""
    with suppress(ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0


def peak_memory_bytes(usage: Iterable[Usage]) -> int:
    """Return the most memory that a job was seen to use; 0 if it was not sampled."""
    return max((each.memory_bytes for each in usage), default=0)
