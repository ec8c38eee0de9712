from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.aws.authorization.permissions import JobPermissions
from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Caller
from stepmill.aws.wire import Request
from stepmill.core.endpoint import AccessKey
from support.job_data import (
    processing_document,
    processing_input,
    processing_output,
    training_document,
)
from support.keeping import ARNS, keeping
from support.sessions import Sessions

ACCOUNT = "123456789012"
NARROW = "arn:aws:iam::123456789012:role/Narrow"
CHANNEL = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/raw/train"}},
}
REQUEST = training_document(
    RoleArn=NARROW,
    InputDataConfig=[CHANNEL],
    OutputDataConfig={"S3OutputPath": "s3://models/out"},
    CheckpointConfig={"S3Uri": "s3://models/checkpoints/fit"},
    HyperParameters={"sagemaker_submit_directory": '"s3://code/fit/sourcedir.tar.gz"'},
    ExperimentConfig={"ExperimentName": "Exp", "TrialName": "trial"},
)
LOGS_ONLY = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


class House:
    """A door, and jobs before it."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.door = JobPermissions(ARNS, sessions.sessions, sessions.policies, sessions.kept.clock.now)

    def call(self, key: AccessKey, service: str, operation: str, **parameters: Any) -> None:
        headers = {"user-agent": "test", "x-amz-acl": "private"}
        request = Request("POST", "/", headers=headers)
        self.door.check(service, Call(operation, parameters, Caller(key.id, key.name, key.job), request))

    def may(self, key: AccessKey, service: str, operation: str, **parameters: Any) -> bool:
        try:
            self.call(key, service, operation, **parameters)
        except ApiError as error:
            assert error.code in ("AccessDenied", "AccessDeniedException", "AuthorizationError"), error
            return False
        return True

    def gets(self, key: AccessKey, address: str) -> bool:
        bucket, _, name = address.partition("/")
        return self.may(key, "s3", "GetObject", Bucket=bucket, Key=name)

    def puts(self, key: AccessKey, address: str) -> bool:
        bucket, _, name = address.partition("/")
        return self.may(key, "s3", "PutObject", Bucket=bucket, Key=name)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with keeping(tmp_path) as kept:
        yield House(Sessions(kept))


@pytest.fixture
def narrow(house: House) -> AccessKey:
    """The key of a job whose role may do next to nothing."""
    house.sessions.policy("Narrow", LOGS_ONLY)
    return house.sessions.begin("fit", REQUEST, role=NARROW)


def test_a_job_reads_its_inputs_and_code_whatever_its_role_says(house: House, narrow: AccessKey) -> None:
    for address in ("data/raw/train", "data/raw/train/a.csv", "data/raw/training.csv"):
        assert house.gets(narrow, address), address
    assert house.gets(narrow, "code/fit/sourcedir.tar.gz")
    assert house.may(narrow, "s3", "HeadObject", Bucket="data", Key="raw/train/a.csv")
    assert house.may(narrow, "s3", "ListObjectsV2", Bucket="data", Prefix="raw/train/")
    for address in ("data/raw/test/a.csv", "data/raw/trai", "other/x", "code/fit/sourcedir.tar.gz.old"):
        assert not house.gets(narrow, address), address
    assert not house.puts(narrow, "data/raw/train/a.csv")
    assert not house.may(narrow, "s3", "ListObjectsV2", Bucket="data", Prefix="")
    assert not house.may(narrow, "s3", "ListObjectsV2", Bucket="data")
    assert not house.may(narrow, "s3", "ListBuckets")


def test_what_is_missing_only_those_hear_who_may_list(house: House, narrow: AccessKey) -> None:
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    house.sessions.policy("Narrow", read)

    def hears(bucket: str, key: str, caller: AccessKey = narrow) -> bool:
        parameters = {"Bucket": bucket, "Key": key}
        call = Call("GetObject", parameters, Caller(caller.id, caller.name, caller.job), Request("GET", "/"))
        try:
            house.door.check_missing("s3", call)
        except ApiError as error:
            assert "perform: s3:ListBucket on resource" in error.what
            return False
        return True

    # Whether there is a checkpoint, a script looks by asking for it.
    assert hears("models", "checkpoints/fit/9.pt")
    assert hears("data", "raw/train/z.csv")
    assert not hears("other", "x")
    assert hears("other", "x", AccessKey("AKIAIOSFODNN7EXAMPLE", "secret", "default"))
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::other"}
    house.sessions.policy("Narrow", read, lists)
    assert hears("other", "x")


def test_a_job_writes_its_outputs_and_nobody_elses(house: House, narrow: AccessKey) -> None:
    for address in ("models/out/fit/output/x", "models/checkpoints/fit/1.pt"):
        assert house.puts(narrow, address), address
        assert house.gets(narrow, address), address
    for operation in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "DeleteObject"):
        assert house.may(narrow, "s3", operation, Bucket="models", Key="out/fit/output/x"), operation
    for address in (
        "models/out/other/output/model.tar.gz",
        "models/out/fit-2/x",
        "models/checkpoints/fitter/1",
    ):
        assert not house.puts(narrow, address), address
        assert not house.gets(narrow, address), address


def test_a_copy_must_be_allowed_to_read(house: House, narrow: AccessKey) -> None:
    def copies(source: str) -> bool:
        return house.may(narrow, "s3", "CopyObject", Bucket="models", Key="out/fit/x", CopySource=source)

    assert copies("data/raw/train/a.csv")
    assert copies("/data/raw/train%2Fa.csv")
    assert not copies("other/secret")
    assert not copies("data/raw/train/../../secret") or not house.gets(narrow, "data/secret")


def test_a_job_sees_itself_its_log_and_its_experiment(house: House, narrow: AccessKey) -> None:
    group = "/aws/sagemaker/TrainingJobs"
    assert house.may(narrow, "sagemaker", "DescribeTrainingJob", TrainingJobName="fit")
    assert house.may(narrow, "sagemaker", "DescribeTrialComponent", TrialComponentName="fit-aws-training-job")
    assert house.may(
        narrow, "sagemaker-metrics", "BatchPutMetrics", TrialComponentName="fit-aws-training-job"
    )
    assert house.may(narrow, "sagemaker", "DescribeExperiment", ExperimentName="Exp")
    own = "fit-aws-training-job"
    joined = {"TrialComponentName": own, "TrialName": "trial"}
    assert house.may(narrow, "sagemaker", "AssociateTrialComponent", **joined)
    assert not house.may(narrow, "sagemaker", "AssociateTrialComponent", **{**joined, "TrialName": "other"})
    assert not house.may(narrow, "sagemaker", "DescribeTrainingJob", TrainingJobName="other")
    assert not house.may(narrow, "sagemaker", "DeleteExperiment", ExperimentName="Exp")
    assert not house.may(narrow, "sagemaker", "StopTrainingJob", TrainingJobName="fit")
    no_logs = {"Effect": "Deny", "Action": "logs:Filter*", "Resource": "*"}
    house.sessions.policy("Narrow", no_logs)
    assert house.may(narrow, "logs", "GetLogEvents", logGroupName=group, logStreamName="fit/algo-1-1")
    assert not house.may(narrow, "logs", "GetLogEvents", logGroupName=group, logStreamName="other/algo-1-1")
    assert house.may(narrow, "iam", "GetRole", RoleName="Narrow")
    assert not house.may(narrow, "iam", "GetRole", RoleName="Other")


def test_a_processing_job_has_its_inputs_and_outputs(house: House) -> None:
    house.sessions.policy("Narrow", LOGS_ONLY)
    request = processing_document(
        RoleArn=NARROW,
        ProcessingInputs=[processing_input("raw", "s3://data/in/"), processing_input("mine", "/home/me/x")],
        ProcessingOutputConfig={"Outputs": [processing_output("out", "s3://data/out")]},
    )
    key = house.sessions.begin("prepare", request, kind="processing-job", role=NARROW)
    assert house.gets(key, "data/in/a")
    assert not house.puts(key, "data/in/a")
    assert house.puts(key, "data/out/a")
    assert not house.puts(key, "data/output/a")
    assert house.may(key, "sagemaker", "DescribeProcessingJob", ProcessingJobName="prepare")


def test_a_processing_job_writes_the_feature_group_that_its_output_names(house: House) -> None:
    house.sessions.policy("Narrow", LOGS_ONLY)
    group = {"OutputName": "g", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "Customers"}}
    request = processing_document(RoleArn=NARROW, ProcessingOutputConfig={"Outputs": [group]})
    key = house.sessions.begin("prepare", request, kind="processing-job", role=NARROW)
    runtime = "sagemaker-featurestore-runtime"
    for operation in ("PutRecord", "DeleteRecord", "GetRecord"):
        assert house.may(key, runtime, operation, FeatureGroupName="Customers"), operation
        assert not house.may(key, runtime, operation, FeatureGroupName="Customers2"), operation
    assert house.may(key, "sagemaker", "DescribeFeatureGroup", FeatureGroupName="customers")
    assert not house.may(key, "sagemaker", "DeleteFeatureGroup", FeatureGroupName="Customers")
    mixed = [{"FeatureGroupName": "Customers", "Record": []}, {"FeatureGroupName": "orders", "Record": []}]
    assert house.may(key, runtime, "BatchWriteRecord", Entries=mixed[:1])
    assert not house.may(key, runtime, "BatchWriteRecord", Entries=mixed)


def test_a_deny_of_the_role_wins_over_what_the_job_needs(house: House, narrow: AccessKey) -> None:
    assert house.gets(narrow, "data/raw/train/a.csv")
    house.sessions.policy("Narrow", {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}, name="no")
    with pytest.raises(ApiError, match="with an explicit deny in an identity-based policy"):
        house.call(narrow, "s3", "GetObject", Bucket="data", Key="raw/train/a.csv")
    # Who one is, nobody can be forbidden to ask.
    house.sessions.policy("Narrow", {"Effect": "Deny", "Action": "*", "Resource": "*"}, name="nothing")
    assert house.may(narrow, "sts", "GetCallerIdentity")


def test_what_the_role_allows_goes_beyond(house: House, narrow: AccessKey) -> None:
    role = house.sessions
    role.policy("Narrow", {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/x/*"})
    assert house.gets(narrow, "other/x/1")
    assert not house.gets(narrow, "other/y/1")
    by_tag = "arn:aws:s3:::teams/${aws:PrincipalTag/team}/*"
    role.policy("Narrow", {"Effect": "Allow", "Action": "s3:*", "Resource": by_tag})
    assert not house.gets(narrow, "teams/ml/1")
    role.roles.change("Narrow", lambda kept: msgspec.structs.replace(kept, tags={"team": "ml"}))
    assert house.gets(narrow, "teams/ml/1")
    assert not house.gets(narrow, "teams/web/1")
    listing = {"StringLike": {"s3:prefix": "home/*"}}
    role.policy(
        "Narrow",
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::o", "Condition": listing},
    )
    assert house.may(narrow, "s3", "ListObjectsV2", Bucket="o", Prefix="home/x")
    assert not house.may(narrow, "s3", "ListObjectsV2", Bucket="o", Prefix="away/")


def test_policies_that_are_attached_count(house: House, narrow: AccessKey) -> None:
    role = house.sessions.roles
    reads = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    role.change("Narrow", lambda kept: msgspec.structs.replace(kept, inline={}, attached=(reads,)))
    assert house.gets(narrow, "other/x")
    assert not house.puts(narrow, "other/x")
    own = role.create_policy(
        "mine", '{"Statement": {"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"}}', tags={}
    )
    both = (reads, role.policy_arn(own))
    role.change("Narrow", lambda kept: msgspec.structs.replace(kept, attached=both))
    assert house.puts(narrow, "other/x")
    unknown = "arn:aws:iam::aws:policy/AmazonWorkMailFullAccess"
    role.change("Narrow", lambda kept: msgspec.structs.replace(kept, attached=(unknown,)))
    with pytest.raises(ApiError, match=r"Stepmill does not know .*AmazonWorkMailFullAccess"):
        house.call(narrow, "s3", "GetObject", Bucket="other", Key="x")
    gone = "arn:aws:iam::123456789012:policy/gone"
    role.change("Narrow", lambda kept: msgspec.structs.replace(kept, attached=(reads, gone)))
    assert not house.gets(narrow, "other/x")


def test_a_role_that_nobody_gave_a_policy_is_for_data_and_learning(house: House) -> None:
    key = house.sessions.begin("fit", {**REQUEST, "RoleArn": "arn:aws:iam::9:role/Any"}, role="Any")
    assert house.gets(key, "other/x")
    assert house.may(key, "s3", "CreateBucket", Bucket="new")
    assert house.may(key, "sagemaker", "CreateTrainingJob", TrainingJobName="x", RoleArn=NARROW)
    assert house.may(key, "lambda", "Invoke", FunctionName="f")
    assert house.may(key, "iam", "ListRoles")
    assert house.may(key, "sns", "Publish", TopicArn="arn:aws:sns:us-west-2:123456789012:t")
    assert not house.may(key, "sns", "Publish", TopicArn="arn:aws:sns:us-west-2:999999999999:t")


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "CreateRole", {"RoleName": "new"}),
        ("iam", "PutRolePolicy", {"RoleName": "Any", "PolicyName": "p"}),
        ("iam", "AttachRolePolicy", {"RoleName": "Any", "PolicyArn": "arn:aws:iam::aws:policy/x"}),
        ("iam", "CreatePolicyVersion", {"PolicyArn": "arn:aws:iam::123456789012:policy/p"}),
        ("iam", "UpdateAssumeRolePolicy", {"RoleName": "Any"}),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::123456789012:role/Other"}),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::123456789012:role/Any"}),
        ("sts", "GetSessionToken", {}),
    ],
)
def test_it_makes_no_keys_and_changes_no_rights(
    house: House, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    key = house.sessions.begin("fit", REQUEST, role="Any")
    assert not house.may(key, service, operation, **parameters)


def test_no_policy_lets_a_job_make_a_key(house: House, narrow: AccessKey) -> None:
    house.sessions.policy("Narrow", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    assert house.may(narrow, "iam", "CreateRole", RoleName="x")
    assert not house.may(narrow, "sts", "AssumeRole", RoleArn="arn:aws:iam::123456789012:role/Narrow")
    with pytest.raises(ApiError, match="A job makes no keys"):
        house.call(narrow, "sts", "GetSessionToken")


def test_a_job_hands_on_no_role_that_it_may_not_pass(house: House, narrow: AccessKey) -> None:
    create = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    house.sessions.policy("Narrow", create)
    wide = {"TrainingJobName": "x", "RoleArn": "arn:aws:iam::123456789012:role/Wide"}
    with pytest.raises(
        ApiError, match=r"perform: iam:PassRole on resource: arn:aws:iam::\d+:role/Wide because"
    ):
        house.call(narrow, "sagemaker", "CreateTrainingJob", **wide)
    passing = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    pass_wide = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "arn:aws:iam::123456789012:role/Wide",
        "Condition": passing,
    }
    house.sessions.policy("Narrow", create, pass_wide, {**create, "Action": "lambda:*"})
    assert house.may(narrow, "sagemaker", "CreateTrainingJob", **wide)
    assert not house.may(narrow, "lambda", "CreateFunction", FunctionName="f", Role=wide["RoleArn"])


def test_the_words_are_those_of_aws(house: House, narrow: AccessKey) -> None:
    who = "User: arn:aws:sts::123456789012:assumed-role/Narrow/fit is not authorized to perform: "
    with pytest.raises(ApiError) as s3:
        house.call(narrow, "s3", "GetObject", Bucket="other", Key="x")
    assert s3.value.what == (
        f'{who}s3:GetObject on resource: "arn:aws:s3:::other/x" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    assert (s3.value.code, s3.value.status) == ("AccessDenied", 403)
    with pytest.raises(ApiError) as sagemaker:
        house.call(narrow, "sagemaker", "CreateModel", ModelName="M")
    assert sagemaker.value.what == (
        f"{who}sagemaker:CreateModel on resource: arn:aws:sagemaker:us-west-2:123456789012:model/m "
        "because no identity-based policy allows the sagemaker:CreateModel action"
    )
    assert (sagemaker.value.code, sagemaker.value.status) == ("AccessDeniedException", 400)
    with pytest.raises(ApiError) as function:
        house.call(narrow, "lambda", "Invoke", FunctionName="f")
    assert (function.value.code, function.value.status) == ("AccessDeniedException", 403)


def test_a_condition_that_is_not_known_here_is_told(house: House, narrow: AccessKey) -> None:
    unknown = {"StringEquals": {"s3:ExistingObjectTag/stage": "prod"}}
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": unknown}
    house.sessions.policy("Narrow", allow)
    with pytest.raises(ApiError, match="Stepmill does not know s3:ExistingObjectTag/stage"):
        house.call(narrow, "s3", "GetObject", Bucket="other", Key="x")


def test_the_owner_is_asked_nothing(house: House) -> None:
    owner = AccessKey("AKIAIOSFODNN7EXAMPLE", "secret", "default")
    assert house.may(owner, "iam", "CreateRole", RoleName="x")


class TestEnds:
    def test_a_key_is_over_with_its_job(self, house: House, narrow: AccessKey) -> None:
        sessions = house.sessions.sessions
        found = sessions.find(narrow.id, narrow.token)
        assert found == narrow
        house.sessions.end("fit")
        over = sessions.find(narrow.id, narrow.token)
        assert over is not None
        assert over.expires_at is not None
        assert over.expires_at <= house.sessions.kept.clock.now()

    def test_a_key_is_over_some_time_after_its_job_should_be(self, house: House, narrow: AccessKey) -> None:
        clock = house.sessions.kept.clock
        assert narrow.expires_at == clock.now() + timedelta(hours=1, minutes=15)

    def test_the_next_job_of_that_name_is_another(self, house: House, narrow: AccessKey) -> None:
        house.sessions.end("fit")
        house.sessions.kept.records.delete("training-job", "fit")
        following = house.sessions.begin("fit", REQUEST, task="another", role=NARROW)
        sessions = house.sessions.sessions
        assert sessions.find(following.id, following.token) == following
        over = sessions.find(narrow.id, narrow.token)
        assert over is not None
        assert over.expires_at is not None
        assert over.expires_at <= house.sessions.kept.clock.now()

    def test_of_a_job_that_never_was_nothing_holds(self, house: House) -> None:
        key = house.sessions.begin("fit", REQUEST)
        house.sessions.kept.records.delete("training-job", "fit")
        found = house.sessions.sessions.find(key.id, key.token)
        assert found is not None
        assert found.expires_at == house.sessions.kept.clock.now()
        assert house.sessions.sessions.find("ASIAIOSFODNN7EXAMPLE", key.token) is None
        assert house.sessions.sessions.find(key.id, "") is None
