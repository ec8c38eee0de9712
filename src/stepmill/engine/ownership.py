"""Which engines live. An engine holds a locked file for as long as it lives.

The kernel lets go of the lock however the process ends, `kill -9` and power cuts included, so a
file that is there and not locked belonged to an engine that is dead for certain. That needs no
heartbeat, and no clock that two machines agree on. (Servers on several machines will need leases in
the database; this is for one home on one machine.)
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import weakref
from contextlib import suppress
from pathlib import Path

from stepmill.core.errors import StorageError

_SUFFIX = ".lock"
_ENGINE_ID = re.compile(r"[0-9a-f]{16}")


class EngineLock:
    """Proof that an engine lives. Made locked; ``release`` ends it."""

    def __init__(self, folder: Path, engine_id: str, descriptor: int) -> None:
        self.engine_id = engine_id
        self._path = folder / f"{engine_id}{_SUFFIX}"
        self._descriptor: int | None = descriptor
        _close_after_fork(self)

    @classmethod
    def acquire(cls, folder: Path) -> EngineLock:
        """Take a new engine id and lock its file in that folder, which is made.

        Raises:
            StorageError: If the file cannot be made or locked.
        """
        engine_id = secrets.token_hex(8)
        # Locked under another name first: a file with the right name is locked from the moment
        # in which others can see it.
        draft = folder / f"{engine_id}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            draft.rename(folder / f"{engine_id}{_SUFFIX}")
        except OSError as error:
            raise StorageError(
                f"The engine's lock file cannot be made: {error.strerror}.",
                where=str(draft),
                mend="The folder must be writable and on a file system with locks.",
            ) from error
        return cls(folder, engine_id, descriptor)

    def release(self) -> None:
        """Tell everyone that the engine is gone. Releasing twice does nothing."""
        if self._descriptor is not None:
            with suppress(FileNotFoundError):
                self._path.unlink()
            self.forget()

    def forget(self) -> None:
        """Close this process's hold on the file, leaving the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_alive(folder: Path, engine_id: str) -> bool:
    """Return whether the engine of that id lives. A dead one's file is removed."""
    if not _ENGINE_ID.fullmatch(engine_id):
        return False
    path = folder / f"{engine_id}{_SUFFIX}"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look at once do not take each other for the engine.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)


def remove_stale(folder: Path) -> list[str]:
    """Remove the lock files of dead engines; return their ids."""
    if not folder.is_dir():
        return []
    ids = sorted(path.stem for path in folder.glob(f"*{_SUFFIX}"))
    return [engine_id for engine_id in ids if not is_alive(folder, engine_id)]


def _close_after_fork(lock: EngineLock) -> None:
    # A forked child shares the lock: it would hold it beyond the engine's death.
    reference = weakref.ref(lock)

    def close() -> None:
        held = reference()
        if held is not None:
            held.forget()

    os.register_at_fork(after_in_child=close)
