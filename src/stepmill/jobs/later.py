"""Does what nobody waits for a moment later, when what somebody waits for has been done."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

# Too short for a human to notice.
DELAY_S = 0.1

_log = logging.getLogger(__name__)


class Later:
    """Calls functions on a thread of its own, one after the other, each after a delay.

    Args:
        name: Of the thread; it is started when it is needed.
        delay_s: Seconds to wait.
    """

    def __init__(self, name: str, delay_s: float = DELAY_S) -> None:
        self._name = name
        self._delay_s = delay_s
        self._calls: deque[tuple[float, Callable[[], object]]] = deque()
        self._hurried = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, call: Callable[[], object]) -> None:
        """Have that called; after ``close``, at once."""
        with self._changed:
            if not self._is_closed:
                self._calls.append((time.monotonic() + self._delay_s, call))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                    self._thread.start()
                elif len(self._calls) == 1:
                    self._changed.notify()
                return
        _do(call)

    def hurry(self) -> None:
        """Have what is waiting called now: it is a good moment."""
        with self._changed:
            self._hurried = len(self._calls)
            if self._calls:
                self._changed.notify()

    def close(self) -> None:
        """Do at once what is left, and wait for its end. Safe to call twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (call := self._next_call()) is not None:
            _do(call)

    def _next_call(self) -> Callable[[], object] | None:
        with self._changed:
            while self._calls or not self._is_closed:
                left_s = self._calls[0][0] - time.monotonic() if self._calls else None
                if self._calls and (self._is_closed or self._hurried or (left_s or 0.0) <= 0.0):
                    self._hurried = max(0, self._hurried - 1)
                    return self._calls.popleft()[1]
                self._changed.wait(left_s)
        return None


def _do(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001  (it must not be the end of all that follows)
        _log.exception("What was left for later failed.")
