"""The order that a server leaves in a job's folder for the supervisor, and its text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

# What a job must not write to in /proc. Through these a process with user id 0, however few its
# capabilities, could change the whole machine. Source: the read-only paths of the OCI runtimes.
PERILOUS_PROC = ("acpi", "asound", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger")


@dataclass(frozen=True)
class Bind:
    """Something of this machine, shown to the job.

    Args:
        source: Absolute path on this machine.
        target: Absolute path inside.
        read_only: Whether the job may not write to it.
        device: Whether it is a device that must stay usable as one.
        is_folder: Whether it is a folder.
        in_root: Whether ``source`` is a path within the job's own root instead.
    """

    source: str
    target: str
    read_only: bool = True
    device: bool = False
    is_folder: bool = True
    in_root: bool = False


@dataclass(frozen=True)
class SandboxPlan:
    """What a job sees. One plan, carried out by bubblewrap or by ``namespaces``.

    Args:
        root: The folder on this machine that becomes ``/``, writable; empty until one is taken.
        binds: What is shown over it, in this order.
        links: Symbolic links made in the root beforehand: (path inside, what it points to).
        folders: Folders made in the root beforehand: (path inside, mode).
        files: Small files made in the root beforehand: (path inside, mode, text).
        network: Whether the job shares this machine's network; else it has a loopback of its own.
        new_user: Whether a user namespace is needed to set all this up.
    """

    root: str
    binds: tuple[Bind, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, int], ...] = ()
    files: tuple[tuple[str, int, str], ...] = ()
    network: bool = True
    new_user: bool = True

    def source(self, bind: Bind) -> str:
        """Return where on this machine lies what a bind shows."""
        return self.root + bind.source if bind.in_root else bind.source


@dataclass(frozen=True)
class Order:
    """What a supervisor shall do.

    Args:
        job_id: The job's name; for messages and the name of its control group.
        argv: What to start: with a sandbox of our own the program inside, else the wrapper's whole line.
        environment: All variables of ``argv``.
        directory: Working directory; inside, if the sandbox is our own.
        isolation: What the job has, as its record will say.
        plan: What is laid out before the start; None for a container.
        namespaces: Whether the supervisor itself makes the sandbox of ``plan``.
        script: Whether ``argv`` is an interpreter and a script that this process runs itself.
        program_depth: How many generations below the supervisor's child the program is, if the wrapper
            puts processes of its own between (bubblewrap: 2).
        container: Command that names the engine and the container, which must be removed at the end:
            ``("podman", "stepmill-x")``; empty otherwise.
        notes: For the job's record.
        timeout_seconds: 0 means never.
        grace_seconds: Between SIGTERM and SIGKILL.
        log_limit_bytes: Of the head of the log, and again of its tail.
        memory_bytes: 0 means no limit.
        cpus: 0 means no limit.
        limits_said: Whether it is noted if they cannot be had.
        preamble: What the log begins with.
    """

    job_id: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    isolation: str
    plan: SandboxPlan | None = None
    namespaces: bool = False
    script: bool = False
    program_depth: int = 0
    container: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    timeout_seconds: float = 0.0
    grace_seconds: float = 120.0
    log_limit_bytes: int = 64 * 1024 * 1024
    memory_bytes: int = 0
    cpus: float = 0.0
    limits_said: bool = True
    preamble: str = ""


def write_order(order: Order) -> bytes:
    """Return the order as JSON text."""
    # Not dataclasses.asdict: it copies every value deeply, which takes longer than all else here.
    return json.dumps(vars(order), default=vars).encode("utf-8", "surrogateescape")


def read_order(data: bytes) -> Order:
    """Read what ``write_order`` wrote.

    Example:
        >>> order = Order("j", ("true",), {}, "/", "none", SandboxPlan("/x", (Bind("/a", "/b"),)))
        >>> read_order(write_order(order)) == order
        True
    """
    fields: dict[str, Any] = json.loads(data)
    for name in ("argv", "container", "notes"):
        fields[name] = tuple(fields[name])
    if fields["plan"] is not None:
        fields["plan"] = read_plan(fields["plan"])
    return Order(**fields)


def read_plan(fields: dict[str, Any]) -> SandboxPlan:
    """Read a plan from the fields that ``write_order`` wrote."""
    return SandboxPlan(
        root=fields["root"],
        binds=tuple(Bind(**bind) for bind in fields["binds"]),
        links=tuple((path, target) for path, target in fields["links"]),
        folders=tuple((path, mode) for path, mode in fields["folders"]),
        files=tuple((path, mode, text) for path, mode, text in fields["files"]),
        network=fields["network"],
        new_user=fields["new_user"],
    )
