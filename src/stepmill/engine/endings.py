"""Who waits for the end of an execution that this engine drives hears of it here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.storage.executions import ExecutionChange

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an execution, as it was written.

    Args:
        execution: Its id.
        change: What was written last.
    """

    execution: str
    change: ExecutionChange


Listener: TypeAlias = Callable[[Ending], None]


class Endings:
    """Tells ends. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, Listener] = {}
        self._listen_to_all: tuple[Listener, ...] = ()

    def listen_to_all(self, listener: Listener) -> None:
        """Have somebody told of every end, from now on; on the engine's thread: it must not block."""
        with self._lock:
            self._listen_to_all = (*self._listen_to_all, listener)

    def listen(self, execution: str, listener: Listener) -> None:
        """Have somebody told, once, of the end of an execution; on the engine's thread: it must not block."""
        with self._lock:
            self._listeners[execution] = listener

    def forget(self, execution: str) -> bool:
        """Tell of that end no more; return whether it has not been told."""
        with self._lock:
            return self._listeners.pop(execution, None) is not None

    def tell(self, change: ExecutionChange) -> None:
        """Tell whoever listens of an end that was written."""
        with self._lock:
            listener = self._listeners.pop(change.execution, None)
            listeners = self._listen_to_all if listener is None else (listener, *self._listen_to_all)
        for one in listeners:
            try:
                one(Ending(change.execution, change))
            except Exception:  # noqa: BLE001  (a bug in who listens must not end the engine)
                _log.exception("The end of execution %s could not be told.", change.execution)
