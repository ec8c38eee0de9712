"""Which feature groups the calls of a job have written and read: so groups get their places in lineage.

A pipeline knows nothing of it when a job is given the name of a group: what one job put there and another
one reads, only their calls tell. Each group is noted once for each job and way, on the disk before the job
hears of its call; all further calls cost a look at what this process remembers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stepmill.core.endpoint import JobIdentity
from stepmill.core.errors import ConflictError, StepmillError
from stepmill.jobs.lineage.sheet import MEMBERS
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

TOUCH_KIND = "group-touch"
# With so many all are forgotten; the next calls only find that they are noted.
_MOST_REMEMBERED = 100_000

_log = logging.getLogger(__name__)


class Way(StrEnum):
    """Which way records went."""

    WRITTEN = "written"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Touch:
    """A job has written or read a feature group.

    Args:
        job: Which job.
        group: Name of the group, as it is spelled.
        way: Whether it was written or read.
        at: When first, aware, UTC.
        record: Name of the record that says so; empty if the request of the job says it.
    """

    job: JobIdentity
    group: str
    way: Way
    at: datetime
    record: str = ""


class GroupTouches:
    """Notes which job has written and read which group. Safe to share between threads and processes.

    Args:
        records: Where it is noted.
        spelled: Gives the name of a group, as it is spelled, for its name, its ARN or the address of its
            files; empty if there is none.
        note: Told of a job of which something was noted, by the kind of its record and its name.
    """

    def __init__(
        self,
        records: RecordStore,
        spelled: Callable[[str], str],
        note: Callable[[str, str], None] = lambda _kind, _name: None,
    ) -> None:
        self._records = records
        self._spelled = spelled
        self._note = note
        self._seen: set[tuple[JobIdentity, str, Way]] = set()

    def saw(self, job: JobIdentity, groups: Iterable[str], way: Way) -> None:
        """Note that a call of a job has written or read groups.

        What cannot be noted is told in the log, and tried again with the next call: the records are where the
        job wanted them, and that is not taken back for the sake of lineage.

        Args:
            job: Which one. Of those that have no lineage nothing is noted.
            groups: Names, ARNs, or addresses of their files; of groups that are not there nothing is noted.
            way: Which way.
        """
        if job.kind not in MEMBERS:
            return
        for group in groups:
            key = (job, group, way)
            if key in self._seen:
                continue
            try:
                if name := self._spelled(group):
                    self._write(job, name, way)
            except StepmillError as error:
                _log.warning("That %s has %s the group %s cannot be noted: %s", job.name, way, group, error)
                continue
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen.add(key)

    def _write(self, job: JobIdentity, name: str, way: Way) -> None:
        body = {"kind": job.kind, "name": job.name, "task": job.task, "group": name, "way": str(way)}
        called = f"{job.kind}/{job.name}/{job.task}/{way}/{name.lower()}"
        with suppress(ConflictError):  # by another process, or thread
            self._records.create(TOUCH_KIND, called, body, parent=_owner(job.kind, job.name))
            self._note(job.kind, job.name)


def touches_of(records: RecordStore, job: JobIdentity) -> list[Touch]:
    """Return what is noted of a job."""
    return [touch for touch in _all(records, job.kind, job.name) if touch.job == job]


def written_by(records: RecordStore, kind: str, name: str) -> list[str]:
    """Return the names of the groups that the jobs of a name have written, as they are spelled.

    Args:
        records: Where it is noted.
        kind: Of the jobs' records.
        name: Of the jobs.
    """
    return [touch.group for touch in _all(records, kind, name) if touch.way is Way.WRITTEN]


def _all(records: RecordStore, kind: str, name: str) -> list[Touch]:
    # By number, for that is what there is an index for; none has one.
    wanted = Selection(parent=_owner(kind, name), sort_by=SortBy.NUMBER, limit=1000)
    return [read_touch(record) for record in wanted.all(records, TOUCH_KIND)]


def read_touch(record: Record) -> Touch:
    """Return what a record says."""
    kind, name, task, group, way = (
        str(record.body[member]) for member in ("kind", "name", "task", "group", "way")
    )
    return Touch(JobIdentity(kind, name, task), group, Way(way), record.created_at, record.name)


def _owner(kind: str, name: str) -> str:
    return f"{kind}/{name}"
