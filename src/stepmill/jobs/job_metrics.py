"""Metrics of jobs as CloudWatch names them: what training jobs print, and what jobs use of the machine.

Source: developer guide of SageMaker, "Amazon SageMaker AI metrics in Amazon CloudWatch": namespaces
``/aws/sagemaker/TrainingJobs``, ``/aws/sagemaker/ProcessingJobs`` and ``/aws/sagemaker/TransformJobs``; what
a job prints has the dimension ``TrainingJobName``; what it uses has ``Host``, ``<job>/algo-1``, in percent:
of a CPU and of a GPU times their number, of the memory of the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.records import TRAINING_JOB, WATCHED_KINDS, JobRecords, Usage, state_of
from stepmill.jobs.running_metrics import RunningMetrics
from stepmill.jobs.usage import memory_percent, usage_in, usage_of
from stepmill.storage.records import Record, RecordStore

PRINTED = "TrainingJobName"
HOST = "Host"
TRAINING_NAMESPACE = "/aws/sagemaker/TrainingJobs"

_USED: Mapping[str, Callable[[Usage], float | None]] = {
    "CPUUtilization": lambda usage: usage.cpu_percent,
    "MemoryUtilization": memory_percent,
    "GPUUtilization": lambda usage: usage.gpu_percent,
    "GPUMemoryUtilization": lambda usage: usage.gpu_memory_percent,
}


@dataclass(frozen=True)
class MetricName:
    """A metric as CloudWatch lists it.

    Args:
        namespace: ``/aws/sagemaker/TrainingJobs``.
        name: Of the metric.
        dimension: The one that it has.
        value: Of the dimension: the job, or its host.
        last_at: When it was last measured.
    """

    namespace: str
    name: str
    dimension: str
    value: str
    last_at: datetime


class JobMetrics:
    """Finds the points of metrics.

    Args:
        records: Where jobs are kept.
        running: Tells what jobs that run have printed.
        folder: Holds a folder for each kind of job.
    """

    def __init__(self, records: RecordStore, running: RunningMetrics, folder: Path) -> None:
        self._jobs = {kind: JobRecords(records, kind) for kind in WATCHED_KINDS.values()}
        self._running = running
        self._folder = folder

    def points(
        self, namespace: str, name: str, dimensions: Mapping[str, str]
    ) -> list[tuple[datetime, float]]:
        """Return when what was measured; nothing of a metric that nobody has ever written, as on AWS.

        Args:
            namespace: Of the metric.
            name: Of the metric.
            dimensions: By name.
        """
        kind = WATCHED_KINDS.get(namespace)
        if kind == TRAINING_JOB and dimensions.keys() == {PRINTED}:
            record = self._jobs[kind].find(dimensions[PRINTED])
            return _printed(self._running.seen(record), name) if record else []
        if kind is None or dimensions.keys() != {HOST}:
            return []
        job, _, host = dimensions[HOST].rpartition("/")
        record = self._jobs[kind].find(job)
        read = _USED.get(name)
        if record is None or read is None:
            return []
        used = dict(self._used_by_hosts(record)).get(host, ())
        return [(usage.at, value) for usage in used if (value := read(usage)) is not None]

    def names_of(self, record: Record) -> Iterator[MetricName]:
        """Yield the metrics of a job."""
        namespace = next(name for name, kind in WATCHED_KINDS.items() if kind == record.kind)
        for metric in state_of(self._running.seen(record)).metrics:
            yield MetricName(namespace, metric.name, PRINTED, record.name, metric.last.at)
        for host, used in self._used_by_hosts(record):
            for name, read in _USED.items():
                if used and read(used[-1]) is not None:
                    yield MetricName(namespace, name, HOST, f"{record.name}/{host}", used[-1].at)

    def _used_by_hosts(self, record: Record) -> Iterator[tuple[str, tuple[Usage, ...]]]:
        """Yield each host and what it used; of others than the first one as long as their folders are."""
        folder = self._folder / record.kind / record.name
        for host, place in host_folders(folder):
            yield host, usage_of(record, folder) if place == folder else usage_in(place)


def unit_of(dimensions: Mapping[str, str]) -> str:
    """Return the unit in which CloudWatch tells a metric."""
    return "Percent" if HOST in dimensions else "None"


def _printed(record: Record, name: str) -> list[tuple[datetime, float]]:
    return [
        (point.at, point.value)
        for metric in state_of(record).metrics
        if metric.name == name
        for point in metric.points or (metric.last,)
    ]
