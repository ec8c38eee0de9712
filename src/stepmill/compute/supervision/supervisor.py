"""The supervisor of one job: starts it, keeps its log, stops it when asked or in time, tells the end.

It is a process of its own and depends on no server. Everything it knows is in the job's folder, and
everything it finds out is written there; the pipe that its server may have given it is only a bell.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

from stepmill.compute.supervision import files, processes
from stepmill.compute.supervision.cgroups import Limits, set_limits
from stepmill.compute.supervision.files import ExitRecord, RecordWriter, Started
from stepmill.compute.supervision.launch import Launched, Report, launch, read_report
from stepmill.compute.supervision.layout import LayoutError, clear_away, make_nested_places, skeleton
from stepmill.compute.supervision.order import Order, read_order
from stepmill.compute.supervision.pump import LogWriter
from stepmill.compute.supervision.roots import give_back_root, hold_root
from stepmill.compute.supervision.threads import ThreadCounts
from stepmill.compute.supervision.usage import UsageSampler

if sys.platform == "linux":
    from stepmill.compute.supervision import kernel

# What the bell says: look into the folder. The letter is only for whoever debugs.
RUNNING_BELL = b"r"
ENDED_BELL = b"e"

_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_F_SETPIPE_SZ = 1031
# After the job's end its log is read until nobody holds it open any more, but no longer than this
# without a new byte: a process that got away must not keep the job from ending.
_SILENCE_AFTER_END_SECONDS = 2.0
_ENGINE_CALL_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 3600.0
_LAST_WORDS_BYTES = 2000


def supervise(folder: Path, bell: int, signals: int, threads: ThreadCounts, waiting: Launched | None) -> None:
    """Carry out the order in a job's folder, to the end. Does nothing if that is done, or being done.

    Args:
        folder: The job's folder, with its order.
        bell: A pipe to write to when there is something new in the folder.
        signals: From ``catch_signals``.
        threads: What was found before the fork.
        waiting: A sandbox that waits for an order.
    """
    lock = files.take_lock(folder)
    if lock is None or (folder / files.EXIT).exists():
        return
    order = read_order((folder / files.SPEC).read_bytes())
    limits = set_limits(order.job_id, order.memory_bytes, order.cpus)
    now = time.time()
    root_lock = hold_root(order.plan.root) if order.plan is not None else -1
    notes = (*order.notes, *(limits.notes if order.limits_said else ()))
    started = Started(now, order.isolation, notes, order.script)
    record = RecordWriter(folder)
    try:
        if files.claim(folder, started):
            end = _Supervision(folder, order, limits, now, bell, signals).run(threads, waiting, record)
        else:
            end = lost(folder, now)
    except Exception as error:
        # The children die with this process, so nothing goes on unseen.
        record.write(replace(lost(folder, now), message=f"Its supervisor failed: {error!r}."))
        raise
    else:
        record.write(end)
    finally:
        _ring(bell, ENDED_BELL)
        if waiting is not None:
            # It has ended or is about to, or it never got its order.
            processes.send([waiting.pid], signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(waiting.pid, 0)
        limits.remove()
        _throw_away(folder, order, root_lock)


def _throw_away(folder: Path, order: Order, root_lock: int) -> None:
    if order.plan is None:
        clear_away(folder / files.ROOT)
        return
    with contextlib.suppress(OSError):
        give_back_root(order.plan.root, skeleton(order.plan), root_lock)


def lost(folder: Path, now: float) -> ExitRecord:
    """Return the record of a job whose supervisor died: nobody knows how it ended."""
    started = files.read_started(folder)
    return ExitRecord(
        ending="lost",
        exit_code=-1,
        started_at=started.at if started else now,
        ended_at=now,
        message="The job's supervisor was killed, or the machine restarted, before the job had ended.",
    )


def _ring(bell: int, letter: bytes) -> None:
    with contextlib.suppress(OSError):  # the server is gone: the folder tells the next one
        os.write(bell, letter)


def catch_signals() -> int:
    """Turn signals into bytes of a pipe; return its reading end."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        return

    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, ignore)
    return read


class _Supervision:
    """One job, from its start to its end."""

    def __init__(
        self, folder: Path, order: Order, limits: Limits, started_at: float, bell: int, signals: int
    ) -> None:
        self._folder = folder
        self._order = order
        self._limits = limits
        self._started_at = started_at
        self._bell = bell
        self._signals = signals
        self._log: LogWriter | None = None
        self._report = b""
        self._log_ended = False
        self._wait_status: int | None = None
        self._reason = ""  # the first of: stopped, timed-out
        self._deadline = time.monotonic() + order.timeout_seconds if order.timeout_seconds else None
        self._kill_at: float | None = None
        self._usage: UsageSampler | None = None

    def run(self, threads: ThreadCounts, waiting: Launched | None, record: RecordWriter) -> ExitRecord:
        """Start the program and see it to its end."""
        if (self._folder / files.STOP).exists():
            return self._record("stopped", -1, "It was asked to stop before it had started.")
        try:
            if self._order.plan is not None:
                make_nested_places(self._order.plan)
            if sys.platform == "linux" and not self._order.namespaces:
                kernel.adopt_orphans()
            child = launch(self._order, self._limits, threads, waiting)
        except (OSError, LayoutError) as error:
            return self._record("not-started", -1, str(error))
        # Only now: making files takes a while, and so the program starts in the meantime.
        self._log = LogWriter(self._folder, self._order.log_limit_bytes)
        if self._order.preamble:
            self._log.write(self._order.preamble.encode("utf-8", "surrogateescape"))
        with contextlib.suppress(OSError):  # the disk is full: there may be room at the end
            record.take_room()
        self._usage = UsageSampler(self._folder, child.pid, is_seen=not self._order.container)
        self._follow(child, self._log)
        self._end_what_is_left(child.pid)
        if not self._log_ended:
            self._drain(child.log_fd, self._log)
        self._log.close()
        return self._judge(read_report(self._report))

    def _follow(self, child: Launched, log: LogWriter) -> None:
        """Pass on the log, and heed signals and time, until the child has ended."""
        _enlarge(child.log_fd)
        poll = select.poll()
        for fd in (child.log_fd, child.status_fd, self._signals):
            poll.register(fd, select.POLLIN)
        while self._wait_status is None and not self._is_over():
            for fd, _ in poll.poll(self._milliseconds()):
                if fd == self._signals:
                    self._heed_signals(child)
                elif not self._take_in(child, fd, log):
                    poll.unregister(fd)
            self._heed_time(child)
        if self._wait_status is not None:
            while self._take_in(child, child.status_fd, log):
                pass

    def _is_over(self) -> bool:
        """Say whether the program has ended and nothing of it is left, log and all.

        Its sandbox's first process, which said so, may still be ending; nothing waits for that.
        """
        return self._log_ended and read_report(self._report).is_clean

    def _take_in(self, child: Launched, fd: int, log: LogWriter) -> bool:
        """Read from the log or the status pipe; False at its end."""
        data = os.read(fd, _READ_BYTES)
        if fd == child.log_fd:
            log.write(data)
            self._log_ended = not data
        else:
            if not self._report and data.startswith(b"R"):
                _ring(self._bell, RUNNING_BELL)
            self._report += data
        return bool(data)

    def _heed_signals(self, child: Launched) -> None:
        numbers = os.read(self._signals, 512)
        if signal.SIGCHLD in numbers:
            self._reap(child.pid)
        if (signal.SIGTERM in numbers or signal.SIGUSR1 in numbers) and self._wait_status is None:
            self._ask_to_end(child, "stopped")

    def _reap(self, main: int) -> None:
        """Collect all that has ended; orphans that were adopted too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == main:
                self._wait_status = status

    def _milliseconds(self) -> float:
        """Say how long nothing can become due."""
        now = time.monotonic()
        sample_at = self._usage.due if self._usage is not None else None
        known = (self._kill_at, None if self._reason else self._deadline, sample_at)
        moments = [at for at in known if at is not None]
        wait = min((at - now for at in moments), default=_LONGEST_WAIT_SECONDS)
        return max(0.0, min(wait, _LONGEST_WAIT_SECONDS)) * 1000 + 1

    def _heed_time(self, child: Launched) -> None:
        if self._wait_status is not None:
            return
        now = time.monotonic()
        if self._usage is not None:
            self._usage.look(now)
        if self._kill_at is not None and now >= self._kill_at:
            self._kill(child.pid)
            self._kill_at = now + 1.0  # and again, should something have been forked meanwhile
        elif self._deadline is not None and not self._reason and now >= self._deadline:
            self._ask_to_end(child, "timed-out")

    def _ask_to_end(self, child: Launched, reason: str) -> None:
        if self._reason:
            return
        self._reason = reason
        self._kill_at = time.monotonic() + self._order.grace_seconds
        generations = 1 if self._order.namespaces else self._order.program_depth
        program = processes.descend(child.pid, generations)
        if program:
            processes.send(processes.those_to_ask(program), signal.SIGTERM)
        else:
            self._kill(child.pid)  # it is only being set up, or nearly over

    def _kill(self, main: int) -> None:
        """End everything: killing the first process of a process namespace ends all that are in it."""
        if self._order.container:
            self._engine("kill")
        below = processes.descendants(main)
        processes.kill_group(main)
        processes.send([main, *below], signal.SIGKILL)

    def _engine(self, *words: str) -> str:
        """Ask the container engine; what it answers, empty if it does not."""
        engine, name = self._order.container[:-1], self._order.container[-1]
        try:
            answer = subprocess.run(
                [*engine, *words, name],
                env=self._order.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ENGINE_CALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return answer.stdout.decode("utf-8", "replace").strip()

    def _end_what_is_left(self, main: int) -> None:
        """End descendants that outlived the program where no process namespace has done so."""
        if self._order.container or self._order.namespaces:
            return
        processes.kill_group(main)
        processes.send(processes.descendants(os.getpid()), signal.SIGKILL)
        self._reap(main)

    def _drain(self, log_fd: int, log: LogWriter) -> None:
        """Read what is still in the pipe."""
        poll = select.poll()
        poll.register(log_fd, select.POLLIN)
        while poll.poll(_SILENCE_AFTER_END_SECONDS * 1000):
            data = os.read(log_fd, _READ_BYTES)
            if not data:
                return
            log.write(data)

    def _judge(self, report: Report) -> ExitRecord:
        """Say how the job ended."""
        code, by_signal = _decode(self._wait_status if report.wait_status is None else report.wait_status)
        state = self._last_state_of_container()
        if report.error:
            return self._record("not-started", -1, report.error)
        if self._reason:
            return self._record(self._reason, code)
        if refusal := self._wrapper_refusal(code, state):
            return self._record("not-started", -1, refusal)
        if code and (self._limits.killed_for_memory() or state.endswith(" true")):
            most = (
                f"the {self._order.memory_bytes >> 20} MiB" if self._order.memory_bytes else "all the memory"
            )
            return self._record("out-of-memory", code, f"It needed more than {most} that it may use.")
        # A wrapper can only pass a signal on as an exit code.
        if by_signal or (self._wraps and 128 < code < 128 + signal.NSIG):
            return self._record("signalled", code, f"It was ended by {_signal_name(code - 128)}.")
        return self._record("exited", code)

    def _last_state_of_container(self) -> str:
        """Return the container's status and whether memory ran out, ``exited false``; and remove it."""
        if not self._order.container:
            return ""
        state = self._engine("inspect", "--format", "{{.State.Status}} {{.State.OOMKilled}}")
        self._engine("rm", "--force")
        return state

    @property
    def _wraps(self) -> bool:
        return self._order.program_depth > 0 or bool(self._order.container)

    def _wrapper_refusal(self, code: int, container_state: str) -> str:
        """Return what the wrapper said, if it was it that failed, and not the program."""
        if not self._wraps or code == 0 or container_state.startswith("exited "):
            return ""
        said = _beginning(self._folder / files.LOG)
        if self._order.container:
            return said or f"The container engine could not start it: it ended with code {code}."
        return said if code == 1 and said.startswith("bwrap: ") and "\n" not in said else ""

    def _record(self, ending: str, code: int, message: str = "") -> ExitRecord:
        trouble = self._log.trouble if self._log is not None else ""
        if trouble:
            message = f"{message} The log is incomplete: {trouble}.".strip()
        return ExitRecord(ending, code, self._started_at, time.time(), message)


def _beginning(log: Path) -> str:
    with contextlib.suppress(OSError), log.open("rb") as file:
        return file.read(_LAST_WORDS_BYTES).decode("utf-8", "replace").strip()
    return ""


def _decode(wait_status: int | None) -> tuple[int, bool]:
    """Return the exit code (128 + n for signal n), and whether it was a signal.

    Example:
        >>> _decode(3 << 8), _decode(9)
        ((3, False), (137, True))
    """
    if wait_status is None:
        return -1, False
    code = os.waitstatus_to_exitcode(wait_status)
    return (128 - code, True) if code < 0 else (code, False)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _enlarge(pipe: int) -> None:
    """Give the pipe more room, so that a burst of output does not make the program wait."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE_BYTES)
