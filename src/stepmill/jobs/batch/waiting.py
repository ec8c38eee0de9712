"""Who waits for whom: jobs for other jobs, arrays for their children, and all for their turn. In memory.

Not safe to share between threads by itself: the scheduler holds its lock around every call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable


class Turns:
    """Jobs that could run, by queue; the one of the highest priority, that waits longest, is next."""

    def __init__(self) -> None:
        # In order; keys alone count.
        self._waiting: dict[str, dict[str, None]] = defaultdict(dict)

    def put(self, queue: str, job: str) -> None:
        """Have a job wait behind the others of its queue; one that waits keeps its place."""
        self._waiting[queue].setdefault(job)

    def remove(self, queue: str, job: str) -> bool:
        """Let a job wait no more; return whether it did."""
        if job not in self._waiting[queue]:
            return False
        del self._waiting[queue][job]
        return True

    def next(self, priority: Callable[[str], int]) -> str | None:
        """Take out the job whose turn it is.

        Args:
            priority: Of a queue, as it is now.
        """
        queues = [queue for queue, jobs in self._waiting.items() if jobs]
        if not queues:
            return None
        # Of two queues of one priority the one that was used first; a queue keeps its place.
        waiting = self._waiting[max(queues, key=priority)]
        job = next(iter(waiting))
        del waiting[job]
        return job


class Needs:
    """Jobs that wait for others to end."""

    def __init__(self) -> None:
        self._needs: dict[str, set[str]] = {}
        self._needed_by: dict[str, set[str]] = defaultdict(set)

    def __contains__(self, job: object) -> bool:
        return job in self._needs

    def add(self, job: str, needs: Iterable[str]) -> None:
        """Have a job wait for others."""
        self._needs[job] = set(needs)
        for need in self._needs[job]:
            self._needed_by[need].add(job)

    def remove(self, job: str) -> bool:
        """Let a job wait no more; return whether it did."""
        needs = self._needs.pop(job, None)
        for need in needs or ():
            self._needed_by[need].discard(job)
        return needs is not None

    def ended(self, job: str) -> tuple[list[str], list[str]]:
        """Say that a job has ended.

        Returns:
            The jobs that waited for it and now wait for nothing, and those that go on waiting.
        """
        free: list[str] = []
        others: list[str] = []
        for waiting in sorted(self._needed_by.pop(job, ())):
            self._needs[waiting].discard(job)
            if self._needs[waiting]:
                others.append(waiting)
            else:
                del self._needs[waiting]
                free.append(waiting)
        return free, others
