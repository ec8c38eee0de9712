"""Where the server of a home can be reached, and whether it lives.

A server holds a lock for as long as it lives; the kernel lets go of it however the process ends. So a
file that was left by a server that was killed is never taken for a server, and there is never a second
one. The lock is on a file of its own, because the other is replaced as a whole.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from contextlib import suppress
from pathlib import Path

import msgspec

from stepmill.core.errors import ConflictError, StorageError
from stepmill.storage.failures import translated_disk_errors

_LOCK_SUFFIX = ".lock"
_PATIENCE_S = 1.0
_PAUSE_S = 0.02


class RunningServer(msgspec.Struct, frozen=True):
    """A server that answers.

    Args:
        url: ``http://127.0.0.1:7070``.
        pid: Of its process.
        engine: Id of its engine, as executions name their owner.
        project: Folder that relative paths in its jobs start from.
    """

    url: str
    pid: int
    engine: str
    project: str = ""


class ServerFile:
    """The right to be the server of a home. Made locked; ``release`` gives it back."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        _forget_after_fork(self)

    @classmethod
    def acquire(cls, path: Path) -> ServerFile:
        """Become the server of the home in which that file lies; nobody is told yet where it is.

        Args:
            path: ``HomeLayout.server``.

        Raises:
            ConflictError: If another server has this home.
            StorageError: If the lock file cannot be made.
        """
        with translated_disk_errors():
            descriptor = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        held = cls(path, descriptor)
        deadline = time.monotonic() + _PATIENCE_S
        while not _lock(descriptor):
            # Whoever looks has a lock, too, for an instant.
            other = running_server(path)
            if other is None and time.monotonic() < deadline:
                time.sleep(_PAUSE_S)
                continue
            held.forget()
            raise ConflictError(
                f"A server has this home already: {other.url}, process {other.pid}."
                if other is not None
                else "A server has this home already; it is just starting or ending.",
                where=str(path.parent),
                mend="Use that one, or end it first; another home can be named by STEPMILL_HOME.",
            )
        held.withdraw()
        return held

    def announce(self, server: RunningServer) -> None:
        """Tell everyone where the server is. It must answer by now.

        Raises:
            StorageError: If the file cannot be written.
        """
        draft = self._path.with_name(f"{self._path.name}.new")
        with translated_disk_errors():
            draft.write_bytes(msgspec.json.encode(server))
            draft.chmod(0o600)
            draft.replace(self._path)

    def withdraw(self) -> None:
        """Tell nobody any more where the server is."""
        with translated_disk_errors():
            self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Be the server no longer. Releasing twice does nothing."""
        if self._descriptor is not None:
            with suppress(StorageError):
                self.withdraw()
            self.forget()

    def forget(self) -> None:
        """Close this process's hold on the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def running_server(path: Path) -> RunningServer | None:
    """Return the server of the home in which that file lies, if one answers.

    Args:
        path: ``HomeLayout.server``.

    Raises:
        StorageError: If the file is there and cannot be read.
    """
    try:
        descriptor = os.open(_lock_of(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"The server's lock cannot be read: {error.strerror}.", where=str(path)) from error
    try:
        # Shared, so that two who look at once do not take each other for the server.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    else:
        return None
    finally:
        os.close(descriptor)


_RUNNING = msgspec.json.Decoder(RunningServer)


def _read(path: Path) -> RunningServer | None:
    try:
        return _RUNNING.decode(path.read_bytes())
    except FileNotFoundError:
        # It has the lock, and does not answer yet, or no longer.
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StorageError(
            f"The server's file cannot be read: {error}.", where=str(path), mend="Start the server anew."
        ) from error


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_of(path: Path) -> Path:
    return path.with_suffix(_LOCK_SUFFIX)


def _forget_after_fork(held: ServerFile) -> None:
    # A forked child shares the lock: a job would hold it beyond the server's death.
    reference = weakref.ref(held)

    def forget() -> None:
        server = reference()
        if server is not None:
            server.forget()

    os.register_at_fork(after_in_child=forget)
