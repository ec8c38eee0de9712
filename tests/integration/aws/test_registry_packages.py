"""Model packages and their groups, as boto3 sees them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from support.registry import own_name, pages, put_model_data, refused
from support.wire import Wire

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


@pytest.fixture
def data(wire: Wire) -> str:
    return put_model_data(wire)


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = own_name("Churn")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def specification(data: str) -> dict[str, Any]:
    return {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": data}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


def a_version(group: str, data: str, **more: Any) -> dict[str, Any]:
    return {"ModelPackageGroupName": group, "InferenceSpecification": specification(data), **more}


class TestGroups:
    def test_a_group_is_made_described_and_deleted(self, wire: Wire, sagemaker: Any) -> None:
        name = own_name("Group")
        made = sagemaker.create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription="who leaves",
            Tags=[{"Key": "team", "Value": "churn"}],
        )
        arn = made["ModelPackageGroupArn"]
        assert arn == wire.platform.settings.arns.sagemaker("model-package-group", name)
        for reference in (name, arn):
            described = sagemaker.describe_model_package_group(ModelPackageGroupName=reference)
            assert described["ModelPackageGroupName"] == name
            assert described["ModelPackageGroupStatus"] == "Completed"
            assert described["ModelPackageGroupDescription"] == "who leaves"
            assert described["CreatedBy"]["IamIdentity"]["Arn"].endswith("/test")
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]
        sagemaker.delete_model_package_group(ModelPackageGroupName=arn)
        for call in (sagemaker.describe_model_package_group, sagemaker.delete_model_package_group):
            error = refused(call, ModelPackageGroupName=name)
            assert error.code == "ValidationException"
            assert error.message == f"ModelPackageGroup {arn} does not exist."

    def test_a_taken_name_is_refused(self, sagemaker: Any, group: str) -> None:
        error = refused(sagemaker.create_model_package_group, ModelPackageGroupName=group)
        assert (error.code, "already exists" in error.message) == ("ValidationException", True)

    def test_a_group_with_versions_stays(self, sagemaker: Any, group: str, data: str) -> None:
        arn = sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"]
        error = refused(sagemaker.delete_model_package_group, ModelPackageGroupName=group)
        assert (error.code, "still holds versions" in error.message) == ("ConflictException", True)
        sagemaker.delete_model_package(ModelPackageName=arn)
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)

    def test_groups_are_listed_oldest_first_if_nothing_is_said(self, sagemaker: Any) -> None:
        base = own_name("listed")
        names = [f"{base}-{letter}" for letter in "bca"]
        for name in names:
            sagemaker.create_model_package_group(ModelPackageGroupName=name)

        def listed(**parameters: Any) -> list[str]:
            found = pages(
                sagemaker.list_model_package_groups, "ModelPackageGroupSummaryList", NameContains=base,
                MaxResults=2, **parameters,
            )  # fmt: skip
            return [one["ModelPackageGroupName"] for page in found for one in page]

        assert listed() == names
        assert listed(SortOrder="Descending") == names[::-1]
        assert listed(SortBy="Name") == sorted(names)
        assert listed(CrossAccountFilterOption="CrossAccount") == []
        assert listed(CrossAccountFilterOption="SameAccount") == names

    def test_a_policy_is_kept_and_given_back(self, sagemaker: Any, group: str) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": []})
        arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
        missing = refused(sagemaker.get_model_package_group_policy, ModelPackageGroupName=group)
        assert missing.code == "ValidationException"
        assert missing.message == f"Cannot find resource policy for: {arn}"
        put = sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy)
        assert put["ModelPackageGroupArn"] == arn
        assert (
            sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)["ResourcePolicy"] == policy
        )
        wrong = refused(
            sagemaker.put_model_package_group_policy, ModelPackageGroupName=group, ResourcePolicy="text"
        )
        assert wrong.code == "ValidationException"
        sagemaker.delete_model_package_group_policy(ModelPackageGroupName=group)
        again = refused(sagemaker.delete_model_package_group_policy, ModelPackageGroupName=group)
        assert "Cannot find resource policy" in again.message
        nowhere = refused(sagemaker.get_model_package_group_policy, ModelPackageGroupName="never-made")
        assert nowhere.message.startswith("Cannot find Model Package Group: arn:")


class TestVersions:
    def test_a_version_is_registered_and_described(self, sagemaker: Any, group: str, data: str) -> None:
        metrics = {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": f"{data}.json"}}
        }
        stage = {"Stage": "Development", "StageStatus": "Waiting"}
        request = a_version(
            group, data, ModelPackageDescription="the first", ModelMetrics=metrics, ModelLifeCycle=stage,
            CustomerMetadataProperties={"a": "1"},
        )  # fmt: skip
        arn = sagemaker.create_model_package(**request)["ModelPackageArn"]
        assert arn.endswith(f":model-package/{group.lower()}/1")
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        assert described["ModelPackageGroupName"] == group
        assert described["ModelPackageVersion"] == 1
        same = sagemaker.describe_model_package(ModelPackageName=described["ModelPackageName"])
        assert same["ModelPackageArn"] == arn
        assert described["ModelPackageStatus"] == "Completed"
        assert described["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
        assert described["CertifyForMarketplace"] is False
        assert described["ModelApprovalStatus"] == "PendingManualApproval"
        for member in (
            "ModelMetrics",
            "ModelLifeCycle",
            "CustomerMetadataProperties",
            "InferenceSpecification",
        ):
            assert described[member] == request[member]
        assert described["CreatedBy"]["IamIdentity"]["PrincipalId"] == "test"
        assert "LastModifiedBy" not in described
        second = sagemaker.create_model_package(
            **a_version(arn.replace("package/", "package-group/")[:-2], data)
        )
        assert second["ModelPackageArn"].endswith("/2")

    def test_a_token_registers_once(self, sagemaker: Any, group: str, data: str) -> None:
        request = a_version(group, data, ClientToken="0123456789")
        first = sagemaker.create_model_package(**request)["ModelPackageArn"]
        assert sagemaker.create_model_package(**request)["ModelPackageArn"] == first
        assert sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"][-2:] == "/2"

    def test_the_group_must_be_there(self, sagemaker: Any, data: str) -> None:
        error = refused(sagemaker.create_model_package, **a_version("never-made", data))
        assert error.code == "ValidationException"
        assert error.message.endswith("model-package-group/never-made does not exist.")

    @pytest.mark.parametrize(
        ("wrong", "code", "what"),
        [
            ({"ModelPackageName": "own"}, "ValidationException", "Cannot determine which one to use"),
            ({"ModelPackageGroupName": None}, "ValidationException", "Missing ARN."),
            ({"InferenceSpecification": {"Containers": [{"Image": "x", "ModelDataUrl": "s3://registry-tests/no"}]}},
             "ValidationException", "Could not find model data"),
            ({"InferenceSpecification": {"Containers": [{"Image": "x", "AdditionalS3DataSource":
              {"S3DataType": "S3Object", "S3Uri": "s3://registry-tests/x"}}]}},
             "ValidationException", "AdditionalS3DataSource is not allowed in InferenceSpecification"),
            ({"CertifyForMarketplace": True}, "UnsupportedOperation", "not offered"),
            ({"Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException",
             "Tags are not supported in Model Package versions. Please add them to the Model Package Group."),
            ({"ModelCard": {"ModelCardContent": '{"overview": {}}'}},
             "ValidationException", "has no 'overview' here"),
            ({"SourceUri": "arn:aws:sagemaker:us-west-2:123456789012:model-package/never-made/1",
              "InferenceSpecification": None},
             "ValidationException", "model-package/never-made/1 does not exist."),
        ],
    )  # fmt: skip
    def test_what_cannot_be_taken_is_refused(
        self, sagemaker: Any, group: str, data: str, wrong: dict[str, Any], code: str, what: str
    ) -> None:
        request = {**a_version(group, data), **wrong}
        error = refused(sagemaker.create_model_package, **{k: v for k, v in request.items() if v is not None})
        assert error.code == code
        assert what in error.message
        listed = sagemaker.list_model_packages(ModelPackageGroupName=group)
        assert listed["ModelPackageSummaryList"] == []

    def test_a_package_on_its_own(self, sagemaker: Any, data: str) -> None:
        name = own_name("Alone")
        request = {"ModelPackageName": name, "InferenceSpecification": specification(data)}
        arn = sagemaker.create_model_package(**request)["ModelPackageArn"]
        described = sagemaker.describe_model_package(ModelPackageName=name)
        assert described["ModelPackageArn"] == arn
        assert "ModelPackageVersion" not in described
        assert "ModelApprovalStatus" not in described
        error = refused(sagemaker.create_model_package, **request)
        assert (error.code, "ModelPackage already exists" in error.message) == ("ValidationException", True)
        sagemaker.delete_model_package(ModelPackageName=name)
        gone = refused(sagemaker.describe_model_package, ModelPackageName=name)
        assert gone.code == "ValidationException"
        assert gone.message.endswith(f"model-package/{name.lower()} does not exist.")

    def test_a_model_is_made_of_a_version_once_it_is_approved(
        self, sagemaker: Any, group: str, data: str
    ) -> None:
        arn = sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"]
        request = {"ModelName": own_name("served"), "PrimaryContainer": {"ModelPackageName": arn}}
        assert refused(sagemaker.create_model, **request).code == "ValidationException"
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        sagemaker.create_model(**request)

    def test_only_the_metadata_of_a_card(self, sagemaker: Any, group: str, data: str) -> None:
        content = {
            "model_overview": {"model_creator": "c"},
            "intended_uses": {"risk_rating": "Low", "explanations_for_risk_rating": "none"},
        }
        card = {"ModelCardContent": json.dumps(content), "ModelCardStatus": "Draft"}
        arn = sagemaker.create_model_package(**a_version(group, data, ModelCard=card))["ModelPackageArn"]
        assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelCard"] == card
        short = sagemaker.describe_model_package(ModelPackageName=arn, IncludedData="MetadataOnly")
        assert json.loads(short["ModelCard"]["ModelCardContent"]) == {
            "intended_uses": {"risk_rating": "Low"},
        }


class TestUpdates:
    def test_approval_and_everything_else_that_can_change(
        self, sagemaker: Any, group: str, data: str
    ) -> None:
        arn = sagemaker.create_model_package(
            **a_version(group, data, CustomerMetadataProperties={"a": "1", "b": "2"})
        )["ModelPackageArn"]
        answer = sagemaker.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus="Approved",
            ApprovalDescription="good enough",
            CustomerMetadataProperties={"b": "20"},
            CustomerMetadataPropertiesToRemove=["a"],
            ModelLifeCycle={"Stage": "Production", "StageStatus": "Live"},
            AdditionalInferenceSpecificationsToAdd=[{"Name": "small", "Containers": [{"Image": IMAGE}]}],
            SourceUri="s3://registry-tests/source",
        )
        assert answer["ModelPackageArn"] == arn
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        assert described["ModelApprovalStatus"] == "Approved"
        assert described["ApprovalDescription"] == "good enough"
        assert described["CustomerMetadataProperties"] == {"b": "20"}
        assert described["ModelLifeCycle"] == {"Stage": "Production", "StageStatus": "Live"}
        assert [one["Name"] for one in described["AdditionalInferenceSpecifications"]] == ["small"]
        assert described["SourceUri"] == "s3://registry-tests/source"
        assert described["LastModifiedTime"] > described["CreationTime"]
        assert described["LastModifiedBy"]["IamIdentity"]["PrincipalId"] == "test"
        twice = refused(
            sagemaker.update_model_package, ModelPackageArn=arn,
            AdditionalInferenceSpecificationsToAdd=[{"Name": "small", "Containers": [{"Image": IMAGE}]}],
        )  # fmt: skip
        assert twice.code == "ConflictException"

    def test_texts_of_any_language_and_quotes_come_back_as_they_were(
        self, sagemaker: Any, group: str, data: str
    ) -> None:
        arn = sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"]
        said = "“größer” \"ok\" 'x' <b>日本</b> \\ ;--"
        sagemaker.update_model_package(
            ModelPackageArn=arn, ApprovalDescription=said, CustomerMetadataProperties={"größe": said},
            ModelLifeCycle={"Stage": "QA", "StageStatus": "New", "StageDescription": said},
        )  # fmt: skip
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        assert described["ApprovalDescription"] == said
        assert described["CustomerMetadataProperties"] == {"größe": said}
        assert described["ModelLifeCycle"]["StageDescription"] == said
        found = sagemaker.search(
            Resource="ModelPackage",
            SearchExpression={
                "Filters": [
                    {"Name": "ModelLifeCycle.Stage", "Operator": "Equals", "Value": "QA"},
                    {"Name": "ModelPackageGroupName", "Operator": "Equals", "Value": group},
                ]
            },
        )
        assert [one["ModelPackage"]["ModelPackageArn"] for one in found["Results"]] == [arn]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"CustomerMetadataProperties": {"a": "x" * 257}},
            {"CustomerMetadataProperties": {"a" * 129: "x"}},
            {"CustomerMetadataProperties": {f"k{number}": "x" for number in range(51)}},
            {"ApprovalDescription": "x" * 1025},
            {"ModelApprovalStatus": "approved"},
            {"SourceUri": "x" * 1025},
            {"ModelCard": {"ModelCardContent": "x" * 100_001}},
            {"ModelCard": {"ModelCardStatus": "Done"}},
            {"ModelLifeCycle": {"Stage": "a b", "StageStatus": "x"}},
            {"AdditionalInferenceSpecificationsToAdd": [{"Name": "a b", "Containers": [{"Image": "x"}]}]},
        ],
    )
    def test_what_is_too_long_or_no_status_changes_nothing(
        self, sagemaker: Any, group: str, data: str, wrong: dict[str, Any]
    ) -> None:
        arn = sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"]
        error = refused(sagemaker.update_model_package, ModelPackageArn=arn, **wrong)
        assert error.code == "ValidationException"
        assert "LastModifiedTime" not in sagemaker.describe_model_package(ModelPackageName=arn)

    def test_what_is_not_there_cannot_be_changed(self, wire: Wire, sagemaker: Any) -> None:
        arn = wire.platform.settings.arns.model_package("never-made", 1)
        for call in (sagemaker.update_model_package, sagemaker.delete_model_package):
            member = "ModelPackageArn" if call == sagemaker.update_model_package else "ModelPackageName"
            error = refused(call, **{member: arn})
            assert error.code == "ValidationException"
            assert error.message == f"ModelPackage {arn} does not exist."

    def test_the_terminal_sees_the_same_records(
        self, wire: Wire, sagemaker: Any, group: str, data: str
    ) -> None:
        arn = sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"]
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
        found, _ = wire.platform.models.versions(group)
        assert [one["ModelApprovalStatus"] for one in found] == ["Rejected"]
        assert [one.status for one in wire.platform.models.approvals(arn)] == ["Rejected"]


class TestLists:
    def listed(self, sagemaker: Any, **parameters: Any) -> list[dict[str, Any]]:
        found = pages(sagemaker.list_model_packages, "ModelPackageSummaryList", **parameters)
        return [one for page in found for one in page]

    def test_versions_of_a_group_by_status_and_time(self, sagemaker: Any, group: str, data: str) -> None:
        arns = [sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"] for _ in range(3)]
        sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved")

        def versions(**parameters: Any) -> list[int]:
            found = self.listed(sagemaker, ModelPackageGroupName=group, **parameters)
            return [one["ModelPackageVersion"] for one in found]

        assert versions() == [1, 2, 3]
        assert versions(SortOrder="Descending", MaxResults=2) == [3, 2, 1]
        assert versions(ModelApprovalStatus="Approved", SortBy="CreationTime", MaxResults=1) == [2]
        assert versions(ModelApprovalStatus="Rejected") == []
        assert versions(ModelPackageType="Unversioned") == []
        hour = timedelta(hours=1)
        created = sagemaker.describe_model_package(ModelPackageName=arns[1])["CreationTime"]
        assert versions(CreationTimeAfter=created - hour, CreationTimeBefore=created + hour) == [1, 2, 3]
        assert versions(CreationTimeAfter=created + hour) == versions(CreationTimeBefore=created - hour) == []
        (newest, *_) = self.listed(sagemaker, ModelPackageGroupName=group, SortOrder="Descending")
        assert newest["ModelPackageArn"] == arns[2]
        assert newest["ModelPackageGroupName"] == group
        assert newest["ModelPackageStatus"] == "Completed"
        assert newest["ModelApprovalStatus"] == "PendingManualApproval"
        assert "ModelPackageName" not in newest
        assert "InferenceSpecification" not in newest

    def test_both_types_or_one(self, sagemaker: Any, data: str) -> None:
        base = own_name("types")
        sagemaker.create_model_package_group(ModelPackageGroupName=f"{base}-group")
        sagemaker.create_model_package(**a_version(f"{base}-group", data))
        sagemaker.create_model_package(
            ModelPackageName=f"{base}-alone", InferenceSpecification=specification(data)
        )

        def arns(**parameters: Any) -> list[str]:
            found = self.listed(sagemaker, NameContains=base, **parameters)
            return [one["ModelPackageArn"].rpartition("model-package/")[2] for one in found]

        assert arns() == arns(ModelPackageType="Unversioned") == [f"{base}-alone"]
        assert arns(ModelPackageType="Versioned") == [f"{base}-group/1"]
        assert arns(ModelPackageType="Both", MaxResults=1) == [f"{base}-group/1", f"{base}-alone"]

    def test_a_group_that_is_not_there(self, sagemaker: Any) -> None:
        error = refused(sagemaker.list_model_packages, ModelPackageGroupName="never-made")
        assert (error.code, "does not exist" in error.message) == ("ValidationException", True)

    def test_many_are_described_at_once(self, wire: Wire, sagemaker: Any, group: str, data: str) -> None:
        arn = sagemaker.create_model_package(**a_version(group, data))["ModelPackageArn"]
        bare = sagemaker.create_model_package(ModelPackageGroupName=group)["ModelPackageArn"]
        missing = wire.platform.settings.arns.model_package(group, 9)
        answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, bare, missing])
        assert set(answer["ModelPackageSummaries"]) == {arn, bare}
        assert answer["ModelPackageSummaries"][arn]["InferenceSpecification"] == specification(data)
        assert answer["ModelPackageSummaries"][bare]["InferenceSpecification"]["Containers"] == []
        assert set(answer["BatchDescribeModelPackageErrorMap"]) == {missing}
        assert answer["BatchDescribeModelPackageErrorMap"][missing]["ErrorCode"] == "ResourceNotFound"
