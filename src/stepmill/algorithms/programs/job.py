"""What a training job finds and leaves: SageMaker's folders and configuration files.

Source: developer guide, "How Amazon SageMaker AI provides training information".
"""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import CustomerError

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class Job:
    """A training job.

    Args:
        base: What is ``/opt/ml`` elsewhere.
        hyperparameters: As given, every value a string.
        channels: Name -> settings.
        host: Name of this one: ``algo-1``.
        hosts: Names of all.
        checkpoints: Folder of checkpoints; ``None`` if none are asked for.
    """

    base: Path
    hyperparameters: dict[str, str]
    channels: dict[str, dict[str, str]]
    host: str = "algo-1"
    hosts: tuple[str, ...] = ("algo-1",)
    checkpoints: Path | None = None

    @property
    def model(self) -> Path:
        """Folder of the model."""
        return self.base / "model"

    @property
    def output(self) -> Path:
        """Folder of what else the job leaves."""
        return self.base / "output" / "data"

    def channel(self, name: str) -> Path:
        """Return the folder of a channel."""
        return self.base / "input" / "data" / name

    def content_type(self, name: str, default: str) -> str:
        """Return the content type of a channel."""
        return self.channels.get(name, {}).get("ContentType") or default

    def has(self, name: str) -> bool:
        """Return whether there is a channel of that name."""
        return name in self.channels


def read_job(base: Path) -> Job:
    """Read the configuration files of a job."""
    resources = _config(base, "resourceconfig.json")
    checkpoints = _config(base, "checkpointconfig.json")
    return Job(
        base=base,
        hyperparameters={name: str(value) for name, value in _config(base, "hyperparameters.json").items()},
        channels=_config(base, "inputdataconfig.json"),
        host=resources.get("current_host", "algo-1"),
        hosts=tuple(resources.get("hosts", ["algo-1"])),
        checkpoints=Path(checkpoints.get("LocalPath", base / "checkpoints")) if checkpoints else None,
    )


def _config(base: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((base / "input" / "config" / name).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def base_folder() -> Path:
    """Return what is ``/opt/ml`` elsewhere."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def cpu_count() -> int:
    """Return how many CPUs the job may compute with."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_up_log() -> None:
    """Have lines of the log look as those of AWS's algorithms: ``[date time LEVEL thread] message``."""
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="[%(asctime)s %(levelname)s %(thread)d] %(message)s",
        datefmt="%m/%d/%Y %H:%M:%S",
        force=True,
    )


def require_one_host(job: Job) -> None:
    """Refuse a job of several hosts.

    Raises:
        CustomerError: If there are several.
    """
    if len(job.hosts) > 1:
        raise CustomerError(f"The algorithm trains on one host here, and there are {len(job.hosts)}.")
