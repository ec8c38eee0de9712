from __future__ import annotations

from typing import Any

import pytest

from stepmill.catalog.model_reports.comparison import (
    MOST_VERSIONS,
    Comparison,
    Origin,
    Row,
    Version,
    compare,
    metrics_of,
)
from stepmill.catalog.model_reports.directions import Change
from stepmill.catalog.model_reports.parts import Metric, Report
from stepmill.core.errors import InvalidInputError

DATA = "s3://bucket/model.tar.gz"
UNKNOWN = Origin()


def a_version(number: int, *metrics: Metric, origin: Origin = UNKNOWN, **more: Any) -> Version:
    described = {
        "ModelApprovalStatus": "PendingManualApproval",
        "CreationTime": f"2026-01-0{number}T00:00:00Z",
        "InferenceSpecification": {"Containers": [{"Image": "x:1", "ModelDataUrl": DATA}]},
        **more,
    }
    reports = [Report("Model quality: statistics", "s3://b/k", metrics)] if metrics else []
    return Version(f"churn/{number}", described, reports, {DATA: f"digest-{number}"}, origin)


def row(comparison: Comparison, name: str) -> Row:
    (found,) = (row for row in comparison.rows if row.name == name)
    return found


def test_metrics_are_held_against_the_first_version() -> None:
    compared = compare(
        [
            a_version(1, Metric("mse", 2.0), Metric("auc", 0.5), Metric("gone", 1.0)),
            a_version(2, Metric("mse", 1.0, 0.25), Metric("auc", 0.4), Metric("new", 1.0)),
            a_version(3, Metric("mse", 2.0), Metric("auc", 0.6)),
        ]
    )
    mse = row(compared, "mse")
    assert (mse.section, mse.values, mse.shown) == ("Metrics", (2.0, 1.0, 2.0), ("2", "1 ± 0.25", "2"))
    assert mse.changes == (None, Change.BETTER, Change.SAME)
    assert row(compared, "auc").changes == (None, Change.WORSE, Change.BETTER)
    assert row(compared, "gone").changes == (None, None, None)
    assert (row(compared, "new").values, row(compared, "new").shown) == ((None, 1.0, None), ("", "1", ""))


def test_what_differs_comes_first_and_nothing_is_lost() -> None:
    one = a_version(1, Metric("auc", 0.5), origin=Origin(parameters={"lr": "0.1", "depth": "3"}, job="j1"))
    two = a_version(2, Metric("auc", 0.5), origin=Origin(parameters={"lr": "0.2", "depth": "3"}, job="j2"))
    compared = compare([one, two])
    assert [found.name for found in compared.differences] == [
        "lr", "content of model data", "created", "training job",
    ]  # fmt: skip
    assert [found.name for found in compared.common] == [
        "auc",
        "depth",
        "model data",
        "inference",
        "approval",
    ]
    assert set(compared.differences) | set(compared.common) == set(compared.rows)


def test_data_images_code_review_and_metadata() -> None:
    origin = Origin(
        pipeline="Abalone",
        execution="arn:e",
        data={"train": "s3://b/train"},
        image="trainer:2",
        code={"program": "train.py"},
    )
    one = a_version(
        1,
        origin=origin,
        ModelLifeCycle={"Stage": "QA", "StageStatus": "OnHold"},
        ApprovalDescription="“good”",
        MetadataProperties={"CommitId": "abc"},
        CustomerMetadataProperties={"owner": "ada"},
        Domain="MACHINE_LEARNING",
        ModelPackageDescription="first",
    )
    containers = [{"Image": "x:1", "Environment": {"SAGEMAKER_PROGRAM": "serve.py"}}, {"Image": "y:2"}]
    two = a_version(2, InferenceSpecification={"Containers": containers})
    found = {(r.section, r.name): r.values for r in compare([one, two]).rows}
    assert found["Data", "channel train"] == ("s3://b/train", None)
    assert found["Data", "model data"] == (DATA, None)
    assert found["Images", "training"] == ("trainer:2", None)
    assert found["Images", "inference 2"] == (None, "y:2")
    assert found["Code", "program"] == ("train.py", None)
    assert found["Code", "inference program"] == (None, "serve.py")
    assert found["Code", "commit"] == ("abc", None)
    assert found["Review", "stage"] == ("QA: OnHold", None)
    assert found["Review", "reason"] == ("“good”", None)
    assert found["Metadata", "owner"] == ("ada", None)
    assert found["Metadata", "domain"] == ("MACHINE_LEARNING", None)
    assert found["Metadata", "pipeline"] == ("Abalone", None)
    assert found["Metadata", "description"] == ("first", None)


def test_a_report_that_cannot_be_read_is_told_and_the_rest_is_compared() -> None:
    broken = Version("churn/2", {}, [Report("Bias: report", "s3://b/k", problem="not JSON")])
    compared = compare([a_version(1, Metric("auc", 0.5)), broken])
    assert compared.problems == (("churn/2", "Bias: report", "not JSON"),)
    assert row(compared, "auc").values == (0.5, None)


def test_baselines_of_drift_are_no_metrics_of_the_version() -> None:
    version = Version(
        "churn/1",
        {},
        [
            Report("Model quality: statistics", "a", (Metric("auc", 0.9),)),
            Report("Bias: report", "b", (Metric("auc", 0.1), Metric("pre / a / CI", 0.2))),
            Report("Drift baseline, model quality: statistics", "c", (Metric("old", 0.1),)),
        ],
    )
    assert metrics_of(version) == {"auc": Metric("auc", 0.9), "pre / a / CI": Metric("pre / a / CI", 0.2)}


def test_as_json() -> None:
    document: Any = compare([a_version(1, Metric("mse", 2.0)), a_version(2, Metric("mse", 1.0))]).document()
    assert document["versions"] == ["churn/1", "churn/2"]
    assert document["differences"][0] == {
        "section": "Metrics", "name": "mse", "values": [2.0, 1.0], "changes": [None, "better"],
    }  # fmt: skip
    assert {"section": "Images", "name": "inference", "values": ["x:1", "x:1"]} in document["same"]
    assert document["problems"] == []


@pytest.mark.parametrize("count", [0, 1, MOST_VERSIONS + 1])
def test_too_few_or_too_many(count: int) -> None:
    with pytest.raises(InvalidInputError, match="versions can be compared"):
        compare([a_version(1)] * count)


def test_a_version_beside_itself_does_not_differ() -> None:
    compared = compare([a_version(1, Metric("auc", 0.5))] * 2)
    assert compared.differences == ()
    assert row(compared, "auc").changes == (None, Change.SAME)
