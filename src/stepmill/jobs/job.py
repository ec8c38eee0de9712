"""A job that is being done, as those who do it hand it to one another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from stepmill.core.json import JsonObject
from stepmill.core.tasks import Report, Task
from stepmill.jobs.kinds import R, Workplace


@dataclass(frozen=True)
class Job(Generic[R]):
    """A job under way.

    Args:
        task: For which it is done.
        request: What it does.
        place: Where it is done.
        report: Told how it goes.
        metadata: What reports of it bear.
        asked_at: When it was asked for.
        notes: Remarks so far.
        python: Path of the interpreter of its environment; empty until it is known.
        attempt: Which attempt this is; the first is 0.
        gpus: Names of the GPUs that it was given.
    """

    task: Task
    request: R
    place: Workplace
    report: Report
    metadata: JsonObject
    asked_at: datetime
    notes: tuple[str, ...] = ()
    python: str = ""
    attempt: int = 0
    gpus: tuple[str, ...] = ()
