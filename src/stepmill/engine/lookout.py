"""The lookout of an engine that serves: what is handed over to it, and what others have left behind.

A handed-over execution is owned by this engine and has an event in its inbox, which the driver notices. One
that was left behind is owned by an engine that is dead, or by nobody, and changes nothing in the store: so
it is looked for, now and then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue

from stepmill.core.errors import StepmillError

INTERVAL_S = 2.0

_log = logging.getLogger(__name__)


class Lookout:
    """Has executions adopted, on a thread of its own: reading a large definition must not hold up others.

    Args:
        left_behind: Returns the executions that nobody drives.
        adopt: Drives one. What it cannot drive is not tried again by itself.
        interval_s: How often is looked.
    """

    def __init__(
        self,
        left_behind: Callable[[], Iterable[str]],
        adopt: Callable[[str], object],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._left_behind = left_behind
        self._adopt = adopt
        self._interval_s = interval_s
        self._noticed: SimpleQueue[str | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._refused: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="stepmill-lookout", daemon=True)
        self._is_closed = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Adopt nothing more. Safe to call twice."""
        self._is_closed = True
        self._noticed.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def notice(self, execution: str) -> None:
        """Have an execution adopted soon that the engine owns and does not drive. Called by one thread."""
        if execution not in self._waiting:
            self._waiting.add(execution)
            self._noticed.put(execution)

    def _run(self) -> None:
        next_look = time.monotonic()
        while not self._is_closed:
            if (left_s := next_look - time.monotonic()) <= 0:
                self._look()
                next_look = time.monotonic() + self._interval_s
                continue
            try:
                execution = self._noticed.get(timeout=left_s)
            except Empty:
                continue
            if execution is not None:
                self._take(execution)
                self._waiting.discard(execution)

    def _look(self) -> None:
        try:
            found = [each for each in self._left_behind() if each not in self._refused]
        except StepmillError as error:
            _log.warning("What others left behind cannot be looked for: %s", error)
            return
        for execution in found:
            if not self._is_closed:
                self._take(execution)

    def _take(self, execution: str) -> None:
        try:
            self._adopt(execution)
        except StepmillError as error:
            _log.warning("Execution %s cannot be driven: %s", execution, error)
            self._refused.add(execution)
