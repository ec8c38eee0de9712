"""The lookout of an engine that serves: what is handed over to it, and what others have left behind.

A handed-over execution is owned by this engine and has an event in its inbox, which the driver notices. One
that was left behind is owned by an engine that is dead, or by nobody, and changes nothing in the store: so
it is looked for, now and then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Container, Mapping
from queue import Empty, SimpleQueue

from stepmill.core.errors import StepmillError

INTERVAL_S = 2.0

_log = logging.getLogger(__name__)


class Lookout:
    """Has executions adopted, on a thread of its own: reading a large definition must not hold up others.

    Args:
        take_left_behind: Drives what nobody drives, other than what is named; returns what it cannot drive,
            which is not tried again by itself.
        adopt: Drives one. The same holds for it.
        interval_s: How often is looked.
    """

    def __init__(
        self,
        take_left_behind: Callable[[Container[str]], Mapping[str, StepmillError]],
        adopt: Callable[[str], object],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._take_left_behind = take_left_behind
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
            refused = self._take_left_behind(self._refused)
        except StepmillError as error:
            _log.warning("What others left behind cannot be looked for: %s", error)
            return
        for execution, reason in refused.items():
            self._refuse(execution, reason)

    def _take(self, execution: str) -> None:
        try:
            self._adopt(execution)
        except StepmillError as error:
            self._refuse(execution, error)

    def _refuse(self, execution: str, error: StepmillError) -> None:
        _log.warning("Execution %s cannot be driven: %s", execution, error)
        self._refused.add(execution)
