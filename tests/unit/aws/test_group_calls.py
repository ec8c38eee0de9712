"""Which calls of jobs touch feature groups, and which groups."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.aws.group_calls import GroupWitness
from stepmill.aws.service import Call, Caller
from stepmill.aws.services.featurestore_runtime import featurestore_runtime
from stepmill.aws.wire import Request
from stepmill.core.endpoint import JobIdentity

RUNTIME = "sagemaker-featurestore-runtime"
JOB = JobIdentity("training-job", "fit", "task")


class Noting:
    """In the place of ``GroupTouches``."""

    def __init__(self) -> None:
        self.noted: list[tuple[JobIdentity, list[str], str]] = []

    def saw(self, job: JobIdentity, groups: Any, way: Any) -> None:
        self.noted.append((job, sorted(groups), str(way)))


def seen(
    operation: str,
    answer: Any = None,
    job: JobIdentity | None = JOB,
    service: str = RUNTIME,
    **parameters: Any,
) -> list[tuple[JobIdentity, list[str], str]]:
    noting = Noting()
    call = Call(operation, parameters, Caller("ASIA", "role/fit", job), Request("POST", "/"))
    GroupWitness(lambda: noting).saw(service, call, answer or {})  # type: ignore[arg-type, return-value]
    return noting.noted


@pytest.mark.parametrize("operation", ["PutRecord", "UpdateRecord", "DeleteRecord"])
def test_what_writes(operation: str) -> None:
    assert seen(operation, FeatureGroupName="g") == [(JOB, ["g"], "written")]


@pytest.mark.parametrize("operation", ["GetRecord", "ListRecords"])
def test_what_reads(operation: str) -> None:
    assert seen(operation, FeatureGroupName="g") == [(JOB, ["g"], "read")]


def test_every_operation_of_the_runtime_is_known() -> None:
    for operation in featurestore_runtime(None).handlers:  # type: ignore[arg-type]
        entry = {"FeatureGroupName": "g", "RecordIdentifiersValueAsString": ["1"]}
        given = {"FeatureGroupName": "g", "Entries": [entry], "Identifiers": [entry]}
        assert seen(operation, {"Errors": []}, **given), operation


def test_of_a_batch_those_groups_count_of_which_something_was_written() -> None:
    entries = [{"FeatureGroupName": name} for name in ("a", "a", "b", "c")]
    errors = [{"Entry": entries[0]}, {"Entry": entries[2]}]
    assert seen("BatchWriteRecord", {"Errors": errors}, Entries=entries) == [(JOB, ["a", "c"], "written")]


def test_of_a_batch_those_groups_count_in_which_something_was_looked_for() -> None:
    asked = [
        {"FeatureGroupName": "a", "RecordIdentifiersValueAsString": ["1", "2"]},
        {"FeatureGroupName": "missing", "RecordIdentifiersValueAsString": ["1", "2"]},
    ]
    errors = [{"FeatureGroupName": name} for name in ("a", "missing", "missing")]
    assert seen("BatchGetRecord", {"Errors": errors}, Identifiers=asked) == [(JOB, ["a"], "read")]


@pytest.mark.parametrize(
    ("operation", "way"),
    [("GetObject", "read"), ("PutObject", "written"), ("CompleteMultipartUpload", "written")],
)
def test_files_of_the_offline_store_are_those_of_their_group(operation: str, way: str) -> None:
    folder = "x/123456789012/sagemaker/us-west-2/offline-store/Shells-1593511200"
    key = f"{folder}/data/year=2020/a.parquet"
    assert seen(operation, service="s3", Bucket="b", Key=key) == [(JOB, [f"s3://b/{folder}"], way)]
    for other in ("a", "offline-store/a/data/b", folder.replace("/sagemaker/", "/else/")):
        assert seen(operation, service="s3", Bucket="b", Key=other) == [], other
    assert seen("HeadObject", service="s3", Bucket="b", Key=key) == []


def test_nobody_else_and_nothing_else_is_noted() -> None:
    assert seen("PutRecord", job=None, FeatureGroupName="g") == []
    assert seen("DescribeFeatureGroup", service="sagemaker", FeatureGroupName="g") == []
    assert seen("GetRecord", service="sagemaker", FeatureGroupName="g") == []
