"""Installs what the user's code asks for into an environment of this job alone.

What the image has is not installed again, and never touched: the new environment stands on it. ``train.py``
loads this file alone, so it imports nothing of its folder.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class InstallError(Exception):
    """Pip has failed."""


class Run(Protocol):
    """Runs a program to its end, showing what it says; returns its exit code and its last lines."""

    def __call__(self, command: Sequence[str], environment: Mapping[str, str], /) -> tuple[int, str]:
        """Run it."""
        ...


class Say(Protocol):
    """Writes a line to the log."""

    def __call__(self, text: str, /) -> None:
        """Write it."""
        ...


def install_requirements(requirements: Path, home: Path, *, run: Run, say: Say) -> Path | None:
    """Install what a file asks for, unless the environment has all of it.

    Args:
        requirements: The file, as pip takes it.
        home: Where the new environment is made.
        run: Runs pip.
        say: Gets a line now and then.

    Returns:
        Where the libraries lie, which is on this process's search path; ``None`` if nothing was missing.

    Raises:
        InstallError: If pip fails.
    """
    if are_satisfied(requirements):
        say(f"{requirements.name} is satisfied by the environment; nothing is installed.")
        return None
    return install(["-r", str(requirements)], home, run=run, say=say, shown=f"-r {requirements.name}")


def install(what: Sequence[str], home: Path, *, run: Run, say: Say, shown: str = "") -> Path:
    """Install what words for ``pip install`` name. See ``install_requirements``.

    Args:
        what: The words.
        home: Where the new environment is made.
        run: Runs pip.
        say: Gets a line now and then.
        shown: The words as they are told; the same if empty.
    """
    import venv  # takes time, and is seldom needed

    shown = shown or " ".join(what)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(str(home))
    packages = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    image = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "image.pth").write_text("".join(f"{path}\n" for path in image), "utf-8")
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--no-input"]
    # PIP_PYTHON would send pip elsewhere.
    environment = {n: value for n, value in os.environ.items() if n not in ("PYTHONPATH", "PIP_PYTHON")}
    say(f"Installing: pip install {shown}")
    code, last = run([*command, "--disable-pip-version-check", *what], environment)
    if code != 0:
        raise InstallError(
            f"pip install {shown} failed with exit code {code}. Without access to a package index, list only "
            f"what the image has, or name an environment for the image in stepmill.toml.\n{last}"
        )
    site.addsitedir(str(packages))
    # It is appended; what was asked for must come before what the image has.
    sys.path.remove(str(packages))
    sys.path.insert(1, str(packages))
    return packages


def are_satisfied(requirements: Path) -> bool:
    """Return whether every line is a plain requirement that an installed distribution meets."""
    try:
        from importlib.metadata import PackageNotFoundError, version

        from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return False
    lines = (line.split(" #")[0].strip() for line in requirements.read_text("utf-8-sig").splitlines())
    for line in lines:
        if not line or line.startswith("#"):
            continue
        try:
            wanted = Requirement(line)
            if wanted.marker is not None and not wanted.marker.evaluate():
                continue
            if wanted.url or wanted.extras or version(wanted.name) not in wanted.specifier:
                return False
        except (InvalidRequirement, PackageNotFoundError):
            return False
    return True
