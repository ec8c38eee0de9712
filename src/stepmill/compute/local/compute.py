"""Runs jobs on this machine: each under a supervisor of its own, which goes on when this process ends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from stepmill.compute.local.nurseries import Nurseries
from stepmill.compute.local.planning import Planned, Planner
from stepmill.compute.local.scripts import Imports
from stepmill.compute.local.watcher import Watcher
from stepmill.compute.spec import Ending, JobEnded, JobEvent, JobRunning, JobSpec, Listener
from stepmill.compute.supervision import files
from stepmill.compute.supervision.cgroups import remove_left_over
from stepmill.compute.supervision.files import FolderState
from stepmill.compute.supervision.layout import clear_away
from stepmill.compute.supervision.nursery import FAILED_BELL, UNFIT_BELL
from stepmill.compute.supervision.order import read_order, write_order
from stepmill.compute.supervision.supervisor import lost
from stepmill.core.errors import ComputeClosedError, ComputeError, StepmillError

_MOST_LISTENERS = 32
_MOST_STARTS = 3
_CLEANING_SECONDS = 60.0

_log = logging.getLogger(__name__)


class LocalCompute:
    """Runs jobs as sandboxed processes, as plain ones, or in containers. Implements ``Compute``.

    Args:
        hidden: Folders that no job may see into: Stepmill's home.
        warm: Whether jobs may be forked from a parent that has imported the usual libraries.
        roots: Folder for the throw-away file systems of jobs, which are used again and again; None:
            ``.roots`` beside the job's folder.
    """

    def __init__(self, *, hidden: Iterable[Path] = (), warm: bool = True, roots: Path | None = None) -> None:
        self._nurseries = Nurseries()
        self._planner = Planner(
            hidden=tuple(hidden), probe_namespaces=self._nurseries.probe, warm=warm, roots=roots
        )
        self._watcher = Watcher()
        # Listeners may take their time (they store a job's outputs), so each job's events are
        # delivered in order, but beside those of other jobs.
        self._listeners = ThreadPoolExecutor(_MOST_LISTENERS, thread_name_prefix="stepmill-job")
        self._lock = threading.Lock()
        self._jobs: dict[Path, _Job] = {}
        self._closed = False

    def run(self, spec: JobSpec, listen: Listener) -> None:
        """Start the job, or pick it up. See ``Compute.run``."""
        if self._closed:
            raise ComputeClosedError("This compute is closed.", where=spec.job_id)
        with self._lock:
            job = self._jobs.get(spec.folder)
            if job is None or job.ended:
                job = self._jobs[spec.folder] = _Job(spec, self._listeners, self._forget)
        # Whoever asks for the job a second time waits until it is started, and then only listens.
        with job.starting:
            if not job.followed:
                self._begin(job)
                job.followed = True
            job.add(listen)

    def _begin(self, job: _Job) -> None:
        state = files.folder_state(job.folder)
        if state is not FolderState.NEW:
            self._look(job, state)
            return
        try:
            planned = self._planner.plan(job.spec)
            job.folder.mkdir(parents=True, exist_ok=True)
            self._start(job, planned)
        except BaseException:
            self._forget(job)
            raise

    def _forget(self, job: _Job) -> None:
        with self._lock:
            if self._jobs.get(job.folder) is job:
                del self._jobs[job.folder]

    def stop(self, folder: Path) -> None:
        """Ask the job of that folder to end. See ``Compute.stop``."""
        if not (folder / files.SPEC).exists() or (folder / files.EXIT).exists():
            return
        # The supervisor looks for this file before it starts the program, and hears signals from then on.
        (folder / files.STOP).touch()
        while pid := files.lock_holder(folder):
            with _process(pid) as process:
                # The number now stands for one process; is it still the one that holds the lock?
                if process is not None and files.lock_holder(folder) == pid:
                    process.send(signal.SIGUSR1)
                    return

    def close(self) -> None:
        """Let go of what is kept warm, and of all jobs; they go on."""
        self._closed = True
        self._watcher.close()
        self._nurseries.close()
        self._listeners.shutdown(wait=False)

    def _start(self, job: _Job, planned: Planned) -> None:
        job.starts += 1
        job.planned = planned
        try:
            files.write_whole(job.folder / files.SPEC, write_order(planned.order))
        except OSError as error:
            raise ComputeError(
                f"The job's folder cannot be written to: {error}.", where=str(job.folder)
            ) from error
        bell = self._nurseries.start_supervisor(planned.order, job.folder, planned.python, planned.imports)
        self._watcher.watch(bell, lambda fd: self._hear(job, fd))

    def _hear(self, job: _Job, bell: int) -> bool:
        """Heed a bell; at its end the supervisor has ended, or was never there."""
        data = os.read(bell, 4096)
        if data:
            job.heard += data
            self._look(job, None)
            return not job.ended
        if not job.ended:
            self._look(job, files.folder_state(job.folder))
        return False

    def _look(self, job: _Job, state: FolderState | None) -> None:
        """Tell what the folder says. ``state`` is None while its supervisor is known to live."""
        if (state is None or state is FolderState.ENDED) and job.tell_end():
            return
        match state:
            case None:
                job.tell_running()
            case FolderState.RUNNING:
                job.tell_running()
                self._follow_process(job)
            case FolderState.LOST:
                self._give_up(job)
            case FolderState.NEW:
                self._listeners.submit(self._start_again, job)
            case FolderState.ENDED:
                now = _utc(time.time())
                job.tell(JobEnded(job.id, Ending.LOST, -1, now, now, "Its exit record is damaged."))

    def _follow_process(self, job: _Job) -> None:
        """Follow a supervisor that another process, or an earlier life of this one, has started."""
        pid = files.lock_holder(job.folder)
        fd = _open_process(pid) if pid else None
        if fd is not None and files.lock_holder(job.folder) == pid:
            self._watcher.watch(fd, lambda _: self._see_end(job))
            return
        if fd is not None:
            os.close(fd)
        self._watcher.check(lambda: self._see_end(job))

    def _see_end(self, job: _Job) -> bool:
        """Say whether to go on watching; called when the process has ended, or might have."""
        state = files.folder_state(job.folder)
        if state is FolderState.RUNNING:
            return True
        self._look(job, state)
        return False

    def _start_again(self, job: _Job) -> None:
        """Start a job whose supervisor came to nothing before it had claimed it: with less, each time."""
        if self._closed:
            return
        why = job.heard.partition(FAILED_BELL)[2].decode("utf-8", "replace")
        if job.starts >= _MOST_STARTS or job.planned is None:
            now = _utc(time.time())
            why = why or "Its supervisor ended at once, again and again."
            job.tell(JobEnded(job.id, Ending.NOT_STARTED, -1, now, now, why))
            return
        planned = replace(job.planned, imports=Imports())
        try:
            if job.starts > 1 and UNFIT_BELL not in job.heard:
                planned = self._planner.plan(replace(job.spec, warm=False))
            self._start(job, planned)
        except StepmillError as error:
            now = _utc(time.time())
            job.tell(JobEnded(job.id, Ending.NOT_STARTED, -1, now, now, str(error)))

    def _give_up(self, job: _Job) -> None:
        """Record the end of a job whose supervisor was killed, and clean up after it."""
        record = lost(job.folder, time.time())
        try:
            files.RecordWriter(job.folder).write(record)
        except OSError as error:
            _log.warning("The end of job %s could not be recorded: %s", job.id, error)
        self._listeners.submit(_clean_up_after, job.folder)
        if not job.tell_end():
            job.tell(_ended(job.id, record))


class _Job:
    """One job that is followed, and those who listen to it."""

    def __init__(self, spec: JobSpec, pool: ThreadPoolExecutor, forget: Callable[[_Job], None]) -> None:
        self.spec = spec
        self.id = spec.job_id
        self.folder = spec.folder
        self.starting = threading.Lock()
        self.followed = False
        self.planned: Planned | None = None
        self.starts = 0
        self.heard = b""
        self.ended = False
        self._pool = pool
        self._forget = forget
        self._told: list[JobEvent] = []
        self._mailboxes: list[_Mailbox] = []
        self._lock = threading.Lock()

    def add(self, listen: Listener) -> None:
        """Let somebody listen; what was told already is told again."""
        mailbox = _Mailbox(self.id, listen, self._pool)
        with self._lock:
            self._mailboxes.append(mailbox)
            for event in self._told:
                mailbox.put(event)

    def tell_running(self) -> None:
        """Tell that the program runs, once."""
        if self._told:
            return
        started = files.read_started(self.folder)
        if started is not None:
            self.tell(JobRunning(self.id, started.isolation, started.notes, started.warm))

    def tell_end(self) -> bool:
        """Tell how it ended, if there is a record of it."""
        record = files.read_exit(self.folder)
        if record is None:
            return False
        if record.ending != Ending.NOT_STARTED:
            self.tell_running()
        self.tell(_ended(self.id, record))
        return True

    def tell(self, event: JobEvent) -> None:
        """Tell everybody who listens; nothing more after the end."""
        with self._lock:
            if self.ended or (self._told and isinstance(event, JobRunning)):
                return
            self.ended = isinstance(event, JobEnded)
            self._told.append(event)
            for mailbox in self._mailboxes:
                mailbox.put(event)
        if self.ended:
            self._forget(self)


class _Mailbox:
    """Delivers the events of one job to one listener, one after the other, on a thread of the pool."""

    def __init__(self, job_id: str, listen: Listener, pool: ThreadPoolExecutor) -> None:
        self._job_id = job_id
        self._listen = listen
        self._pool = pool
        self._waiting: deque[JobEvent] = deque()
        self._lock = threading.Lock()
        self._delivering = False

    def put(self, event: JobEvent) -> None:
        with self._lock:
            self._waiting.append(event)
            if self._delivering:
                return
            self._delivering = True
        with contextlib.suppress(RuntimeError):  # shut down: nobody listens any more
            self._pool.submit(self._deliver)

    def _deliver(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._delivering = False
                    return
                event = self._waiting.popleft()
            try:
                self._listen(event)
            except Exception:  # noqa: BLE001
                _log.exception("The listener of job %s failed.", self._job_id)


class _process:  # noqa: N801
    """A process that stays the same while one looks at it, where the system can do that."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._fd: int | None = None

    def __enter__(self) -> _process | None:
        self._fd = _open_process(self._pid)
        return self if self._fd is not None or not hasattr(os, "pidfd_open") else None

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._fd is not None and sys.platform == "linux":
                signal.pidfd_send_signal(self._fd, number)
            else:
                os.kill(self._pid, number)


def _open_process(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _clean_up_after(folder: Path) -> None:
    """Remove what a killed supervisor left behind."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        order = read_order((folder / files.SPEC).read_bytes())
        remove_left_over(order.job_id)
        if order.container:
            subprocess.run(
                [*order.container[:-1], "rm", "--force", order.container[-1]],
                env=order.environment, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=_CLEANING_SECONDS, check=False,
            )  # fmt: skip
    clear_away(folder / files.ROOT)


def _ended(job_id: str, record: files.ExitRecord) -> JobEnded:
    return JobEnded(
        job_id=job_id,
        ending=Ending(record.ending),
        exit_code=record.exit_code,
        started_at=_utc(record.started_at),
        ended_at=_utc(record.ended_at),
        message=record.message,
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
