"""Requests, plans and trials of tuning jobs, to build tests of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stepmill.core.statuses import JobStatus
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.request import read_tuning_request
from stepmill.jobs.tuning.trials import Trial
from support.documents import IMAGE, ROLE

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OBJECTIVE = {"Type": "Maximize", "MetricName": "auc"}


def continuous(
    name: str = "eta", low: str = "0.01", high: str = "0.3", scale: str = "Auto"
) -> dict[str, Any]:
    return {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scale}


def ranges(**lists: list[dict[str, Any]]) -> dict[str, Any]:
    """``ranges(Integer=[...], Categorical=[...])``."""
    return {f"{kind}ParameterRanges": items for kind, items in lists.items()}


def definition(**more: Any) -> dict[str, Any]:
    return {
        "StaticHyperParameters": {"rounds": "10"},
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **more,
    }


def tuning_request(
    *, trials: int = 4, parallel: int = 2, name: str = "tune", **config: Any
) -> dict[str, Any]:
    """A right request; ``config`` replaces members of its HyperParameterTuningJobConfig."""
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": OBJECTIVE,
            "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": ranges(Continuous=[continuous()]),
            **config,
        },
        "TrainingJobDefinition": definition(),
    }


def plan(*, trials: int = 4, parallel: int = 2, **config: Any) -> Plan:
    return read_tuning_request(tuning_request(trials=trials, parallel=parallel, **config))


def trial(
    number: int,
    objective: float | None = None,
    *,
    status: JobStatus | None = None,
    series: Sequence[float] = (),
    definition: int = 0,
    tuned: dict[str, str] | None = None,
    error: str = "",
) -> Trial:
    """A trial: with an objective it is completed, without one it runs, unless its status says otherwise."""
    stands = status or (JobStatus.IN_PROGRESS if objective is None else JobStatus.COMPLETED)
    return Trial(
        number=number,
        name=f"tune-{number:03}-0a1b2c3d",
        definition=definition,
        tuned=tuned or {"eta": "0.1"},
        created_at=START + timedelta(seconds=number),
        status=stands,
        objective=objective,
        series=tuple(series),
        started_at=START + timedelta(seconds=number),
        ended_at=START + timedelta(seconds=number + 60) if stands.is_final else None,
        error=error,
    )
