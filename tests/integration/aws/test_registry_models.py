"""Models, as boto3 makes, describes, lists and deletes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.registry import own_name, pages, put_model_data, refused
from support.wire import Wire

NO_DATA = "s3://registry-tests/none"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


@pytest.fixture
def data(wire: Wire) -> str:
    return put_model_data(wire)


def a_model(name: str, data: str, **more: Any) -> dict[str, Any]:
    container = {"Image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1", "ModelDataUrl": data}
    return {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": ROLE, **more}


def test_a_model_is_made_described_and_deleted(wire: Wire, sagemaker: Any, data: str) -> None:
    name = own_name("Churn")
    before = datetime.now(UTC) - timedelta(seconds=1)
    request = a_model(name, data, Tags=[{"Key": "team", "Value": "churn"}], EnableNetworkIsolation=True)
    arn = sagemaker.create_model(**request)["ModelArn"]
    assert arn == wire.platform.settings.arns.sagemaker("model", name)
    described = sagemaker.describe_model(ModelName=name)
    assert before < described["CreationTime"] < datetime.now(UTC) + timedelta(seconds=1)
    for member in ("ModelName", "PrimaryContainer", "ExecutionRoleArn", "EnableNetworkIsolation"):
        assert described[member] == request[member]
    assert described["ModelArn"] == arn
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]
    sagemaker.delete_model(ModelName=name)
    gone = refused(sagemaker.describe_model, ModelName=name)
    assert (gone.code, "Could not find model" in gone.message) == ("ValidationException", True)
    assert refused(sagemaker.list_tags, ResourceArn=arn).code == "ResourceNotFound"


def test_a_name_that_is_taken_is_refused_in_the_words_that_the_sdks_look_for(
    sagemaker: Any, data: str
) -> None:
    name = own_name("taken")
    sagemaker.create_model(**a_model(name, data))
    again = refused(sagemaker.create_model, **a_model(name, data))
    assert again.code == "ValidationException"
    assert "Cannot create already existing model" in again.message


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"PrimaryContainer": {"Image": "x", "ModelDataUrl": NO_DATA}}, "Could not find model data"),
        ({"PrimaryContainer": {"Image": "x"}, "Containers": [{"Image": "y"}]}, "either a PrimaryContainer"),
        ({"PrimaryContainer": {"ModelDataUrl": NO_DATA}}, "neither an image"),
        ({"PrimaryContainer": {"ModelPackageName": "never-registered/1"}}, "no model package"),
        ({"ModelName": "a_b"}, "ModelName|modelName"),
        ({"Tags": [{"Key": "aws:mine", "Value": "x"}]}, "reserved"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_a_validation_exception(
    sagemaker: Any, data: str, wrong: dict[str, Any], what: str
) -> None:
    name = own_name("wrong")
    error = refused(sagemaker.create_model, **{**a_model(name, data), **wrong})
    assert error.code == "ValidationException"
    assert any(word in error.message for word in what.split("|")), error.message
    assert refused(sagemaker.describe_model, ModelName=name).code == "ValidationException"


def test_deleting_what_is_not_there_is_refused(sagemaker: Any) -> None:
    error = refused(sagemaker.delete_model, ModelName="never-made")
    assert (error.code, error.message[:14]) == ("ValidationException", "Could not find")


def test_models_are_listed_by_name_and_by_time_in_pages(sagemaker: Any, data: str) -> None:
    base = own_name("listed")
    names = [f"{base}-{letter}" for letter in "bca"]
    for name in names:
        sagemaker.create_model(**a_model(name, data))

    def listed(**parameters: Any) -> list[str]:
        found = pages(sagemaker.list_models, "Models", NameContains=base, **parameters)
        return [one["ModelName"] for page in found for one in page]

    assert listed(MaxResults=2) == names[::-1], "the newest first, if nothing is said"
    assert listed(SortOrder="Ascending", MaxResults=1) == names
    assert listed(SortBy="Name", SortOrder="Ascending", MaxResults=2) == sorted(names)
    assert listed(SortBy="Name") == sorted(names, reverse=True)
    hour, now = timedelta(hours=1), datetime.now(UTC)
    assert listed(CreationTimeAfter=now - hour, CreationTimeBefore=now + hour) == names[::-1]
    assert listed(CreationTimeAfter=now + hour) == listed(CreationTimeBefore=now - hour) == []
    sizes = [len(page) for page in pages(sagemaker.list_models, "Models", NameContains=base, MaxResults=2)]
    assert sizes == [2, 1]


def test_a_page_has_ten_if_nothing_is_said(sagemaker: Any, data: str) -> None:
    base = own_name("many")
    for number in range(11):
        sagemaker.create_model(**a_model(f"{base}-{number}", data))
    assert [len(page) for page in pages(sagemaker.list_models, "Models", NameContains=base)] == [10, 1]
    paginator = sagemaker.get_paginator("list_models")
    found = [one for page in paginator.paginate(NameContains=base) for one in page["Models"]]
    assert len(found) == 11


def test_a_token_that_is_none_is_refused(sagemaker: Any) -> None:
    error = refused(sagemaker.list_models, NextToken="bm9uZQ==")
    assert (error.code, "NextToken" in error.message) == ("ValidationException", True)
