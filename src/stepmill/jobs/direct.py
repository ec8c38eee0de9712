"""Jobs that somebody asks for one by one: ``CreateTrainingJob`` and its like, called outside any execution.

A job's record is on the disk before the one who asked hears of it. Whoever opens the home next picks up
what has not ended: a job's task id stands in its record, so nothing is started twice.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from stepmill.compute.supervision.layout import clear_away
from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, StepmillError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import Task, TaskHandler, TaskReport, TaskStarted
from stepmill.core.workers import WorkerPool
from stepmill.jobs.admission import Admitted
from stepmill.jobs.failures import LONGEST_REASON, blame_of
from stepmill.jobs.records import JobRecords, JobState, request_of, state_of
from stepmill.storage.records import Record, RecordStore, Selection

# As many as SageMaker runs of the steps of one execution. What more is asked for waits its turn.
MOST_AT_ONCE = 50
_MOST_STARTING = 8
_PAGE = 1000

_log = logging.getLogger(__name__)


class DirectHandler(TaskHandler, Protocol):
    """Does one kind of job, and checks what is asked for."""

    def check(self, document: Json, /) -> Admitted:
        """Check a request. See ``admission.admit``."""
        ...

    def folder(self, name: str, /) -> Path:
        """Return the folder of a job: its log is there."""
        ...


@dataclass(frozen=True)
class _Entry:
    kind: str
    task: Task


class DirectJobs:
    """Takes jobs, has them done by the handlers that also do those of executions, and stops them.

    Args:
        handlers: ``processing-job`` and ``training-job`` -> who does it.
        records: Where jobs are kept. Its changes must survive a power cut.
        clock: Tells the time.
        most_at_once: So many jobs run at once.
    """

    def __init__(
        self,
        handlers: Mapping[str, DirectHandler],
        records: RecordStore,
        clock: Clock,
        *,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._handlers = handlers
        self._records = records
        self._jobs = {kind: JobRecords(records, kind) for kind in handlers}
        self._clock = clock
        self._most_at_once = most_at_once
        self._lock = threading.Lock()
        self._active: set[str] = set()
        self._waiting: deque[_Entry] = deque()
        self._starters = WorkerPool("stepmill-direct", _MOST_STARTING)
        self._is_closed = False

    def create(self, kind: str, request: JsonObject) -> Record:
        """Take a job; it begins soon.

        Args:
            kind: ``processing-job`` or ``training-job``.
            request: What CreateProcessingJob or CreateTrainingJob got.

        Returns:
            Its record. It is on the disk.

        Raises:
            InvalidInputError: If a value cannot be taken.
            UnsupportedError: If it asks for what is not offered.
            ConflictError: If the name is taken; also by a job of the same request.
        """
        admitted = self._handlers[kind].check(request)
        state = JobState(f"direct/{uuid.uuid4()}", admitted.arn).with_notes(*admitted.notes)
        state = state.entered("Starting", self._clock.now())
        try:
            record = self._jobs[kind].open(admitted.name, request, state)
        except ConflictError as error:
            raise ConflictError(
                f"A {_word(kind)} with the name {admitted.name!r} already exists ({admitted.arn}).",
                mend="Job names are used only once. Choose another one.",
            ) from error
        self._take(_entry_of(record))
        return record

    def resume(self) -> int:
        """Pick up the jobs that have not ended, oldest first. To be called once, by whoever drives this home.

        Returns:
            How many there are.
        """
        found = sorted(
            (record for kind in self._handlers for record in self._unfinished(kind)),
            key=lambda record: (record.created_at, record.name),
        )
        for record in found:
            self._take(_entry_of(record))
        return len(found)

    def stop(self, kind: str, name: str) -> None:
        """Ask a job to end, be it one of an execution: SIGTERM, and SIGKILL after its grace time.

        Raises:
            NotFoundError: If there is none of that name.
            WrongStateError: If it has ended.
        """
        state = state_of(self._jobs[kind].get(name))
        if state.status.is_final:
            raise WrongStateError(
                f"The request was rejected because the {_word(kind)} is in status {state.status}."
            )
        self._handlers[kind].stop(Task(state.task_id, kind, {}, state.execution_arn, "", state.step, name))
        with self._lock:
            entry = next((e for e in self._waiting if e.task.id == state.task_id), None)
            if entry is None:
                return
            # Its turn would only come when others have ended, and it is not to run any more.
            self._waiting.remove(entry)
            self._active.add(entry.task.id)
        self._starters.submit(partial(self._start, entry))

    def delete(self, kind: str, name: str) -> None:
        """Remove a job that has ended, with its log. What it stored stays.

        Raises:
            NotFoundError: If there is none of that name.
            WrongStateError: If it has not ended, or belongs to an execution, which needs it for its history.
        """
        state = state_of(self._jobs[kind].get(name))
        if not state.status.is_final:
            raise WrongStateError(f"The job {name!r} is {state.status}.", mend="Stop it first, or wait.")
        if state.execution_arn:
            raise WrongStateError(f"The job {name!r} belongs to {state.execution_arn} and stays with it.")
        # First the folder: a record without one only has no log, but a folder without its record would be
        # taken for the next job of that name.
        clear_away(self._handlers[kind].folder(name))
        self._records.delete(kind, name)

    def close(self) -> None:
        """Begin nothing more. What runs goes on, and is picked up by ``resume``."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
        self._starters.close()

    def _unfinished(self, kind: str) -> Iterator[Record]:
        for status in (JobStatus.IN_PROGRESS, JobStatus.STOPPING):
            for record in Selection(parent="", status=status, limit=_PAGE).all(self._records, kind):
                # Trials are picked up by their tuning job.
                if not state_of(record).tuning_arn:
                    yield record

    def _take(self, entry: _Entry) -> None:
        with self._lock:
            if self._is_closed or self._knows(entry):
                return
            has_room = len(self._active) < self._most_at_once
            if has_room:
                self._active.add(entry.task.id)
            else:
                self._waiting.append(entry)
        if has_room:
            self._starters.submit(partial(self._start, entry))
            return
        now = self._clock.now()
        self._jobs[entry.kind].change(
            entry.task.name, lambda state: _unless_begun(state, state.entered("Pending", now))
        )

    def _knows(self, entry: _Entry) -> bool:
        return entry.task.id in self._active or any(e.task.id == entry.task.id for e in self._waiting)

    def _start(self, entry: _Entry) -> None:
        try:
            self._handlers[entry.kind].start(entry.task, partial(self._hear, entry))
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this job's failure)
            if not isinstance(error, StepmillError):
                _log.error("The handler of %s %r raised.", entry.kind, entry.task.name, exc_info=error)
            self._fail(entry, f"{blame_of(error)[1]}: {error}")
            self._let_go(entry)

    def _hear(self, entry: _Entry, report: TaskReport) -> None:
        if isinstance(report, TaskStarted):
            return
        # A handler that could not even read the request has not touched the record.
        if not state_of(self._jobs[entry.kind].get(entry.task.name)).status.is_final:
            self._fail(entry, getattr(report, "cause", ""))
        self._let_go(entry)

    def _fail(self, entry: _Entry, reason: str) -> None:
        now = self._clock.now()

        def failed(state: JobState) -> JobState:
            state = state.entered("Failed", now)
            return msgspec.structs.replace(
                state, status=JobStatus.FAILED, reason=reason[:LONGEST_REASON], ended_at=now
            )

        try:
            self._jobs[entry.kind].change(entry.task.name, failed)
        except StepmillError as error:
            _log.warning("The end of %s %r cannot be written: %s", entry.kind, entry.task.name, error)

    def _let_go(self, entry: _Entry) -> None:
        """Give the job's turn to the next one."""
        with self._lock:
            self._active.discard(entry.task.id)
            following = None
            if self._waiting and len(self._active) < self._most_at_once:
                following = self._waiting.popleft()
                self._active.add(following.task.id)
        if following is not None:
            self._starters.submit(partial(self._start, following))


def _word(kind: str) -> str:
    return kind.replace("-", " ")


def _unless_begun(state: JobState, pending: JobState) -> JobState:
    """Note that a job waits, unless its turn has come meanwhile."""
    return state if len(state.transitions) > 1 else pending


def _entry_of(record: Record) -> _Entry:
    state = state_of(record)
    return _Entry(
        record.kind, Task(state.task_id, record.kind, request_of(record), "", "", "", name=record.name)
    )
