"""Locks by name among the threads and processes of one home."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stepmill.storage.failures import translated_disk_errors

_PRIVATE = 0o700


class NamedLocks:
    """Locks that one thread of one process holds at a time. A process that is killed holds none any more.

    Args:
        folder: Where a small file stays for each name that was ever locked. It is made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold the lock of a name; wait for it as long as it takes. A thread that has it must not ask again.

        Args:
            name: Letters and digits.

        Raises:
            StorageError: If the disk fails.
        """
        with translated_disk_errors():
            self._folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            path = self._folder / f"{name}.lock"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Each call opens the file anew, so that threads exclude each other as processes do.
            with translated_disk_errors():
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
