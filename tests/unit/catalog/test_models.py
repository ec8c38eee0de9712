from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.models import NEWEST_FIRST
from stepmill.catalog.package_reviews import ModelApprovalStatus
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json
from stepmill.core.service_models import service_model
from support.keeping import Keeping, keeping

DATA = "s3://bucket/model.tar.gz"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put(DATA)
        yield opened


def request(name: str = "Model-1", **more: Json) -> dict[str, Json]:
    container = {"Image": "python:3.11", "ModelDataUrl": DATA}
    return {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": "arn:role", **more}


def test_a_model_is_made_and_described(kept: Keeping) -> None:
    made = kept.models.create(request(Tags=[{"Key": "a", "Value": "b"}]))
    assert made == {
        **request(),
        "EnableNetworkIsolation": False,
        "ModelArn": "arn:aws:sagemaker:us-west-2:123456789012:model/model-1",
        "CreationTime": "2026-01-01T00:00:00Z",
    }
    assert kept.models.describe("Model-1") == kept.models.describe(str(made["ModelArn"])) == made
    shape = service_model("sagemaker").answer("DescribeModel")
    assert set(shape.required) <= set(made) <= set(shape.members)


def test_the_same_token_makes_one_and_another_is_refused(kept: Keeping) -> None:
    made = kept.models.create(request(), token="t")
    kept.objects.delete([])
    assert kept.models.create(request(), token="t") == made
    with pytest.raises(ConflictError, match="Cannot create already existing model 'Model-1'"):
        kept.models.create(request(), token="other")
    with pytest.raises(ConflictError):
        kept.models.create(request())


def test_tags_stay_with_a_model_until_it_is_deleted(kept: Keeping) -> None:
    made = kept.models.create(request(Tags=[{"Key": "team", "Value": "churn"}]))
    assert kept.tags.of(str(made["ModelArn"])) == {"team": "churn"}
    assert "Tags" not in made
    kept.models.delete("Model-1")
    assert kept.tags.of(str(made["ModelArn"])) == {}


def test_a_wrong_tag_leaves_no_model(kept: Keeping) -> None:
    with pytest.raises(InvalidInputError, match="reserved"):
        kept.models.create(request(Tags=[{"Key": "aws:x", "Value": ""}]))
    with pytest.raises(NotFoundError):
        kept.models.describe("Model-1")


def test_models_are_listed_newest_first_and_deleted(kept: Keeping) -> None:
    for name in ("a", "b", "ab"):
        kept.models.create(request(name))
        kept.clock.advance(timedelta(seconds=1))
    found, token = kept.models.list(replace(NEWEST_FIRST, limit=2))
    assert [one["ModelName"] for one in found] == ["ab", "b"]
    assert [one["ModelName"] for one in kept.models.list(replace(NEWEST_FIRST, limit=2, after=token))[0]] == [
        "a"
    ]
    assert [one["ModelName"] for one in kept.models.list(replace(NEWEST_FIRST, name_contains="A"))[0]] == [
        "ab",
        "a",
    ]
    kept.models.delete("ab")
    with pytest.raises(NotFoundError, match="Could not find model 'ab'"):
        kept.models.describe("ab")


def test_missing_model_data_is_said_in_sagemakers_words(kept: Keeping) -> None:
    wrong = {"Image": "x", "ModelDataUrl": "s3://bucket/other.tar.gz"}
    with pytest.raises(NotFoundError) as caught:
        kept.models.create({**request(), "PrimaryContainer": wrong})
    assert "Could not find model data at s3://bucket/other.tar.gz" in caught.value.what
    assert caught.value.where == "PrimaryContainer.ModelDataUrl"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ModelName": ""},
        {"ModelName": "a_b"},
        {"PrimaryContainer": None},
        {"Containers": [{"Image": "x"}]},
        {"PrimaryContainer": {}},
        {"PrimaryContainer": "x"},
        {"PrimaryContainer": None, "Containers": "x"},
        {"PrimaryContainer": None, "Containers": [1]},
        {"PrimaryContainer": None, "Containers": [{"Image": "x"}] * 16},
        {"PrimaryContainer": {"Image": "x", "ModelDataUrl": "https://elsewhere/x"}},
    ],
)
def test_a_request_that_cannot_be_taken_is_refused(kept: Keeping, wrong: dict[str, Json]) -> None:
    document = {key: value for key, value in {**request(), **wrong}.items() if value is not None}
    with pytest.raises(InvalidInputError) as caught:
        kept.models.create(document)
    assert caught.value.mend


def test_a_chain_of_containers(kept: Keeping) -> None:
    containers = [{"Image": "x"}, {"Image": "y", "ModelDataUrl": DATA}]
    made = kept.models.create({"ModelName": "chain", "Containers": containers})
    assert made["Containers"] == containers


def test_a_model_package_must_be_there_and_approved(kept: Keeping) -> None:
    document: dict[str, Json] = {"ModelName": "m", "PrimaryContainer": {"ModelPackageName": "g/1"}}
    with pytest.raises(NotFoundError):
        kept.models.create(document)
    kept.registry.create({"ModelPackageGroupName": "g"})
    with pytest.raises(WrongStateError, match="PendingManualApproval"):
        kept.models.create(document)
    kept.registry.set_approval("g/1", ModelApprovalStatus.APPROVED)
    kept.models.create(document)
