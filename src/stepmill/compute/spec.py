"""What crosses the line between jobs and compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from stepmill.core.settings import Isolation


@dataclass(frozen=True)
class Mount:
    """A folder or file of this machine, shown to the job at another place.

    Args:
        source: Absolute path on this machine. It exists.
        target: Absolute path inside the job: ``/opt/ml/input/data/train``.
        read_only: Whether the job may not write to it.
    """

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Resources:
    """The most that a job may use.

    Args:
        cpus: ``None`` means no limit.
        memory_bytes: Likewise.
        is_said: Whether the job's record says it where the machine does not offer control groups for them.
    """

    cpus: float | None = None
    memory_bytes: int | None = None
    is_said: bool = True


@dataclass(frozen=True)
class JobSpec:
    """What to run, and in which surroundings.

    Args:
        job_id: Idempotency key: the job's name, ``[A-Za-z0-9-]{1,63}``.
        folder: The job's own folder on this machine, made by the caller. Compute keeps its files
            (``spec.json``, ``log``, ``exit.json``, ``supervisor.lock``) and the throw-away root in it.
        command: Program and arguments, as seen inside. ``python`` and ``python3`` mean ``python``.
        environment: The job's variables; nothing else is inherited but what compute must set.
        python: Interpreter of the environment that the image stands for.
        mounts: What the job sees, nearest to the root first. Parents are made.
        names: Other hosts, and itself, that it must find by name: (name, IPv4 address of this machine).
        programs: Shell scripts that a process finds by name before those of its environment: (name, text).
        oci_image: The image to run under an OCI engine; empty for processes.
        working_directory: As seen inside. ``/`` is writable and thrown away with the job.
        warm: Whether the job may be forked from a warm parent: only when it runs a Python script
            in Stepmill's own environment.
        source: The script, on this machine, that the one in ``command`` runs in its own process, if it
            does: a warm parent imports for it. ``None``: the one in ``command`` is meant.
        resources: Limits.
        network: Whether it may reach the network (``EnableNetworkIsolation`` is its opposite).
        loopback: Whether it must reach what listens on this machine for this machine alone. Processes do;
            a container is then put into the machine's network.
        timeout: After which it is stopped: ``MaxRuntimeInSeconds``. ``None``: never.
        grace: Between SIGTERM and SIGKILL. SageMaker: 120 s.
        isolation: The one wanted.
        log_limit_bytes: How much of the head, and again of the tail, of the log is kept.
        remarks: Lines that the log begins with, before what the job itself says.
        packages: Folder of Python libraries, as seen inside, that come before the image's; empty: none. The
            folder three above it has a folder ``bin`` with their programs.
    """

    job_id: str
    folder: Path
    command: tuple[str, ...]
    environment: Mapping[str, str]
    python: Path
    mounts: tuple[Mount, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    programs: tuple[tuple[str, str], ...] = ()
    oci_image: str = ""
    working_directory: str = "/"
    warm: bool = False
    source: Path | None = None
    resources: Resources = field(default_factory=Resources)
    network: bool = True
    loopback: bool = False
    timeout: timedelta | None = None
    grace: timedelta = timedelta(seconds=120)
    isolation: Isolation = Isolation.AUTO
    log_limit_bytes: int = 64 * 1024 * 1024
    remarks: tuple[str, ...] = ()
    packages: str = ""

    @property
    def preamble(self) -> str:
        """The text that the log begins with."""
        return "".join(f"{remark}\n" for remark in self.remarks)


class Ending(StrEnum):
    """Why a job ended."""

    EXITED = "exited"  # by itself; see the exit code
    SIGNALLED = "signalled"  # by a signal that nobody here sent
    STOPPED = "stopped"  # because it was asked to
    TIMED_OUT = "timed-out"
    OUT_OF_MEMORY = "out-of-memory"
    NOT_STARTED = "not-started"  # the sandbox or the program could not be started
    LOST = "lost"  # its supervisor was killed, or the machine restarted: nobody knows how it ended


@dataclass(frozen=True)
class JobRunning:
    """The job's program is running.

    Args:
        job_id: Whose.
        isolation: What it really has: ``bubblewrap``, ``namespaces``, ``podman``, ``none``.
        notes: What is weaker than was asked for, or worth knowing: ``no memory limit: ...``.
        warm: Whether it was forked from a warm parent.
    """

    job_id: str
    isolation: str
    notes: tuple[str, ...] = ()
    warm: bool = False


@dataclass(frozen=True)
class JobEnded:
    """The job's program has ended, and its log is complete.

    Args:
        job_id: Whose.
        ending: Why.
        exit_code: The program's, if it exited; 128 + n if signal n ended it; -1 if unknown.
        started_at: When the program was started. Aware, UTC.
        ended_at: When it had ended.
        message: More about it, for a human; may be empty.
    """

    job_id: str
    ending: Ending
    exit_code: int
    started_at: datetime
    ended_at: datetime
    message: str = ""


JobEvent: TypeAlias = JobRunning | JobEnded
Listener: TypeAlias = Callable[[JobEvent], None]


class Compute(Protocol):
    """Runs jobs. One that runs goes on when the process that started it dies."""

    def run(self, spec: JobSpec, listen: Listener) -> None:
        """Start the job, or pick it up if its folder shows that it was started before.

        Returns at once. ``listen`` gets at most one ``JobRunning`` and exactly one ``JobEnded``,
        from any thread, possibly before this returns.

        Raises:
            UnsupportedError: If the isolation asked for is not to be had here, or an isolated
                network is asked for and not to be had. Nothing was started.
            ComputeError: If the job cannot be started.
        """
        ...

    def stop(self, folder: Path) -> None:
        """Ask the job of that folder to end: SIGTERM now, SIGKILL after its grace time.

        Works from any process. Unknown or ended: does nothing.
        """
        ...

    def close(self) -> None:
        """Let go of what is kept warm. Jobs go on."""
        ...
