"""A job on the terminal: how it stands, its attempts, its metrics and what it uses, as curves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from stepmill.cli.curves import sparkline
from stepmill.cli.drawing import marked_job
from stepmill.cli.output import duration, moment, number, table
from stepmill.jobs.describing import describe
from stepmill.jobs.records import TRAINING_JOB, JobState, Usage, state_of
from stepmill.jobs.usage import memory_percent
from stepmill.storage.records import Record

_MEBIBYTE = 1 << 20
# Name, unit, and what is read of a sample.
_CURVES: tuple[tuple[str, str, Callable[[Usage], float | None]], ...] = (
    ("CPU", "%", lambda usage: usage.cpu_percent),
    ("memory", "MiB", lambda usage: usage.memory_bytes / _MEBIBYTE),
    ("GPU", "%", lambda usage: usage.gpu_percent),
    ("GPU memory", "%", lambda usage: usage.gpu_memory_percent),
)


def listed_job(record: Record) -> dict[str, Any]:
    """Return what a list says of a job as JSON."""
    state = state_of(record)
    return {
        "name": record.name,
        "kind": record.kind,
        "status": state.status,
        "secondaryStatus": state.secondary if record.kind == TRAINING_JOB else None,
        "step": state.step,
        "createdAt": record.created_at,
        "startedAt": state.started_at,
        "endedAt": state.ended_at,
    }


def jobs_table(records: Sequence[Record], now: datetime) -> RenderableType:
    """Return jobs as a table, one a line.

    Args:
        records: Of the jobs.
        now: For the time of those that run.
    """
    return table(["NAME", "KIND", "STATUS", "TIME", "CREATED"], [_listed_row(each, now) for each in records])


def _listed_row(record: Record, now: datetime) -> list[str | Text]:
    state = state_of(record)
    status = marked_job(str(state.status))
    # Of one that runs it tells more: that it waits, is interrupted, stores its model.
    if record.kind == TRAINING_JOB and not state.status.is_final:
        status.append(f" ({state.secondary})", "dim")
    took = (state.ended_at or now) - state.started_at if state.started_at else None
    return [record.name, record.kind.removesuffix("-job"), status, duration(took), moment(record.created_at)]


def job_document(record: Record, used: Sequence[Usage]) -> dict[str, Any]:
    """Return what is said of a job as JSON: what Describe says, its attempts and samples."""
    state = state_of(record)
    return {
        "kind": record.kind,
        "describe": describe(record),
        "attempts": [
            {"started_at": a.started_at, "ended_at": a.ended_at, "then": a.then} for a in state.attempts
        ],
        "usage": [
            {
                "at": each.at,
                "cpu_percent": each.cpu_percent,
                "memory_bytes": each.memory_bytes,
                "memory_percent": round(memory_percent(each), 2),
                "gpu_percent": each.gpu_percent,
                "gpu_memory_percent": each.gpu_memory_percent,
            }
            for each in used
        ],
        "notes": list(state.notes),
    }


def job_lines(record: Record, used: Sequence[Usage]) -> Iterator[RenderableType]:
    """Yield what is said of a job."""
    state = state_of(record)
    yield Text(record.name, "bold").append(f"  {record.kind}, {state.status}", "")
    if state.reason:
        yield Text(f"  {state.reason}", "yellow")
    if state.transitions:
        yield Text("  " + " → ".join(each.status for each in state.transitions), "dim")
    if state.attempts:
        yield table(["ATTEMPT", "BEGAN", "TOOK", "THEN"], _attempts(state))
    if state.metrics:
        rows = [[m.name, sparkline([p.value for p in m.points]), number(m.last.value)] for m in state.metrics]
        yield table(["METRIC", "", "LAST"], rows)
    if used:
        yield table(["USED", "", "MOST", "MEAN", ""], list(_curves(used)))
    else:
        yield Text("  What it used was not sampled: it ran for less than a second, or in a container.", "dim")
    for note in state.notes:
        yield Text(f"  note: {note}", "dim")


def _attempts(state: JobState) -> list[list[str]]:
    return [
        [str(index), moment(each.started_at), duration(each.ended_at - each.started_at), each.then]
        for index, each in enumerate(state.attempts, 1)
    ]


def _curves(used: Sequence[Usage]) -> Iterator[list[str]]:
    span = used[-1].at - used[0].at if len(used) > 1 else timedelta()
    for name, unit, read in _CURVES:
        values = [value for each in used if (value := read(each)) is not None]
        if values:
            most, mean = max(values), sum(values) / len(values)
            yield [
                name,
                sparkline(values),
                f"{most:.0f} {unit}",
                f"{mean:.0f} {unit}",
                f"in {duration(span)}",
            ]
