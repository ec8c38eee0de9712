"""How many hosts, of which type, in which groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.requests.hosts import ONE_HOST, Host, read_hosts
from stepmill.jobs.requests.processing import read_processing_request
from stepmill.jobs.requests.training import read_training_request
from support.job_data import channel, processing_document, training_document

PROJECT = Path("/project")


def group(name: str, count: int, kind: str = "ml.c5.large") -> dict[str, Any]:
    return {"InstanceGroupName": name, "InstanceCount": count, "InstanceType": kind}


def read(**resources: Any) -> tuple[Host, ...]:
    return read_hosts(Fields(resources, "ResourceConfig"))


def test_what_says_nothing_is_one_host() -> None:
    assert read() == ONE_HOST


def test_a_count_gives_as_many_hosts_of_one_group() -> None:
    assert read(InstanceType="ml.m5.large", InstanceCount=3) == (
        Host("algo-1", "ml.m5.large", "homogeneousCluster"),
        Host("algo-2", "ml.m5.large", "homogeneousCluster"),
        Host("algo-3", "ml.m5.large", "homogeneousCluster"),
    )


def test_the_hosts_of_groups_are_numbered_through() -> None:
    hosts = read(InstanceGroups=[group("data", 2, "ml.c5.large"), group("none", 0), group("dnn", 1, "ml.p3")])
    assert hosts == (
        Host("algo-1", "ml.c5.large", "data"),
        Host("algo-2", "ml.c5.large", "data"),
        Host("algo-3", "ml.p3", "dnn"),
    )


@pytest.mark.parametrize(
    ("resources", "where"),
    [
        ({"InstanceCount": 0}, "ResourceConfig.InstanceCount"),
        ({"InstanceCount": "many"}, "ResourceConfig.InstanceCount"),
        ({"InstanceGroups": [group("a", 0)]}, "ResourceConfig.InstanceGroups"),
        ({"InstanceGroups": [group("a", 1), group("a", 1)]}, "ResourceConfig.InstanceGroups[1]"),
        ({"InstanceGroups": [group("x" * 65, 1)]}, "ResourceConfig.InstanceGroups[0]"),
        ({"InstanceGroups": [group(str(n), 1) for n in range(6)]}, "ResourceConfig.InstanceGroups"),
        ({"InstanceGroups": [group("a", -1)]}, "ResourceConfig.InstanceGroups[0].InstanceCount"),
        ({"InstanceGroups": [group("a", 1)], "InstanceCount": 1}, "ResourceConfig.InstanceGroups"),
        ({"InstanceGroups": [group("a", 1)], "InstanceType": "ml.x"}, "ResourceConfig.InstanceGroups"),
    ],
)
def test_what_makes_no_sense_is_refused(resources: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(**resources)
    assert caught.value.where is not None
    assert caught.value.where.startswith(where)


@pytest.mark.parametrize(
    "resources", [{"InstanceCount": 10**9}, {"InstanceGroups": [group("a", 10**9)]}, {"InstanceCount": 65}]
)
def test_more_than_a_machine_can_stand_for_are_refused(resources: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match="more than 64"):
        read(**resources)


def test_a_channel_may_be_for_some_groups() -> None:
    data = channel("train", "s3://data/x")
    data["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["dnn"]
    groups = {"InstanceGroups": [group("data", 1), group("dnn", 1)]}
    document = training_document(ResourceConfig=groups, InputDataConfig=[data])
    assert read_training_request(document, PROJECT).inputs[0].groups == ("dnn",)


def test_a_channel_for_a_group_that_is_not_there_is_refused() -> None:
    data = channel("train", "s3://data/x")
    data["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["gpu"]
    document = training_document(
        ResourceConfig={"InstanceGroups": [group("data", 1)]}, InputDataConfig=[data]
    )
    with pytest.raises(InvalidInputError, match=r"'gpu', and the job has none.*Its groups: data"):
        read_training_request(document, PROJECT)


def test_hosts_without_network_would_not_find_each_other() -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    document = training_document(ResourceConfig=resources, EnableNetworkIsolation=True)
    with pytest.raises(UnsupportedError, match="2 hosts without network"):
        read_training_request(document, PROJECT)
    changes = {
        "ProcessingResources": {"ClusterConfig": resources},
        "NetworkConfig": {"EnableNetworkIsolation": True},
    }
    with pytest.raises(UnsupportedError, match="2 hosts without network"):
        read_processing_request(processing_document(**changes), PROJECT)
