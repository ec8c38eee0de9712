"""Where the hosts of a job work: the first in the job's own folder, the others in folders below it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from stepmill.jobs.host_folders import HOSTS
from stepmill.jobs.kinds import JobKind, R, Workplace
from stepmill.jobs.outputs import Delivery, files_to, host_folder
from stepmill.jobs.requests.common import JobRequest
from stepmill.jobs.requests.data import Output


def workplaces(request: JobRequest, place: Workplace) -> tuple[Workplace, ...]:
    """Return where each host of a job works.

    Args:
        request: What the job does.
        place: Where it is done.
    """
    first, *others = request.hosts
    folder = place.folder / HOSTS
    below = [replace(place, host=host, folder=folder / host.name) for host in others]
    return (replace(place, host=first), *below)


def outputs_of_all(places: Iterable[Workplace], outputs: Iterable[Output]) -> list[Delivery]:
    """Return the files that the hosts have left in folders of outputs.

    Of files that want the same place, the first host's is taken: SageMaker asks for names that do not clash.
    What is stored while the job runs is the exception: there the one that was written last is taken. Hosts
    of a job that was interrupted have the checkpoints of all others, as they were when it began again.
    """
    found: dict[object, Delivery] = {}
    for output in outputs:
        for place in places:
            folder = host_folder(place.ml, output.path)
            if output.destination is None or folder is None:
                continue
            for delivery in files_to(output.destination, folder):
                known = found.setdefault(delivery[0], delivery)
                if output.continuous and _written(known[1]) < _written(delivery[1]):
                    found[delivery[0]] = delivery
    return list(found.values())


def _written(path: Path) -> int:
    return path.lstat().st_mtime_ns


def kept_files(kind: JobKind[R], request: R, place: Workplace, *, is_good: bool) -> list[Delivery]:
    """Return the files of a job's outputs that are kept.

    Args:
        kind: Of job.
        request: What the job does.
        place: Where it was done.
        is_good: Whether it completed or was stopped; else only those are that are kept while it runs.
    """
    kept = [each for each in kind.outputs(request, place) if each.continuous or is_good]
    return outputs_of_all(workplaces(request, place), kept)
