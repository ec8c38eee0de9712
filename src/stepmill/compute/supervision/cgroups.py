"""Limits of memory and CPU by Linux control groups, version 1 or 2: one group per job.

Which groups there are, and whether they may be written, differs from machine to machine. What cannot
be had is not silently left out: ``notes`` says it.

Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_CPU_PERIOD_MICROSECONDS = 100_000
_REMOVAL_TRIES = 50


@dataclass(frozen=True)
class _Hierarchy:
    """Where this process's own group is, in the hierarchy that has a controller."""

    folder: Path
    version: int


@dataclass
class Limits:
    """The control groups of one job.

    Args:
        folders: For the job's processes; removed when the job is over.
        memory_folder: The one that counts the job's memory, if there is one.
        notes: What could not be had.
    """

    folders: list[Path] = field(default_factory=list)
    memory_folder: Path | None = None
    memory_version: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, pid: int) -> None:
        """Put a process, and so all that it will start, under the limits."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def killed_for_memory(self) -> int:
        """Return how many of the job's processes the kernel killed because memory ran out."""
        if self.memory_folder is None:
            return 0
        name = "memory.oom_control" if self.memory_version == 1 else "memory.events"
        try:
            lines = (self.memory_folder / name).read_text().splitlines()
        except OSError:
            return 0
        counts = dict(line.split(" ", 1) for line in lines if " " in line)
        return int(counts.get("oom_kill", "0"))

    def remove(self) -> None:
        """Remove the groups. The kernel refuses while a process in them is still being torn down."""
        for folder in self.folders:
            for _ in range(_REMOVAL_TRIES):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.01)


def set_limits(job_id: str, memory_bytes: int, cpus: float, proc: Path = Path("/proc/self")) -> Limits:
    """Make the control groups of a job.

    Args:
        job_id: The job's name.
        memory_bytes: 0 means no limit.
        cpus: 0 means no limit.
        proc: Where the kernel tells about this process.
    """
    limits = Limits()
    name = f"stepmill-{job_id}-{os.getpid()}"
    if memory_bytes:
        _limit(limits, "memory", name, proc, lambda group: _set_memory(limits, group, memory_bytes))
    if cpus:
        _limit(limits, "cpu", name, proc, lambda group: _set_cpu(group, cpus))
    return limits


def remove_left_over(job_id: str, proc: Path = Path("/proc/self")) -> None:
    """Remove the groups of a job whose supervisor was killed."""
    left = Limits()
    for controller in ("memory", "cpu"):
        hierarchy = _find(controller, proc)
        if hierarchy is not None:
            left.folders += _home_of_new_groups(hierarchy, controller).glob(f"stepmill-{job_id}-[0-9]*")
    left.remove()


def _limit(
    limits: Limits, controller: str, name: str, proc: Path, apply: Callable[[_Hierarchy], None]
) -> None:
    word = {"memory": "memory", "cpu": "CPU"}[controller]
    hierarchy = _find(controller, proc)
    if hierarchy is None:
        limits.notes.append(f"no {word} limit: this machine offers no control group for it")
        return
    folder = _home_of_new_groups(hierarchy, controller) / name
    made = folder not in limits.folders
    try:
        folder.mkdir(exist_ok=True)
        if made:
            limits.folders.append(folder)
        apply(_Hierarchy(folder, hierarchy.version))
    except OSError as error:
        limits.notes.append(f"no {word} limit: control groups may not be set up here ({error.strerror})")


def _home_of_new_groups(own: _Hierarchy, controller: str) -> Path:
    """Return the group below which a job's group can be made.

    In version 2 a group that has processes cannot hand controllers on, so where the own group does not
    do so already, its parent is the place: services that systemd delegates to are set up so.
    """
    if own.version == 1:
        return own.folder
    for candidate in (own.folder, own.folder.parent):
        try:
            handed_on = (candidate / "cgroup.subtree_control").read_text().split()
        except OSError:
            continue
        if controller in handed_on:
            return candidate
    return own.folder


def _set_memory(limits: Limits, group: _Hierarchy, size_bytes: int) -> None:
    if group.version == 1:
        (group.folder / "memory.limit_in_bytes").write_text(str(size_bytes))
        with_swap = group.folder / "memory.memsw.limit_in_bytes"
        if with_swap.exists():
            with_swap.write_text(str(size_bytes))
    else:
        (group.folder / "memory.max").write_text(str(size_bytes))
        if (group.folder / "memory.swap.max").exists():
            (group.folder / "memory.swap.max").write_text("0")
    limits.memory_folder = group.folder
    limits.memory_version = group.version


def _set_cpu(group: _Hierarchy, cpus: float) -> None:
    quota = max(int(cpus * _CPU_PERIOD_MICROSECONDS), 1000)  # the kernel takes no quota below 1 ms
    if group.version == 1:
        (group.folder / "cpu.cfs_period_us").write_text(str(_CPU_PERIOD_MICROSECONDS))
        (group.folder / "cpu.cfs_quota_us").write_text(str(quota))
    else:
        (group.folder / "cpu.max").write_text(f"{quota} {_CPU_PERIOD_MICROSECONDS}")


def _find(controller: str, proc: Path) -> _Hierarchy | None:
    """Find the own group of the hierarchy that has the controller; version 1 is looked at first."""
    try:
        own = (proc / "cgroup").read_text().splitlines()
        mounts = (proc / "mountinfo").read_text().splitlines()
    except OSError:
        return None
    unified = None
    for line in own:
        number, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return _locate(mounts, path, controller)
        if number == "0" and not controllers:
            unified = path
    return None if unified is None else _locate(mounts, unified, None)


def _locate(mounts: list[str], path: str, controller: str | None) -> _Hierarchy | None:
    for line in mounts:
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(" "), (*after.split(" ", 2), "", "")[:3]
        root, point = fields[3], fields[4]
        if controller is None:
            matches = kind == "cgroup2"
        else:
            matches = kind == "cgroup" and controller in options.replace(" ", ",").split(",")
        if not matches:
            continue
        inner = "/" if path == root else path.removeprefix(root.rstrip("/"))
        folder = Path(point + inner)
        if folder.is_dir():
            return _Hierarchy(folder, 2 if controller is None else 1)
    return None
