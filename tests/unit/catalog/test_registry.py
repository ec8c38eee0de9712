from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.package_reviews import ModelApprovalStatus
from stepmill.catalog.package_tokens import TOKEN_KIND
from stepmill.catalog.packages import PACKAGE_KIND, group_key, package_key
from stepmill.catalog.registry import ModelRegistry
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from stepmill.core.json import Json
from stepmill.core.service_models import service_model
from stepmill.storage.records import Selection
from support.keeping import Keeping, keeping

GROUP_ARN = "arn:aws:sagemaker:us-west-2:123456789012:model-package-group/churn"
VERSION_ARN = "arn:aws:sagemaker:us-west-2:123456789012:model-package/churn"


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put("s3://bucket/model.tar.gz", "weights")
        yield opened


@pytest.fixture
def registry(kept: Keeping) -> ModelRegistry:
    return kept.registry


def request(group: str = "Churn", **more: Json) -> dict[str, Json]:
    container = {"Image": "python:3.11", "ModelDataUrl": "s3://bucket/model.tar.gz"}
    return {"ModelPackageGroupName": group, "InferenceSpecification": {"Containers": [container]}, **more}


def a_group(name: str = "Churn", **more: Json) -> dict[str, Json]:
    return {"ModelPackageGroupName": name, **more}


class TestVersions:
    def test_the_description_is_the_request_and_what_was_given_to_it(self, registry: ModelRegistry) -> None:
        metrics = {
            "ModelQuality": {"Statistics": {"S3Uri": "s3://bucket/m", "ContentType": "application/json"}}
        }
        made = registry.create(request(ModelMetrics=metrics, ModelPackageDescription="first", Tags=[]))
        assert made == registry.describe("churn/1") == registry.describe(f"{VERSION_ARN}/1")
        assert made["ModelPackageName"] == made["ModelPackageGroupName"] == "Churn"
        assert made["ModelPackageArn"] == f"{VERSION_ARN}/1"
        assert made["ModelPackageVersion"] == 1
        assert made["ModelApprovalStatus"] == "PendingManualApproval"
        assert made["ModelPackageStatus"] == "Completed"
        assert made["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
        assert made["ModelMetrics"] == metrics
        assert made["ModelPackageDescription"] == "first"
        assert "Tags" not in made

    def test_the_answers_have_every_member_that_aws_requires_and_no_other(
        self, registry: ModelRegistry
    ) -> None:
        registry.create(request())
        described = registry.set_approval("churn/1", ModelApprovalStatus.APPROVED, description="good")
        model = service_model("sagemaker")
        for answer, operation in (
            (described, "DescribeModelPackage"),
            (registry.groups.describe("churn"), "DescribeModelPackageGroup"),
        ):
            shape = model.answer(operation)
            assert set(shape.required) <= set(answer)
            assert set(answer) <= set(shape.members)

    def test_numbers_go_up_by_one_and_are_never_used_again(self, registry: ModelRegistry) -> None:
        assert [registry.create(request())["ModelPackageVersion"] for _ in range(3)] == [1, 2, 3]
        registry.delete("churn/3")
        assert registry.create(request())["ModelPackageVersion"] == 4
        assert registry.create(request("other"))["ModelPackageVersion"] == 1

    def test_a_missing_group_is_made_and_one_that_is_there_is_used(self, registry: ModelRegistry) -> None:
        registry.groups.create(a_group(ModelPackageGroupDescription="kept"))
        registry.create(request("CHURN"))
        registry.create(request(GROUP_ARN))
        assert registry.groups.describe("churn")["ModelPackageGroupDescription"] == "kept"
        assert [one["ModelPackageName"] for one in registry.versions("churn")[0]] == ["Churn", "Churn"]

    def test_versions_are_listed_newest_first_and_by_status(self, registry: ModelRegistry) -> None:
        for _ in range(4):
            registry.create(request())
        registry.set_approval("churn/2", ModelApprovalStatus.APPROVED)
        found, token = registry.versions("Churn", limit=3)
        assert [one["ModelPackageVersion"] for one in found] == [4, 3, 2]
        assert [
            one["ModelPackageVersion"] for one in registry.versions("Churn", limit=3, after=token)[0]
        ] == [1]
        approved, _ = registry.versions("Churn", status=ModelApprovalStatus.APPROVED)
        assert [one["ModelPackageVersion"] for one in approved] == [2]
        with pytest.raises(NotFoundError):
            registry.versions("none")

    def test_the_digest_of_the_model_data_is_kept(self, registry: ModelRegistry, kept: Keeping) -> None:
        registry.create(request())
        kept.put("s3://bucket/model.tar.gz", "other weights")
        registry.create(request())
        first = registry.model_data_digests("churn/1")["s3://bucket/model.tar.gz"]
        second = registry.model_data_digests("churn/2")["s3://bucket/model.tar.gz"]
        assert first != second
        assert second == kept.contents.of_object("s3://bucket/model.tar.gz")

    def test_model_data_below_a_prefix_and_of_this_machine(
        self, registry: ModelRegistry, kept: Keeping
    ) -> None:
        kept.put("s3://bucket/models/a", "1")
        (kept.folder / "model.tar.gz").write_text("local")
        source = {"S3DataSource": {"S3Uri": "s3://bucket/models/", "S3DataType": "S3Prefix",
                                   "CompressionType": "None"}}  # fmt: skip
        containers = [
            {"Image": "x", "ModelDataSource": source},
            {"Image": "x", "ModelDataUrl": "model.tar.gz"},
        ]
        registry.create(request(InferenceSpecification={"Containers": containers}))
        assert set(registry.model_data_digests("churn/1")) == {"s3://bucket/models/", "model.tar.gz"}

    def test_missing_model_data_is_said_in_sagemakers_words(self, registry: ModelRegistry) -> None:
        containers = [{"Image": "x"}, {"Image": "x", "ModelDataUrl": "s3://bucket/none.tar.gz"}]
        with pytest.raises(NotFoundError) as caught:
            registry.create(request(InferenceSpecification={"Containers": containers}))
        assert caught.value.what == "Could not find model data at s3://bucket/none.tar.gz."
        assert caught.value.where == "InferenceSpecification.Containers[1].ModelDataUrl"
        with pytest.raises(NotFoundError):
            registry.groups.describe("churn")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"InferenceSpecification": {}},
            {"InferenceSpecification": {"Containers": []}},
            {"InferenceSpecification": {"Containers": "text"}},
            {"InferenceSpecification": {"Containers": [1]}},
            {"InferenceSpecification": {"Containers": [{}] * 16}},
            {"InferenceSpecification": 3},
            {"ModelApprovalStatus": "approved"},
            {"ModelPackageGroupName": "a b"},
            {"ModelPackageGroupName": ""},
        ],
    )
    def test_a_request_that_cannot_be_taken_leaves_nothing(
        self, registry: ModelRegistry, kept: Keeping, wrong: dict[str, Json]
    ) -> None:
        with pytest.raises(InvalidInputError) as caught:
            registry.create(
                request(**wrong) if "ModelPackageGroupName" not in wrong else {**request(), **wrong}
            )
        assert caught.value.mend
        assert kept.records.list(PACKAGE_KIND).records == ()

    @pytest.mark.parametrize(
        ("group", "name", "what"), [("Churn", "Alone", "both"), ("", "", "neither"), (None, None, "neither")]
    )
    def test_a_package_has_a_group_or_a_name_of_its_own(
        self, registry: ModelRegistry, group: str | None, name: str | None, what: str
    ) -> None:
        with pytest.raises(InvalidInputError, match=f"has {what}"):
            registry.create({"ModelPackageGroupName": group, "ModelPackageName": name})

    @pytest.mark.parametrize(
        "member", ["CertifyForMarketplace", "SourceAlgorithmSpecification", "ValidationSpecification"]
    )
    def test_what_would_silently_not_be_done_is_refused(
        self, registry: ModelRegistry, kept: Keeping, member: str
    ) -> None:
        asked: Json = True if member == "CertifyForMarketplace" else {"ValidationRole": "r"}
        with pytest.raises(UnsupportedError, match="is not offered") as caught:
            registry.create(request(**{member: asked}))
        assert caught.value.where == member
        assert kept.records.list(PACKAGE_KIND).records == ()
        registry.create(request(CertifyForMarketplace=False))

    def test_tags_stay_with_a_version_until_it_is_deleted(
        self, registry: ModelRegistry, kept: Keeping
    ) -> None:
        tagged = request(Tags=[{"Key": "team", "Value": "churn"}])
        registry.create(tagged, token="t")
        assert kept.tags.of(f"{VERSION_ARN}/1") == {"team": "churn"}
        registry.create(tagged, token="t")
        registry.delete("churn/1")
        assert kept.tags.of(f"{VERSION_ARN}/1") == {}

    def test_packages_are_listed_as_they_are_asked_for(self, registry: ModelRegistry) -> None:
        registry.create(request())
        registry.create(request("other"))
        registry.create({"ModelPackageName": "Alone"})
        everything, _ = registry.list(Selection())
        assert [one["ModelPackageName"] for one in everything] == ["Alone", "Churn", "other"]
        first, token = registry.list(Selection(limit=1, name_contains="chu"))
        assert [one["ModelPackageArn"] for one in first] == [f"{VERSION_ARN}/1"]
        assert token is None

    def test_a_package_of_its_own_name(self, registry: ModelRegistry) -> None:
        document: dict[str, Json] = {"ModelPackageName": "Alone"}
        made = registry.create(document, token="t")
        assert made["ModelPackageArn"].endswith("model-package/alone")  # type: ignore[union-attr]
        assert "ModelPackageVersion" not in made
        assert "ModelApprovalStatus" not in made
        assert registry.create(document, token="t") == made
        with pytest.raises(ConflictError, match="ModelPackage already exists: 'Alone'"):
            registry.create(document, token="other")

    @pytest.mark.parametrize("name", ["churn/x", "churn/1/2", "/1", "churn/", "churn/-1", "churn/²"])
    def test_what_names_no_package_is_refused(self, registry: ModelRegistry, name: str) -> None:
        with pytest.raises(InvalidInputError):
            registry.describe(name)

    def test_keys(self) -> None:
        assert group_key(GROUP_ARN) == group_key("Churn") == "churn"
        assert package_key(f"{VERSION_ARN}/12") == package_key("Churn/012") == "churn/12"


class TestApproval:
    def test_the_newest_decision_counts_and_all_are_kept(
        self, registry: ModelRegistry, kept: Keeping
    ) -> None:
        registry.create(request())
        kept.clock.advance(timedelta(hours=1))
        registry.set_approval("churn/1", ModelApprovalStatus.REJECTED, description="too slow")
        kept.clock.advance(timedelta(hours=1))
        described = registry.set_approval("churn/1", ModelApprovalStatus.APPROVED, description="faster now")
        assert described["ModelApprovalStatus"] == "Approved"
        assert described["ApprovalDescription"] == "faster now"
        assert described["LastModifiedTime"] == "2026-01-01T02:00:00Z"
        assert [(one.status, one.description, one.at) for one in registry.approvals("churn/1")] == [
            (ModelApprovalStatus.REJECTED, "too slow", "2026-01-01T01:00:00Z"),
            (ModelApprovalStatus.APPROVED, "faster now", "2026-01-01T02:00:00Z"),
        ]

    def test_a_request_may_bring_its_status(self, registry: ModelRegistry) -> None:
        assert registry.create(request(ModelApprovalStatus="Approved"))["ModelApprovalStatus"] == "Approved"

    def test_an_unknown_package_cannot_be_approved(self, registry: ModelRegistry) -> None:
        with pytest.raises(NotFoundError, match="no model package 'churn/9'"):
            registry.set_approval("churn/9", ModelApprovalStatus.APPROVED)

    def test_a_status_is_read_as_the_wire_spells_it(self) -> None:
        assert ModelApprovalStatus.read("Rejected") is ModelApprovalStatus.REJECTED
        with pytest.raises(InvalidInputError, match="is not an approval status"):
            ModelApprovalStatus.read("rejected")


class TestOnce:
    """The same token makes one version, whatever happens in between."""

    def test_twice_with_a_token_is_once(self, registry: ModelRegistry) -> None:
        assert registry.create(request(), token="t") == registry.create(request(), token="t")
        assert registry.create(request(), token="u")["ModelPackageVersion"] == 2
        assert registry.create(request())["ModelPackageVersion"] == 3

    @pytest.mark.parametrize("method", ["create", "create_numbered", "update"])
    @pytest.mark.parametrize("after", [False, True])
    def test_killed_at_any_write_it_is_still_once(
        self, kept: Keeping, monkeypatch: pytest.MonkeyPatch, method: str, after: bool
    ) -> None:
        registry = kept.registry
        registry.create(request())
        real = getattr(kept.records, method)

        def killing(*arguments: object, **named: object) -> object:
            result = real(*arguments, **named) if after else None
            monkeypatch.undo()
            assert result is None or after
            raise Killed

        monkeypatch.setattr(kept.records, method, killing)
        with pytest.raises(Killed):
            registry.create(request(), token="t")
        kept.registry.create(request("other"))
        made = kept.registry.create(request(), token="t")
        assert made["ModelPackageVersion"] == 2
        assert len(kept.registry.versions("churn")[0]) == 2
        assert kept.registry.create(request(), token="t") == made

    def test_a_version_among_many_is_found_after_a_crash(
        self, kept: Keeping, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killing(*_arguments: object, **_named: object) -> object:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(kept.records, "update", killing)
            with pytest.raises(Killed):
                kept.registry.create(request(), token="t")
        for _ in range(120):
            kept.registry.create(request())
        assert kept.registry.create(request(), token="t")["ModelPackageVersion"] == 1

    def test_threads_with_one_token_make_one(self, registry: ModelRegistry, kept: Keeping) -> None:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _: registry.create(request(), token="t"), range(16)))
        assert len({one["ModelPackageArn"] for one in made}) == 1
        assert len(kept.records.list(TOKEN_KIND).records) == 1

    def test_threads_without_one_make_as_many_as_they_are(self, registry: ModelRegistry) -> None:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _: registry.create(request()), range(16)))
        assert sorted(int(str(one["ModelPackageVersion"])) for one in made) == list(range(1, 17))
