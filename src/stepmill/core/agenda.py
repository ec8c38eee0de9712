"""What is to be done at which moment, so many at once, on threads of its own.

It keeps nothing on the disk: whoever puts something on it has it there, and puts it on again after a crash.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from stepmill.core.clock import Clock
from stepmill.core.workers import WorkerPool

_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, order=True)
class _Due:
    """Something that waits for its moment. Sorts by that."""

    at: datetime
    number: int
    name: str


class Agenda:
    """Calls a function for each name when its time has come. Safe to share between threads.

    Args:
        title: Of the threads. They are started when there is something to do.
        clock: Tells the time.
        do: What is to be done for a name. It, or what it begins, ends with ``done`` or ``again``.
        most_at_once: So many are under way at once.
        most_threads: So many are begun at once.
    """

    def __init__(
        self, title: str, clock: Clock, do: Callable[[str], None], *, most_at_once: int, most_threads: int
    ) -> None:
        self._title = title
        self._clock = clock
        self._do = do
        self._most_at_once = most_at_once
        self._changed = threading.Condition()
        self._due: list[_Due] = []
        self._known: set[str] = set()
        self._running = 0
        self._count = 0
        self._workers = WorkerPool(title, most_threads)
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def put(self, name: str, at: datetime) -> None:
        """Have something done at a moment, at once if that is past; what waits or is under way is let be."""
        with self._changed:
            if self._is_closed or name in self._known:
                return
            self._known.add(name)
            self._push(name, at)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._title, daemon=True)
                self._thread.start()

    def again(self, name: str, at: datetime) -> None:
        """Say that what was under way has ended, and is to be done once more."""
        with self._changed:
            self._running -= 1
            if not self._is_closed:
                self._push(name, at)

    def done(self, name: str) -> None:
        """Say that what was under way has ended."""
        with self._changed:
            self._known.discard(name)
            self._running -= 1
            self._changed.notify_all()

    def withdraw(self, name: str) -> None:
        """Have something not done that waits; what is under way goes on."""
        with self._changed:
            left = [due for due in self._due if due.name != name]
            if len(left) < len(self._due):
                self._known.discard(name)
                heapq.heapify(left)
                self._due = left

    def look(self) -> None:
        """Look at the clock now: it has been set."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Begin nothing more; what is under way goes on."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            self._changed.notify_all()
        self._workers.close()

    def _push(self, name: str, at: datetime) -> None:
        self._count += 1
        heapq.heappush(self._due, _Due(at, self._count, name))
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._is_closed and not self._is_time():
                    self._changed.wait(self._seconds_to_next())
                if self._is_closed:
                    return
                self._running += 1
                name = heapq.heappop(self._due).name
            self._workers.submit(partial(self._do, name))

    def _is_time(self) -> bool:
        return self._running < self._most_at_once and bool(self._due) and self._due[0].at <= self._clock.now()

    def _seconds_to_next(self) -> float | None:
        if not self._due or self._running >= self._most_at_once:
            return None
        left_s = (self._due[0].at - self._clock.now()).total_seconds()
        # The clock may be set while we wait; and no wait of a thread can be of any length.
        return min(max(0.0, left_s), _LONGEST_WAIT_S)
