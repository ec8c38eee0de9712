"""Commits of several threads in one.

A commit that is on the disk costs a hundred times what it writes. Threads that come while one is being made
wait, and the next commit is of all of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from stepmill.core.errors import StepmillError, StorageError
from stepmill.storage.database import Database

_Result = TypeVar("_Result")

# So that nobody waits for very many others.
_MOST_AT_ONCE = 256


class _Write(Generic[_Result]):
    """What one thread wants to be written, and what came of it."""

    __slots__ = ("_bell", "change", "error", "is_done", "result")

    def __init__(self, change: Callable[[], _Result]) -> None:
        self.change = change
        self.result: _Result | None = None
        self.error: BaseException | None = None
        self.is_done = False
        # A lock that is taken twice waits for the one who gives it back: less than an event costs.
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self) -> None:
        self._bell.acquire()

    def ring(self) -> None:
        self._bell.release()


class GroupedWrites:
    """Makes one transaction of what several threads write at the same moment. Safe to share between threads.

    Args:
        database: Where they write.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: deque[_Write[Any]] = deque()
        self._is_led = False

    def run(self, change: Callable[[], _Result]) -> _Result:
        """Do a change in a transaction, and return what it returns once that is on the disk.

        Args:
            change: Called perhaps on another thread, after other changes of the same transaction. If it
                raises an error of its own, it must not have written anything: the others are kept.

        Raises:
            StorageError: If the database fails. Nothing was written.
            IllegalTransitionError: If this thread is writing already.
        """
        write = _Write(change)
        with self._lock:
            self._waiting.append(write)
            leads, self._is_led = not self._is_led, True
        if not leads:
            # The bell rings when it has been done, or when it is this thread's turn to lead.
            write.wait()
        if not write.is_done:
            self._lead(write)
        if write.error is not None:
            raise write.error
        return write.result  # type: ignore[return-value]

    def _lead(self, own: _Write[Any]) -> None:
        with self._lock:
            # Whoever leads came first, so its own write is among them.
            batch = [self._waiting.popleft() for _ in range(min(_MOST_AT_ONCE, len(self._waiting)))]
        try:
            with self._database.write():
                for write in batch:
                    _do(write)
        except BaseException as error:  # noqa: BLE001 - it is raised on each thread that waits for it
            for write in batch:
                write.error = error
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._is_led = following is not None
        for write in batch:
            write.is_done = True
            if write is not own:
                write.ring()
        if following is not None:
            following.ring()


def _do(write: _Write[Any]) -> None:
    try:
        write.result = write.change()
    except StorageError:
        raise
    except StepmillError as error:
        write.error = error
