"""SageMaker's metrics service: what runs of experiments log while they run, and series of it for charts.

Source: SageMaker metrics API reference, BatchPutMetrics, BatchGetMetrics.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.catalog.metric_queries import MetricQuery, Statistic, XAxis
from stepmill.core.errors import NotFoundError
from stepmill.platform import Platform
from stepmill.storage.records import Selection
from stepmill.storage.series import SeriesPoint

_NOT_FOUND = 404
# So many values are told of a series; of a longer one only the first.
_MOST_VALUES = 10_000
# In the ARN of a trial component.
_COMPONENT = ":experiment-trial-component/"


def sagemaker_metrics(platform: Platform) -> Service:
    """Return the service over a platform."""

    def batch_put_metrics(call: Call) -> dict[str, Any]:
        points: dict[str, list[SeriesPoint]] = defaultdict(list)
        for given in call.parameters["MetricData"]:
            points[given["MetricName"]].append(
                SeriesPoint(given["Timestamp"], given["Value"], given.get("Step"))
            )
        try:
            platform.experiments.components.metrics.put(call.parameters["TrialComponentName"], points)
        except NotFoundError as error:
            raise ApiError("ResourceNotFoundException", str(error), status=_NOT_FOUND) from error
        return {"Errors": []}

    def batch_get_metrics(call: Call) -> dict[str, Any]:
        queries = call.parameters["MetricQueries"]
        return {"MetricQueryResults": [_result(platform, query) for query in queries]}

    return Service(
        "sagemaker-metrics",
        {"BatchPutMetrics": batch_put_metrics, "BatchGetMetrics": batch_get_metrics},
    )


def _result(platform: Platform, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one query; what is wrong with it is told there, and spoils no other."""
    query = MetricQuery(
        Statistic(given["MetricStat"]),
        given["Period"],
        XAxis(given["XAxisType"]),
        given.get("Start"),
        given.get("End"),
    )
    component = _component(platform, given["ResourceArn"])
    if component is None:
        message = f"There is no trial component of {given['ResourceArn']}."
        return {"Status": "ValidationError", "Message": message, "XAxisValues": [], "MetricValues": []}
    places, values = query.answer(
        platform.experiments.components.metrics.points(component, given["MetricName"])
    )
    is_whole = len(places) <= _MOST_VALUES
    return {
        "Status": "Complete" if is_whole else "Truncated",
        **({} if is_whole else {"Message": f"These are the first {_MOST_VALUES} of {len(places)} values."}),
        "XAxisValues": places[:_MOST_VALUES],
        "MetricValues": values[:_MOST_VALUES],
    }


def _component(platform: Platform, arn: str) -> str | None:
    """Return the name of the trial component that an ARN means: its own, or that of a job's."""
    experiments = platform.experiments
    if _COMPONENT in arn:
        try:
            return str(experiments.components.describe(arn)["TrialComponentName"])
        except NotFoundError:
            return None
    found, _ = experiments.list_components(Selection(limit=1), source=arn)
    return str(found[0]["TrialComponentName"]) if found else None
