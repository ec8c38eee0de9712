from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.package_reviews import StageEntered, read_life_cycle
from stepmill.catalog.registry import ModelRegistry
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json
from support.keeping import Keeping, keeping


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.registry.create({"ModelPackageGroupName": "Churn"})
        yield opened


@pytest.fixture
def registry(kept: Keeping) -> ModelRegistry:
    return kept.registry


def test_stages_are_kept_from_the_first_to_the_newest(registry: ModelRegistry, kept: Keeping) -> None:
    registry.set_stage("churn/1", "Development", "InProgress")
    kept.clock.advance(timedelta(hours=1))
    registry.update(
        "churn/1",
        {"ModelLifeCycle": {"Stage": "QA", "StageStatus": "OnHold", "StageDescription": "“waits”"}},
        by="ada",
    )
    assert registry.stages("churn/1") == (
        StageEntered("Development", "InProgress", "", "2026-01-01T00:00:00Z"),
        StageEntered("QA", "OnHold", "“waits”", "2026-01-01T01:00:00Z", "ada"),
    )
    described = registry.describe("churn/1")
    assert described["ModelLifeCycle"] == {
        "Stage": "QA", "StageStatus": "OnHold", "StageDescription": "“waits”",
    }  # fmt: skip
    assert described["LastModifiedBy"] == {"IamIdentity": {"PrincipalId": "ada"}}


def test_a_version_may_be_registered_in_a_stage(registry: ModelRegistry) -> None:
    cycle: Json = {"Stage": "Development", "StageStatus": "New"}
    registry.create({"ModelPackageGroupName": "Churn", "ModelLifeCycle": cycle}, by="ada")
    assert [(one.stage, one.by) for one in registry.stages("churn/2")] == [("Development", "ada")]
    assert registry.stages("churn/1") == ()
    with pytest.raises(NotFoundError):
        registry.stages("churn/9")


@pytest.mark.parametrize(
    "wrong",
    [
        "Production",
        {},
        {"Stage": "Production"},
        {"StageStatus": "Approved"},
        {"Stage": "Pro duction", "StageStatus": "Approved"},
        {"Stage": "-x", "StageStatus": "Approved"},
        {"Stage": "x" * 64, "StageStatus": "Approved"},
        {"Stage": "x", "StageStatus": 3},
        {"Stage": "x", "StageStatus": "ä"},
        {"Stage": "x", "StageStatus": "y", "StageDescription": "d" * 1025},
    ],
)
def test_what_is_no_stage_is_refused_and_changes_nothing(registry: ModelRegistry, wrong: Json) -> None:
    with pytest.raises(InvalidInputError) as caught:
        registry.update("churn/1", {"ModelLifeCycle": wrong, "SourceUri": "s3://a/b"})
    assert caught.value.where.startswith("ModelLifeCycle")
    assert registry.stages("churn/1") == ()
    assert "SourceUri" not in registry.describe("churn/1")


def test_names_of_stages_are_free() -> None:
    cycle: Json = {"Stage": "a" * 63, "StageStatus": "b-2", "StageDescription": "d" * 1024}
    assert read_life_cycle(cycle) == cycle


@pytest.mark.parametrize(
    "request_",
    [
        {"ModelApprovalStatus": "Approved"},
        {"ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"}},
    ],
)
def test_a_package_on_its_own_is_not_reviewed(registry: ModelRegistry, request_: dict[str, Json]) -> None:
    registry.create({"ModelPackageName": "alone"})
    with pytest.raises(InvalidInputError, match="on its own"):
        registry.update("alone", request_)
    assert registry.update("alone", {"SourceUri": "s3://a/b"})["SourceUri"] == "s3://a/b"
