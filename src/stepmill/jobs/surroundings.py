"""What a job ran in: the machine, and the packages of its Python environment. Looked up once."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from stepmill.core.errors import ConflictError
from stepmill.core.json import Json
from stepmill.storage.records import RecordStore

# Lists of packages, each under its digest: many runs have the same.
ENVIRONMENT_KIND = "environment"

_GPUS = Path("/proc/driver/nvidia/gpus")
_DIGEST_LENGTH = 16


class Environments:
    """Keeps the lists of packages of Python environments, each list once.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._kept: set[str] = set()

    def keep(self, python: str) -> str:
        """Keep what is installed for an interpreter now, and return the digest that it is kept under.

        Empty if nothing can be told of it.
        """
        packages = packages_of(python)
        if not packages:
            return ""
        digest = digest_of(packages)
        if digest not in self._kept:
            if self._records.find(ENVIRONMENT_KIND, digest) is None:
                with suppress(ConflictError):  # somebody else was faster
                    self._records.create(ENVIRONMENT_KIND, digest, {"packages": dict(packages)})
            self._kept.add(digest)
        return digest


def packages_of(python: str) -> Mapping[str, str]:
    """Return name -> version of what is installed for an interpreter, and of ``python`` itself.

    Args:
        python: Path of the interpreter.
    """
    folders = _folders(python)
    return _packages(python, tuple((folder, _changed(folder)) for folder in folders))


def digest_of(packages: Mapping[str, str]) -> str:
    """Return what two lists of packages have in common only if they are the same."""
    lines = "\n".join(f"{name}=={version}" for name, version in sorted(packages.items()))
    return sha256(lines.encode(errors="replace")).hexdigest()[:_DIGEST_LENGTH]


@lru_cache(maxsize=1)
def this_machine() -> Mapping[str, Json]:
    """Return what is known of the machine: its name, processors, memory in bytes, accelerators."""
    told: dict[str, Json] = {
        "host": platform.node(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count() or 0,
    }
    with suppress(ValueError, OSError, AttributeError):
        told["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if gpus := _gpus():
        told["gpus"] = gpus
    return told


def _gpus() -> list[Json]:
    found: list[Json] = []
    with suppress(OSError):
        for one in sorted(_GPUS.iterdir()):
            lines = (one / "information").read_text(errors="replace").splitlines()
            found.extend(line.partition(":")[2].strip() for line in lines if line.startswith("Model:"))
    return found


def _folders(python: str) -> tuple[str, ...]:
    """Return where an interpreter finds packages."""
    if not python:
        return ()
    if python == sys.executable:
        return _own_folders()
    return tuple(str(one) for one in sorted(Path(python).parent.parent.glob("lib/python3.*/site-packages")))


@lru_cache(maxsize=1)
def _own_folders() -> tuple[str, ...]:
    # Python works them out anew each time, which takes as long as all else that is recorded of a job.
    return tuple(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  (a Path costs more than the question)
    except OSError:
        return 0


@lru_cache(maxsize=32)
def _packages(python: str, folders: tuple[tuple[str, int], ...]) -> Mapping[str, str]:
    """Read the names of metadata folders: asking each package would cost a hundred times as much."""
    found: dict[str, str] = {}
    for folder, _ in folders:
        with suppress(OSError):
            for entry in os.scandir(folder):
                if entry.name.endswith(".dist-info"):
                    name, _, version = entry.name.removesuffix(".dist-info").rpartition("-")
                    found[name.lower().replace("_", "-")] = version
    if not found:
        return {}
    if python == sys.executable:
        return {"python": platform.python_version(), **found}
    return {"python": Path(folders[0][0]).parent.name.removeprefix("python"), **found}
