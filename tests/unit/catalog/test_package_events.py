from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stepmill.catalog.package_events import package_changed, updated_fields
from stepmill.catalog.registry import ModelRegistry
from stepmill.core.happenings import Happening
from stepmill.core.json import Json, JsonObject
from support.keeping import ARNS, Keeping, keeping

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def described(**more: Json) -> JsonObject:
    return {
        "ModelPackageGroupName": "Churn",
        "ModelPackageName": "Churn",
        "ModelPackageVersion": 2,
        "ModelPackageArn": "arn:x/churn/2",
        "CreationTime": "2026-01-02T03:04:05.000678Z",
        "CreatedBy": {"IamIdentity": {"PrincipalId": "ada"}},
        "ModelPackageStatus": "Completed",
        **more,
    }


class TestDocuments:
    def test_an_event_has_the_documented_members(self) -> None:
        told = package_changed(described(ModelCard={"ModelCardStatus": "Draft"}), NOW)
        assert (told.source, told.kind) == ("aws.sagemaker", "SageMaker Model Package State Change")
        assert (told.at, told.resources) == (NOW, ("arn:x/churn/2",))
        assert told.detail == {
            "ModelPackageGroupName": "Churn",
            "ModelPackageVersion": 2,
            "ModelPackageArn": "arn:x/churn/2",
            "CreationTime": "2026-01-02T03:04:05Z",
            "LastModifiedTime": "2026-01-02T03:04:05Z",
            "ModelPackageStatus": "Completed",
        }

    def test_a_package_on_its_own_keeps_its_name(self) -> None:
        alone = {
            key: value for key, value in described(ModelPackageName="Alone").items() if "Version" not in key
        }
        assert package_changed(alone, NOW).detail["ModelPackageName"] == "Alone"

    @pytest.mark.parametrize(
        ("member", "field"),
        [
            ("ModelApprovalStatus", "ModelApprovalStatus"),
            ("ModelLifeCycle", "ModelLifeCycle"),
            ("SourceUri", "sourceUri"),
        ],
    )
    def test_fields_go_by_the_names_of_the_guide(self, member: str, field: str) -> None:
        assert updated_fields(described(), described(**{member: "new"})) == [field]
        assert updated_fields(described(**{member: "new"}), described(**{member: "new"})) == []


class TestRegistry:
    @pytest.fixture
    def kept(self, tmp_path: Path) -> Iterator[Keeping]:
        with keeping(tmp_path) as opened:
            yield opened

    @pytest.fixture
    def told(self) -> list[Happening]:
        return []

    @pytest.fixture
    def registry(self, kept: Keeping, told: list[Happening]) -> ModelRegistry:
        return ModelRegistry(kept.records, kept.contents, kept.clock, ARNS, kept.tags, told.append)

    def test_who_listens_hears_of_each_change_once(
        self, registry: ModelRegistry, told: list[Happening]
    ) -> None:
        registry.create({"ModelPackageGroupName": "churn"}, token="t")
        registry.create({"ModelPackageGroupName": "churn"}, token="t")
        registry.update("churn/1", {"ModelApprovalStatus": "Approved", "ApprovalDescription": "good"})
        registry.update("churn/1", {"ModelApprovalStatus": "Approved", "ApprovalDescription": "good"})
        registry.set_stage("churn/1", "Production", "Live")
        assert [one.detail.get("UpdatedModelPackageFields") for one in told] == [
            None,
            ["ModelApprovalStatus", "ApprovalDescription"],
            ["ModelLifeCycle"],
        ]

    def test_what_was_made_and_not_told_is_told_by_whoever_comes_again(
        self,
        kept: Keeping,
        registry: ModelRegistry,
        told: list[Happening],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        class Killed(BaseException):
            pass

        def killed(_happening: Happening) -> None:
            raise Killed

        dying = ModelRegistry(kept.records, kept.contents, kept.clock, ARNS, kept.tags, killed)
        with pytest.raises(Killed):
            dying.create({"ModelPackageGroupName": "churn"}, token="t")
        made = registry.create({"ModelPackageGroupName": "churn"}, token="t")
        assert made["ModelPackageVersion"] == 1
        assert [one.detail["ModelPackageVersion"] for one in told] == [1]

    def test_of_two_decisions_at_once_both_are_kept_and_told_as_they_came(
        self, registry: ModelRegistry, told: list[Happening]
    ) -> None:
        registry.create({"ModelPackageGroupName": "churn"})
        told.clear()
        statuses = ["Approved", "Rejected"] * 8
        with ThreadPoolExecutor(8) as threads:
            list(
                threads.map(
                    lambda status: registry.update("churn/1", {"ModelApprovalStatus": status}), statuses
                )
            )
        kept = [one.status for one in registry.approvals("churn/1")]
        assert sorted(kept) == sorted(statuses)
        assert registry.describe("churn/1")["ModelApprovalStatus"] == kept[-1]
        # A decision like the one before it changes nothing, and is not told.
        changes = [status for before, status in zip([None, *kept], kept, strict=False) if status != before]
        assert sorted(str(one.detail["ModelApprovalStatus"]) for one in told) == sorted(changes)
