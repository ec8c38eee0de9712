"""The hosts of a job on this machine's disk: their folders, and their logs read as one.

Imports little: whoever only shows logs need not know what jobs are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

from stepmill.compute.logs import LogLine, LogReader

FIRST_HOST = "algo-1"
# Below the folder of the job, which is that of the first.
HOSTS = "hosts"


def host_folders(folder: Path) -> list[tuple[str, Path]]:
    """Return the names and folders of the hosts of a job, as far as they were made, the first one's first.

    Args:
        folder: Of the job.
    """
    try:
        found = [each.name for each in (folder / HOSTS).iterdir()]
    except OSError:
        found = []
    numbered = [name for name in found if name.removeprefix("algo-").isdecimal()]
    names = sorted(numbered, key=lambda name: int(name.removeprefix("algo-")))
    return [(FIRST_HOST, folder), *((name, folder / HOSTS / name) for name in names)]


def merged_log(folder: Path) -> Iterator[LogLine]:
    """Give what the hosts of a job have written so far, in the order in which it came in."""
    return HostLogs(folder).read(final=True)


class HostLogs:
    """Reads the logs of all hosts of a job, and reads on where it left off.

    Args:
        folder: Of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[Path, LogReader] = {}

    def read(self, *, final: bool) -> Iterator[LogLine]:
        """Give the lines that are complete by now, by time; at the final look incomplete last ones, too."""
        for _, folder in host_folders(self._folder):
            self._readers.setdefault(folder, LogReader(folder))
        logs = [reader.read(final=final) for reader in self._readers.values()]
        return logs[0] if len(logs) == 1 else heapq.merge(*logs, key=lambda line: line.at)
