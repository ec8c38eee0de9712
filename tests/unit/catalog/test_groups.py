from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stepmill.catalog.groups import BY_NAME
from stepmill.catalog.registry import ModelRegistry
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json
from support.keeping import Keeping, keeping

GROUP_ARN = "arn:aws:sagemaker:us-west-2:123456789012:model-package-group/churn"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def registry(kept: Keeping) -> ModelRegistry:
    return kept.registry


def a_group(name: str = "Churn", **more: Json) -> dict[str, Json]:
    return {"ModelPackageGroupName": name, **more}


def test_a_group_is_made_described_and_deleted(registry: ModelRegistry) -> None:
    made = registry.groups.create(a_group(ModelPackageGroupDescription="who leaves"))
    assert made == registry.groups.describe("churn") == registry.groups.describe(GROUP_ARN)
    assert made == {
        "ModelPackageGroupName": "Churn",
        "ModelPackageGroupArn": GROUP_ARN,
        "ModelPackageGroupDescription": "who leaves",
        "CreationTime": "2026-01-01T00:00:00Z",
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
    registry.groups.delete("Churn")
    with pytest.raises(NotFoundError, match="no model package group 'Churn'"):
        registry.groups.describe("Churn")


def test_a_taken_name_is_a_conflict_whatever_its_case(registry: ModelRegistry) -> None:
    registry.groups.create(a_group())
    with pytest.raises(ConflictError, match="'CHURN' already exists"):
        registry.groups.create(a_group("CHURN"))


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a" * 64, "a/1", "é"])
def test_a_name_that_sagemaker_refuses_is_refused(registry: ModelRegistry, name: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be a name"):
        registry.groups.create(a_group(name))


def test_a_group_with_versions_stays(registry: ModelRegistry) -> None:
    registry.create({"ModelPackageGroupName": "Churn"})
    with pytest.raises(WrongStateError, match="still holds versions"):
        registry.groups.delete("Churn")
    registry.delete("churn/1")
    registry.groups.delete("Churn")


def test_groups_are_listed_by_name_in_pages(registry: ModelRegistry) -> None:
    for name in ("b-one", "C-one", "a-two"):
        registry.groups.create(a_group(name))
    first, token = registry.groups.list(replace(BY_NAME, limit=2))
    rest, end = registry.groups.list(replace(BY_NAME, limit=2, after=token))
    assert [one["ModelPackageGroupName"] for one in [*first, *rest]] == ["a-two", "b-one", "C-one"]
    assert end is None
    assert len(registry.groups.list(replace(BY_NAME, name_contains="ONE"))[0]) == 2


def test_a_missing_group_is_opened_by_making_it(registry: ModelRegistry) -> None:
    assert registry.groups.open("Churn").name == "churn"
    assert registry.groups.open(GROUP_ARN) == registry.groups.open("CHURN")
    assert registry.groups.describe("churn")["ModelPackageGroupName"] == "Churn"


def test_tags_stay_with_a_group_until_it_is_deleted(kept: Keeping) -> None:
    groups = kept.registry.groups
    made = groups.create(a_group(Tags=[{"Key": "team", "Value": "churn"}]))
    assert "Tags" not in made
    assert kept.tags.of(GROUP_ARN) == {"team": "churn"}
    groups.delete("churn")
    assert kept.tags.of(GROUP_ARN) == {}
    with pytest.raises(InvalidInputError, match="reserved"):
        groups.create(a_group(Tags=[{"Key": "aws:x", "Value": ""}]))
    with pytest.raises(NotFoundError):
        groups.describe("churn")


class TestPolicy:
    def test_a_policy_is_kept_as_it_was_given_until_it_is_taken_away(self, registry: ModelRegistry) -> None:
        registry.groups.create(a_group(ModelPackageGroupDescription="kept"))
        assert registry.groups.policy("Churn") == ""
        text = '{ "Version" : "2012-10-17" }'
        assert registry.groups.set_policy("Churn", text)["ModelPackageGroupArn"] == GROUP_ARN
        assert registry.groups.policy(GROUP_ARN) == text
        assert registry.groups.describe("churn")["ModelPackageGroupDescription"] == "kept"
        registry.groups.set_policy("churn", "")
        assert registry.groups.policy("churn") == ""

    @pytest.mark.parametrize("policy", ["text", "[]", "1", '"a"', "{"])
    def test_what_is_no_json_object_is_refused(self, registry: ModelRegistry, policy: str) -> None:
        registry.groups.create(a_group())
        with pytest.raises(InvalidInputError) as caught:
            registry.groups.set_policy("Churn", policy)
        assert caught.value.where == "ResourcePolicy"
        assert registry.groups.policy("Churn") == ""

    def test_a_missing_group_has_no_policy(self, registry: ModelRegistry) -> None:
        with pytest.raises(NotFoundError):
            registry.groups.policy("none")
        with pytest.raises(NotFoundError):
            registry.groups.set_policy("none", "{}")
