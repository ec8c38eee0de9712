"""What an interrupted training goes on from: files that are whole or not there, kept by the first host."""

from __future__ import annotations

import io
import json
import logging
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .hosts import Hosts
from .job import Job

_NOT_TAKEN = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, pickle.PickleError, zipfile.BadZipFile,
)  # fmt: skip

_log = logging.getLogger(__name__)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place when all is written: whatever ends the job, it is a whole one."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        yield file
    unfinished.replace(path)


def shared_content(hosts: Hosts, path: Path | None) -> bytes:
    """Return on all hosts what is in a file of the first; nothing if there is none."""
    kept = hosts.first(lambda: np.frombuffer(path.read_bytes() if path and path.is_file() else b"", np.uint8))
    return kept.tobytes()


class Checkpoint:
    """The one file that a training goes on from.

    Args:
        job: The job.
        hosts: All of them: the first one keeps it, and all go on from that.
        name: Of the file.
        shape: Of what is trained, where hyperparameters do not tell.
    """

    def __init__(self, job: Job, hosts: Hosts, name: str, shape: tuple[int, ...] = ()) -> None:
        self._folder, self._hosts, self._name = job.checkpoints, hosts, name
        # More epochs may be asked for of a training that was done.
        others = {name: value for name, value in job.hyperparameters.items() if name != "epochs"}
        self._asked = json.dumps([others, shape], sort_keys=True)

    def save(self, state: Mapping[str, Any], write: Callable[[BinaryIO, dict[str, Any]], object]) -> None:
        """Keep a state; nothing happens if the job asks for no checkpoints."""
        if self._folder is None or not self._hosts.is_first:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self._folder / self._name) as file:
            write(file, {**state, "asked": self._asked})

    def read(self, load: Callable[[BinaryIO], dict[str, Any]]) -> dict[str, Any]:
        """Return the state that was kept by a job that asked for the same; empty if there is none."""
        if self._folder is None:
            return {}
        path = self._folder / self._name
        kept = shared_content(self._hosts, path)
        if not kept:
            return {}
        try:
            state = load(io.BytesIO(kept))
            if str(state["asked"]) == self._asked:
                _log.info("Checkpoint loaded from %s", path)
                return state
            why = "it is of a job with other hyperparameters"
        except _NOT_TAKEN as error:
            why = str(error).partition("\n")[0]
        _log.warning("The checkpoint %s is not taken: %s.", self._name, why)
        return {}
