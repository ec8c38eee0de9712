"""Folders for work that is under way: gone at its end, and swept away by the next one if it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stepmill.storage.failures import translated_disk_errors

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a new folder, and remove those that killed processes left.

    Whoever works in one holds a lock on it, which the kernel takes from a process that dies.

    Args:
        parent: Where it is made; made itself when needed.
        prefix: What its name begins with. What else lies in the parent begins with something else.

    Raises:
        StorageError: If it cannot be made.
    """
    with translated_disk_errors():
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in parent.glob(f"{prefix}*"):
            _remove_if_left(left)
        folder, lock = _made(parent, prefix)
    try:
        yield folder
    finally:
        # Removed while still locked: nobody takes it for one that was left.
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        with suppress(FileNotFoundError):
            lock = os.open(folder, _OPEN)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(lock, folder):
                return folder, lock
            # Another one took it for one that was left, before it was locked.
            os.close(lock)


def _remove_if_left(folder: Path) -> None:
    try:
        lock = os.open(folder, _OPEN)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # somebody works in it
    finally:
        os.close(lock)


def _is_at(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False
