"""Finds out whether a job is a Python script that may be forked warm, and what it will import."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepmill.compute.spec import JobSpec

# Libraries that may be imported before a fork: with them it was measured that children of a process
# that only imported them work, threads and all. Others are imported by the job itself.
_COMMON = frozenset({"boto3", "botocore", "joblib", "numpy", "pandas", "scipy", "sklearn"})
# Those that bring an OpenMP or a runtime of their own do not share a process with one another.
_APART = frozenset({"lightgbm", "torch", "xgboost"})

# A variable that the interpreter or a library reads once, when it starts or is loaded, must be there
# from the beginning: a job that sets one is started cold.
_READ_AT_START = (
    "BLIS_", "GOMP_", "KMP_", "LC_", "LD_", "MALLOC_", "MKL_", "NPY_", "PYTHON", "PYTORCH_", "SCIPY_",
    "SKLEARN_", "TORCH_", "XGBOOST_", "GLIBC_", "OPENBLAS_CORETYPE", "OPENBLAS_VERBOSE", "OMP_",
)  # fmt: skip
_CAN_BE_SET_LATER = frozenset(
    {"OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED"}
)

_LARGEST_SOURCE_BYTES = 256 * 1024
_MOST_LOCAL_MODULES = 50
_MOST_REMEMBERED = 1000


@dataclass(frozen=True)
class Imports:
    """What is worth importing for a script beforehand.

    Args:
        modules: Full names, sorted: ``("pandas", "sklearn.ensemble")``.
        apart: Which of the libraries that do not share a process are among them.
    """

    modules: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()


def script_of(spec: JobSpec) -> str:
    """Return the script that a job runs, as the job sees it; empty if it cannot be forked warm."""
    if not spec.warm or len(spec.command) < 2:
        return ""
    program, script, *_ = spec.command
    is_python = program in ("python", "python3", str(spec.python))
    if not is_python or script.startswith("-") or not may_be_forked(spec.environment):
        return ""
    return script


def may_be_forked(environment: Mapping[str, str]) -> bool:
    """Say whether all variables of a job still have their effect in a process that has long started.

    Example:
        >>> may_be_forked({"PYTHONUNBUFFERED": "1"}), may_be_forked({"PYTHONHASHSEED": "0"})
        (True, False)
    """
    return not any(
        name.startswith(_READ_AT_START) and name not in _CAN_BE_SET_LATER
        for name, value in environment.items()
        if (name, value) != ("LC_ALL", "C.UTF-8")
    ) and environment.get("LANG", "C.UTF-8") == "C.UTF-8"  # fmt: skip


class ImportScanner:
    """Reads which known libraries scripts import; remembers what it has read."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], tuple[Imports, tuple[str, ...]]] = {}
        self._lock = threading.Lock()

    def scan(self, script: Path) -> Imports:
        """Return the imports of a script and of the modules beside it that it imports.

        A script that cannot be read or parsed imports nothing: it will say itself what is wrong.
        """
        modules: set[str] = set()
        apart: set[str] = set()
        waiting, seen = [script], {script}
        while waiting and len(seen) <= _MOST_LOCAL_MODULES:
            found, others = self._read(waiting.pop())
            modules.update(found.modules)
            apart.update(found.apart)
            for name in others:
                beside = script.parent / f"{name}.py"
                if beside not in seen and beside.is_file():
                    seen.add(beside)
                    waiting.append(beside)
        return Imports(tuple(sorted(modules)), frozenset(apart))

    def _read(self, path: Path) -> tuple[Imports, tuple[str, ...]]:
        try:
            status = path.stat()
            if status.st_size > _LARGEST_SOURCE_BYTES:
                return Imports(), ()
            key = (str(path), status.st_mtime_ns, status.st_size)
            with self._lock:
                if key in self._known:
                    return self._known[key]
            found = imports_of(path.read_bytes())
        except OSError:
            return Imports(), ()
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found


def imports_of(source: bytes) -> tuple[Imports, tuple[str, ...]]:
    """Return what a source imports: of the known libraries, and the top names of all else.

    Example:
        >>> imports_of(b"import pandas as pd, helper; from sklearn.svm import SVC")[0].modules
        ('pandas', 'sklearn.svm')
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Imports(), ()
    modules: set[str] = set()
    others: set[str] = set()
    for name in _imported_names(tree):
        top = name.partition(".")[0]
        if top in _COMMON or top in _APART:
            modules.add(name)
        else:
            others.add(top)
    apart = frozenset(name.partition(".")[0] for name in modules) & _APART
    return Imports(tuple(sorted(modules)), apart), tuple(sorted(others))


def _imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
