"""CloudWatch: the metrics that training jobs have printed, as the SDK's analytics ask for them.

Source: CloudWatch API reference, GetMetricStatistics, ListMetrics; developer guide of SageMaker, "Monitor
metrics with Amazon CloudWatch": namespace ``/aws/sagemaker/TrainingJobs``, dimension ``TrainingJobName``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.catalog.metric_statistics import Statistics, statistics_of
from stepmill.jobs.records import TRAINING_JOB, JobRecords, state_of
from stepmill.platform import Platform
from stepmill.storage.records import Record, RecordStore, Selection

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_DIMENSION = "TrainingJobName"
_MOST_DATAPOINTS = 1440
_MINUTE_S = 60
# A page has 500 metrics at most, and a job 40 definitions of them.
_JOBS_AT_ONCE, _ENOUGH = 12, 20
_RECENT = timedelta(hours=3)


def cloudwatch(platform: Platform) -> Service:
    """Return the service over a platform."""
    jobs = JobRecords(platform.records, TRAINING_JOB)

    def points_of(given: Mapping[str, Any]) -> list[tuple[datetime, float]]:
        dimensions = {each["Name"]: each["Value"] for each in given.get("Dimensions", ())}
        if given["Namespace"] != NAMESPACE or dimensions.keys() != {_DIMENSION}:
            return []  # a metric that nobody has ever written has no points, on AWS too
        record = jobs.find(dimensions[_DIMENSION])
        metrics = state_of(record).metrics if record else ()
        return [
            (point.at, point.value)
            for metric in metrics
            if metric.name == given["MetricName"]
            for point in metric.points or (metric.last,)
        ]

    def get_metric_statistics(call: Call) -> dict[str, Any]:
        given = call.parameters
        start, end = _aware(given["StartTime"]), _aware(given["EndTime"])
        period = _period(given["Period"])
        wanted = frozenset(given.get("Statistics", ()))
        if given.get("ExtendedStatistics"):
            raise ApiError("UnsupportedOperation", "Percentiles are not offered.", where="ExtendedStatistics")
        if not wanted:
            raise ApiError("InvalidParameterCombination", "At least one of Statistics must be given.")
        if start >= end:
            raise ApiError("InvalidParameterValue", "StartTime must be less than EndTime.", where="StartTime")
        if (end - start) / period > _MOST_DATAPOINTS:
            raise ApiError(
                "InvalidParameterCombination",
                f"You have requested more than {_MOST_DATAPOINTS} datapoints.",
                mend="Ask for a longer Period, or a shorter time.",
            )
        found = statistics_of(points_of(given), start, end, period)
        return {"Label": given["MetricName"], "Datapoints": [_datapoint(each, wanted) for each in found]}

    def list_metrics(call: Call) -> dict[str, Any]:
        given = call.parameters
        dimensions = {each["Name"]: each.get("Value") for each in given.get("Dimensions", ())}
        if given.get("Namespace", NAMESPACE) != NAMESPACE or not dimensions.keys() <= {_DIMENSION}:
            return {"Metrics": []}
        if name := dimensions.get(_DIMENSION):
            record = jobs.find(name)
            return {"Metrics": _metrics_in([record] if record else [], given)}
        return _metrics_of_all(platform.records, given)

    return Service("cloudwatch", {"GetMetricStatistics": get_metric_statistics, "ListMetrics": list_metrics})


def _metrics_of_all(store: RecordStore, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the metrics of all jobs, the newest job first."""
    newest = Selection(descending=True, limit=_JOBS_AT_ONCE, after=given.get("NextToken"))
    found: list[dict[str, Any]] = []
    while True:
        page = newest.page(store, TRAINING_JOB)
        found += _metrics_in(page.records, given)
        if page.next_token is None:
            return {"Metrics": found}
        if len(found) > _ENOUGH:
            return {"Metrics": found, "NextToken": page.next_token}
        newest = replace(newest, after=page.next_token)


def _metrics_in(records: Iterable[Record], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics of jobs that are asked for."""
    since = datetime.now(UTC) - _RECENT if given.get("RecentlyActive") else datetime.min.replace(tzinfo=UTC)
    return [
        {
            "Namespace": NAMESPACE,
            "MetricName": metric.name,
            "Dimensions": [{"Name": _DIMENSION, "Value": record.name}],
        }
        for record in records
        for metric in state_of(record).metrics
        if given.get("MetricName", metric.name) == metric.name and metric.last.at >= since
    ]


def _period(seconds: int) -> timedelta:
    if seconds < 1 or (seconds not in (1, 5, 10, 30) and seconds % _MINUTE_S):
        raise ApiError(
            "InvalidParameterValue", "Period must be 1, 5, 10, 30, or a multiple of 60.", where="Period"
        )
    return timedelta(seconds=seconds)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _datapoint(statistics: Statistics, wanted: frozenset[str]) -> dict[str, Any]:
    values = {
        "SampleCount": statistics.count,
        "Average": statistics.average,
        "Sum": statistics.total,
        "Minimum": statistics.least,
        "Maximum": statistics.greatest,
    }
    kept = {name: float(value) for name, value in values.items() if name in wanted}
    return {"Timestamp": statistics.begin, "Unit": "None", **kept}
