"""Sessions of jobs: each job has a key of its own, for as long as it runs, and may do what it needs.

Nothing is written for that. A key says whose it is (``storage/job_keys.py``); the job's record tells
whether it still runs, and what it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Generic, Protocol

from stepmill.catalog.permissions.documents import Statement
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.endpoint import AccessKey, JobIdentity
from stepmill.jobs.access import Visitor, digest_of
from stepmill.jobs.batch.attempts import ATTEMPT_KIND, task_of
from stepmill.jobs.batch.job import JOB_KIND, read_job
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.grants import grants_of_logs, grants_of_request
from stepmill.jobs.kinds import JobKind, R, Workplace
from stepmill.jobs.records import JobRecords, request_of, state_of
from stepmill.jobs.requests.training import TrainingRequest
from stepmill.storage.job_keys import SessionKeys
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record, RecordStore

# How much longer a key holds than its job may run: a machine may have slept, a disk been slow.
MARGIN = timedelta(minutes=15)
_MOST_REMEMBERED = 512


class Holders(Protocol):
    """Jobs of one kind, as holders of keys."""

    def find(self, job: JobIdentity) -> Record | None:
        """Return the record of a job that runs; ``None``: it has ended, or there is none such."""
        ...

    def grants(self, record: Record) -> tuple[Statement, ...]:
        """Return what a job may do because it is that job."""
        ...


class JobSessions:
    """Gives jobs their keys, and knows them again. Safe to share between threads.

    Args:
        keys: Makes them.
        holders: Kind of records -> the jobs of that kind.
        clock: Tells the time.
    """

    def __init__(self, keys: SessionKeys, holders: Mapping[str, Holders], clock: Clock) -> None:
        self._keys = keys
        self._holders = holders
        self._clock = clock
        # What a job was asked never changes.
        self._granted = lru_cache(maxsize=_MOST_REMEMBERED)(self._look_up)

    def open(self, visitor: Visitor) -> AccessKey:
        """Return the key of a job that begins."""
        ends_at = None if visitor.lasts is None else self._clock.now() + visitor.lasts + MARGIN
        return self._keys.make(visitor.job, visitor.role, visitor.session, ends_at)

    def find(self, access_key: str, token: str) -> AccessKey | None:
        """Return the key of that id and token; that of a job which has ended is over. ``None``: no such."""
        key = self._keys.find(access_key, token)
        if key is None or key.job is None:
            return None
        return key if self._runs(key.job) else replace(key, expires_at=self._clock.now())

    def grants(self, job: JobIdentity) -> tuple[Statement, ...]:
        """Return what a job may do because it is that job; nothing once it has ended."""
        return self._granted(job)

    def _runs(self, job: JobIdentity) -> bool:
        holders = self._holders.get(job.kind)
        return holders is not None and holders.find(job) is not None

    def _look_up(self, job: JobIdentity) -> tuple[Statement, ...]:
        holders = self._holders.get(job.kind)
        record = holders.find(job) if holders else None
        return holders.grants(record) if holders and record else ()


def running_record(records: RecordStore, kind: str, job: JobIdentity) -> Record | None:
    """Return the record of a job that runs; ``None``: it has ended, or there is none such."""
    record = JobRecords(records, kind).find(job.name)
    if record is None:
        return None
    state = state_of(record)
    return None if state.status.is_final or digest_of(state.task_id) != job.task else record


@dataclass(frozen=True)
class JobHolders(Generic[R]):
    """Processing or training jobs.

    Args:
        kind: Reads their requests.
        records: Where they are kept.
        arns: Builds ARNs.
        folder: Of the jobs' folders.
        project: Folder that relative paths start from.
    """

    kind: JobKind[R]
    records: RecordStore
    arns: Arns
    folder: Path
    project: Path

    def find(self, job: JobIdentity) -> Record | None:
        """See ``Holders``."""
        return running_record(self.records, self.kind.record_kind, job)

    def grants(self, record: Record) -> tuple[Statement, ...]:
        """See ``Holders``."""
        request = self.kind.read(request_of(record), self.project)
        place = Workplace(record.name, state_of(record).arn, self.folder / record.kind / record.name)
        named = (output.destination for output in self.kind.outputs(request, place))
        own = [
            S3Uri(place.bucket, f"{place.key.rstrip('/')}/{record.name}".lstrip("/"))
            for place in self.kind.destinations(request)
            if isinstance(place, S3Uri)
        ]
        return grants_of_request(
            request,
            member=self.kind.member,
            name=record.name,
            arn=place.arn,
            arns=self.arns,
            written=[*own, *(uri for uri in named if isinstance(uri, S3Uri))],
            hyperparameters=request.hyperparameters if isinstance(request, TrainingRequest) else {},
        )


@dataclass(frozen=True)
class CallHolders:
    """Calls of functions.

    Args:
        records: Where they are kept.
        arns: Builds ARNs.
    """

    records: RecordStore
    arns: Arns

    def find(self, job: JobIdentity) -> Record | None:
        """See ``Holders``."""
        record = self.records.find(CALL_KIND, job.name)
        if record is None or record.status or digest_of(str(record.body.get("task"))) != job.task:
            return None
        return record

    def grants(self, record: Record) -> tuple[Statement, ...]:
        """See ``Holders``."""
        return (grants_of_logs(self.arns, f"/aws/lambda/{record.body['function']}", record.name),)


@dataclass(frozen=True)
class AttemptHolders:
    """Attempts of Batch's jobs.

    Args:
        records: Where they are kept.
        arns: Builds ARNs.
    """

    records: RecordStore
    arns: Arns

    def find(self, job: JobIdentity) -> Record | None:
        """See ``Holders``."""
        record = self.records.find(ATTEMPT_KIND, job.name)
        kept = self.records.find(JOB_KIND, str(record.body["job"])) if record else None
        if record is None or kept is None:
            return None
        batch_job = read_job(kept)
        runs = batch_job.state.status.has_begun and task_of(batch_job) == job.name
        return record if runs and digest_of(batch_job.id) == job.task else None

    def grants(self, record: Record) -> tuple[Statement, ...]:
        """See ``Holders``."""
        return (grants_of_logs(self.arns, "/aws/batch/job", str(record.body["stream"])),)
