"""STS and IAM with boto3's clients."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

from stepmill.aws.admission import Admission
from stepmill.server.doors import doors_of
from support.wire import Wire, running_server

READS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}],
    }
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@pytest.fixture
def iam(wire: Wire) -> Any:
    return wire.client("iam")


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return str(raised.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server that checks signatures."""
    home = tmp_path_factory.mktemp("locked") / "home"
    checks: list[Admission] = []

    class Later:
        def admit(self, request: Any, path: str) -> Any:
            if not checks:
                checks.append(doors_of(running.platform).admission)
            return checks[0].admit(request, path)

    with running_server(home, admission=Later()) as running:
        yield running


class TestRoles:
    def test_the_caller_is_an_assumed_role_that_exists(self, wire: Wire, iam: Any) -> None:
        identity = wire.client("sts").get_caller_identity()
        match = re.fullmatch(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/[^/]+", identity["Arn"])
        assert match is not None
        assert match[1] == identity["Account"] == wire.platform.settings.account
        assert iam.get_role(RoleName=match[2])["Role"]["Arn"] == f"arn:aws:iam::{match[1]}:role/{match[2]}"

    def test_a_role_is_made_changed_and_removed(self, iam: Any) -> None:
        made = iam.create_role(
            RoleName="maker", Path="/team/", AssumeRolePolicyDocument=TRUST, Description="d",
            Tags=[{"Key": "a", "Value": "1"}],
        )["Role"]  # fmt: skip
        assert made["Arn"].endswith(":role/team/maker")
        assert made["AssumeRolePolicyDocument"] == json.loads(TRUST)
        assert abs(made["CreateDate"] - datetime.now(UTC)) < timedelta(minutes=5)
        assert (
            code_of(iam.create_role, RoleName="maker", AssumeRolePolicyDocument=TRUST)
            == "EntityAlreadyExists"
        )
        assert iam.get_role(RoleName="maker")["Role"] == made
        iam.update_role(RoleName="maker", Description="other", MaxSessionDuration=7200)
        changed = iam.get_role(RoleName="maker")["Role"]
        assert (changed["Description"], changed["MaxSessionDuration"]) == ("other", 7200)
        iam.tag_role(RoleName="maker", Tags=[{"Key": "b", "Value": "2"}])
        iam.untag_role(RoleName="maker", TagKeys=["a"])
        assert iam.list_role_tags(RoleName="maker")["Tags"] == [{"Key": "b", "Value": "2"}]
        assert "maker" in [role["RoleName"] for role in iam.list_roles(PathPrefix="/team/")["Roles"]]
        iam.delete_role(RoleName="maker")
        assert code_of(iam.delete_role, RoleName="maker") == "NoSuchEntity"

    def test_a_name_of_another_account_stands_for_a_role_that_sagemaker_may_take_on(self, iam: Any) -> None:
        role = iam.get_role(RoleName="AmazonSageMaker-ExecutionRole-20230101T000000")["Role"]
        services = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        assert "sagemaker.amazonaws.com" in services
        assert "A name only" in role["Description"]
        assert (
            code_of(iam.delete_role, RoleName="AmazonSageMaker-ExecutionRole-20230101T000000")
            == "NoSuchEntity"
        )

    @pytest.mark.parametrize("document", ["", "no json", "[]", "{" * 10])
    def test_a_document_that_is_none_is_refused(self, iam: Any, document: str) -> None:
        assert code_of(
            iam.create_role, RoleName="bad-document", AssumeRolePolicyDocument=document or " "
        ) in ("ValidationError", "MalformedPolicyDocument")

    def test_many_roles_are_listed_in_pages(self, iam: Any) -> None:
        for i in range(5):
            iam.create_role(RoleName=f"page-{i}", Path="/pages/", AssumeRolePolicyDocument=TRUST)
        pages = list(
            iam.get_paginator("list_roles").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 2})
        )
        assert [len(page["Roles"]) for page in pages] == [2, 2, 1]
        assert [r["RoleName"] for p in pages for r in p["Roles"]] == [f"page-{i}" for i in range(5)]


class TestPolicies:
    def test_policies_of_a_role(self, iam: Any) -> None:
        iam.create_role(RoleName="holder", AssumeRolePolicyDocument=TRUST)
        managed = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
        iam.attach_role_policy(RoleName="holder", PolicyArn=managed)
        iam.attach_role_policy(RoleName="holder", PolicyArn=managed)
        assert iam.list_attached_role_policies(RoleName="holder")["AttachedPolicies"] == [
            {"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": managed}
        ]
        iam.put_role_policy(RoleName="holder", PolicyName="own", PolicyDocument=READS)
        assert iam.list_role_policies(RoleName="holder")["PolicyNames"] == ["own"]
        assert iam.get_role_policy(RoleName="holder", PolicyName="own")["PolicyDocument"] == json.loads(READS)
        assert code_of(iam.delete_role, RoleName="holder") == "DeleteConflict"
        iam.delete_role_policy(RoleName="holder", PolicyName="own")
        iam.detach_role_policy(RoleName="holder", PolicyArn=managed)
        assert code_of(iam.detach_role_policy, RoleName="holder", PolicyArn=managed) == "NoSuchEntity"
        assert code_of(iam.get_role_policy, RoleName="holder", PolicyName="own") == "NoSuchEntity"
        iam.delete_role(RoleName="holder")

    def test_a_policy_of_ones_own_with_versions(self, iam: Any) -> None:
        arn = iam.create_policy(PolicyName="mine", PolicyDocument=READS)["Policy"]["Arn"]
        assert code_of(iam.create_policy, PolicyName="mine", PolicyDocument=READS) == "EntityAlreadyExists"
        other = READS.replace("GetObject", "PutObject")
        for number in range(2, 6):
            version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=other, SetAsDefault=number == 2)
            assert version["PolicyVersion"]["VersionId"] == f"v{number}"
        assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=other) == "DeleteConflict"
        assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
        told = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
        assert (told["Document"], told["IsDefaultVersion"]) == (json.loads(other), True)
        assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == "DeleteConflict"
        iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
        assert code_of(iam.get_policy_version, PolicyArn=arn, VersionId="v1") == "NoSuchEntity"
        assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == [
            "v2",
            "v3",
            "v4",
            "v5",
        ]
        iam.create_role(RoleName="uses", AssumeRolePolicyDocument=TRUST)
        iam.attach_role_policy(RoleName="uses", PolicyArn=arn)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
        assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
        iam.detach_role_policy(RoleName="uses", PolicyArn=arn)
        iam.delete_policy(PolicyArn=arn)
        assert code_of(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"
        assert code_of(iam.attach_role_policy, RoleName="uses", PolicyArn=arn) == "NoSuchEntity"

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            (TRUST, "Policy document should not specify a principal."),
            ('{"Version": "2012-10-17", "Statement": []}', "Syntax errors in policy."),
            (READS.replace("s3:", ""), "Actions/Conditions must be prefaced by a vendor"),
            (READS.replace("arn:", ""), 'must be in ARN format or "*".'),
            (READS.replace("2012", "2011"), "Policy document must be version 2012-10-17 or greater."),
        ],
    )
    def test_a_policy_that_iam_would_not_take_is_refused(self, iam: Any, document: str, words: str) -> None:
        with pytest.raises(ClientError) as raised:
            iam.put_role_policy(RoleName="none", PolicyName="bad", PolicyDocument=document)
        error = raised.value.response["Error"]
        assert error["Code"] == "MalformedPolicyDocument"
        assert words in error["Message"]
        assert code_of(iam.create_policy, PolicyName="bad", PolicyDocument=document) == error["Code"]

    def test_a_simulation_says_what_a_job_may_do(self, iam: Any) -> None:
        def decided(role: str, *actions: str, resource: str = "arn:aws:s3:::data/x") -> list[str]:
            pages = iam.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=f"arn:aws:iam::123456789012:role/{role}",
                ActionNames=list(actions),
                ResourceArns=[resource],
            )
            return [r["EvalDecision"] for page in pages for r in page["EvaluationResults"]]

        everything = ("s3:GetObject", "sagemaker:CreateModel", "iam:CreateRole", "sts:AssumeRole")
        assert decided("any", *everything) == ["allowed", "allowed", "implicitDeny", "implicitDeny"]
        iam.create_role(RoleName="reads", AssumeRolePolicyDocument=TRUST)
        iam.put_role_policy(RoleName="reads", PolicyName="own", PolicyDocument=READS)
        assert decided("reads", "s3:GetObject", "s3:PutObject") == ["allowed", "implicitDeny"]
        assert decided("reads", "s3:GetObject", resource="arn:aws:s3:::other/x") == ["implicitDeny"]
        denies = READS.replace("Allow", "Deny")
        iam.put_role_policy(RoleName="reads", PolicyName="denies", PolicyDocument=denies)
        assert decided("reads", "s3:GetObject") == ["explicitDeny"]
        with pytest.raises(ClientError, match="does not clearly define"):
            iam.simulate_principal_policy(PolicySourceArn="arn:aws:s3:::not/a/role", ActionNames=["s3:Get"])


class TestSessions:
    def client(self, wire: Wire, service: str, key: str, secret: str, token: str | None = None) -> Any:
        return boto3.client(
            service, endpoint_url=wire.url, region_name="us-west-2", aws_access_key_id=key,
            aws_secret_access_key=secret, aws_session_token=token,
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def test_a_session_of_a_role_calls_as_that_role(self, locked: Wire) -> None:
        key = locked.platform.keys.ensure("default")
        sts = self.client(locked, "sts", key.id, key.secret)
        assert sts.get_caller_identity()["Arn"].endswith("/default")
        taken = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/Trainer", RoleSessionName="me")
        given = taken["Credentials"]
        assert given["Expiration"] > datetime.now(UTC) + timedelta(minutes=50)
        own = self.client(
            locked, "sts", given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        )
        assert own.get_caller_identity()["Arn"] == taken["AssumedRoleUser"]["Arn"]
        without = self.client(locked, "sts", given["AccessKeyId"], given["SecretAccessKey"])
        assert code_of(without.get_caller_identity) == "InvalidClientTokenId"

    def test_wrong_keys_are_refused(self, locked: Wire) -> None:
        key = locked.platform.keys.ensure("default")
        assert (
            code_of(self.client(locked, "sts", key.id, "wrong").get_caller_identity)
            == "SignatureDoesNotMatch"
        )
        nobody = self.client(locked, "sagemaker", "AKIANOBODYNOBODYNOBO", "wrong")
        assert code_of(nobody.list_models) == "UnrecognizedClientException"

    def test_a_session_token_of_the_caller(self, locked: Wire) -> None:
        key = locked.platform.keys.ensure("default")
        given = self.client(locked, "sts", key.id, key.secret).get_session_token(DurationSeconds=900)[
            "Credentials"
        ]
        own = self.client(
            locked, "sts", given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        )
        assert own.get_caller_identity()["Arn"].endswith("/default")

    def test_no_role_no_session(self, locked: Wire) -> None:
        key = locked.platform.keys.ensure("default")
        sts = self.client(locked, "sts", key.id, key.secret)
        assert (
            code_of(sts.assume_role, RoleArn="arn:aws:iam::1:user/nobody", RoleSessionName="me")
            == "ValidationError"
        )


@pytest.mark.parametrize("document", ["x", "[1]", '{"Version": '])
def test_a_policy_that_is_no_document_is_refused_and_changes_nothing(wire: Wire, document: str) -> None:
    iam = wire.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="documents", AssumeRolePolicyDocument=trust)
    try:
        with pytest.raises(ClientError) as put:
            iam.put_role_policy(RoleName="documents", PolicyName="p", PolicyDocument=document)
        with pytest.raises(ClientError) as updated:
            iam.update_assume_role_policy(RoleName="documents", PolicyDocument=document)
        codes = {each.value.response["Error"]["Code"] for each in (put, updated)}
        assert codes == {"MalformedPolicyDocument"}
        role = iam.get_role(RoleName="documents")["Role"]
        assert role["AssumeRolePolicyDocument"] == json.loads(trust)
        assert iam.list_role_policies(RoleName="documents")["PolicyNames"] == []
    finally:
        iam.delete_role(RoleName="documents")
