"""SageMaker's metrics service: what runs of experiments log while they run.

Source: SageMaker metrics API reference, BatchPutMetrics.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.core.errors import NotFoundError
from stepmill.platform import Platform
from stepmill.storage.series import SeriesPoint

_NOT_FOUND = 404


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

    return Service("sagemaker-metrics", {"BatchPutMetrics": batch_put_metrics})
