"""Begins a process that runs queries: takes from it what no query needs, then loads what runs them.

DuckDB has locks of its own. Should a query find its way around them, the system still lets the process
read nothing but objects and libraries, write nowhere but where queries spill, execute nothing and reach no
network.

Linux only: Landlock for files and TCP, where the kernel has it; a network of its own, where it may have one.
What is lacking, if neither keeps it from the network, or nothing from files, is told to whoever began the
process. All of it is a dozen system calls.

Source: landlock(7); the kernel's documentation, "Landlock: unprivileged access control".
"""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# The same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_FOR_VERSION, _PATH_BENEATH = 1, 1
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9
_NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x08000000, 0x10000000, 0x40000000

_WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE_FILE, _MAKE_FOLDER, _MAKE_FILE, _TRUNCATE = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 14
_READING = _READ_FILE | _READ_FOLDER
_SPILLING = _READING | _WRITE_FILE | _REMOVE_FOLDER | _REMOVE_FILE | _MAKE_FOLDER | _MAKE_FILE | _TRUNCATE
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
# So many rights over files each version knows; later ones know as many as the last.
_RIGHTS = (13, 14, 15, 15, 16)
_ALL_TCP, _TCP_SINCE = 0x3, 4
# Signals to other processes, and abstract sockets of theirs.
_ALL_SCOPES, _SCOPES_SINCE = 0x3, 6

# What belongs to nobody, and libraries look at: shared libraries, time zones, what this process may use.
_PUBLIC = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/sys/devices/system/cpu",
    "/sys/fs/cgroup", "/proc/self", "/proc/meminfo", "/proc/cpuinfo",
)  # fmt: skip
# Where Stepmill itself lies, installed or not.
_OWN = str(Path(__file__).parents[3])
# Beside what DuckDB is allowed: the interpreter, the libraries, what threads reserve and never use.
_BEYOND_DUCKDB_BYTES = 6 * 1024**3
# DuckDB bounds what a query puts on the disk; the system bounds each file of it.
SPILL_FACTOR = 4


def main() -> None:
    """Confine this process and have it take requests.

    Arguments: the process that began this one, bytes of DuckDB's memory, threads, the folder to spill to,
    folders whose files may be read.
    """
    parent, memory_bytes, threads = map(int, sys.argv[1:4])
    folder, *readable = sys.argv[4:]
    bound(memory_bytes)
    lacks = confine(readable, folder)
    _end_with(parent)
    from stepmill.catalog.sql.child import serve

    serve(memory_bytes, SPILL_FACTOR * memory_bytes, threads, folder, lacks)


def bound(memory_bytes: int) -> None:
    """Bound what this process may use: memory and the size of its files; and leave no dumps."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes + _BEYOND_DUCKDB_BYTES),
        (resource.RLIMIT_FSIZE, SPILL_FACTOR * memory_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def confine(readable: Iterable[str], writable: str) -> list[str]:
    """Let this process reach nothing but files of some folders. It must have one thread only.

    Args:
        readable: Folders whose files may be read, beside libraries.
        writable: The folder in which files may be written, too.

    Returns:
        What the system does not offer, for humans.
    """
    if sys.platform != "linux":
        return [f"{sys.platform} offers no sandbox that is used here"]
    libc = ctypes.CDLL(None, use_errno=True)
    lacks: list[str] = []
    # An ordinary user needs to be somebody else for a moment; his files stay his.
    flags = _NEW_NETWORK | _NEW_IPC | (0 if os.geteuid() == 0 else _NEW_USER)
    no_network = "" if libc.unshare(ctypes.c_int(flags)) == 0 else _why()
    version = libc.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), _ASK_FOR_VERSION)
    libraries = [sys.base_prefix, sys.prefix, _OWN, *sys.path]
    why = _restrict(libc, version, [*_PUBLIC, *libraries, *readable], writable) if version > 0 else _why()
    if why:
        lacks.append(f"no Landlock ({why})")
    if no_network and (why or version < _TCP_SINCE):
        lacks.append(f"no network of its own ({no_network})")
    return lacks


def _restrict(libc: ctypes.CDLL, version: int, readable: Sequence[str], writable: str) -> str:
    """Restrict this process by Landlock; return why it cannot be."""
    rights = (1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1
    wish = struct.pack("Q", rights)
    wish += struct.pack("Q", _ALL_TCP) if version >= _TCP_SINCE else b""
    wish += struct.pack("Q", _ALL_SCOPES) if version >= _SCOPES_SINCE else b""
    rules = libc.syscall(ctypes.c_long(_CREATE_RULESET), wish, ctypes.c_size_t(len(wish)), 0)
    if rules < 0:
        return _why()
    try:
        for path, allowed in [*((path, _READING) for path in dict.fromkeys(readable)), (writable, _SPILLING)]:
            if not _allow(libc, rules, path, allowed & rights):
                return f"{path}: {_why()}"
        libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0)
        return "" if libc.syscall(ctypes.c_long(_RESTRICT_SELF), rules, 0) == 0 else _why()
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> bool:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True  # what is not there cannot be reached
    try:
        is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
        rule = struct.pack("=Qi", rights if is_folder else rights & _OF_FILES, place)
        return bool(libc.syscall(ctypes.c_long(_ADD_RULE), rules, _PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(place)


def _end_with(parent: int) -> None:
    """Be killed with whoever began this: a query outlives nobody. A change of rights would undo it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(_SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit()


def _why() -> str:
    return os.strerror(ctypes.get_errno())


if __name__ == "__main__":
    main()
