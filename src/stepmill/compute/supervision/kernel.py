"""The kernel calls that Python's standard library does not offer, by ctypes. Linux only."""

from __future__ import annotations

import ctypes
import os
import struct

NEW_MOUNTS = 0x00020000
NEW_UTS = 0x04000000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_RECURSIVE = 0x4000
MS_PRIVATE = 0x40000

_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_SECUREBITS = 28
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522
# SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP and SECBIT_NO_CAP_AMBIENT_RAISE, each with its lock.
_ROOT_IS_NOBODY = 0x3 | 0xC | 0xC0

# The same number on every architecture since Linux 5.1, with which new calls got one table.
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_ATTR_READ_ONLY = 0x1
_ATTR_NOSUID = 0x2
_ATTR_NODEV = 0x4

# pivot_root has no wrapper in glibc, and its number differs.
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave the shared namespaces of these kinds for new ones.

    Raises:
        OSError: If the system does not allow it.
    """
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount, as ``mount(2)``."""
    _checked(
        _libc.mount(
            os.fsencode(source), os.fsencode(target), kind.encode() or None,
            ctypes.c_ulong(flags), data.encode() or None,
        ),
        f"mount of {source} at {target}",
    )  # fmt: skip


def bind(source: str, target: str) -> None:
    """Show a folder or file, with all that is mounted below it, at another place."""
    mount(source, target, flags=MS_BIND | MS_RECURSIVE)


def restrict(target: str, *, read_only: bool, devices: bool) -> None:
    """Take rights from a mount and all mounts below it: at least that of setting user ids."""
    attributes = _ATTR_NOSUID
    attributes |= _ATTR_READ_ONLY if read_only else 0
    attributes |= 0 if devices else _ATTR_NODEV
    wish = struct.pack("<QQQQ", attributes, 0, 0, 0)
    _checked(
        _libc.syscall(
            ctypes.c_long(_SYS_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD), os.fsencode(target),
            ctypes.c_uint(_AT_RECURSIVE), wish, ctypes.c_size_t(len(wish)),
        ),
        f"mount_setattr of {target}",
    )  # fmt: skip


def change_root(root: str) -> None:
    """Make a mount point the root; nothing of the old root can be reached afterwards.

    Raises:
        OSError: If the system does not allow it, or its pivot_root call is not known here.
    """
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root is not known for {os.uname().machine}")
    os.chdir(root)
    # With both arguments "." the old root ends up on top of the new one, and is taken off from there:
    # no folder for it is needed. See pivot_root(2), "pivot_root(".", ".")".
    _checked(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _checked(_libc.umount2(b".", ctypes.c_int(_DETACH)), "umount of the old root")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Ask for a signal when the thread that started this process ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


def set_process_name(name: str) -> None:
    """Set the name that ``ps`` and ``top`` show, cut to 15 bytes."""
    _libc.prctl(_PR_SET_NAME, os.fsencode(name)[:15], 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every capability, for ever: this process and what it starts can never regain one.

    Two locks, each enough: programs that user 0 executes get nothing for being user 0, and no program
    gets more than its caller has. See capabilities(7), "The securebits flags", and no_new_privs.
    """
    _checked(_libc.prctl(_PR_SET_SECUREBITS, ctypes.c_ulong(_ROOT_IS_NOBODY), 0, 0, 0), "securebits")
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0), "no_new_privs")
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, struct.pack("=6I", 0, 0, 0, 0, 0, 0)), "capset")


def map_own_user(uid: int, gid: int) -> None:
    """In a new user namespace, be uid 0 and gid 0; outside everything stays the user's own."""
    _write("/proc/self/uid_map", f"0 {uid} 1")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"0 {gid} 1")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
