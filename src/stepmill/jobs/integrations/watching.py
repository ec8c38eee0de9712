"""One thread that looks after everything that tasks wait for."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

_SHORTEST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
# The longer something has lasted, the less a moment more is noticed.
_PAUSE_GROWS_BY = 1.05
# All that is watched together is looked at no more often than this.
_MOST_LOOKS_PER_S = 400.0

_log = logging.getLogger(__name__)


class Watching:
    """Looks at things until they are over. Its thread begins with the first of them.

    Args:
        shortest_pause_s: Between two looks at the same thing, at first.
    """

    def __init__(self, *, shortest_pause_s: float = _SHORTEST_PAUSE_S) -> None:
        self._shortest_s = shortest_pause_s
        self._changed = threading.Condition()
        # When to look, a number that makes entries comparable, the pause before, and what to do.
        self._due: list[tuple[float, int, float, Callable[[], bool]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def watch(self, look: Callable[[], bool]) -> None:
        """Have something looked at, soon and again and again, until ``look`` says that it is over."""
        with self._changed:
            if self._is_closed:
                return
            heapq.heappush(self._due, (time.monotonic(), next(self._numbers), self._shortest_s, look))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stepmill-watching", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Look at nothing more."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (found := self._next()) is not None:
            pause_s, look = found
            try:
                is_over = look()
            except Exception:  # noqa: BLE001  (the store may be full for a while; whoever waits goes on)
                _log.exception("What a task waits for could not be looked at.")
                is_over = False
            if not is_over:
                self._again(pause_s, look)

    def _next(self) -> tuple[float, Callable[[], bool]] | None:
        with self._changed:
            while not self._is_closed:
                now_s = time.monotonic()
                if self._due and self._due[0][0] <= now_s:
                    _, _, pause_s, look = heapq.heappop(self._due)
                    return pause_s, look
                self._changed.wait(self._due[0][0] - now_s if self._due else None)
        return None

    def _again(self, pause_s: float, look: Callable[[], bool]) -> None:
        with self._changed:
            if self._is_closed:
                return
            wait_s = max(pause_s, len(self._due) / _MOST_LOOKS_PER_S)
            longer_s = min(pause_s * _PAUSE_GROWS_BY, _LONGEST_PAUSE_S)
            entry = (time.monotonic() + wait_s, next(self._numbers), longer_s, look)
            heapq.heappush(self._due, entry)
