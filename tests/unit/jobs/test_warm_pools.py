"""Warm pools as records tell of them, and which jobs match."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepmill.jobs.warm_pools import (
    Pool,
    PoolStatus,
    is_available,
    keep_alive_of,
    kept_seconds,
    matching_key,
    pool_document,
    with_keep_alive,
    without_keep_alive,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
S = timedelta(seconds=1)
KEPT = Pool(T0 - 60 * S).kept(T0, T0 + 600 * S)
KEEPS = {"ResourceConfig": {"KeepAlivePeriodInSeconds": 600}}


def told(
    pool: Pool | None, after_s: int, request: dict[str, Any] | None = None, *, ended: bool = True
) -> Any:
    document = pool_document(request or {}, pool, T0 + after_s * S, has_ended=ended)
    return document.get("WarmPoolStatus")


@pytest.mark.parametrize(
    ("pool", "after_s", "document"),
    [
        (Pool(T0), 5, {"Status": "InUse"}),
        (KEPT, 0, {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 0}),
        (KEPT, 599, {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 599}),
        (KEPT, 600, {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}),
        (KEPT, 9999, {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}),
        (
            KEPT.handed_on("next", T0 + 40 * S),
            9999,
            {"Status": "Reused", "ResourceRetainedBillableTimeInSeconds": 40, "ReusedByJob": "next"},
        ),
        (KEPT.until(T0 + 70 * S), 80, {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 70}),
        (
            Pool(T0).kept(T0, T0),
            0,
            {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0},
        ),
    ],
)
def test_what_is_told_of_it(pool: Pool, after_s: int, document: dict[str, Any]) -> None:
    assert told(pool, after_s) == document
    assert is_available(pool, T0 + after_s * S) is (document["Status"] == "Available")
    assert kept_seconds(pool, T0 + after_s * S) == document.get("ResourceRetainedBillableTimeInSeconds", 0)


def test_a_job_that_asks_for_one_and_has_none_yet() -> None:
    assert told(None, 0) is None
    assert told(None, 0, KEEPS, ended=False) == {"Status": "InUse"}
    assert told(None, 0, KEEPS) == {"Status": "Terminated"}
    assert (kept_seconds(None, T0), is_available(None, T0)) == (0, False)


def test_no_pool_lives_longer_than_28_days() -> None:
    old = Pool(T0 - timedelta(days=28) + 10 * S).kept(T0, T0 + 600 * S)
    assert old.kept_until == T0 + 10 * S
    too_old = Pool(T0 - timedelta(days=30)).kept(T0, T0 + 600 * S)
    assert (too_old.kept_until, too_old.status(T0)) == (T0, PoolStatus.TERMINATED)


def test_it_is_reused_once() -> None:
    first = KEPT.handed_on("b", T0 + 10 * S)
    assert first.handed_on("c", T0 + 20 * S) == first


def test_one_taken_before_its_end_was_written() -> None:
    early = Pool(T0).handed_on("b", T0 + 5 * S)
    assert early.status(T0) is PoolStatus.IN_USE
    assert Pool(T0).kept(T0, T0 + 60 * S).handed_on(early.reused_by, T0).status(T0) is PoolStatus.REUSED


@pytest.mark.parametrize(
    ("value", "seconds"), [(60, 60), ("60", 60), (0, 0), (None, 0), ("many", 0), (-1, 0), ("9" * 20, 0)]
)
def test_how_long_a_request_wants_it_kept(value: object, seconds: int) -> None:
    assert keep_alive_of({"ResourceConfig": {"KeepAlivePeriodInSeconds": value}}) == seconds


def test_a_request_can_want_another_time() -> None:
    request = {"RoleArn": "r", "ResourceConfig": {"InstanceCount": 1}}
    changed = with_keep_alive(request, 60)
    assert changed == {"RoleArn": "r", "ResourceConfig": {"InstanceCount": 1, "KeepAlivePeriodInSeconds": 60}}
    assert without_keep_alive(dict(changed["ResourceConfig"])) == request["ResourceConfig"]  # type: ignore[call-overload]
    assert keep_alive_of({}) == 0


REQUEST: dict[str, Any] = {
    "RoleArn": "arn:r",
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "VpcConfig": {"SecurityGroupIds": ["a", "b"], "Subnets": ["s"]},
}


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"TrainingJobName": "another", "HyperParameters": {"epochs": "2"}, "Environment": {"A": "1"}},
        {"AlgorithmSpecification": {"TrainingImage": "another"}},
        {"EnableNetworkIsolation": False, "EnableInterContainerTrafficEncryption": False},
        {"VpcConfig": {"SecurityGroupIds": ["b", "a"], "Subnets": ["s"]}},
        {"ResourceConfig": {**REQUEST["ResourceConfig"], "KeepAlivePeriodInSeconds": 5}},
        {"ResourceConfig": {**REQUEST["ResourceConfig"], "InstanceCount": "1"}},
        {"SessionChainingConfig": {"EnableSessionTagChaining": False}},
    ],
)
def test_jobs_that_match(other: dict[str, Any]) -> None:
    assert matching_key({**REQUEST, **other}) == matching_key(REQUEST)


@pytest.mark.parametrize(
    "other",
    [
        {"RoleArn": "arn:other"},
        *(
            {"ResourceConfig": {**REQUEST["ResourceConfig"], name: value}}
            for name, value in (
                ("InstanceType", "ml.m5.xlarge"), ("InstanceCount", 2), ("VolumeSizeInGB", 31),
                ("VolumeKmsKeyId", "key"),
            )
        ),
        {"VpcConfig": {"SecurityGroupIds": ["a"], "Subnets": ["s"]}},
        {"VpcConfig": {"SecurityGroupIds": ["a", "b"], "Subnets": ["t"]}},
        {"VpcConfig": None},
        {"EnableInterContainerTrafficEncryption": True},
        {"EnableNetworkIsolation": True},
        {"SessionChainingConfig": {"EnableSessionTagChaining": True}},
    ],
)  # fmt: skip
def test_jobs_that_do_not(other: dict[str, Any]) -> None:
    assert matching_key({**REQUEST, **other}) != matching_key(REQUEST)


def test_clusters_of_several_types_match_nothing() -> None:
    assert matching_key({**REQUEST, "ResourceConfig": {"InstanceGroups": [{"InstanceCount": 1}]}}) == ""
