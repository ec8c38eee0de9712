"""Which processes of a home live that run queries: each holds the lock of a file of its own."""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".owner"


class Owner:
    """This process, as one that runs queries. It counts as alive until it ends, however it ends.

    Args:
        folder: Of all owners of a home.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self.name = uuid.uuid4().hex
        self._file = os.open(self._path(self.name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def close(self) -> None:
        """Live no more."""
        with suppress(OSError):
            self._path(self.name).unlink()
        os.close(self._file)

    def is_alive(self, name: str) -> bool:
        """Return whether an owner lives."""
        if name == self.name:
            return True
        try:
            file = os.open(self._path(name), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            with suppress(OSError):
                self._path(name).unlink()
            return False
        finally:
            os.close(file)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
