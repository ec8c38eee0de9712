"""Metrics of trial components: their series, and the summaries that Describe answers.

Source: SageMaker API reference, TrialComponentMetricSummary; metrics API, BatchPutMetrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from stepmill.catalog.entities import Entities
from stepmill.core.clock import as_text
from stepmill.core.json import Json
from stepmill.storage.records import Record
from stepmill.storage.series import SeriesPoint, SeriesSummary
from stepmill.storage.sql_series import SqlSeriesStore


class TrialMetrics:
    """Keeps what trial components have measured. Safe to share between threads.

    There is no limit here to names, points or series: those of AWS are its door's affair.

    Args:
        series: Where the points are kept.
        components: The trial components.
    """

    def __init__(self, series: SqlSeriesStore, components: Entities) -> None:
        self._series = series
        self._components = components

    def put(self, name_or_arn: str, points: Mapping[str, Sequence[SeriesPoint]]) -> None:
        """Keep values of metrics: all of them, or after a crash none.

        Args:
            name_or_arn: The component.
            points: Name of the metric -> its new values.

        Raises:
            NotFoundError: If there is no such component.
        """
        self._series.append(self._components.get(name_or_arn).name, points)

    def replace(self, name_or_arn: str, points: Mapping[str, Sequence[SeriesPoint]]) -> None:
        """Let metrics have these values and no others; metrics that are not named stay as they are.

        Raises:
            NotFoundError: If there is no such component.
        """
        self._series.replace(self._components.get(name_or_arn).name, points)

    def points(
        self, name_or_arn: str, metric: str, *, start: int = 0, limit: int | None = None
    ) -> Iterator[SeriesPoint]:
        """Return the values of a metric in the order in which they came; none if there is no such metric.

        Args:
            name_or_arn: The component.
            metric: Name of the metric.
            start: So many of the first are left out.
            limit: At most so many; ``None``: all.

        Raises:
            NotFoundError: If there is no such component.
        """
        owner = self._components.get(name_or_arn).name
        return self._series.points(owner, metric, start=start, limit=limit)

    def summaries(self, name_or_arn: str) -> dict[str, SeriesSummary]:
        """Return name -> summary of all metrics of a component, by name.

        Raises:
            NotFoundError: If there is no such component.
        """
        return self._series.summaries(self._components.get(name_or_arn).name)

    def summaries_of(
        self, components: Sequence[str], metrics: Sequence[str] | None = None
    ) -> dict[str, dict[str, SeriesSummary]]:
        """Return component -> metric -> summary, of many components at once; those without are not there.

        Args:
            components: Their names in lower case.
            metrics: Only these; ``None``: all.
        """
        return self._series.summaries_of(components, metrics)

    def documents(self, component: Record) -> list[Json]:
        """Return the summaries of a component as DescribeTrialComponent answers them."""
        arn = self._components.arn(component)
        found = self._series.summaries(component.name)
        return [summary_document(name, summary, arn) for name, summary in found.items()]

    def forget(self, component: Record) -> None:
        """Remove the series of a component that is deleted."""
        self._series.forget(component.name)


def summary_document(name: str, summary: SeriesSummary, source_arn: str = "") -> dict[str, Json]:
    """Return the TrialComponentMetricSummary of a series. Values that JSON cannot carry are left out."""
    values = {
        "Max": summary.greatest,
        "Min": summary.least,
        "Last": summary.last,
        "Avg": summary.mean,
        "StdDev": summary.deviation,
    }
    return {
        "MetricName": name,
        **({"SourceArn": source_arn} if source_arn else {}),
        "TimeStamp": as_text(summary.last_at),
        "Count": summary.count,
        **{key: value for key, value in values.items() if math.isfinite(value)},
    }
