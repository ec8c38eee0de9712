"""Which folders a Python environment needs to run, asked from its interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from stepmill.core.errors import ComputeError

_ASKING_SECONDS = 60.0

# Editable installs of setuptools map names to folders that are on no search path.
_QUESTION = """
import json, sys, os
mapped = []
for name, module in list(sys.modules.items()):
    if name.startswith("__editable__"):
        mapped.extend(getattr(module, "MAPPING", {}).values())
print(json.dumps({
    "executable": sys.executable, "prefix": sys.prefix, "base_prefix": sys.base_prefix,
    "version": list(sys.version_info[:3]),
    "base": getattr(sys, "_base_executable", "") or sys.executable,
    "search_path": [p for p in sys.path if p],
    "mapped": [os.path.dirname(str(p)) for p in mapped],
}))
"""


@dataclass(frozen=True)
class PythonFacts:
    """What is known of an interpreter.

    Args:
        executable: Its path, not resolved: the one that finds its virtual environment.
        version: ``(3, 11, 7)``.
        folders: All folders and files that it needs, absolute.
        base: The interpreter that its virtual environment was made from; itself if it has none.
        search_path: Its ``sys.path``, the standard library's included.
    """

    executable: Path
    version: tuple[int, int, int]
    folders: tuple[Path, ...]
    base: Path
    search_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Answer:
    executable: str
    prefix: str
    base_prefix: str
    version: list[int]
    base: str
    search_path: list[str]
    mapped: list[str]


class Pythons:
    """Asks each interpreter once, and again when its environment has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[PythonFacts, tuple[Path, ...], list[int]]] = {}
        self._lock = threading.Lock()

    def facts(self, python: Path) -> PythonFacts:
        """Return the facts of an interpreter.

        Raises:
            ComputeError: If it cannot be run.
        """
        with self._lock:
            if python in self._known:
                facts, watched, then = self._known[python]
                if _changes(watched) == then:
                    return facts
            facts = _ask(python)
            # What is put on the search path later comes by a .pth file in one of these.
            watched = (python, *(path for path in facts.folders if path.name == "site-packages"))
            self._known[python] = (facts, watched, _changes(watched))
            return facts


def _changes(paths: tuple[Path, ...]) -> list[int]:
    try:
        return [os.stat(path).st_mtime_ns for path in paths]
    except OSError:
        return []


def _ask(python: Path) -> PythonFacts:
    try:
        # Not the user's own site-packages: a job has another home.
        answer = subprocess.run(
            [python, "-I", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASKING_SECONDS,
            check=True,
        )
        told = _Answer(**json.loads(answer.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, TypeError) as error:
        raise ComputeError(
            f"The Python interpreter {python} does not run: {error}.",
            where=str(python),
            mend="Name another one for the image, or build its environment anew.",
        ) from error
    folders = [told.prefix, told.base_prefix, *told.search_path, *told.mapped, *_hops(python)]
    return PythonFacts(
        executable=Path(told.executable),
        version=(told.version[0], told.version[1], told.version[2]),
        folders=tuple(Path(folder) for folder in dict.fromkeys(folders) if os.path.exists(folder)),
        base=Path(told.base),
        search_path=tuple(told.search_path),
    )


def _hops(python: Path) -> list[str]:
    """Return the folders of the links by which the interpreter's name leads to its file."""
    found = []
    path = python.absolute()
    for _ in range(20):
        found.append(str(path.parent))
        if not path.is_symlink():
            break
        path = Path(os.path.normpath(path.parent / path.readlink()))
    return found
