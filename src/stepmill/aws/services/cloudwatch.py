"""CloudWatch: the metrics that training jobs have printed, as the SDK's analytics ask for them.

Source: CloudWatch API reference, GetMetricStatistics; developer guide of SageMaker, "Monitor metrics with
Amazon CloudWatch": namespace ``/aws/sagemaker/TrainingJobs``, dimension ``TrainingJobName``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.catalog.metric_statistics import Statistics, statistics_of
from stepmill.jobs.records import TRAINING_JOB, JobRecords, state_of
from stepmill.platform import Platform

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_DIMENSION = "TrainingJobName"
_MOST_DATAPOINTS = 1440
_MINUTE_S = 60


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

    return Service("cloudwatch", {"GetMetricStatistics": get_metric_statistics})


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
