"""Reads a metric from a job's log while the job runs: only what was written since the last look.

Expressions run in RE2, whose time is linear, so that no line can hold up whoever looks. What RE2 does not
know (a look-ahead) is searched by the scanner that also reads a finished log, in a process of its own.

Source: container contract, C1: the first group as a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from stepmill.compute.logs import LogLine
from stepmill.jobs.host_folders import HostLogs
from stepmill.jobs.metric_patterns import compiled, value_in
from stepmill.jobs.metrics import read_metrics
from stepmill.jobs.requests.training import MetricDefinition


class LiveMetric:
    """The values of one metric, in the order in which they were printed.

    Args:
        folder: Of the job: its log is there, or will be.
        definitions: Of that metric; all that have its name.
    """

    def __init__(self, folder: Path, definitions: Iterable[MetricDefinition]) -> None:
        self._reader = HostLogs(folder)
        self._definitions = tuple(definitions)
        self._patterns = [compiled(definition.regex) for definition in self._definitions]

    def read(self, *, final: bool = False) -> list[float]:
        """Return the values that were printed since the last look.

        Args:
            final: Whether the job has ended: then a last line without an end counts, too.
        """
        lines = list(self._reader.read(final=final))
        if not lines or None not in self._patterns:
            return [value for line in lines for value in self._search(line)]
        found, _ = read_metrics(self._definitions, ((line.at, line.text) for line in lines))
        return [point.value for metric in found for point in metric.points]

    def _search(self, line: LogLine) -> Iterable[float]:
        for pattern in self._patterns:
            if pattern is not None and (value := value_in(pattern, line.text)) is not None:
                yield value


def objective_definitions(definitions: Sequence[MetricDefinition], name: str) -> tuple[MetricDefinition, ...]:
    """Return the definitions of a metric."""
    return tuple(definition for definition in definitions if definition.name == name)
