"""Installs the requirements of the user's code into an environment of this job alone."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from .errors import SetupError

_LAST_LINES = 20


def install_requirements(requirements: Path, home: Path, say: Callable[[str], None]) -> None:
    """Install what a file asks for, unless the environment has all of it.

    What the image has is not installed again, and never touched: the new environment stands on it.

    Args:
        requirements: The file, as pip takes it.
        home: Where the new environment is made.
        say: Gets a line now and then.

    Raises:
        SetupError: If pip fails.
    """
    if are_satisfied(requirements):
        say("requirements.txt is satisfied by the environment; nothing is installed.")
        return
    import venv  # takes time, and is seldom needed

    venv.EnvBuilder(with_pip=False, symlinks=True).create(str(home))
    packages = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    image = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "image.pth").write_text("".join(f"{path}\n" for path in image), "utf-8")
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check", "-r", str(requirements)]
    # PIP_PYTHON would send pip elsewhere.
    environment = {n: value for n, value in os.environ.items() if n not in ("PYTHONPATH", "PIP_PYTHON")}
    say(f"Installing: pip install -r {requirements.name}")
    code, last = _run(command, environment, say)
    if code != 0:
        raise SetupError(
            f"pip install -r {requirements.name} failed with exit code {code}. Without access to a package "
            "index, list only what the image has, or name an environment for the image in stepmill.toml.\n"
            f"{last}"
        )
    site.addsitedir(str(packages))
    # It is appended; what was asked for must come before what the image has.
    sys.path.remove(str(packages))
    sys.path.insert(1, str(packages))


def are_satisfied(requirements: Path) -> bool:
    """Return whether every line is a plain requirement that an installed distribution meets."""
    try:
        from importlib.metadata import PackageNotFoundError, version

        from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return False
    for line in _lines(requirements):
        try:
            wanted = Requirement(line)
            if wanted.marker is not None and not wanted.marker.evaluate():
                continue
            if wanted.url or wanted.extras or version(wanted.name) not in wanted.specifier:
                return False
        except (InvalidRequirement, PackageNotFoundError):
            return False
    return True


def _lines(requirements: Path) -> list[str]:
    lines = (line.split(" #")[0].strip() for line in requirements.read_text("utf-8-sig").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _run(command: list[str], environment: dict[str, str], say: Callable[[str], None]) -> tuple[int, str]:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            last.append(line)
            say(line.rstrip("\n"))
    return process.returncode, "".join(last)
