"""What of this machine a job may see, and what the machine can do."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stepmill.compute.supervision.order import Bind

# The parts of the machine's own file system that programs need; read-only for a job. Nothing of /home,
# /root, /var, /run, /mnt, /srv or /media is among them.
_SYSTEM_FOLDERS = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store",
)  # fmt: skip
# Readable for root, and no job's business.
_SECRET_FILES = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/krb5.keytab",
)  # fmt: skip
_SECRET_FOLDERS = ("/etc/ssh", "/etc/sudoers.d", "/etc/ssl/private", "/etc/kubernetes")
_DRIVERS = ("amdgpu*", "cuda*", "habanalabs*", "intel*", "nvidia*", "rocm*")
_GPU_DEVICES = ("nvidia*", "dri", "kfd")
_CAP_SYS_ADMIN = 21
_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class HostView:
    """The part of this machine that every job sees.

    Args:
        binds: What is shown, read-only, and what covers secrets in it.
        links: Symbolic links of the root: (path, target).
        secret_folders: Those in what is shown that an empty folder must cover.
    """

    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    secret_folders: tuple[str, ...]

    def covers(self, path: Path) -> bool:
        """Say whether a path is already shown."""
        return any(path.is_relative_to(bind.target) for bind in self.binds if not bind.device)


@cache
def host_view() -> HostView:
    """Look at this machine once."""
    binds: list[Bind] = []
    links: list[tuple[str, str]] = []
    for name in _SYSTEM_FOLDERS:
        if os.path.islink(name):
            links.append((name, os.readlink(name)))
        elif os.path.isdir(name):
            binds.append(Bind(name, name))
    binds.extend(_drivers())
    binds.extend(_resolver())
    binds.extend(_covers_of_secret_files())
    binds.extend(_hardware())
    secrets = tuple(path for path in _SECRET_FOLDERS if os.access(path, os.R_OK | os.X_OK))
    return HostView(tuple(binds), tuple(links), secrets)


def _drivers() -> list[Bind]:
    """Show what vendors of hardware put into /opt; the rest of it is hidden, as /opt/ml is the job's."""
    found = sorted(path for pattern in _DRIVERS for path in Path("/opt").glob(pattern) if path.is_dir())
    return [Bind(str(path), str(path)) for path in found]


def _resolver() -> list[Bind]:
    """Show the name server's settings where /etc only links to them (systemd-resolved)."""
    real = os.path.realpath("/etc/resolv.conf")
    return (
        [Bind(real, real, is_folder=False)] if not real.startswith("/etc/") and os.path.isfile(real) else []
    )


def _covers_of_secret_files() -> list[Bind]:
    return [
        Bind("/dev/null", path, device=True, is_folder=False)
        for path in _SECRET_FILES
        if os.access(path, os.R_OK)
    ]


def _hardware() -> list[Bind]:
    """Show GPUs, and what of /sys tells about processors."""
    found = [str(path) for pattern in _GPU_DEVICES for path in sorted(Path("/dev").glob(pattern))]
    devices = [
        Bind(path, path, read_only=False, device=True, is_folder=os.path.isdir(path)) for path in found
    ]
    parts = ("devices", "class", "bus", "module", "dev") if found else ("devices/system",)
    return [
        *(Bind(f"/sys/{part}", f"/sys/{part}") for part in parts if os.path.isdir(f"/sys/{part}")),
        *devices,
    ]


def has_capability(number: int) -> bool:
    """Say whether this process has a capability."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def may_administer() -> bool:
    """Say whether namespaces can be set up here without a user namespace."""
    return sys.platform == "linux" and os.geteuid() == 0 and has_capability(_CAP_SYS_ADMIN)


def may_raise_limits() -> bool:
    """Say whether resource limits above the hard ones can be given to a container."""
    return has_capability(_CAP_SYS_RESOURCE)
