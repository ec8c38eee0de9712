"""When to wake up for whom."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import NamedTuple


class Timer(NamedTuple):
    """A moment that an execution waits for. Sorts by that moment."""

    due_at: datetime
    execution: str
    timer_id: str


class TimerQueue:
    """The timers of all driven executions, soonest first.

    A timer that is no longer wanted stays until it is due; its execution knows better then.
    """

    def __init__(self) -> None:
        self._heap: list[Timer] = []

    def set(self, timer: Timer) -> None:
        """Add a timer."""
        heapq.heappush(self._heap, timer)

    def next_due(self) -> datetime | None:
        """Return when the next one is due, ``None`` if there is none."""
        return self._heap[0].due_at if self._heap else None

    def take_due(self, now: datetime) -> list[Timer]:
        """Remove and return those that are due, soonest first."""
        due: list[Timer] = []
        while self._heap and self._heap[0].due_at <= now:
            due.append(heapq.heappop(self._heap))
        return due
