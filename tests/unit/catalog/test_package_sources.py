from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json
from support.keeping import ARNS, Keeping, keeping

DATA = "s3://bucket/model.tar.gz"
CONTAINER: dict[str, Json] = {"Image": "python:3.11", "ModelDataUrl": DATA, "Environment": {"A": "1"}}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put(DATA, "weights")
        yield opened


def test_a_package_is_cloned_with_what_was_changed_since(kept: Keeping) -> None:
    registry = kept.registry
    arn = registry.create({"ModelPackageGroupName": "a"})["ModelPackageArn"]
    specification: Json = {"Containers": [CONTAINER], "SupportedContentTypes": ["text/csv"]}
    registry.update("a/1", {"InferenceSpecification": specification})
    made = registry.create({"ModelPackageGroupName": "b", "SourceUri": arn})
    assert made["InferenceSpecification"] == specification
    assert made["SourceUri"] == arn
    assert set(registry.model_data_digests("b/1")) == {DATA}


@pytest.mark.parametrize(
    "model",
    [{"PrimaryContainer": {**CONTAINER, "Mode": "SingleModel"}}, {"Containers": [CONTAINER, CONTAINER]}],
)
def test_a_model_is_registered_with_its_containers(kept: Keeping, model: dict[str, Json]) -> None:
    arn = kept.models.create({"ModelName": "served", **model})["ModelArn"]
    made = kept.registry.create({"ModelPackageGroupName": "b", "SourceUri": arn})
    count = 1 if "PrimaryContainer" in model else 2
    assert made["InferenceSpecification"] == {"Containers": [CONTAINER] * count}


def test_what_is_given_is_not_taken_over(kept: Keeping) -> None:
    arn = ARNS.model_package("never-made", 1)
    given: Json = {"Containers": [CONTAINER]}
    made = kept.registry.create(
        {"ModelPackageGroupName": "b", "SourceUri": arn, "InferenceSpecification": given}
    )
    assert made["InferenceSpecification"] == given


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        (ARNS.model_package("never-made", 1), "ModelPackage arn:.* does not exist"),
        (ARNS.sagemaker("model", "never-made"), "Model arn:.* does not exist"),
    ],
)
def test_a_source_that_is_not_here_is_refused(kept: Keeping, uri: str, what: str) -> None:
    with pytest.raises(NotFoundError, match=what):
        kept.registry.create({"ModelPackageGroupName": "b", "SourceUri": uri})
    with pytest.raises(NotFoundError):
        kept.registry.groups.describe("b")


def test_another_source_is_only_kept(kept: Keeping) -> None:
    made = kept.registry.create({"ModelPackageGroupName": "b", "SourceUri": "https://example.com/ä?x=“1”"})
    assert made["SourceUri"] == "https://example.com/ä?x=“1”"
    assert "InferenceSpecification" not in made


def test_model_data_may_be_missing_where_validation_is_skipped(kept: Keeping) -> None:
    gone: Json = {"Containers": [{"Image": "x", "ModelDataUrl": "s3://bucket/none.tar.gz"}]}
    request: dict[str, Json] = {"ModelPackageGroupName": "b", "InferenceSpecification": gone}
    with pytest.raises(NotFoundError):
        kept.registry.create({**request, "SkipModelValidation": "None"})
    made = kept.registry.create({**request, "SkipModelValidation": "All"})
    assert made["SkipModelValidation"] == "All"
    assert kept.registry.model_data_digests("b/1") == {}
