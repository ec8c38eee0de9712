from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.package_updates import MOST_PROPERTIES, MOST_SPECIFICATIONS, MOST_TOKENS
from stepmill.catalog.packages import PACKAGE_KIND
from stepmill.catalog.registry import ModelRegistry
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json
from stepmill.core.service_models import service_model
from support.keeping import Keeping, keeping

DATA = "s3://bucket/model.tar.gz"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put(DATA, "weights")
        opened.registry.create({"ModelPackageGroupName": "Churn", "ModelPackageDescription": "kept"})
        yield opened


@pytest.fixture
def registry(kept: Keeping) -> ModelRegistry:
    return kept.registry


def specification(name: str) -> dict[str, Json]:
    return {"Name": name, "Containers": [{"Image": "x"}]}


def test_members_that_are_given_replace_what_was_there_and_all_else_stays(
    registry: ModelRegistry, kept: Keeping
) -> None:
    kept.clock.advance(timedelta(hours=1))
    card: Json = {"ModelCardContent": "{}", "ModelCardStatus": "Draft"}
    stage: Json = {"Stage": "Development", "StageStatus": "Waiting"}
    registry.update("churn/1", {"ModelCard": card, "ModelLifeCycle": stage, "SourceUri": "s3://a/b"})
    changed = registry.update("churn/1", {"SourceUri": "s3://c/d", "ModelPackageRegistrationType": "Logged"})
    assert changed == registry.describe("churn/1")
    assert changed["ModelPackageDescription"] == "kept"
    assert changed["ModelCard"] == card
    assert changed["ModelLifeCycle"] == stage
    assert changed["SourceUri"] == "s3://c/d"
    assert changed["ModelPackageRegistrationType"] == "Logged"
    assert changed["ModelApprovalStatus"] == "PendingManualApproval"
    assert changed["LastModifiedTime"] == "2026-01-01T01:00:00Z"
    assert set(changed) <= set(service_model("sagemaker").answer("DescribeModelPackage").members)


def test_an_update_of_nothing_changes_nothing_that_is_described(registry: ModelRegistry) -> None:
    before = registry.describe("churn/1")
    assert registry.update("churn/1", {"ModelPackageArn": "echo", "ClientToken": "t"}) == before


def test_metadata_is_added_and_removed_by_key(registry: ModelRegistry) -> None:
    registry.create(
        {"ModelPackageGroupName": "Churn", "CustomerMetadataProperties": {"a": "1", "b": "2", "c": "3"}}
    )
    changed = registry.update(
        "churn/2",
        {
            "CustomerMetadataProperties": {"b": "20", "d": "4"},
            "CustomerMetadataPropertiesToRemove": ["a", "none"],
        },
    )
    assert changed["CustomerMetadataProperties"] == {"b": "20", "c": "3", "d": "4"}
    changed = registry.update("churn/2", {"CustomerMetadataPropertiesToRemove": ["d"]})
    assert changed["CustomerMetadataProperties"] == {"b": "20", "c": "3"}


def test_inference_specifications_are_added_under_names_of_their_own(registry: ModelRegistry) -> None:
    registry.update("churn/1", {"AdditionalInferenceSpecificationsToAdd": [specification("small")]})
    changed = registry.update("churn/1", {"AdditionalInferenceSpecificationsToAdd": [specification("big")]})
    assert changed["AdditionalInferenceSpecifications"] == [specification("small"), specification("big")]
    with pytest.raises(ConflictError, match="'small' already"):
        registry.update("churn/1", {"AdditionalInferenceSpecificationsToAdd": [specification("small")]})
    many: Json = [specification(f"s{n}") for n in range(MOST_SPECIFICATIONS - 1)]
    with pytest.raises(InvalidInputError, match="at most 15"):
        registry.update("churn/1", {"AdditionalInferenceSpecificationsToAdd": many})
    assert registry.describe("churn/1") == changed


def test_another_inference_specification_brings_its_model_data(registry: ModelRegistry) -> None:
    new: dict[str, Json] = {"Containers": [{"Image": "x", "ModelDataUrl": DATA}]}
    assert registry.update("churn/1", {"InferenceSpecification": new})["InferenceSpecification"] == new
    assert set(registry.model_data_digests("churn/1")) == {DATA}
    gone: Json = {"Containers": [{"Image": "x", "ModelDataUrl": "s3://bucket/none"}]}
    with pytest.raises(NotFoundError, match="Could not find model data"):
        registry.update("churn/1", {"InferenceSpecification": gone})
    assert registry.describe("churn/1")["InferenceSpecification"] == new


def test_a_decision_is_kept_with_its_reason_and_the_moment(registry: ModelRegistry) -> None:
    changed = registry.update(
        "churn/1", {"ModelApprovalStatus": "Approved", "ApprovalDescription": "good", "SourceUri": "s3://a/b"}
    )
    assert changed["ModelApprovalStatus"] == "Approved"
    assert changed["ApprovalDescription"] == "good"
    assert [(one.status, one.description) for one in registry.approvals("churn/1")] == [("Approved", "good")]


def test_a_description_alone_is_no_decision(registry: ModelRegistry) -> None:
    changed = registry.update("churn/1", {"ApprovalDescription": "still looking"})
    assert changed["ApprovalDescription"] == "still looking"
    assert changed["ModelApprovalStatus"] == "PendingManualApproval"
    assert registry.approvals("churn/1") == ()


def test_what_cannot_be_taken_changes_nothing(registry: ModelRegistry) -> None:
    before = registry.describe("churn/1")
    with pytest.raises(InvalidInputError, match="not an approval status"):
        registry.update("churn/1", {"SourceUri": "s3://a/b", "ModelApprovalStatus": "Perhaps"})
    assert registry.describe("churn/1") == before
    with pytest.raises(NotFoundError):
        registry.update("churn/9", {})


def test_an_update_that_comes_again_with_its_token_is_done_once(registry: ModelRegistry) -> None:
    request: dict[str, Json] = {
        "ClientToken": "t",
        "ModelApprovalStatus": "Approved",
        "AdditionalInferenceSpecificationsToAdd": [specification("small")],
    }
    first = registry.update("churn/1", request)
    registry.update("churn/1", {"ClientToken": "u", "ModelApprovalStatus": "Rejected"})
    assert registry.update("churn/1", request)["ModelApprovalStatus"] == "Rejected"
    assert [one.status for one in registry.approvals("churn/1")] == ["Approved", "Rejected"]
    assert first["AdditionalInferenceSpecifications"] == [specification("small")]
    with pytest.raises(ConflictError):
        registry.update("churn/1", {**request, "ClientToken": "another"})


def test_so_many_tokens_are_remembered_and_no_more(registry: ModelRegistry, kept: Keeping) -> None:
    for number in range(MOST_TOKENS + 5):
        registry.update("churn/1", {"ClientToken": f"t{number}"})
    state = kept.records.get(PACKAGE_KIND, "churn/1").body["state"]
    assert isinstance(state, dict)
    assert state["update_tokens"] == [f"t{number}" for number in range(5, MOST_TOKENS + 5)]


def test_so_many_properties_and_no_more(registry: ModelRegistry) -> None:
    name = "CustomerMetadataProperties"
    registry.update("churn/1", {name: {f"k{number}": "v" for number in range(MOST_PROPERTIES)}})
    with pytest.raises(InvalidInputError, match="at most 50 metadata properties"):
        registry.update("churn/1", {name: {"one more": "v"}})
    changed = registry.update("churn/1", {name: {"one more": '“ä” "日本"'}, f"{name}ToRemove": ["k0"]})
    properties = changed[name]
    assert isinstance(properties, dict)
    assert (len(properties), properties["one more"]) == (MOST_PROPERTIES, '“ä” "日本"')
