"""Threads on which handlers work.

Like a ``ThreadPoolExecutor``, except that its threads are daemons: a handler that sits in a call for
hours must not keep a process alive that wants to end. Its task stays in the store, and the next
engine picks it up.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

_log = logging.getLogger(__name__)


class WorkerPool:
    """Runs calls on at most so many threads, in the order in which they came.

    Args:
        name: The threads are called ``<name>-1``, ``<name>-2`` ...
        limit: Most threads. They are started when needed, and stay.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._calls: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, call: Callable[[], None]) -> None:
        """Have that called soon. After ``close`` nothing is called any more."""
        with self._changed:
            if self._closed:
                return
            self._calls.append(call)
            if self._idle >= len(self._calls):
                self._changed.notify()
                return
            if len(self._threads) < self._limit:
                self._start_thread()

    def close(self) -> None:
        """Call nothing more; what is being called goes on, on threads that nobody waits for."""
        with self._changed:
            self._closed = True
            self._calls.clear()
            self._changed.notify_all()

    def _start_thread(self) -> None:
        name = f"{self._name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (call := self._next_call()) is not None:
            try:
                call()
            except Exception:  # noqa: BLE001  (a thread that dies here would shrink the pool in silence)
                _log.exception("A call on a worker thread raised.")

    def _next_call(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._calls and not self._closed:
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return self._calls.popleft() if self._calls else None
