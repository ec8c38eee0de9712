"""Has jobs run when their turn comes: by the priority of their queues, so many at once, over restarts.

A job's record says where it stands, and is written before anything follows from it. What waits for what is
in memory, and made again from the records by ``resume``.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import msgspec

from stepmill.compute.spec import JobEnded, JobEvent
from stepmill.core.clock import Clock
from stepmill.core.errors import ComputeClosedError, StepmillError
from stepmill.core.workers import WorkerPool
from stepmill.jobs.batch.attempts import Attempts, stream_of
from stepmill.jobs.batch.exits import (
    CHILD_FAILED,
    DEPENDENCY_FAILED,
    EXITED,
    attempt_not_begun,
    attempt_of,
    is_tried_again,
    milliseconds,
)
from stepmill.jobs.batch.job import (
    JOB_KIND,
    Attempt,
    BatchJobs,
    BatchStatus,
    Job,
    State,
    children_of,
    needs_of,
    read_job,
)
from stepmill.jobs.batch.queues import QUEUE, BatchQueues
from stepmill.jobs.batch.waiting import Needs, Turns
from stepmill.storage.records import RecordStore, Selection

MOST_AT_ONCE = 16
# An environment that is built for an image keeps a thread for minutes.
_MOST_STARTING = 8
_MOST_ENDING = 4
_PAGE = 1000

# Hears of the end of a job.
Follower: TypeAlias = Callable[[Job], None]

_log = logging.getLogger(__name__)


class Scheduler:
    """Runs jobs. Safe to share between threads.

    Args:
        jobs: The jobs.
        queues: Tell priorities.
        attempts: Run them.
        records: Where jobs are kept.
        clock: Tells the time.
        most_at_once: So many jobs run at once.
    """

    def __init__(
        self,
        jobs: BatchJobs,
        queues: BatchQueues,
        attempts: Attempts,
        records: RecordStore,
        clock: Clock,
        *,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._jobs = jobs
        self._queues = queues
        self._attempts = attempts
        self._records = records
        self._clock = clock
        self._most_at_once = most_at_once
        self._lock = threading.RLock()
        self._turns = Turns()
        self._needs = Needs()
        self._active: set[str] = set()
        self._followers: dict[str, list[Follower]] = defaultdict(list)
        self._starters = WorkerPool("stepmill-batch", _MOST_STARTING)
        self._enders = WorkerPool("stepmill-batch-ends", _MOST_ENDING)
        self._is_closed = False

    def take(self, *jobs: Job) -> None:
        """Have jobs run that have been kept; an array comes with its children. Those known are let be."""
        for job in jobs:
            self._take(job)
        self._dispatch()

    def resume(self) -> int:
        """Go on with all jobs that have not ended. To be called once, by whoever drives this home.

        Returns:
            How many there are.
        """
        open_ = [status for status in BatchStatus if not status.is_final]
        found = [
            read_job(record)
            for status in open_
            for record in Selection(status=status, limit=_PAGE).all(self._records, JOB_KIND)
        ]
        found.sort(key=lambda job: (job.created_at, job.id))
        self.take(*found)
        return len(found)

    def follow(self, identifier: str, hear: Follower) -> None:
        """Have somebody told, once, when a job has ended; at once if it has.

        Raises:
            NotFoundError: If there is no such job.
        """
        with self._lock:
            job = self._jobs.get(identifier)
            if not job.state.status.is_final:
                self._followers[identifier].append(hear)
                return
        hear(job)

    def stop(self, identifier: str, reason: str, *, terminates: bool) -> None:
        """End a job that has not begun; one that has only if it is to be terminated.

        Raises:
            NotFoundError: If there is no such job.
        """
        job = self._jobs.get(identifier)
        if job.order.size:
            asked = partial(_asked_to_stop, reason=reason, terminates=terminates)
            self._jobs.change(job.id, asked, lasting=True)
            for child in Selection(parent=job.id, limit=_PAGE).all(self._records, JOB_KIND):
                self.stop(child.name, reason, terminates=terminates)
            return
        with self._lock:
            was_waiting = self._turns.remove(job.order.queue, job.id) or self._needs.remove(job.id)
        if was_waiting:
            self._end(job.id, BatchStatus.FAILED, reason, is_cancelled=True, is_terminated=terminates)
            return
        job = self._jobs.get(identifier)
        if terminates or not job.state.status.has_begun:
            asked = partial(_asked_to_stop, reason=reason, terminates=terminates)
            job = self._jobs.change(job.id, asked, lasting=True)
            if job.state.status.has_begun:
                self._attempts.stop(job)

    def close(self) -> None:
        """Begin nothing more. What runs goes on, and is picked up by ``resume``."""
        with self._lock:
            self._is_closed = True
        self._starters.close()
        self._enders.close()

    # ---- whose turn it is ----------------------------------------------------------------------

    def _take(self, job: Job) -> None:
        with self._lock:
            if self._is_closed or job.id in self._active or job.id in self._needs:
                return
            # Whoever read it may have read it before it ended.
            job = self._jobs.get(job.id)
            if job.state.status.is_final:
                return
            if job.state.status.has_begun:
                self._active.add(job.id)
                self._starters.submit(partial(self._start, job.id))
                return
            if job.order.size:
                left = {child for child in children_of(job) if not self._stands(child).is_final}
                if left:
                    self._needs.add(job.id, left)
                    return
            else:
                needs = {need: self._stands(need) for need in needs_of(job)}
                has_failed = BatchStatus.FAILED in needs.values()
                left = {need for need, status in needs.items() if not status.is_final}
                if not has_failed:
                    if left:
                        self._needs.add(job.id, left)
                    else:
                        self._ready(job)
                    return
        if job.order.size:
            self._finish(self._array_ended(job.id))
        else:
            self._end(job.id, BatchStatus.FAILED, DEPENDENCY_FAILED)

    def _stands(self, identifier: str) -> BatchStatus:
        job = self._jobs.find(identifier)
        return job.state.status if job is not None else BatchStatus.FAILED

    def _ready(self, job: Job) -> None:
        if job.state.status is not BatchStatus.RUNNABLE:
            self._jobs.change(job.id, lambda state: _stands_as(state, BatchStatus.RUNNABLE))
        self._turns.put(job.order.queue, job.id)

    def _dispatch(self) -> None:
        priorities: dict[str, int] = {}

        def priority(queue: str) -> int:
            if queue not in priorities:
                found = self._queues.find(QUEUE, queue)
                priorities[queue] = found.priority if found else 0
            return priorities[queue]

        with self._lock:
            while not self._is_closed and len(self._active) < self._most_at_once:
                following = self._turns.next(priority)
                if following is None:
                    return
                self._active.add(following)
                self._starters.submit(partial(self._start, following))

    # ---- an attempt ----------------------------------------------------------------------------

    def _start(self, identifier: str) -> None:
        job = self._jobs.get(identifier)
        if job.state.stop_reason and not job.state.status.has_begun:
            self._end(identifier, BatchStatus.FAILED, job.state.stop_reason)
            return
        job = self._jobs.change(identifier, _started)
        queue = self._queues.find(QUEUE, job.order.queue)
        environment = queue.environments[0] if queue and queue.environments else ""
        try:
            self._attempts.run(job, environment, partial(self._hear, job))
        except ComputeClosedError:
            return  # whoever opens the home next picks the job up
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this attempt's failure)
            if not isinstance(error, StepmillError):
                _log.error("An attempt of job %s could not be begun.", identifier, exc_info=error)
                error = StepmillError(f"Stepmill failed inside: {error!r}")
            now_ms = milliseconds(self._clock.now())
            self._attempt_over(job, attempt_not_begun(error, stream_of(job), now_ms))
            return
        # Whoever asked before the attempt was begun found nothing to stop.
        if self._jobs.get(identifier).state.stop_reason:
            self._attempts.stop(job)

    def _hear(self, job: Job, event: JobEvent) -> None:
        # The thread that reports is not ours to keep.
        if isinstance(event, JobEnded):
            self._enders.submit(partial(self._attempt_over, job, attempt_of(event, stream_of(job))))
            return
        now_ms = milliseconds(self._clock.now())

        def running(state: State) -> State:
            is_this_one = state.status is BatchStatus.STARTING and len(state.attempts) == job.attempt - 1
            if not is_this_one:
                return state
            return msgspec.structs.replace(state, status=BatchStatus.RUNNING, started_at=now_ms)

        self._enders.submit(partial(self._note, job.id, running))

    def _note(self, identifier: str, change: Callable[[State], State]) -> None:
        self._jobs.change(identifier, change)

    def _attempt_over(self, job: Job, attempt: Attempt) -> None:
        succeeded = attempt.status_reason == EXITED and attempt.exit_code == 0

        def over(state: State) -> State:
            if len(state.attempts) >= job.attempt:
                return state
            status, reason = BatchStatus.FAILED, state.stop_reason or attempt.status_reason
            if succeeded and not state.stop_reason:
                status = BatchStatus.SUCCEEDED
            elif not state.stop_reason and is_tried_again(attempt, job.attempt, job.order.retries):
                status, reason = BatchStatus.RUNNABLE, ""
            return msgspec.structs.replace(
                state,
                status=status,
                reason=reason,
                attempts=(
                    *state.attempts,
                    msgspec.structs.replace(attempt, status_reason=reason or attempt.status_reason),
                ),
                started_at=attempt.started_at or state.started_at,
                stopped_at=attempt.stopped_at if status.is_final else 0,
            )

        now = self._jobs.change(job.id, over)
        if now.state.status.is_final:
            self._finish(now)
            return
        with self._lock:
            self._active.discard(job.id)
            self._turns.put(job.order.queue, job.id)
        self._dispatch()

    # ---- the end of a job ----------------------------------------------------------------------

    def _end(
        self,
        identifier: str,
        status: BatchStatus,
        reason: str,
        *,
        is_cancelled: bool = False,
        is_terminated: bool = False,
    ) -> None:
        """End a job without an attempt, and see to those that wait for it."""
        marks = {"is_cancelled": is_cancelled, "is_terminated": is_terminated}
        self._finish(self._ended(identifier, status, reason, **marks))

    def _ended(
        self,
        identifier: str,
        status: BatchStatus,
        reason: str,
        *,
        is_cancelled: bool = False,
        is_terminated: bool = False,
    ) -> Job:
        now_ms = milliseconds(self._clock.now())

        def ended(state: State) -> State:
            return msgspec.structs.replace(
                state,
                status=status,
                reason=reason,
                stopped_at=now_ms,
                is_cancelled=state.is_cancelled or is_cancelled,
                is_terminated=state.is_terminated or is_terminated,
            )

        return self._jobs.change(identifier, ended, lasting=is_cancelled or is_terminated)

    def _array_ended(self, identifier: str) -> Job:
        job = self._jobs.get(identifier)
        failed = self._records.list(JOB_KIND, parent=identifier, status=BatchStatus.FAILED, limit=1).records
        reason = (job.state.stop_reason or CHILD_FAILED) if failed else ""
        status = BatchStatus.FAILED if failed else BatchStatus.SUCCEEDED
        return self._ended(identifier, status, reason)

    def _finish(self, job: Job) -> None:
        """See to those that wait for a job whose end has been written, and for those that end with it."""
        left = [job]
        while left:
            left += self._followed(left.pop())
        self._dispatch()

    def _followed(self, job: Job) -> list[Job]:
        """Return the jobs that end because one has ended; their ends are written."""
        failing: list[str] = []
        arrays: list[str] = []
        with self._lock:
            self._active.discard(job.id)
            free, others = self._needs.ended(job.id)
            for identifier in (*free, *others):
                waiting = self._jobs.get(identifier)
                if waiting.order.size:
                    arrays += [identifier] if identifier in free else []
                elif job.state.status is BatchStatus.FAILED:
                    self._needs.remove(identifier)
                    failing.append(identifier)
                elif identifier in free:
                    self._ready(waiting)
            followers = self._followers.pop(job.id, [])
        for hear in followers:
            try:
                hear(job)
            except Exception:  # noqa: BLE001  (the job has ended all the same)
                _log.exception("Somebody who was told of the end of job %s failed.", job.id)
        ended = [self._ended(one, BatchStatus.FAILED, DEPENDENCY_FAILED) for one in failing]
        return [*ended, *(self._array_ended(one) for one in arrays)]


def _started(state: State) -> State:
    return state if state.status.has_begun else _stands_as(state, BatchStatus.STARTING)


def _stands_as(state: State, status: BatchStatus) -> State:
    return msgspec.structs.replace(state, status=status)


def _asked_to_stop(state: State, *, reason: str, terminates: bool) -> State:
    return msgspec.structs.replace(
        state,
        stop_reason=state.stop_reason or reason,
        is_cancelled=state.is_cancelled or not terminates,
        is_terminated=state.is_terminated or terminates,
    )
