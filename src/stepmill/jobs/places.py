"""Where the hosts of a job work: the first in the job's own folder, the others in folders below it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from stepmill.compute.logs import LogLine, log_lines
from stepmill.jobs.kinds import Workplace
from stepmill.jobs.outputs import Delivery, files_to, host_folder
from stepmill.jobs.requests.common import JobRequest
from stepmill.jobs.requests.data import Output
from stepmill.jobs.requests.hosts import FIRST_HOST

_HOSTS = "hosts"


def workplaces(request: JobRequest, place: Workplace) -> tuple[Workplace, ...]:
    """Return where each host of a job works.

    Args:
        request: What the job does.
        place: Where it is done.
    """
    first, *others = request.hosts
    folder = place.folder / _HOSTS
    below = [replace(place, host=host, folder=folder / host.name) for host in others]
    return (replace(place, host=first), *below)


def host_folders(folder: Path) -> list[tuple[str, Path]]:
    """Return the names and folders of the hosts of a job, as far as they were made, the first one's first.

    Args:
        folder: Of the job.
    """
    try:
        found = [each.name for each in (folder / _HOSTS).iterdir()]
    except OSError:
        found = []
    numbered = [name for name in found if name.removeprefix("algo-").isdecimal()]
    names = sorted(numbered, key=lambda name: int(name.removeprefix("algo-")))
    return [(FIRST_HOST, folder), *((name, folder / _HOSTS / name) for name in names)]


def merged_log(folder: Path) -> Iterator[LogLine]:
    """Give what the hosts of a job have written so far, in the order in which it came in."""
    logs = [log_lines(each) for _, each in host_folders(folder)]
    return logs[0] if len(logs) == 1 else heapq.merge(*logs, key=lambda line: line.at)


def outputs_of_all(places: Iterable[Workplace], outputs: Iterable[Output]) -> list[Delivery]:
    """Return the files that the hosts have left in folders of outputs.

    Of files that want the same place, the first host's is taken: SageMaker asks for names that do not clash.
    """
    found: dict[object, Delivery] = {}
    for output in outputs:
        for place in places:
            folder = host_folder(place.ml, output.path)
            if output.destination is not None and folder is not None:
                for delivery in files_to(output.destination, folder):
                    found.setdefault(delivery[0], delivery)
    return list(found.values())
