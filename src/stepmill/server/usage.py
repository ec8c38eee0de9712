"""A server that lives for as long as somebody uses it.

Whoever uses it holds a shared lock on a file of the home; the kernel lets go of it however a process ends.
The server ends when it can have the lock for itself, and keeps it until it is gone: who comes meanwhile
waits, and then finds no server, never one that is about to end.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stepmill.storage.failures import translated_disk_errors

_LOOK_S = 0.25


@contextmanager
def in_use(path: Path) -> Iterator[int]:
    """Keep the server of a home alive; gives the lock's descriptor. Waits for one that is about to end.

    Args:
        path: The lock's file.

    Raises:
        StorageError: If it cannot be made.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


def is_used_by_others(descriptor: int) -> bool:
    """Return whether others hold the lock, too. If not, it is this process's alone from now on."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def end_when_unused(path: Path, end: Callable[[], None]) -> threading.Thread:
    """Call ``end`` as soon as nobody uses the server, on a thread of its own, which is returned.

    Args:
        path: The lock's file.
        end: Has the server end.

    Raises:
        StorageError: If the lock's file cannot be made.
    """
    descriptor = _open(path)

    def watch() -> None:
        pause = threading.Event()
        while is_used_by_others(descriptor):
            pause.wait(_LOOK_S)
        # Held until this process is gone.
        end()

    thread = threading.Thread(target=watch, name="end-when-unused", daemon=True)
    thread.start()
    return thread


def _open(path: Path) -> int:
    with translated_disk_errors():
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
