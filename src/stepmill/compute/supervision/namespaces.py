"""A job's sandbox, made by its own supervisor: namespaces and mounts according to a ``SandboxPlan``.

The supervisor unshares the process namespace (and, for an ordinary user, the user namespace): its next
child is then the sandbox's process 1. That child makes the mounts, starts the program as its own child
and reaps orphans; when it ends, the kernel kills all that is left inside.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from stepmill.compute.supervision import kernel
from stepmill.compute.supervision.layout import is_device_place
from stepmill.compute.supervision.order import PERILOUS_PROC, SandboxPlan

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

# What every program may expect under /dev. Source: bubblewrap's --dev, Docker's default devices.
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = (
    ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"), ("core", "/proc/kcore"), ("ptmx", "pts/ptmx"),
)  # fmt: skip


def prepare_supervisor(*, new_user: bool) -> None:
    """Make the next child of this process the first of a new process namespace.

    Raises:
        OSError: If the system does not allow it.
    """
    if not new_user:
        kernel.unshare(kernel.NEW_PIDS)
        return
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER | kernel.NEW_PIDS)
    kernel.map_own_user(uid, gid)


def leave_shared(*, network: bool) -> None:
    """Leave the machine's mounts, names and, without ``network``, its network for own ones.

    Raises:
        OSError: If the system does not allow it.
    """
    flags = kernel.NEW_MOUNTS | kernel.NEW_IPC | kernel.NEW_UTS
    kernel.unshare(flags if network else flags | kernel.NEW_NETWORK)
    if not network:
        _raise_loopback()


def enter(plan: SandboxPlan) -> None:
    """Build the sandbox, and move all processes of this mount namespace into it.

    Raises:
        OSError: If the system does not allow it.
    """
    # Nothing that happens to mounts in here may be seen outside.
    kernel.mount("none", "/", flags=kernel.MS_RECURSIVE | kernel.MS_PRIVATE)
    kernel.bind(plan.root, plan.root)
    kernel.restrict(plan.root, read_only=False, devices=False)
    _mount_devices(plan.root + "/dev")
    for bind in plan.binds:
        if is_device_place(bind.target):
            _make_device_place(plan.root + bind.target, is_folder=bind.is_folder)
        kernel.bind(plan.source(bind), plan.root + bind.target)
        kernel.restrict(plan.root + bind.target, read_only=bind.read_only, devices=bind.device)
    _mount_proc(plan.root + "/proc")
    kernel.change_root(plan.root)


def _mount_devices(dev: str) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", kernel.MS_NOSUID, "mode=0755")
    for name in _DEVICES:
        os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        kernel.mount(f"/dev/{name}", f"{dev}/{name}", flags=kernel.MS_BIND)
    for name, target in _DEVICE_LINKS:
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(f"{dev}/shm")
    os.chmod(f"{dev}/shm", 0o1777)  # noqa: S103 - as on every system
    os.mkdir(f"{dev}/pts")
    options = "newinstance,ptmxmode=0666,mode=620"
    kernel.mount("devpts", f"{dev}/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, options)


def _make_device_place(place: str, *, is_folder: bool) -> None:
    if is_folder:
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))


def _mount_proc(proc: str) -> None:
    kernel.mount("proc", proc, "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    for name in PERILOUS_PROC:
        path = f"{proc}/{name}"
        # Not asked by access(2): of /proc/sys it says that root may not write there, and of the files in it
        # that it may.
        if os.path.exists(path):
            kernel.bind(path, path)
            kernel.restrict(path, read_only=True, devices=False)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        request = struct.pack("16sH14x", b"lo", 0)
        answer = fcntl.ioctl(link, _SIOCGIFFLAGS, request)
        flags = struct.unpack("16sH14x", answer)[1]
        fcntl.ioctl(link, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
