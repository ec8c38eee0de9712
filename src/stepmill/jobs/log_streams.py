"""The logs of jobs and of calls of functions, in groups and streams as CloudWatch Logs has them.

Nothing is kept for that: a group is a kind of job or a function, a stream is the log in the folder of a
job, or of one of its hosts.

Source: developer guide, "Logging with Amazon CloudWatch"; reference of operations, A5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stepmill.compute.supervision.files import LOG
from stepmill.core.errors import NotFoundError
from stepmill.jobs.batch.attempts import ATTEMPT_KIND
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.records import WATCHED_KINDS
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

_FUNCTIONS = "/aws/lambda/"
_BATCH = "/aws/batch/job"
_RECORDS_A_PAGE = 1000


@dataclass(frozen=True)
class LogGroup:
    """A group of streams.

    Args:
        name: ``/aws/sagemaker/TrainingJobs``, ``/aws/lambda/my-function``.
        created_at: When its first job was made. Aware, UTC.
    """

    name: str
    created_at: datetime


@dataclass(frozen=True)
class LogStream:
    """The log of one job, or of one of its hosts.

    Args:
        name: Unique within its group.
        folder: The folder of the job, or of the host.
        created_at: When the job was made. Aware, UTC.
    """

    name: str
    folder: Path
    created_at: datetime


class LogStreams:
    """Finds groups and streams.

    Args:
        records: Where jobs and calls are kept.
        folder: Of the jobs' folders.
    """

    def __init__(self, records: RecordStore, folder: Path) -> None:
        self._records = records
        self._folder = folder

    def groups(self, prefix: str = "") -> list[LogGroup]:
        """Return the groups that there are, by name.

        Args:
            prefix: Only those whose names begin with it.
        """
        found = [
            LogGroup(name, first.created_at)
            for name, kind in WATCHED_KINDS.items()
            if name.startswith(prefix) and (first := self._first_of(kind)) is not None
        ]
        if _BATCH.startswith(prefix) and (first := self._first_of(ATTEMPT_KIND)) is not None:
            found.append(LogGroup(_BATCH, first.created_at))
        if _FUNCTIONS.startswith(prefix) or prefix.startswith(_FUNCTIONS):
            found += self._groups_of_functions(prefix)
        return sorted(found, key=lambda group: group.name)

    def streams(self, group: str, prefix: str = "") -> list[LogStream]:
        """Return the streams of a group that have been written to, by name.

        Args:
            group: Its name.
            prefix: Only those whose names begin with it.

        Raises:
            NotFoundError: If there is no such group.
        """
        if not self._exists(group):
            raise _no_group()
        found = (each for record in self._candidates(group, prefix) for each in self._of(group, record))
        chosen = [each for each in found if each.name.startswith(prefix) and _is_written(each)]
        return sorted(chosen, key=lambda stream: stream.name)

    def stream(self, group: str, name: str) -> LogStream:
        """Return one stream.

        Raises:
            NotFoundError: If there is no such group or stream.
        """
        record = self._record_of(group, name)
        streams = self._of(group, record) if record is not None else []
        for found in streams:
            if found.name == name and _is_written(found):
                return found
        if not self._exists(group):
            raise _no_group()
        raise NotFoundError("The specified log stream does not exist.", where=name)

    def _groups_of_functions(self, prefix: str) -> list[LogGroup]:
        groups: dict[str, LogGroup] = {}
        for call in Selection(limit=_RECORDS_A_PAGE).all(self._records, CALL_KIND):
            name = f"{_FUNCTIONS}{call.body.get('function')}"
            if name.startswith(prefix):
                groups.setdefault(name, LogGroup(name, call.created_at))
        return list(groups.values())

    def _exists(self, group: str) -> bool:
        kind = ATTEMPT_KIND if group == _BATCH else WATCHED_KINDS.get(group)
        if kind is not None:
            return self._first_of(kind) is not None
        return group.startswith(_FUNCTIONS) and next(self._calls(group), None) is not None

    def _first_of(self, kind: str) -> Record | None:
        return next(iter(self._records.list(kind, limit=1).records), None)

    def _candidates(self, group: str, prefix: str) -> Iterator[Record]:
        """Give the records of the jobs whose streams might have that prefix."""
        if group == _BATCH:
            yield from Selection(limit=_RECORDS_A_PAGE).all(self._records, ATTEMPT_KIND)
            return
        if group not in WATCHED_KINDS:
            yield from self._calls(group)
            return
        job, has_whole_name, _ = prefix.partition("/")
        if has_whole_name:
            record = self._records.find(WATCHED_KINDS[group], job)
            if record is not None:
                yield record
            return
        chosen = Selection(name_prefix=job, sort_by=SortBy.NAME, limit=_RECORDS_A_PAGE)
        yield from chosen.all(self._records, WATCHED_KINDS[group])

    def _calls(self, group: str) -> Iterator[Record]:
        function = group.removeprefix(_FUNCTIONS)
        for call in Selection(limit=_RECORDS_A_PAGE).all(self._records, CALL_KIND):
            if call.body.get("function") == function:
                yield call

    def _record_of(self, group: str, stream: str) -> Record | None:
        if group in WATCHED_KINDS:
            job = stream.partition("/")[0]
            return self._records.find(WATCHED_KINDS[group], job) if job else None
        if group == _BATCH:
            attempt = stream.rpartition("/")[2]
            return self._records.find(ATTEMPT_KIND, attempt) if attempt else None
        record = self._records.find(CALL_KIND, stream)
        is_its = record is not None and f"{_FUNCTIONS}{record.body.get('function')}" == group
        return record if is_its else None

    def _of(self, group: str, record: Record) -> list[LogStream]:
        """Return the streams of a job: one for each of its hosts."""
        folder = self._folder / record.kind / record.name
        if group not in WATCHED_KINDS:
            name = str(record.body["stream"]) if group == _BATCH else record.name
            return [LogStream(name, folder, record.created_at)]
        at = int(record.created_at.timestamp())
        return [
            LogStream(f"{record.name}/{host}-{at}", place, record.created_at)
            for host, place in host_folders(folder)
        ]


def _is_written(stream: LogStream) -> bool:
    return (stream.folder / LOG).exists()


def _no_group() -> NotFoundError:
    return NotFoundError("The specified log group does not exist.")
