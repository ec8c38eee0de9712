"""Stores what running jobs write to outputs that are kept up to date: ``Continuous``, checkpoints.

One thread looks after all jobs, every few seconds, and only while there is something to look after.
A file is stored when it has kept still between two looks, so that half of a checkpoint is not
taken for a whole one; one that never keeps still, such as a log, is stored now and then all the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from stepmill.core.errors import StepmillError
from stepmill.jobs.outputs import Delivery, deliver, files_to, held, host_folder
from stepmill.jobs.requests.data import Output
from stepmill.storage.objects.store import ObjectStore

PERIOD_S = 5.0
# A file that changes at every look is stored after so many.
RESTLESS_LOOKS = 6

_Stamp = tuple[int, int, int]


@dataclass
class _File:
    seen: _Stamp
    stored: _Stamp | None = None
    changes: int = 0


@dataclass
class _Watched:
    ml: Path
    outputs: tuple[Output, ...]
    files: dict[Path, _File] = field(default_factory=dict)
    problem: str = ""


class Synchroniser:
    """Looks after the continuous outputs of running jobs.

    Args:
        objects: Where ``s3://`` addresses lead.
        period_s: Seconds between two looks.
    """

    def __init__(self, objects: ObjectStore, period_s: float = PERIOD_S) -> None:
        self._objects = objects
        self._period_s = period_s
        self._watched: dict[str, _Watched] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._looking = threading.Lock()

    def watch(self, job: str, ml: Path, outputs: Sequence[Output], *, begun: bool = False) -> None:
        """Begin to look after a job.

        Args:
            job: Its name.
            ml: What it sees as ``/opt/ml``.
            outputs: Those to keep up to date; nothing happens if there are none.
            begun: Whether the job may have written already. Else the files that are there now count as
                stored: they are checkpoints that have just been fetched.
        """
        if not outputs:
            return
        watched = _Watched(ml, tuple(outputs))
        for path, stamp in _stamps(watched):
            watched.files[path] = _File(stamp, stored=None if begun else stamp)
        with self._changed:
            self._watched[job] = watched
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="synchroniser", daemon=True)
                self._thread.start()

    def look(self, job: str) -> int:
        """Look at a job's files once, now.

        Returns:
            How many were stored.
        """
        watched = self._watched.get(job)
        if watched is None or watched.problem:
            return 0
        with self._looking:
            return self._store_settled(watched)

    def finish(self, job: str) -> str:
        """Stop looking after a job. What it wrote since the last look is left for its collection.

        Returns:
            What kept files from being stored meanwhile; empty if nothing did.
        """
        with self._changed:
            watched = self._watched.pop(job, None)
            self._changed.notify_all()
        with self._looking:
            return watched.problem if watched else ""

    def close(self) -> None:
        """Stop looking after all jobs."""
        with self._changed:
            self._watched.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                # Before it waits too: the last job may have ended before this thread got here.
                if self._watched:
                    self._changed.wait(self._period_s)
                if not self._watched:
                    self._thread = None
                    return
                jobs = list(self._watched)
            for job in jobs:
                self.look(job)

    def _store_settled(self, watched: _Watched) -> int:
        due: dict[Path, _Stamp] = {}
        for path, stamp in _stamps(watched):
            file = watched.files.setdefault(path, _File(seen=(-1, -1, -1)))
            file.changes = 0 if file.stored == stamp else file.changes + 1
            if file.stored != stamp and (file.seen == stamp or file.changes >= RESTLESS_LOOKS):
                due[path] = stamp
            file.seen = stamp
        try:
            items = [item for output in watched.outputs for item in _deliveries(watched, output)]
            self._store(watched.ml, [item for item in items if item[1] in due])
        except (StepmillError, OSError) as error:
            # The collection at the end tries again, and fails the job if it has to.
            watched.problem = str(error)
            return 0
        for path, stamp in due.items():
            watched.files[path].stored = stamp
            watched.files[path].changes = 0
        return len(due)

    def _store(self, ml: Path, items: Sequence[Delivery]) -> None:
        """Store files of a job that runs, folder by folder."""
        for folder, group in groupby(items, key=lambda item: item[1].parent):
            with held(ml, folder) as place:
                deliver([(to, place / path.name) for to, path in group], self._objects, move=False)


def _deliveries(watched: _Watched, output: Output) -> list[Delivery]:
    folder = host_folder(watched.ml, output.path)
    if folder is None or output.destination is None:
        return []
    return list(files_to(output.destination, folder))


def _stamps(watched: _Watched) -> list[tuple[Path, _Stamp]]:
    found = []
    for output in watched.outputs:
        for _, path in _deliveries(watched, output):
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            found.append((path, (status.st_ino, status.st_mtime_ns, status.st_size)))
    return found
