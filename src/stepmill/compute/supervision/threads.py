"""Gives a forked job the thread counts that it would have had from a start of its own.

A nursery runs with ``OMP_NUM_THREADS=1``: numeric libraries then start no threads when they are
imported, and a fork is safe. They have read that variable for good, so setting another value in the
child's environment changes nothing; their own functions do. The nursery never computes, so no thread
pool exists yet when they are called in the child.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from pathlib import Path

# By library: the functions that set its number of threads, and the variables that it obeys, the
# strongest first. The prefixes and suffixes are those of the wheels of numpy and scipy.
_OPENBLAS_SETTERS = (
    "scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_", "openblas_set_num_threads",
)  # fmt: skip
_OPENBLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
_OPENMP_SETTERS = ("omp_set_num_threads",)
_OPENMP_VARIABLES = ("OMP_NUM_THREADS",)

NURSERY_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Arrow's allocator, which pandas loads with it, would start a thread of its own at the import.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


class ThreadCounts:
    """The thread-count functions of the libraries loaded in this process.

    Looking for them costs a millisecond, so it is done before the fork.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._found: list[tuple[Callable[[ctypes.c_int], object], tuple[str, ...]]] = []

    def look(self) -> None:
        """Find the functions of libraries that were loaded since the last look."""
        for path in _loaded_libraries():
            if path in self._seen:
                continue
            self._seen.add(path)
            name = os.path.basename(path)
            if "openblas" in name:
                self._add(path, _OPENBLAS_SETTERS, _OPENBLAS_VARIABLES)
            elif "gomp" in name or "libomp" in name or "libiomp" in name:
                self._add(path, _OPENMP_SETTERS, _OPENMP_VARIABLES)

    def restore(self, environment: Mapping[str, str]) -> None:
        """Set each library's count as the job's variables say, else to the CPUs that it may use."""
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        for setter, variables in self._found:
            wanted = _wanted(environment, variables) or cpus
            # OpenBLAS starts no more threads than there are CPUs, whatever its variables say.
            setter(ctypes.c_int(min(wanted, cpus) if variables is _OPENBLAS_VARIABLES else wanted))

    def _add(self, path: str, setters: tuple[str, ...], variables: tuple[str, ...]) -> None:
        try:
            library = ctypes.CDLL(path)
        except OSError:
            return
        for name in setters:
            if hasattr(library, name):
                self._found.append((getattr(library, name), variables))
                return


def _wanted(environment: Mapping[str, str], variables: tuple[str, ...]) -> int:
    """Return the number that the first set variable says; 0 if none says one.

    Example:
        >>> _wanted({"OMP_NUM_THREADS": "4,2"}, ("OMP_NUM_THREADS",))
        4
    """
    for name in variables:
        first = environment.get(name, "").split(",")[0].strip()
        if first.isdecimal() and int(first) > 0:
            return int(first)
    return 0


def _loaded_libraries() -> list[str]:
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return sorted(path for path in paths if ".so" in path)
