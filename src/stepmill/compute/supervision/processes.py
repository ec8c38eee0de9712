"""Finds and signals the processes of a job."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# A shell that runs a script waits for its commands; the signal that asks to stop is meant for them.
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})


def children(pid: int) -> list[int]:
    """Return the children of a process, oldest first; empty where the system does not tell."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return _children_by_search(pid)


def _children_by_search(pid: int) -> list[int]:
    """Look through all processes: for kernels built without the list of children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat") if Path("/proc/self").exists() else ():
        try:
            after_name = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == pid:
            found.append(int(entry.parent.name))
    return sorted(found)


def descendants(pid: int) -> list[int]:
    """Return all processes below one, parents before children."""
    found = []
    for child in children(pid):
        found.append(child)
        found.extend(descendants(child))
    return found


def descend(pid: int, generations: int) -> int:
    """Return the first-born so many generations below a process; 0 if it is not there."""
    for _ in range(generations):
        born = children(pid)
        if not born:
            return 0
        pid = born[0]
    return pid


def those_to_ask(program: int) -> list[int]:
    """Return the processes that get SIGTERM when a job is asked to stop.

    That is the program alone, as with a container. But a shell with running commands would either die
    at once and take them with it, or, as process 1 of a container, ignore the signal. In its place its
    commands are asked, so that a training script started by one can still save its state.
    """
    born = children(program)
    if born and _name(program) in _SHELLS:
        return [pid for child in born for pid in those_to_ask(child)]
    return [program]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each that still lives."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def kill_group(leader: int) -> None:
    """Kill a process group, if it is there."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
