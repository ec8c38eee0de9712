"""CloudWatch: what jobs have printed and used, as the SDKs' analytics and charts ask for it.

Source: CloudWatch API reference, GetMetricStatistics, GetMetricData, ListMetrics. ``jobs.job_metrics`` tells
of the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.catalog.metric_statistics import Statistics, statistics_of
from stepmill.core.clock import aware
from stepmill.jobs.job_metrics import HOST, PRINTED, TRAINING_NAMESPACE, unit_of
from stepmill.jobs.records import TRAINING_JOB, JobRecords
from stepmill.platform import Platform
from stepmill.storage.records import Record, Selection

_MOST_DATAPOINTS = 1440
_MOST_QUERIES, _MOST_OF_A_PAGE = 500, 100_800
_MINUTE_S = 60
# A page has 500 metrics at most, and a job 40 definitions of them.
_JOBS_AT_ONCE, _ENOUGH = 12, 20
_RECENT = timedelta(hours=3)
_STATISTICS: Mapping[str, Callable[[Statistics], float]] = {
    "SampleCount": lambda each: each.count,
    "Average": lambda each: each.average,
    "Sum": lambda each: each.total,
    "Minimum": lambda each: each.least,
    "Maximum": lambda each: each.greatest,
}


def cloudwatch(platform: Platform) -> Service:
    """Return the service over a platform."""

    def get_metric_statistics(call: Call) -> dict[str, Any]:
        given = call.parameters
        start, end = _stretch(given)
        period = _period(given["Period"])
        wanted = frozenset(given.get("Statistics", ()))
        if given.get("ExtendedStatistics"):
            raise ApiError("UnsupportedOperation", "Percentiles are not offered.", where="ExtendedStatistics")
        if not wanted:
            raise ApiError("InvalidParameterCombination", "At least one of Statistics must be given.")
        if (end - start) / period > _MOST_DATAPOINTS:
            raise ApiError(
                "InvalidParameterCombination",
                f"You have requested more than {_MOST_DATAPOINTS} datapoints.",
                mend="Ask for a longer Period, or a shorter time.",
            )
        found = statistics_of(_points(platform, given), start, end, period)
        unit = unit_of(_dimensions(given))
        return {"Label": given["MetricName"], "Datapoints": [_datapoint(e, wanted, unit) for e in found]}

    def get_metric_data(call: Call) -> dict[str, Any]:
        given = call.parameters
        queries = given["MetricDataQueries"]
        if len(queries) > _MOST_QUERIES:
            raise ApiError("ValidationError", f"At most {_MOST_QUERIES} queries are taken at once.")
        stretch = _stretch(given)
        newest_first = given.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = [
            _result(platform, query, stretch, newest_first=newest_first)
            for query in queries
            if query.get("ReturnData", True)
        ]
        return _page_of(results, given)

    def list_metrics(call: Call) -> dict[str, Any]:
        given = call.parameters
        dimensions = {each["Name"]: each.get("Value") for each in given.get("Dimensions", ())}
        if given.get("Namespace", TRAINING_NAMESPACE) != TRAINING_NAMESPACE or len(dimensions) > 1:
            return {"Metrics": []}
        for known in (PRINTED, HOST):
            if value := dimensions.get(known):
                job = value if known == PRINTED else value.rpartition("/")[0]
                record = JobRecords(platform.records, TRAINING_JOB).find(job)
                return {"Metrics": _metrics_in(platform, [record] if record else [], given)}
        if not dimensions.keys() <= {PRINTED, HOST}:
            return {"Metrics": []}
        return _metrics_of_all(platform, given)

    return Service(
        "cloudwatch",
        {
            "GetMetricStatistics": get_metric_statistics,
            "GetMetricData": get_metric_data,
            "ListMetrics": list_metrics,
        },
    )


def _dimensions(given: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in given.get("Dimensions", ())}


def _points(platform: Platform, given: Mapping[str, Any]) -> list[tuple[datetime, float]]:
    return platform.job_metrics.points(
        given.get("Namespace", ""), given.get("MetricName", ""), _dimensions(given)
    )


def _stretch(given: Mapping[str, Any]) -> tuple[datetime, datetime]:
    start, end = aware(given["StartTime"]), aware(given["EndTime"])
    if start >= end:
        raise ApiError("InvalidParameterValue", "StartTime must be less than EndTime.", where="StartTime")
    return start, end


def _result(
    platform: Platform, query: Mapping[str, Any], stretch: tuple[datetime, datetime], *, newest_first: bool
) -> dict[str, Any]:
    """Return what one query of GetMetricData gives."""
    wanted = query.get("MetricStat")
    if not wanted or query.get("Expression"):
        raise ApiError(
            "UnsupportedOperation",
            f"The query {query['Id']!r} is an expression; only metrics are offered.",
            where="MetricDataQueries",
            mend="Ask for the metrics by MetricStat, and compute with what comes.",
        )
    statistic = _STATISTICS.get(wanted["Stat"])
    if statistic is None:
        raise ApiError(
            "UnsupportedOperation",
            f"The statistic {wanted['Stat'][:100]!r} is not offered.",
            where="MetricStat.Stat",
            mend=f"Take one of {', '.join(_STATISTICS)}.",
        )
    metric = wanted["Metric"]
    found = statistics_of(_points(platform, metric), *stretch, _period(wanted["Period"]))
    ordered = found[::-1] if newest_first else found
    return {
        "Id": query["Id"],
        "Label": query.get("Label", metric.get("MetricName", "")),
        "Timestamps": [each.begin for each in ordered],
        "Values": [float(statistic(each)) for each in ordered],
        "StatusCode": "Complete",
    }


def _page_of(results: list[dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return as many points as are asked for at once, from where the last page ended."""
    token = given.get("NextToken", "0")
    if not token.isdecimal() or len(token) > 9:
        raise ApiError("InvalidNextToken", "The token is none of this operation.", where="NextToken")
    left = min(given.get("MaxDatapoints", _MOST_OF_A_PAGE), _MOST_OF_A_PAGE)
    skipped = int(token)
    end = skipped + left
    page: list[dict[str, Any]] = []
    for result in results:
        count = len(result["Values"])
        first, last = min(skipped, count), min(skipped + left, count)
        skipped -= first
        left -= last - first
        page.append(
            {
                **result,
                "Timestamps": result["Timestamps"][first:last],
                "Values": result["Values"][first:last],
                "StatusCode": "Complete" if last == count else "PartialData",
            }
        )
    is_more = end < sum(len(result["Values"]) for result in results)
    return {"MetricDataResults": page, "Messages": [], **({"NextToken": str(end)} if is_more else {})}


def _metrics_of_all(platform: Platform, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the metrics of all jobs, the newest job first."""
    newest = Selection(descending=True, limit=_JOBS_AT_ONCE, after=given.get("NextToken"))
    found: list[dict[str, Any]] = []
    while True:
        page = newest.page(platform.records, TRAINING_JOB)
        found += _metrics_in(platform, page.records, given)
        if page.next_token is None:
            return {"Metrics": found}
        if len(found) > _ENOUGH:
            return {"Metrics": found, "NextToken": page.next_token}
        newest = replace(newest, after=page.next_token)


def _metrics_in(
    platform: Platform, records: Iterable[Record], given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the metrics of jobs that are asked for."""
    since = datetime.now(UTC) - _RECENT if given.get("RecentlyActive") else datetime.min.replace(tzinfo=UTC)
    asked = {each["Name"] for each in given.get("Dimensions", ())}
    return [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": metric.dimension, "Value": metric.value}],
        }
        for record in records
        for metric in platform.job_metrics.names_of(record)
        if given.get("MetricName", metric.name) == metric.name
        and (not asked or metric.dimension in asked)
        and metric.last_at >= since
    ]


def _period(seconds: int) -> timedelta:
    if seconds < 1 or (seconds not in (1, 5, 10, 30) and seconds % _MINUTE_S):
        raise ApiError(
            "InvalidParameterValue", "Period must be 1, 5, 10, 30, or a multiple of 60.", where="Period"
        )
    return timedelta(seconds=seconds)


def _datapoint(statistics: Statistics, wanted: frozenset[str], unit: str) -> dict[str, Any]:
    kept = {name: float(value(statistics)) for name, value in _STATISTICS.items() if name in wanted}
    return {"Timestamp": statistics.begin, "Unit": unit, **kept}
