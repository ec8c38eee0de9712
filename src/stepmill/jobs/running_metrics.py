"""The metrics of training jobs that run: what they have printed so far, read on from the last look.

What is read of a log is kept in memory for the jobs that were asked for last, by whichever process is asked;
when a job has ended its record has its metrics.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from stepmill.core.errors import StepmillError
from stepmill.jobs.host_folders import HostLogs
from stepmill.jobs.metrics import read_metrics
from stepmill.jobs.records import (
    TRAINING_JOB,
    JobState,
    Metric,
    MetricPoint,
    body_of,
    request_of,
    state_of,
)
from stepmill.jobs.requests.training import MetricDefinition, read_training_request
from stepmill.jobs.toolkit.scan_metrics import Series
from stepmill.storage.database import from_micros, to_micros
from stepmill.storage.records import Record

# Of each at most a thousand points of each metric are kept.
_MOST_JOBS = 64


class RunningMetrics:
    """Tells what jobs that run have measured. Safe to share between threads.

    Args:
        folder: Holds the folders of training jobs.
        project: Folder that relative paths of requests start from.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder = folder
        self._project = project
        self._lock = threading.Lock()
        self._logs: OrderedDict[tuple[str, str], _MetricLog] = OrderedDict()

    def seen(self, record: Record) -> Record:
        """Return the record of a job with what it has measured so far; one that has ended as it is."""
        if record.kind != TRAINING_JOB:
            return record
        state = state_of(record)
        if state.status.is_final or state.metrics or state.started_at is None:
            return record
        metrics = self._log_of(record, state).read()
        if not metrics:
            return record
        state = msgspec.structs.replace(state, metrics=metrics)
        return replace(record, body=body_of(request_of(record), state))

    def _log_of(self, record: Record, state: JobState) -> _MetricLog:
        # Its name may have been another job's before.
        key = (record.name, state.task_id)
        with self._lock:
            log = self._logs.get(key)
            if log is None:
                log = _MetricLog(self._folder / record.name, self._definitions(record))
                self._logs[key] = log
            self._logs.move_to_end(key)
            while len(self._logs) > _MOST_JOBS:
                self._logs.popitem(last=False)
            return log

    def _definitions(self, record: Record) -> Sequence[MetricDefinition]:
        try:
            return read_training_request(request_of(record), self._project).metrics
        except StepmillError:
            return ()  # a job that cannot be done measures nothing


class _MetricLog:
    """The logs of the hosts of one job, and the values read from them."""

    def __init__(self, folder: Path, definitions: Sequence[MetricDefinition]) -> None:
        self._reader = HostLogs(folder)
        self._definitions = definitions
        self._series: dict[str, Series] = {each.name: Series() for each in definitions}
        self._lock = threading.Lock()

    def read(self) -> tuple[Metric, ...]:
        """Read on, and return the metrics that have a value."""
        if not self._definitions:
            return ()
        with self._lock:
            lines = list(self._reader.read(final=False))
            found = read_metrics(self._definitions, ((line.at, line.text) for line in lines))[0]
            for metric in found:
                for point in metric.points:
                    self._series[metric.name].add(to_micros(point.at), point.value)
                # Where many were printed at once the last one may have been thinned out.
                self._series[metric.name].last = (to_micros(metric.last.at), metric.last.value)
            return tuple(_metric(name, series) for name, series in self._series.items() if series.last)


def _metric(name: str, series: Series) -> Metric:
    points = tuple(MetricPoint(from_micros(at), value) for at, value in series.points)
    at, value = series.last or series.points[-1]
    return Metric(name, MetricPoint(from_micros(at), value), points)
