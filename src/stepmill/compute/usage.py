"""Reads what a job has used of the machine; ``supervision.usage`` tells how it is sampled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from stepmill.compute.supervision.usage import SAMPLE, USAGE


@dataclass(frozen=True)
class UsageSample:
    """What a job used in the time since the sample before.

    Args:
        at: When it was taken. Aware, UTC.
        cpu_percent: Of one CPU: two busy ones are 200.
        memory_bytes: At that moment.
        gpu_percent: Of one GPU, all of the machine together; ``None`` where there is none.
        gpu_memory_percent: Likewise, of their memory.
    """

    at: datetime
    cpu_percent: float
    memory_bytes: int
    gpu_percent: float | None = None
    gpu_memory_percent: float | None = None


def read_usage(folder: Path) -> list[UsageSample]:
    """Return the samples of a job, in order; none of one that ran for less than a second."""
    try:
        data = (folder / USAGE).read_bytes()
    except OSError:
        return []
    whole = data[: len(data) - len(data) % SAMPLE.size]
    return [_sample(*values) for values in SAMPLE.iter_unpack(whole)]


def _sample(at: float, cpu: float, memory: float, gpu: float, gpu_memory: float) -> UsageSample:
    return UsageSample(
        datetime.fromtimestamp(at, UTC),
        cpu,
        int(memory),
        None if gpu < 0 else gpu,
        None if gpu_memory < 0 else gpu_memory,
    )


def thinned(samples: list[UsageSample], most: int) -> list[UsageSample]:
    """Return at most so many samples, evenly; of each stretch the one with the most CPU.

    A peak is what whoever looks at the curve wants to see.
    """
    if len(samples) <= most:
        return samples
    edges = [round(index * len(samples) / most) for index in range(most + 1)]
    return [max(samples[begin:end], key=lambda sample: sample.cpu_percent) for begin, end in pairwise(edges)]
