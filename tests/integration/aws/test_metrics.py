"""Metrics of jobs and of runs, with boto3's clients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, Metric, MetricPoint
from support.wire import Wire

T0 = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def job(wire: Wire, request: pytest.FixtureRequest) -> str:
    name = "Measured-" + sha256(request.node.name.encode()).hexdigest()[:12]
    points = tuple(MetricPoint(T0 + timedelta(seconds=s), v) for s, v in ((1, 0.9), (20, 0.7), (80, 0.2)))
    records = JobRecords(wire.platform.records, TRAINING_JOB)
    records.open(name, {}, JobState(f"task-{name}", f"arn:{name}"))
    records.change(
        name,
        lambda state: msgspec.structs.replace(
            state, status=JobStatus.COMPLETED, metrics=(Metric("train:loss", points[-1], points),)
        ),
    )
    return name


def asked(wire: Wire, job: str, **changes: Any) -> list[dict[str, Any]]:
    given = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "train:loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": job}],
        "StartTime": T0,
        "EndTime": T0 + 5 * MINUTE,
        "Period": 60,
        "Statistics": ["Average"],
        **changes,
    }
    return wire.client("cloudwatch").get_metric_statistics(**given)["Datapoints"]


def test_the_metrics_of_a_job_by_the_minute(wire: Wire, job: str) -> None:
    found = asked(wire, job, Statistics=["Average", "SampleCount", "Minimum", "Maximum", "Sum"])
    assert [point["Timestamp"] for point in found] == [T0, T0 + MINUTE]
    assert [point["Average"] for point in found] == pytest.approx([0.8, 0.2])
    assert [point["SampleCount"] for point in found] == [2, 1]
    assert (found[0]["Minimum"], found[0]["Maximum"]) == (0.7, 0.9)
    assert found[0]["Sum"] == pytest.approx(1.6)


def listed(wire: Wire, **given: Any) -> list[tuple[str, str]]:
    pages = wire.client("cloudwatch").get_paginator("list_metrics").paginate(**given)
    metrics = [one for page in pages for one in page["Metrics"]]
    assert all(one["Namespace"] == "/aws/sagemaker/TrainingJobs" for one in metrics)
    return [(one["Dimensions"][0]["Value"], one["MetricName"]) for one in metrics]


def test_metrics_are_listed_by_job_by_name_and_in_pages(wire: Wire, job: str) -> None:
    records = JobRecords(wire.platform.records, TRAINING_JOB)
    last = MetricPoint(T0, 1.0)
    names = [f"{job}-{number}" for number in range(30)]
    for name in names:
        records.open(name, {}, JobState(f"task-{name}", f"arn:{name}"))
        metrics = tuple(Metric(one, last) for one in ("a", "b"))
        records.change(name, lambda state, metrics=metrics: msgspec.structs.replace(state, metrics=metrics))  # type: ignore[misc]
    one = [{"Name": "TrainingJobName", "Value": job}]
    assert listed(wire, Dimensions=one) == [(job, "train:loss")]
    assert listed(wire, Dimensions=one, MetricName="other") == []
    assert listed(wire, Namespace="mine") == []
    assert listed(wire, Dimensions=[{"Name": "Host", "Value": f"{job}/algo-1"}]) == []
    assert listed(wire, Dimensions=[{"Name": "Other"}]) == []
    # Measured long ago.
    assert listed(wire, Dimensions=one, RecentlyActive="PT3H") == []
    every = listed(wire, Namespace="/aws/sagemaker/TrainingJobs", MetricName="b")
    assert [found for found in every if found[0] in names] == [(name, "b") for name in reversed(names)]
    assert len(every) == len(set(every))
    every = listed(wire, Dimensions=[{"Name": "TrainingJobName"}])
    assert {(name, metric) for name in names for metric in ("a", "b")} <= set(every)
    first = wire.client("cloudwatch").list_metrics()
    assert 0 < len(first["Metrics"]) <= 500
    assert first["NextToken"]


@pytest.mark.parametrize(
    "changes",
    [
        {"MetricName": "other"},
        {"Namespace": "mine"},
        {"Dimensions": []},
        {"Dimensions": [{"Name": "TrainingJobName", "Value": "nobody"}]},
        {"StartTime": T0 - 9 * MINUTE, "EndTime": T0},
    ],
)
def test_what_was_never_measured_has_no_points(wire: Wire, job: str, changes: dict[str, Any]) -> None:
    assert asked(wire, job, **changes) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Period": 61}, "InvalidParameterValue"),
        ({"EndTime": T0}, "InvalidParameterValue"),
        ({"EndTime": T0 + timedelta(days=30)}, "InvalidParameterCombination"),
        ({"ExtendedStatistics": ["p90"]}, "UnsupportedOperation"),
    ],
)
def test_what_cannot_be_asked_is_refused(wire: Wire, job: str, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as raised:
        asked(wire, job, **changes)
    assert raised.value.response["Error"]["Code"] == code


def data(wire: Wire, job: str, *queries: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"StartTime": T0, "EndTime": T0 + 5 * MINUTE, **more}
    return dict(wire.client("cloudwatch").get_metric_data(MetricDataQueries=list(queries), **given))


def query(job: str, stat: str = "Average", **more: Any) -> dict[str, Any]:
    metric = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "train:loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": job}],
    }
    return {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, **more}


def test_data_of_metrics_the_newest_first(wire: Wire, job: str) -> None:
    second = query(job, "SampleCount", Id="m2", Label="how many")
    found = data(wire, job, query(job), second, query(job, Id="m3", ReturnData=False))
    one, two = found["MetricDataResults"]
    assert (one["Id"], one["Label"], one["StatusCode"]) == ("m1", "train:loss", "Complete")
    assert one["Timestamps"] == [T0 + MINUTE, T0]
    assert one["Values"] == pytest.approx([0.2, 0.8])
    assert (two["Label"], two["Values"]) == ("how many", [1.0, 2.0])
    (one,) = data(wire, job, query(job), ScanBy="TimestampAscending")["MetricDataResults"]
    assert one["Timestamps"] == [T0, T0 + MINUTE]


def test_data_in_pages(wire: Wire, job: str) -> None:
    queries = [query(job), query(job, "Maximum", Id="m2")]
    values: dict[str, list[float]] = {"m1": [], "m2": []}
    token: dict[str, str] = {}
    for _ in range(4):
        found = data(wire, job, *queries, MaxDatapoints=1, **token)
        for result in found["MetricDataResults"]:
            values[result["Id"]] += result["Values"]
        token = {"NextToken": found["NextToken"]} if "NextToken" in found else {}
    assert token == {}
    assert values == {"m1": pytest.approx([0.2, 0.8]), "m2": pytest.approx([0.2, 0.9])}


@pytest.mark.parametrize(
    "changed",
    [
        {"MetricStat": None, "Expression": "m1 * 2"},
        {"MetricStat": {**query("job")["MetricStat"], "Stat": "p90"}},
    ],
)
def test_data_that_cannot_be_computed_is_refused(wire: Wire, job: str, changed: dict[str, Any]) -> None:
    asked = {name: value for name, value in {**query(job), **changed}.items() if value}
    with pytest.raises(ClientError) as raised:
        data(wire, job, asked)
    assert raised.value.response["Error"]["Code"] == "UnsupportedOperation"


def test_a_run_logs_metrics(wire: Wire) -> None:
    sagemaker, metrics = wire.client("sagemaker"), wire.client("sagemaker-metrics")
    sagemaker.create_trial_component(TrialComponentName="logs-metrics")
    data = [
        {"MetricName": "loss", "Timestamp": T0 + i * MINUTE, "Value": 1.0 / (i + 1), "Step": i}
        for i in range(4)
    ]
    assert metrics.batch_put_metrics(TrialComponentName="logs-metrics", MetricData=data)["Errors"] == []
    (summary,) = sagemaker.describe_trial_component(TrialComponentName="logs-metrics")["Metrics"]
    assert (summary["MetricName"], summary["Count"]) == ("loss", 4)
    assert (summary["Last"], summary["Min"], summary["Max"]) == (0.25, 0.25, 1.0)


def test_nobody_logs_to_a_component_that_is_not_there(wire: Wire) -> None:
    data = [{"MetricName": "loss", "Timestamp": T0, "Value": 1.0}]
    with pytest.raises(ClientError) as raised:
        wire.client("sagemaker-metrics").batch_put_metrics(TrialComponentName="nobody", MetricData=data)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


class TestSeries:
    @pytest.fixture
    def component(self, wire: Wire, request: pytest.FixtureRequest) -> str:
        name = "series-" + sha256(request.node.name.encode()).hexdigest()[:12]
        wire.client("sagemaker").create_trial_component(TrialComponentName=name)
        data = [
            {
                "MetricName": "loss",
                "Timestamp": T0 + timedelta(seconds=30 * n),
                "Step": n,
                "Value": 1.0 / (n + 1),
            }
            for n in range(4)
        ]
        client = wire.client("sagemaker-metrics")
        assert client.batch_put_metrics(TrialComponentName=name, MetricData=data)["Errors"] == []
        return name

    @staticmethod
    def query(arn: str, **changes: Any) -> dict[str, Any]:
        return {
            "MetricName": "loss", "ResourceArn": arn, "MetricStat": "Last", "Period": "IterationNumber",
            "XAxisType": "IterationNumber", **changes,
        }  # fmt: skip

    def test_each_query_has_its_result(self, wire: Wire, component: str) -> None:
        arn = wire.platform.settings.arns.sagemaker("experiment-trial-component", component)
        by_minute = {"Period": "OneMinute", "XAxisType": "Timestamp", "MetricStat": "Count"}
        results = wire.client("sagemaker-metrics").batch_get_metrics(
            MetricQueries=[
                self.query(arn),
                self.query(arn, **by_minute),
                self.query(arn, MetricName="none"),
                self.query(f"{arn}-none"),
                self.query(arn, Start=2, End=2),
            ]
        )["MetricQueryResults"]
        assert [result["Status"] for result in results] == [
            "Complete", "Complete", "Complete", "ValidationError", "Complete",
        ]  # fmt: skip
        assert (results[0]["XAxisValues"], results[0]["MetricValues"]) == (
            [0, 1, 2, 3],
            [1, 1 / 2, 1 / 3, 1 / 4],
        )
        first = int(T0.timestamp())
        assert (results[1]["XAxisValues"], results[1]["MetricValues"]) == ([first, first + 60], [2, 2])
        assert results[2]["XAxisValues"] == []
        assert f"{arn}-none" in results[3]["Message"]
        assert results[4]["XAxisValues"] == [2]

    def test_a_job_is_known_by_its_own_arn(self, wire: Wire, component: str) -> None:
        job = wire.platform.settings.arns.sagemaker("training-job", component)
        source = {"SourceArn": job, "SourceType": "SageMakerTrainingJob"}
        wire.platform.experiments.components.add_source(component, source)
        (result,) = wire.client("sagemaker-metrics").batch_get_metrics(MetricQueries=[self.query(job)])[
            "MetricQueryResults"
        ]
        assert len(result["MetricValues"]) == 4

    def test_what_is_no_query_is_refused(self, wire: Wire) -> None:
        with pytest.raises(ClientError):
            wire.client("sagemaker-metrics").batch_get_metrics(
                MetricQueries=[self.query("arn:aws:sagemaker:x:123456789012:y/z", MetricStat="p99")]
            )
