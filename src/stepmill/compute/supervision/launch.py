"""Starts a job's program: as a wrapper's command line, or in a sandbox that is made here.

The child reports over a status pipe, one record each: ``R`` when the program is about to run, ``E``
with a length and a message when it could not be started, ``S`` and the wait status when the program in
our own sandbox has ended. The pipe closes by itself when a command line is executed.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from typing import NoReturn

from stepmill.compute.supervision.cgroups import Limits
from stepmill.compute.supervision.order import Order
from stepmill.compute.supervision.script import run_script
from stepmill.compute.supervision.threads import ThreadCounts

if sys.platform == "linux":
    from stepmill.compute.supervision import kernel, namespaces

_STATUS = struct.Struct("=i")
_LENGTH = struct.Struct("=H")
_LONGEST_ERROR_BYTES = 1000
_RUNNING = b"R"
_ERROR = b"E"
_ENDED = b"S"

# Those that the nursery and the supervisor handle for themselves.
_INHERITED_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1)
_MOST_DESCRIPTORS = 1 << 20 if sys.platform == "linux" else 4096


@dataclass(frozen=True)
class Launched:
    """A started job.

    Args:
        pid: The supervisor's child: the program, its wrapper, or process 1 of the sandbox.
        log_fd: What the job writes can be read here.
        status_fd: What the child reports can be read here.
    """

    pid: int
    log_fd: int
    status_fd: int


@dataclass(frozen=True)
class Report:
    """What a child told by its status pipe.

    Args:
        error: Why the program could not be started; empty if it was.
        wait_status: How the program in our own sandbox ended, as ``wait`` gives it; None if unknown.
    """

    error: str = ""
    wait_status: int | None = None


def launch(order: Order, limits: Limits, threads: ThreadCounts) -> Launched:
    """Fork the job's first process.

    Raises:
        OSError: If the system has no room for another process, or refuses a process namespace.
    """
    log_read, log_write = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
    status_read, status_write = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
    if order.namespaces and order.plan is not None:
        namespaces.prepare_supervisor(order.plan)
    pid = os.fork()
    if pid == 0:
        try:
            # Only the supervisor may be able to read: writing then tells whether it still lives.
            os.close(log_read)
            os.close(status_read)
            _be_the_job(order, limits, threads, log_write, status_write)
        except BaseException as error:  # noqa: BLE001
            _fail(status_write, error)
    os.close(log_write)
    os.close(status_write)
    return Launched(pid, log_read, status_read)


def read_report(data: bytes) -> Report:
    """Read all that came through a status pipe.

    Example:
        >>> read_report(b"R" + b"S" + bytes(4))
        Report(error='', wait_status=0)
    """
    rest = data.removeprefix(_RUNNING)
    if rest.startswith(_ERROR):
        size = _LENGTH.unpack_from(rest, 1)[0]
        return Report(error=rest[1 + _LENGTH.size :][:size].decode("utf-8", "replace"))
    if rest.startswith(_ENDED) and len(rest) > _STATUS.size:
        return Report(wait_status=_STATUS.unpack_from(rest, 1)[0])
    return Report()


def _fail(status_fd: int, error: BaseException) -> NoReturn:
    with contextlib.suppress(OSError):
        text = str(error).encode("utf-8", "replace")[:_LONGEST_ERROR_BYTES]
        os.write(status_fd, _ERROR + _LENGTH.pack(len(text)) + text)
    os._exit(127)


def _be_the_job(order: Order, limits: Limits, threads: ThreadCounts, log_fd: int, status_fd: int) -> NoReturn:
    for number in _INHERITED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    limits.join()
    if order.memory_bytes and limits.memory_folder is None:
        resource.setrlimit(resource.RLIMIT_DATA, (order.memory_bytes, order.memory_bytes))
    _take_streams(log_fd)
    if order.namespaces and order.plan is not None:
        namespaces.enter(order.plan)
        _be_process_one(order, threads, status_fd)
    os.setsid()
    _stay_with_supervisor(status_fd)
    _become_program(order, threads, status_fd)


def _stay_with_supervisor(status_fd: int) -> None:
    """Never outlive the supervisor; and if it has died already, fail, as then nobody reads this."""
    if sys.platform == "linux":
        kernel.die_with_parent(signal.SIGKILL)
    os.write(status_fd, _RUNNING)


def _take_streams(log_fd: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)


def _be_process_one(order: Order, threads: ThreadCounts, status_fd: int) -> NoReturn:
    """Be the sandbox's process 1: start the program, reap orphans, report the program's end."""
    _stay_with_supervisor(status_fd)
    program = os.fork()
    if program == 0:
        try:
            os.setsid()
            kernel.drop_capabilities()
            _become_program(order, threads, status_fd)
        except BaseException as error:  # noqa: BLE001
            _fail(status_fd, error)
    # Nobody else may hold the log open: its end tells the supervisor that all is over.
    for fd in (0, 1, 2):
        os.close(fd)
    while True:
        pid, status = os.wait()
        if pid == program:
            os.write(status_fd, _ENDED + _STATUS.pack(status))
            os._exit(0)


def _become_program(order: Order, threads: ThreadCounts, status_fd: int) -> NoReturn:
    if order.script:
        os.closerange(3, _MOST_DESCRIPTORS)
        if sys.platform == "linux":
            kernel.set_process_name("python")
        threads.restore(order.environment)
        run_script(order.argv, order.environment, order.directory)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):  # what Python changes for itself
        signal.signal(number, signal.SIG_DFL)
    os.chdir(order.directory)
    try:
        os.execvpe(order.argv[0], order.argv, order.environment)  # noqa: S606
    except OSError as error:
        _fail(status_fd, OSError(f"{order.argv[0]}: {error.strerror}"))
