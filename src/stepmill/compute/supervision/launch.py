"""Starts a job's program: as a wrapper's command line, or in a sandbox that is made here.

A sandbox of our own has two processes. The first, process 1 of a new process namespace, makes the
mounts, reaps orphans, and tells how the program ended; the second becomes the program. Both are forked
before there is a job, as forking is the greater part of the time that a start takes: they wait until
the order comes by a pipe.

The child reports over a status pipe, one record each: ``R`` when the program is about to run, ``E``
with a length and a message when it could not be started, ``S`` with the wait status when the program in
our own sandbox has ended and nothing is left of it, ``s`` if something is. The pipe closes by itself
when a command line is executed.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import struct
import sys
from dataclasses import dataclass, replace
from typing import NoReturn

from stepmill.compute.supervision import processes
from stepmill.compute.supervision.cgroups import Limits
from stepmill.compute.supervision.order import Bind, Order, SandboxPlan, read_order, write_order
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
_ENDED_LEAVING_SOME = b"s"

# Those that the nursery and the supervisor handle for themselves.
_INHERITED_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1)
_MOST_DESCRIPTORS = 1 << 20 if sys.platform == "linux" else 4096
_NOT_STARTED = 127
_REHEARSAL = write_order(Order("", ("",), {"": ""}, "/", "", SandboxPlan("", (Bind("", ""),), (("", ""),))))


@dataclass(frozen=True)
class Launched:
    """A started job, or a sandbox that waits for one.

    Args:
        pid: The supervisor's child: the program, its wrapper, or process 1 of the sandbox.
        log_fd: What the job writes can be read here.
        status_fd: What the child reports can be read here.
        order_fd: Where a waiting sandbox wants its order written to; -1 for a started job.
    """

    pid: int
    log_fd: int
    status_fd: int
    order_fd: int = -1


@dataclass(frozen=True)
class Report:
    """What a child told by its status pipe.

    Args:
        error: Why the program could not be started; empty if it was.
        wait_status: How the program in our own sandbox ended, as ``wait`` gives it; None if unknown.
        is_clean: Whether nothing of the job is left.
    """

    error: str = ""
    wait_status: int | None = None
    is_clean: bool = False


def read_report(data: bytes) -> Report:
    """Read all that came through a status pipe.

    Example:
        >>> read_report(b"R" + b"S" + bytes(4))
        Report(error='', wait_status=0, is_clean=True)
    """
    rest = data.removeprefix(_RUNNING)
    if rest.startswith(_ERROR) and len(rest) > _LENGTH.size:
        size = _LENGTH.unpack_from(rest, 1)[0]
        return Report(error=rest[1 + _LENGTH.size :][:size].decode("utf-8", "replace"))
    if rest.startswith((_ENDED, _ENDED_LEAVING_SOME)) and len(rest) > _STATUS.size:
        return Report(wait_status=_STATUS.unpack_from(rest, 1)[0], is_clean=rest.startswith(_ENDED))
    return Report()


def launch(order: Order, limits: Limits, threads: ThreadCounts, waiting: Launched | None = None) -> Launched:
    """Start the job's program.

    Args:
        order: The job.
        limits: Its limits.
        threads: Thread-count functions of the libraries loaded here.
        waiting: A sandbox that is ready, for a job that wants one.

    Raises:
        OSError: If the system has no room for another process, or refuses a process namespace.
    """
    if not order.namespaces or order.plan is None:
        return _launch_plainly(order, limits, threads)
    if waiting is None:
        new_user, network = order.plan.new_user, order.plan.network
        waiting = prepare_sandbox(threads, new_user=new_user, network=network)
    _limit(waiting.pid, order, limits)
    # Looked for only now: the program may be forked at this very moment, and then has its parent's limits.
    for pid in processes.children(waiting.pid):
        _limit(pid, order, limits)
    _write_all(waiting.order_fd, write_order(order))
    return waiting


def _limit(pid: int, order: Order, limits: Limits) -> None:
    limits.add(pid)
    if _needs_own_limit(order, limits) and sys.platform == "linux":
        resource.prlimit(pid, resource.RLIMIT_DATA, (order.memory_bytes, order.memory_bytes))


def prepare_sandbox(threads: ThreadCounts, *, new_user: bool, network: bool) -> Launched:
    """Fork the two processes of a sandbox; they wait for an order.

    Raises:
        OSError: If the system does not allow it.
    """
    log_read, log_write = os.pipe()
    status_read, status_write = os.pipe()
    order_read, order_write = os.pipe()
    namespaces.prepare_supervisor(new_user=new_user)
    pid = os.fork()
    if pid == 0:
        # Only the supervisor may be able to read: writing then tells whether it still lives.
        for fd in (log_read, status_read, order_write):
            os.close(fd)
        try:
            _be_process_one(threads, log_write, status_write, order_read, network=network)
        except BaseException as error:  # noqa: BLE001
            _fail(status_write, error)
    for fd in (log_write, status_write, order_read):
        os.close(fd)
    return Launched(pid, log_read, status_read, order_write)


def _launch_plainly(order: Order, limits: Limits, threads: ThreadCounts) -> Launched:
    log_read, log_write = os.pipe()
    status_read, status_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(log_read)
        os.close(status_read)
        try:
            _be_the_program(order, limits, threads, log_write, status_write)
        except BaseException as error:  # noqa: BLE001
            _fail(status_write, error)
    os.close(log_write)
    os.close(status_write)
    return Launched(pid, log_read, status_read)


def _be_the_program(
    order: Order, limits: Limits, threads: ThreadCounts, log_fd: int, status_fd: int
) -> NoReturn:
    _leave_supervision()
    limits.add(os.getpid())
    if _needs_own_limit(order, limits):
        resource.setrlimit(resource.RLIMIT_DATA, (order.memory_bytes, order.memory_bytes))
    _take_streams(log_fd)
    os.setsid()
    _stay_with_supervisor(status_fd)
    os.write(status_fd, _RUNNING)
    _become_program(order, threads, status_fd)


def _needs_own_limit(order: Order, limits: Limits) -> bool:
    """Say whether memory is to be limited process by process, for want of a control group."""
    return bool(order.memory_bytes) and limits.memory_folder is None


def _be_process_one(
    threads: ThreadCounts, log_fd: int, status_fd: int, order_fd: int, *, network: bool
) -> NoReturn:
    """Be the sandbox's process 1: make it, start the program, reap orphans, report the program's end."""
    _leave_supervision()
    _stay_with_supervisor(status_fd)
    _take_streams(log_fd)
    os.close(log_fd)
    namespaces.leave_shared(network=network)
    go_read, go_write = os.pipe()
    program = os.fork()
    if program == 0:
        os.close(go_write)
        try:
            _wait_and_become_program(threads, go_read, status_fd)
        except BaseException as error:  # noqa: BLE001
            _fail(status_fd, error)
    os.close(go_read)
    # Nobody but the program and what it starts may hold the log open: its end tells that all is over.
    for fd in (0, 1, 2):
        os.close(fd)
    rehearse()
    data = _read_all(order_fd)
    if not data:  # the supervisor has ended, or has no use for a sandbox
        os._exit(0)
    order = read_order(data)
    if order.plan is not None:
        namespaces.enter(order.plan)
    os.write(status_fd, _RUNNING)
    _write_all(go_write, write_order(replace(order, plan=None)))  # what it needs of it
    _report_end_of(program, status_fd)


def _report_end_of(program: int, status_fd: int) -> NoReturn:
    while True:
        pid, status = os.wait()
        if pid != program:
            continue
        try:
            # Every process here is a descendant of this one, and orphans become its children: if it
            # has no child, there is no other.
            left = os.waitpid(-1, os.WNOHANG)[0] == 0
        except ChildProcessError:
            left = False
        os.write(status_fd, (_ENDED_LEAVING_SOME if left else _ENDED) + _STATUS.pack(status))
        os._exit(0)


def _wait_and_become_program(threads: ThreadCounts, go_fd: int, status_fd: int) -> NoReturn:
    os.setsid()
    kernel.drop_capabilities()
    rehearse()
    compile("", "rehearsal", "exec")
    data = _read_all(go_fd)
    if not data:
        os._exit(0)
    _become_program(read_order(data), threads, status_fd)


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


def _fail(status_fd: int, error: BaseException) -> NoReturn:
    with contextlib.suppress(OSError):
        text = str(error).encode("utf-8", "replace")[:_LONGEST_ERROR_BYTES]
        os.write(status_fd, _ERROR + _LENGTH.pack(len(text)) + text)
    os._exit(_NOT_STARTED)


def _leave_supervision() -> None:
    for number in _INHERITED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def _stay_with_supervisor(status_fd: int) -> None:
    """Never outlive the supervisor; and if it has died already, end: then nobody reads this."""
    if sys.platform == "linux":
        kernel.die_with_parent(signal.SIGKILL)
    poll = select.poll()
    poll.register(status_fd, 0)
    if poll.poll(0):
        os._exit(_NOT_STARTED)


def _take_streams(log_fd: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.close(null)


def rehearse() -> None:
    """Do what will be done with an order. A forked process copies each page of memory that it touches for
    the first time, and that takes longer than the work itself; so it is done while there is no hurry.
    """
    read_order(_REHEARSAL)


def _write_all(fd: int, data: bytes) -> None:
    """Write everything, and close."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except BrokenPipeError:  # the child has failed, and has told why
        return
    finally:
        os.close(fd)


def _read_all(fd: int) -> bytes:
    """Read until the end, and close."""
    pieces = []
    while piece := os.read(fd, 1 << 16):
        pieces.append(piece)
    os.close(fd)
    return b"".join(pieces)
