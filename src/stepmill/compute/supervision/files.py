"""The files of a job's folder, and what they say together.

::

    spec.json         the order: what the supervisor shall do. Written by the server, replaced as a whole
    supervisor.lock   a POSIX lock on it is held by the supervisor for as long as it lives
    started.json      the claim: made once, under the lock, before the program is started
    stop              present once somebody has asked the job to stop
    log, log.<n>      what the program wrote; ``log.times``, ``log.<n>.times`` when (see ``pump``)
    exit.json         the exit record, written as a whole when all is over
    root/             the throw-away file system of the job

The kernel tells who holds a POSIX lock without taking it, so looking disturbs nobody, and a process
that dies, however it dies, holds no lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
import threading
import time
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

SPEC = "spec.json"
LOCK = "supervisor.lock"
STARTED = "started.json"
STOP = "stop"
EXIT = "exit.json"
LOG = "log"
ROOT = "root"

# Room for the exit record is taken when a job starts, so that a disk that is full when the job ends
# cannot lose the record. A record is cut to fit.
RECORD_BYTES = 4096
LONGEST_MESSAGE = 1000

# struct flock, for the F_GETLK call. Linux: type, whence, start, length, pid. macOS and the BSDs begin
# with the start.
_STARTS_WITH_KIND = sys.platform.startswith("linux")
_FLOCK = "hhqqi4x" if _STARTS_WITH_KIND else "qqihh"


class FolderState(Enum):
    """How a job's folder stands."""

    NEW = "new"  # nothing was started
    RUNNING = "running"  # a supervisor lives
    ENDED = "ended"  # there is an exit record
    LOST = "lost"  # started, no record, and no supervisor any more


@dataclass(frozen=True)
class Started:
    """The claim that a supervisor writes before it starts the program.

    Args:
        at: Seconds since the epoch.
        isolation: What the job really has.
        notes: What is weaker than was asked for.
        warm: Whether it was forked from a warm parent.
    """

    at: float
    isolation: str
    notes: tuple[str, ...] = ()
    warm: bool = False


@dataclass(frozen=True)
class ExitRecord:
    """How a job ended.

    Args:
        ending: A value of ``stepmill.compute.spec.Ending``.
        exit_code: As in ``JobEnded``.
        started_at: Seconds since the epoch.
        ended_at: Seconds since the epoch.
        message: For a human.
    """

    ending: str
    exit_code: int
    started_at: float
    ended_at: float
    message: str = ""


def lock_holder(folder: Path) -> int:
    """Return the process that supervises the job of a folder, 0 if none does.

    Takes no lock itself. The number is the one that this process's namespace knows it by.
    """
    try:
        fd = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        answer = fcntl.fcntl(fd, fcntl.F_GETLK, _whole_file(fcntl.F_WRLCK))
    finally:
        os.close(fd)
    kind, pid = _kind_and_pid(answer)
    return 0 if kind == fcntl.F_UNLCK else pid


def _whole_file(kind: int) -> bytes:
    if _STARTS_WITH_KIND:
        return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)
    return struct.pack(_FLOCK, 0, 0, 0, kind, os.SEEK_SET)


def _kind_and_pid(answer: bytes) -> tuple[int, int]:
    fields = struct.unpack(_FLOCK, answer)
    return (fields[0], fields[4]) if _STARTS_WITH_KIND else (fields[3], fields[2])


def take_lock(folder: Path) -> int | None:
    """Become the supervisor of a folder: its lock's file descriptor, or None if another one lives.

    The lock belongs to this process, is not inherited, and goes when any descriptor of the file is
    closed here.
    """
    fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def folder_state(folder: Path) -> FolderState:
    """Say how a folder stands.

    A claim is only made under the lock. So whoever sees a claim first, and then a free lock, and then
    no record, knows that the supervisor died; in any other order a supervisor that starts or ends in
    between would look lost.
    """
    if (folder / EXIT).exists():
        return FolderState.ENDED
    claimed = (folder / STARTED).exists()
    if lock_holder(folder):
        return FolderState.RUNNING
    if (folder / EXIT).exists():
        return FolderState.ENDED
    return FolderState.LOST if claimed else FolderState.NEW


def make_new(folder: Path, *, patience_seconds: float = 60.0) -> None:
    """Make the folder of a job that has ended one of which nothing was started; its log stays.

    May be repeated after a crash at any instant.

    Args:
        folder: Of the job.
        patience_seconds: How long its supervisor, which tidies up after the exit record, is waited for.

    Raises:
        TimeoutError: If that one lives on.
    """
    until = time.monotonic() + patience_seconds
    while lock_holder(folder):
        if time.monotonic() > until:
            raise TimeoutError(f"The supervisor of {folder.name} has not ended.")
        time.sleep(0.005)
    # The order first: a folder without one is new, whatever else still lies in it.
    for name in (SPEC, STOP, STARTED, EXIT):
        (folder / name).unlink(missing_ok=True)


def claim(folder: Path, started: Started) -> bool:
    """Make the claim; False if there is one already, which means that the program may have run.

    Raises:
        OSError: If the disk is full. Nothing is claimed then.
    """
    path = folder / STARTED
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    try:
        os.write(fd, json.dumps(vars(started)).encode())
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(fd)
    return True


def read_started(folder: Path) -> Started | None:
    """Read the claim; None if there is none, or its writer died while it wrote."""
    fields = _read(folder / STARTED)
    if fields is None:
        return None
    return Started(fields["at"], fields["isolation"], tuple(fields["notes"]), fields["warm"])


def read_exit(folder: Path) -> ExitRecord | None:
    """Read the exit record; None if there is none yet."""
    fields = _read(folder / EXIT)
    return None if fields is None else ExitRecord(**fields)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        fields = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step; nobody ever sees half of it. Not flushed to the device."""
    other = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    fd = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)
    other.replace(path)


class RecordWriter:
    """Writes the exit record, into room that was taken beforehand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reserve = folder / f".{EXIT}.{os.getpid()}"
        self._fd = -1

    def take_room(self) -> None:
        """Make sure that a disk that fills up later has room for the record.

        Raises:
            OSError: If it has none now.
        """
        self._fd = os.open(self._reserve, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.write(self._fd, b" " * RECORD_BYTES)

    def write(self, record: ExitRecord) -> None:
        """Write, flush to the device, and put in place.

        Raises:
            OSError: If that cannot be done. With room taken it can.
        """
        if self._fd < 0:
            self.take_room()
        data = _fitted(record)
        os.pwrite(self._fd, data, 0)
        os.ftruncate(self._fd, len(data))
        os.fsync(self._fd)
        os.close(self._fd)
        self._reserve.replace(self._folder / EXIT)


def _fitted(record: ExitRecord) -> bytes:
    fields = asdict(record)
    fields["message"] = record.message[:LONGEST_MESSAGE]
    while len(data := json.dumps(fields).encode()) > RECORD_BYTES:
        # Characters beyond ASCII take six bytes or twelve.
        fields["message"] = fields["message"][: len(fields["message"]) // 2]
    return data
