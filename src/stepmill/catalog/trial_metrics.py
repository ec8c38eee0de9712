"""Metrics of trial components: summaries that are kept up to date, and the points themselves.

Source: SageMaker API reference, TrialComponentMetricSummary; metrics API, BatchPutMetrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from stepmill.catalog.entities import Entities
from stepmill.catalog.packages import part
from stepmill.core.clock import as_text
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

# Batches of points, as they came; the parent is ``component/metric``.
POINTS_KIND = "trial-metric-points"


@dataclass(frozen=True, slots=True)
class TrialMetricPoint:
    """A value of a metric.

    Args:
        at: When it was measured.
        value: Any number; not a number and the infinities too.
        step: Of the training; ``None`` if it has none.
    """

    at: datetime
    value: float
    step: int | None = None


@dataclass(frozen=True)
class MetricSummary:
    """What all points of a metric together say.

    Args:
        count: How many there are.
        last: The value of the newest one.
        at: When that was.
        least: The smallest value.
        greatest: The largest value.
        mean: Of all values.
        squares: Sum of the squared distances from the mean.
    """

    count: int = 0
    last: float = math.nan
    at: str = ""
    least: float = math.inf
    greatest: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0

    def with_points(self, points: Iterable[TrialMetricPoint]) -> MetricSummary:
        """Return the summary of what was there and these points.

        Source:
            B. P. Welford, Note on a Method for Calculating Corrected Sums of Squares and Products, 1962.
        """
        summary = self
        for point in points:
            at = as_text(point.at)
            count = summary.count + 1
            distance = point.value - summary.mean
            mean = summary.mean + distance / count
            is_newest = not summary.at or at >= summary.at
            summary = MetricSummary(
                count=count,
                last=point.value if is_newest else summary.last,
                at=at if is_newest else summary.at,
                least=min(summary.least, point.value),
                greatest=max(summary.greatest, point.value),
                mean=mean,
                squares=summary.squares + distance * (point.value - mean),
            )
        return summary

    def document(self, name: str, source_arn: str = "") -> dict[str, Json]:
        """Return the TrialComponentMetricSummary. Values that JSON cannot carry are left out."""
        deviation = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0
        values = {
            "Max": self.greatest, "Min": self.least, "Last": self.last, "Avg": self.mean, "StdDev": deviation,
        }  # fmt: skip
        return {
            "MetricName": name,
            **({"SourceArn": source_arn} if source_arn else {}),
            "TimeStamp": self.at,
            "Count": self.count,
            **{key: value for key, value in values.items() if math.isfinite(value)},
        }


class TrialMetrics:
    """Keeps what trial components have measured. Safe to share between threads.

    Args:
        records: Where the points are kept.
        components: The trial components; each keeps the summaries of its metrics.
    """

    def __init__(self, records: RecordStore, components: Entities) -> None:
        self._records = records
        self._components = components

    def put(self, name_or_arn: str, points: Mapping[str, Sequence[TrialMetricPoint]]) -> None:
        """Keep values of metrics, and bring their summaries up to date.

        Args:
            name_or_arn: The component.
            points: Name of the metric -> its new values.

        Raises:
            NotFoundError: If there is no such component.
        """
        key = self._components.get(name_or_arn).name
        for metric, new in points.items():
            below = f"{key}/{metric}"
            body: JsonObject = {"points": [_written(point) for point in new]}
            self._records.create_numbered(
                POINTS_KIND, below, partial("{}/{}".format, below), partial(_itself, body)
            )
        self.summarise(key, points)

    def summarise(
        self, name_or_arn: str, points: Mapping[str, Sequence[TrialMetricPoint]], *, anew: bool = False
    ) -> None:
        """Bring the summaries of metrics up to date, without keeping the points.

        Args:
            name_or_arn: The component.
            points: Name of the metric -> its new values.
            anew: Whether these are all values that there are.

        Raises:
            NotFoundError: If there is no such component.
        """

        def changed(record: Record) -> Record:
            state = part(record.body, "state")
            summaries = {} if anew else _read_summaries(record)
            for metric, new in points.items():
                summaries[metric] = summaries.get(metric, MetricSummary()).with_points(new)
            kept: JsonObject = {**state, "metrics": {n: _kept(one) for n, one in summaries.items()}}
            return replace(record, body={**record.body, "state": kept})

        self._components.update(name_or_arn, changed)

    def points(self, name_or_arn: str, metric: str) -> list[TrialMetricPoint]:
        """Return all values of a metric in the order in which they came; empty if there are none.

        Raises:
            NotFoundError: If there is no such component.
        """
        key = self._components.get(name_or_arn).name
        return [_read(point) for batch in self._batches(key, metric) for point in _list(batch.body["points"])]

    def documents(self, component: Record) -> list[Json]:
        """Return the summaries of a component as DescribeTrialComponent answers them."""
        arn = self._components.arn(component)
        return [summary.document(name, arn) for name, summary in _read_summaries(component).items()]

    def forget(self, component: Record) -> None:
        """Remove the points of a component that is deleted."""
        for metric in _read_summaries(component):
            for batch in self._batches(component.name, metric):
                self._records.delete(POINTS_KIND, batch.name)

    def _batches(self, component: str, metric: str) -> Iterator[Record]:
        chosen = Selection(parent=f"{component}/{metric}", sort_by=SortBy.NUMBER, limit=1000)
        return chosen.all(self._records, POINTS_KIND)


def _read_summaries(component: Record) -> dict[str, MetricSummary]:
    kept = part(part(component.body, "state"), "metrics")
    return {name: MetricSummary(**_numbers(part(kept, name))) for name in kept}


# JSON has neither infinities nor what is not a number: texts stand for them.


def _kept(summary: MetricSummary) -> JsonObject:
    return {name: _finite(value) for name, value in asdict(summary).items()}


def _numbers(kept: JsonObject) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, str) and name != "at" else value
        for name, value in kept.items()
    }


def _written(point: TrialMetricPoint) -> Json:
    return [as_text(point.at), _finite(point.value), point.step]


def _read(kept: Json) -> TrialMetricPoint:
    at, value, step = _list(kept)
    return TrialMetricPoint(datetime.fromisoformat(str(at)), float(str(value)), step)


def _finite(value: Json) -> Json:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _list(value: Json) -> list[Any]:
    return list(value) if isinstance(value, Sequence) else []


def _itself(body: JsonObject, _number: int) -> JsonObject:
    return body
