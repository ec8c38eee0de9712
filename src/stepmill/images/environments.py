"""Python environments that are built once and kept.

An environment lies in ``<folder>/<key>``, where the key is a hash of its requirements and of the
Python that it is made from. It is built in its final place, because scripts of an environment
hold its path; a file written last, ``complete.json``, says that it is whole. A lock file keeps two
processes from building the same one.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from stepmill.core.errors import ComputeError, InvalidInputError, UnsupportedError
from stepmill.core.json import read_json, write_json
from stepmill.images.interpreters import Interpreter, find_interpreter

Progress: TypeAlias = Callable[[str], None]

# So many of pip's last lines are shown when it fails.
LAST_LINES = 15

_COMPLETE = "complete.json"
_READY = "the environment is ready"
_WAITING = "waiting for another process that builds the same environment"
_OWN_LINES = (_READY, _WAITING)
# What pip says of files from ten megabytes on: Downloading torch-2.13.0-cp311-...whl (200.1 MB).
_LARGE_DOWNLOAD = re.compile(r"^\s*Downloading \S+ \((\d{2,}(\.\d+)? MB|[\d.]+ GB)\)")


def ignore_progress(_line: str) -> None:
    """Take a line of progress and drop it."""


def told_of_downloads(tell: Progress) -> Progress:
    """Return who takes all of pip's lines, and tells the first one, large downloads, and what Stepmill says.

    Args:
        tell: Gets these lines.
    """
    is_first = True

    def take(line: str) -> None:
        nonlocal is_first
        if is_first or line in _OWN_LINES or _LARGE_DOWNLOAD.search(line):
            is_first = False
            tell(line.strip())

    return take


class Environments:
    """The environments below one folder. Safe to share between threads and processes.

    Args:
        folder: Where they are kept; made when the first is built.
        python: The interpreter they are made from.
    """

    def __init__(self, folder: Path, python: Path | None = None) -> None:
        self._folder = folder
        self._python = python or Path(sys.executable)

    def python(
        self, requirements: Sequence[str], progress: Progress = ignore_progress, *, version: str = ""
    ) -> Path:
        """Return the interpreter of the environment with these requirements; build it if need be.

        Args:
            requirements: As pip takes them: ``pandas>=2.1``. No options.
            progress: Gets each line that says how the building goes.
            version: Which Python it must be made from: ``3.10``; empty: any will do.

        Raises:
            InvalidInputError: If a requirement is none.
            UnsupportedError: If there is no such Python, or it cannot make environments.
            ComputeError: If pip fails. What it said last is in the message.
        """
        wanted = _checked(requirements)
        base = self._base(version)
        home = self._folder / _key(base, wanted)
        python = home / "bin" / "python"
        if not _is_complete(home):
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(home.with_suffix(".lock"), progress):
                # Whoever held the lock before may have built it.
                if not _is_complete(home):
                    _build(base.path, home, wanted, progress)
        return python

    def versions(self, requirements: Sequence[str], *, version: str = "") -> Mapping[str, str]:
        """Return distribution -> version of an environment that was built; empty if it was not."""
        from packaging.utils import canonicalize_name

        marker = self._folder / _key(self._base(version), _checked(requirements)) / _COMPLETE
        if not marker.is_file():
            return {}
        document = read_json(marker.read_bytes(), where=str(marker))
        found = document.get("versions") if isinstance(document, Mapping) else None
        # tensorflow-cpu calls itself tensorflow_cpu; those who look it up do not.
        versions = found.items() if isinstance(found, Mapping) else ()
        return {canonicalize_name(name): str(version) for name, version in versions}

    def _base(self, version: str) -> Interpreter:
        own = Interpreter(self._python, platform.python_version())
        return own if not version or own.is_of(version) else find_interpreter(version)


def _key(base: Interpreter, requirements: Sequence[str]) -> str:
    made_from = (str(base.path), base.version, platform.machine(), *requirements)
    return sha256("\n".join(made_from).encode()).hexdigest()[:20]


def _build(python: Path, home: Path, requirements: Sequence[str], progress: Progress) -> None:
    shutil.rmtree(home, ignore_errors=True)
    progress(f"building an environment with {', '.join(requirements) or 'nothing but Python'}")
    try:
        _make(python, home, progress)
        if requirements:
            _install(home, requirements, progress)
        _mark_complete(home, requirements)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    progress(_READY)


def _make(python: Path, home: Path, progress: Progress) -> None:
    code, last = _run([str(python), "-I", "-m", "venv", str(home)], progress)
    if code != 0:
        raise UnsupportedError(
            f"{python} cannot make a virtual environment: {_joined(last)}",
            mend="Install Python's venv module (Debian: apt-get install python3-venv), or name an"
            " environment of your own for the image in stepmill.toml.",
        )


def _install(home: Path, requirements: Sequence[str], progress: Progress) -> None:
    listed = home / "requirements.txt"
    listed.write_text("".join(f"{requirement}\n" for requirement in requirements))
    pip = [str(home / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input"]
    code, last = _run([*pip, "--disable-pip-version-check", "-r", str(listed)], progress)
    if code != 0:
        raise ComputeError(
            f"pip could not install {', '.join(requirements)} (exit code {code}). Its last lines:\n"
            + _joined(last),
            where=str(home),
            mend="Check the requirements and the connection to the package index (PIP_INDEX_URL), "
            "or name an environment of your own for the image in stepmill.toml.",
        )


def _run(command: Sequence[str], progress: Progress) -> tuple[int, Sequence[str]]:
    """Run a program to its end; hand on its lines; return its exit code and its last lines."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                last.append(line.rstrip())
                progress(line.rstrip())
        except BaseException:
            process.kill()
            raise
    return process.returncode, tuple(last)


def _mark_complete(home: Path, requirements: Sequence[str]) -> None:
    folders = [str(path) for path in home.glob("lib/python*/site-packages")]
    versions = {found.name.lower(): found.version for found in metadata.distributions(path=folders)}
    unfinished = home / f"{_COMPLETE}.new"
    unfinished.write_text(write_json({"requirements": list(requirements), "versions": versions}))
    unfinished.replace(home / _COMPLETE)


def _is_complete(home: Path) -> bool:
    return (home / _COMPLETE).is_file() and os.access(home / "bin" / "python", os.X_OK)


def _checked(requirements: Sequence[str]) -> tuple[str, ...]:
    """Return the requirements in one order; equal sets then share an environment."""
    for requirement in requirements:
        if not requirement.strip() or requirement.lstrip().startswith("-") or not requirement.isprintable():
            raise InvalidInputError(
                f"{requirement!r} is not a requirement.",
                mend="Name distributions, such as 'pandas>=2.1'; options of pip go to pip's own"
                " configuration (PIP_INDEX_URL).",
            )
    return tuple(sorted({requirement.strip() for requirement in requirements}))


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Keep all others, of this process and of other ones, from what a file stands for.

    Args:
        path: The file; it is made, and left.
        progress: Gets a line if one has to wait.
    """
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            progress(_WAITING)
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Closing the file lets go of the lock; so does the end of the process, however it ends.
        yield


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines)
