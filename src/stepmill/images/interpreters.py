"""Finds the Python interpreter of a version on this machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stepmill.core.errors import UnsupportedError

_ASK = """
import platform, sys
print(getattr(sys, "_base_executable", sys.executable))
print(platform.python_version())
"""
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Interpreter:
    """A Python.

    Args:
        path: Of the program.
        version: ``3.10.13``.
    """

    path: Path
    version: str

    def is_of(self, version: str) -> bool:
        """Return whether it is of a version, such as ``3.10``."""
        return f"{self.version}.".startswith(f"{version}.")


def own_interpreter() -> Interpreter:
    """Return the one that runs Stepmill."""
    return Interpreter(Path(sys.executable), platform.python_version())


def find_interpreter(version: str) -> Interpreter:
    """Return an interpreter of a version: the one that runs Stepmill if it is, else one of this machine.

    Args:
        version: ``3.10``.

    Raises:
        UnsupportedError: If there is none.
    """
    own = own_interpreter()
    if own.is_of(version):
        return own
    for program in _candidates(f"python{version}", version):
        found = _asked(program)
        if found is not None and found.is_of(version):
            return found
    raise UnsupportedError(
        f"Python {version} is needed, and there is none on this machine.",
        mend=f"Install it so that `python{version}` is found, or say in stepmill.toml which Python stands "
        'for the image: [images."NAME"], python = "/path/to/environment/bin/python".',
    )


def _candidates(name: str, version: str) -> Iterator[Path]:
    """Give the programs that may be it: those on the search path, then those that pyenv and uv keep."""
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if program := shutil.which(name, path=place):
            yield Path(program)
    keepers = (
        (Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions", f"{version}.*"),
        (Path.home() / ".local" / "share" / "uv" / "python", f"cpython-{version}*"),
    )
    for folder, pattern in keepers:
        for home in sorted(folder.glob(pattern), reverse=True):
            if (home / "bin" / name).is_file():
                yield home / "bin" / name


def _asked(program: Path) -> Interpreter | None:
    """Ask a program what it is: on the path may be a shim, which leads to another place or to nothing."""
    try:
        done = subprocess.run(
            [program, "-I", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_WAIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    return Interpreter(Path(lines[0]), lines[1]) if len(lines) > 1 else None
