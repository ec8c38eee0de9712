"""Hands tasks to their handlers, after what asks for them is committed.

A task may be handed over more than once (after a crash), never before its row is written.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from stepmill.core.errors import StepmillError
from stepmill.core.tasks import (
    Task,
    TaskFailed,
    TaskHandler,
    TaskHeartbeat,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSubmitted,
)
from stepmill.core.workers import WorkerPool
from stepmill.engine.failures import CLIENT_ERROR, failure_of

# A handler may keep its thread while the job runs. SageMaker runs 50 steps at once by default.
MOST_STARTING = 64
MOST_STOPPING = 8

# A wish to stop that came while ``start`` was running may have come before the handler knew the task,
# and one whose handler raised may work later: both are repeated after so long.
STOP_AGAIN_S = 1.0

# After any other report nothing more is heard of a task.
_NOT_FINAL = (TaskStarted, TaskSubmitted, TaskHeartbeat)

_log = logging.getLogger(__name__)


class HandlerLookup(Protocol):
    """Finds who does the tasks of a resource. A mapping is one."""

    def get(self, resource: str, /) -> TaskHandler | None:
        """Return the handler, ``None`` if there is none."""
        ...


class _Phase(Enum):
    QUEUED = auto()  # waits for a thread
    STARTING = auto()  # its handler's ``start`` runs
    STARTED = auto()  # ``start`` has returned
    ENDED = auto()  # its final report was given, or it was dropped


@dataclass(slots=True)
class _Entry:
    execution: str
    task: Task
    is_new: bool
    phase: _Phase = _Phase.QUEUED
    is_stopping: bool = False


class Outbox:
    """Carries out what was committed.

    Args:
        handlers: Resource -> who does it.
        deliver: Takes (execution, report). Called from any thread; must not block.
        most_starting: So many handlers' ``start`` run at once.
    """

    def __init__(
        self,
        handlers: HandlerLookup,
        deliver: Callable[[str, TaskReport], None],
        *,
        most_starting: int = MOST_STARTING,
    ) -> None:
        self._handlers = handlers
        self._deliver = deliver
        self._starters = WorkerPool("stepmill-task", most_starting)
        self._stoppers = WorkerPool("stepmill-stop", MOST_STOPPING)
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def start(self, execution: str, task: Task, *, is_new: bool = True) -> None:
        """Hand a task over soon. ``is_new``: no handler can have seen it, in this process or another."""
        entry = _Entry(execution, task, is_new)
        with self._lock:
            if task.id in self._entries:
                return
            self._entries[task.id] = entry
        self._starters.submit(lambda: self._hand_over(entry))

    def stop(self, task_id: str) -> None:
        """Have a task that was started stopped. One that no handler has seen ends at once."""
        with self._lock:
            entry = self._entries.get(task_id)
            if entry is None or entry.is_stopping or entry.phase is _Phase.ENDED:
                return
            entry.is_stopping = True
            never_began = entry.phase is _Phase.QUEUED and entry.is_new
            is_with_handler = entry.phase in (_Phase.STARTING, _Phase.STARTED)
        if never_began:
            self._report(entry, TaskStopped(task_id, "Stopped before it began."))
        elif is_with_handler:
            self._stoppers.submit(lambda: self._ask_to_stop(entry))

    def forget(self, task_id: str) -> None:
        """Drop a task, now that its end is committed."""
        with self._lock:
            self._drop(task_id)

    def forget_all(self, execution: str) -> None:
        """Drop all tasks of an execution that is driven here no longer, whatever became of them."""
        with self._lock:
            for task_id in [each for each, entry in self._entries.items() if entry.execution == execution]:
                self._drop(task_id)

    def close(self) -> None:
        """Hand nothing over any more and pass on no reports. What handlers began goes on."""
        self._starters.close()
        self._stoppers.close()
        with self._lock:
            for entry in self._entries.values():
                entry.phase = _Phase.ENDED
            self._entries.clear()

    def _drop(self, task_id: str) -> None:
        entry = self._entries.pop(task_id, None)
        if entry is not None:
            entry.phase = _Phase.ENDED

    def _hand_over(self, entry: _Entry) -> None:
        with self._lock:
            if entry.phase is not _Phase.QUEUED:
                return
            entry.phase = _Phase.STARTING
            is_stopping = entry.is_stopping
        if is_stopping:
            self._ask_to_stop_later(entry)
        task = entry.task
        handler = self._handlers.get(task.resource)
        if handler is None:
            self._report(entry, TaskFailed(task.id, CLIENT_ERROR, _no_handler(task, self._handlers)))
            return
        try:
            handler.start(task, lambda report: self._report(entry, report))
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this task's failure)
            _log_failure(task, error)
            self._report(entry, failure_of(task, error))
        with self._lock:
            if entry.phase is _Phase.STARTING:
                entry.phase = _Phase.STARTED
            must_stop = entry.phase is _Phase.STARTED and entry.is_stopping
        if must_stop:
            self._stoppers.submit(lambda: self._ask_to_stop(entry))

    def _ask_to_stop(self, entry: _Entry) -> None:
        handler = self._handlers.get(entry.task.resource)
        if handler is None or entry.phase is _Phase.ENDED:
            return
        did_raise = False
        try:
            handler.stop(entry.task)
        except Exception as error:  # noqa: BLE001  (the wish stays, whatever went wrong)
            _log.warning("Task %s cannot be stopped yet: %s", entry.task.id, error)
            did_raise = True
        with self._lock:
            again = entry.phase is _Phase.STARTING or (did_raise and entry.phase is _Phase.STARTED)
        if again:
            self._ask_to_stop_later(entry)

    def _ask_to_stop_later(self, entry: _Entry) -> None:
        timer = threading.Timer(STOP_AGAIN_S, self._stoppers.submit, (lambda: self._ask_to_stop(entry),))
        timer.daemon = True
        timer.start()

    def _report(self, entry: _Entry, report: TaskReport) -> None:
        with self._lock:
            if entry.phase is _Phase.ENDED:
                return
            if not isinstance(report, _NOT_FINAL):
                entry.phase = _Phase.ENDED
        self._deliver(entry.execution, report)


def _log_failure(task: Task, error: Exception) -> None:
    """Foreseen errors are told by the step; a stack trace is for those that nobody foresaw."""
    if not isinstance(error, StepmillError):
        _log.error("The handler of task %s raised.", task.id, exc_info=error)


def _no_handler(task: Task, handlers: HandlerLookup) -> str:
    if not isinstance(handlers, Mapping):
        return f"No handler does {task.resource!r} here."
    known = ", ".join(sorted(handlers)) or "nothing"
    return f"No handler does {task.resource!r} here; there are handlers for {known}."
