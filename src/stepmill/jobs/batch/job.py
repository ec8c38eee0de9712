"""What is kept of a job: what it was asked, and how it stands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from stepmill.core.errors import NotFoundError
from stepmill.core.json import JsonObject
from stepmill.core.typed import converter
from stepmill.storage.records import Record, RecordStore

JOB_KIND = "batch-job"

_log = logging.getLogger(__name__)


class BatchStatus(StrEnum):
    """How a job stands. Source: Batch user guide, "Job states"."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens."""
        return self in (self.SUCCEEDED, self.FAILED)

    @property
    def has_begun(self) -> bool:
        """Whether an attempt is under way."""
        return self in (self.STARTING, self.RUNNING)


class Attempt(msgspec.Struct, frozen=True):
    """An attempt that is over.

    Args:
        stream: Of its log.
        status_reason: Why it ended, in Batch's words.
        exit_code: ``None`` if its program did not run.
        reason: More, of the container; may be empty.
        started_at: In milliseconds since the epoch; 0 if its program did not run.
        stopped_at: The same.
    """

    stream: str
    status_reason: str
    exit_code: int | None = None
    reason: str = ""
    started_at: int = 0
    stopped_at: int = 0


class Dependency(msgspec.Struct, frozen=True):
    """What a job waits for.

    Args:
        job: Its id; empty of an array that goes one by one.
        kind: ``N_TO_N``, ``SEQUENTIAL``; may be empty.
    """

    job: str = ""
    kind: str = ""


class Order(msgspec.Struct, frozen=True):
    """What a job was asked.

    Args:
        name: For humans.
        queue: Name of its queue.
        definition: ARN of its definition.
        definition_name: Name of it.
        container: What it runs, as DescribeJobs tells it.
        parameters: Name -> value.
        retries: ``retryStrategy``.
        timeout_s: Of each attempt, in seconds; 0: none.
        needs: What it waits for.
        size: Of an array: how many children it has; else 0.
        array: Of a child: the array's id; else empty.
        index: Of a child: which it is.
        priority: ``schedulingPriority``, as it was said.
        share: ``shareIdentifier``, as it was said.
    """

    name: str
    queue: str
    definition: str
    definition_name: str
    container: dict[str, Any]
    parameters: dict[str, str] = {}
    retries: dict[str, Any] = {}
    timeout_s: int = 0
    needs: tuple[Dependency, ...] = ()
    size: int = 0
    array: str = ""
    index: int = 0
    priority: int | None = None
    share: str = ""


class State(msgspec.Struct, frozen=True):
    """How a job stands.

    Args:
        status: Its status.
        reason: ``statusReason``.
        attempts: Those that are over.
        started_at: Of the newest attempt, in milliseconds since the epoch; 0: it has not begun.
        stopped_at: When the job ended; 0: it has not.
        stop_reason: Why it is to end; empty: it is not.
        is_cancelled: Whether it was before it began.
        is_terminated: Whether it was afterwards.
    """

    status: BatchStatus
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    started_at: int = 0
    stopped_at: int = 0
    stop_reason: str = ""
    is_cancelled: bool = False
    is_terminated: bool = False


@dataclass(frozen=True)
class Job:
    """A job.

    Args:
        id: Unique; of a child of an array ``ID:INDEX``.
        order: What it was asked.
        state: How it stands.
        created_at: Aware, UTC.
    """

    id: str
    order: Order
    state: State
    created_at: datetime

    @property
    def attempt(self) -> int:
        """Number of the attempt that is under way or comes next, from 1."""
        return len(self.state.attempts) + 1


class BatchJobs:
    """Keeps jobs. Safe to share between threads and processes.

    Args:
        records: Where they are kept. Its changes survive a power cut.
        progress: The same store, for what can be found out again from a job's folder.
    """

    def __init__(self, records: RecordStore, progress: RecordStore) -> None:
        self._records = records
        self._progress = progress
        self._listeners: tuple[Callable[[Job], None], ...] = ()

    def listen(self, listener: Callable[[Job], None]) -> None:
        """Have somebody told of each job whose status has changed, from now on, by this process."""
        self._listeners = (*self._listeners, listener)

    def create(self, identifier: str, order: Order, state: State) -> Job:
        """Keep a new job; a child of an array belongs to that, all others to their queue."""
        record = self._records.create(
            JOB_KIND,
            identifier,
            {"order": msgspec.to_builtins(order), "state": msgspec.to_builtins(state)},
            parent=order.array or queue_parent(order.queue),
            number=order.index,
            status=state.status,
        )
        return read_job(record)

    def find(self, identifier: str) -> Job | None:
        """Return a job, or ``None``."""
        record = self._records.find(JOB_KIND, identifier) if identifier else None
        return read_job(record) if record is not None else None

    def get(self, identifier: str) -> Job:
        """Return a job.

        Raises:
            NotFoundError: If there is none.
        """
        found = self.find(identifier)
        if found is None:
            raise NotFoundError(
                f"Error executing request, Exception : Job {identifier[:200]} does not exist."
            )
        return found

    def change(self, identifier: str, change: Callable[[State], State], *, lasting: bool = False) -> Job:
        """Change how a job stands; one that has ended stays as it is.

        Args:
            identifier: Of the job.
            change: Makes the new state; called while the store is locked.
            lasting: Whether it must survive a power cut: a job's folder does not tell it.
        """
        before: list[BatchStatus] = []

        def changed(record: Record) -> Record:
            old = read_job(record).state
            before.append(old.status)
            new = old if old.status.is_final else change(old)
            if new == old:
                return record
            body: JsonObject = {**record.body, "state": msgspec.to_builtins(new)}
            return replace(record, status=new.status, body=body)

        store = self._records if lasting else self._progress
        job = read_job(store.update(JOB_KIND, identifier, changed))
        if job.state.status is not before[-1]:
            self._tell(job)
        return job

    def _tell(self, job: Job) -> None:
        for listener in self._listeners:
            try:
                listener(job)
            except Exception:  # noqa: BLE001  (the job goes on all the same)
                _log.exception("Somebody who was told of job %s failed.", job.id)


_to_order = converter(Order)
_to_state = converter(State)


def read_job(record: Record) -> Job:
    """Return the job of a record."""
    order = _to_order(record.body["order"])
    return Job(record.name, order, _to_state(record.body["state"]), record.created_at)


def queue_parent(queue: str) -> str:
    """Return what the records of a queue's jobs belong to."""
    return f"queue/{queue}"


def children_of(array: Job) -> list[str]:
    """Return the ids of an array's children."""
    return [f"{array.id}:{index}" for index in range(array.order.size)]


def needs_of(job: Job) -> set[str]:
    """Return the ids of the jobs that must succeed before one runs."""
    order = job.order
    needs: set[str] = set()
    for need in order.needs:
        if need.kind == "SEQUENTIAL" and not need.job:
            needs |= {f"{order.array}:{order.index - 1}"} if order.array and order.index else set()
        elif need.kind == "N_TO_N" and order.array:
            needs.add(f"{need.job}:{order.index}")
        else:
            needs.add(need.job)
    return needs
