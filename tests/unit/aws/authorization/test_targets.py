from __future__ import annotations

from typing import Any

import pytest

from stepmill.aws.authorization.passing import passed_roles
from stepmill.aws.authorization.targets import targets_of
from stepmill.core.arns import Arns

ARNS = Arns("us-west-2", "123456789012")
HERE = "us-west-2:123456789012"
SM = f"arn:aws:sagemaker:{HERE}"
TABLE = f"arn:aws:dynamodb:{HERE}:table"
QUEUE = "https://sqs.us-west-2.amazonaws.com/123456789012/q"


def acts(service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(t.action, t.resource) for t in targets_of(service, operation, parameters, ARNS)]


OBJECT = "arn:aws:s3:::b/k/x"


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("GetObject", {}, [("s3:GetObject", OBJECT)]),
        ("GetObject", {"VersionId": "v1"}, [("s3:GetObjectVersion", OBJECT)]),
        ("GetObjectTagging", {"VersionId": "v1"}, [("s3:GetObjectVersionTagging", OBJECT)]),
        ("HeadObject", {}, [("s3:GetObject", OBJECT)]),
        ("GetObjectAttributes", {}, [("s3:GetObjectAttributes", OBJECT), ("s3:GetObject", OBJECT)]),
        ("PutObject", {}, [("s3:PutObject", OBJECT)]),
        ("PutObject", {"Tagging": "a=b"}, [("s3:PutObject", OBJECT), ("s3:PutObjectTagging", OBJECT)]),
        (
            "CreateMultipartUpload",
            {"ACL": "private"},
            [("s3:PutObject", OBJECT), ("s3:PutObjectAcl", OBJECT)],
        ),
        ("UploadPart", {"PartNumber": 1}, [("s3:PutObject", OBJECT)]),
        ("CompleteMultipartUpload", {}, [("s3:PutObject", OBJECT)]),
        ("AbortMultipartUpload", {}, [("s3:AbortMultipartUpload", OBJECT)]),
        ("ListParts", {}, [("s3:ListMultipartUploadParts", OBJECT)]),
        ("DeleteObject", {}, [("s3:DeleteObject", OBJECT)]),
        (
            "CopyObject",
            {"CopySource": "other/a%20b"},
            [("s3:PutObject", OBJECT), ("s3:GetObject", "arn:aws:s3:::other/a b")],
        ),
        (
            "UploadPartCopy",
            {"CopySource": "/other/a"},
            [("s3:PutObject", OBJECT), ("s3:GetObject", "arn:aws:s3:::other/a")],
        ),
    ],
)
def test_what_is_done_to_an_object(
    operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert acts("s3", operation, Bucket="b", Key="k/x", **parameters) == expected


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("ListObjectsV2", "ListBucket"),
        ("ListObjects", "ListBucket"),
        ("HeadBucket", "ListBucket"),
        ("ListObjectVersions", "ListBucketVersions"),
        ("ListMultipartUploads", "ListBucketMultipartUploads"),
        ("GetBucketLocation", "GetBucketLocation"),
        ("GetBucketCors", "GetBucketCORS"),
        ("CreateBucket", "CreateBucket"),
        ("DeleteBucketTagging", "PutBucketTagging"),
        ("PutBucketNotificationConfiguration", "PutBucketNotification"),
    ],
)
def test_what_is_done_to_a_bucket(operation: str, action: str) -> None:
    assert acts("s3", operation, Bucket="b") == [(f"s3:{action}", "arn:aws:s3:::b")]


def test_all_buckets_are_one_thing_and_each_of_many_objects_is_one() -> None:
    assert acts("s3", "ListBuckets") == [("s3:ListAllMyBuckets", "*")]
    named = {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "1"}]}
    assert acts("s3", "DeleteObjects", Bucket="b", Delete=named) == [
        ("s3:DeleteObject", "arn:aws:s3:::b/a"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::b/b"),
    ]
    assert acts("s3", "DeleteObjects", Bucket="b", Delete={"Objects": []}) == [
        ("s3:DeleteObject", "arn:aws:s3:::b/*")
    ]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "action", "resources"),
    [
        ("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "Fit"}, "", [f"{SM}:training-job/fit"]),
        ("sagemaker", "StopProcessingJob", {"ProcessingJobName": "p"}, "", [f"{SM}:processing-job/p"]),
        ("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": "G"}, "",
         [f"{SM}:model-package-group/g"]),
        ("sagemaker", "DescribeModelPackage", {"ModelPackageName": f"{SM}:model-package/g/1"}, "",
         [f"{SM}:model-package/g/1"]),
        ("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": "g"}, "",
         [f"{SM}:model-package-group/g"]),
        ("sagemaker", "StartPipelineExecution", {"PipelineName": "P"}, "", [f"{SM}:pipeline/p"]),
        ("sagemaker", "StopPipelineExecution", {"PipelineExecutionArn": f"{SM}:pipeline/p/execution/1"}, "",
         [f"{SM}:pipeline/p/execution/1"]),
        ("sagemaker", "CreateTrial", {"TrialName": "t", "ExperimentName": "e"}, "",
         [f"{SM}:experiment-trial/t"]),
        ("sagemaker", "AssociateTrialComponent", {"TrialComponentName": "c", "TrialName": "t"}, "",
         [f"{SM}:experiment-trial-component/c", f"{SM}:experiment-trial/t"]),
        ("sagemaker", "AddTags", {"ResourceArn": f"{SM}:model/m", "Tags": []}, "", [f"{SM}:model/m"]),
        ("sagemaker", "ListTrials", {"ExperimentName": "e"}, "", ["*"]),
        ("sagemaker", "Search", {"Resource": "TrainingJob"}, "", ["*"]),
        ("sagemaker", "BatchDescribeModelPackage", {"ModelPackageArnList": [f"{SM}:model-package/g/1"]}, "",
         [f"{SM}:model-package/g/1"]),
        ("sagemaker", "SendPipelineExecutionStepSuccess", {"CallbackToken": "t"}, "", ["*"]),
        ("sagemaker-metrics", "BatchPutMetrics", {"TrialComponentName": "c"}, "sagemaker:BatchPutMetrics",
         [f"{SM}:experiment-trial-component/c"]),
        ("sagemaker-featurestore-runtime", "PutRecord", {"FeatureGroupName": "G"}, "sagemaker:PutRecord",
         [f"{SM}:feature-group/g"]),
        ("sagemaker-featurestore-runtime", "BatchGetRecord",
         {"Identifiers": [{"FeatureGroupName": "a"}, {"FeatureGroupName": "b"}, {"FeatureGroupName": "a"}]},
         "sagemaker:BatchGetRecord", [f"{SM}:feature-group/a", f"{SM}:feature-group/b"]),
        ("lambda", "Invoke", {"FunctionName": "f"}, "lambda:InvokeFunction",
         [f"arn:aws:lambda:{HERE}:function:f"]),
        ("lambda", "Invoke", {"FunctionName": "123456789012:function:f:2"}, "lambda:InvokeFunction",
         [f"arn:aws:lambda:{HERE}:function:f:2"]),
        ("lambda", "Invoke", {"FunctionName": "f", "Qualifier": "live"}, "lambda:InvokeFunction",
         [f"arn:aws:lambda:{HERE}:function:f:live"]),
        ("lambda", "GetFunction", {"FunctionName": f"arn:aws:lambda:{HERE}:function:f"}, "",
         [f"arn:aws:lambda:{HERE}:function:f"]),
        ("lambda", "ListFunctions", {}, "", ["*"]),
        ("sqs", "SendMessage", {"QueueUrl": QUEUE}, "", [f"arn:aws:sqs:{HERE}:q"]),
        ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE}, "sqs:SendMessage", [f"arn:aws:sqs:{HERE}:q"]),
        ("sqs", "CreateQueue", {"QueueName": "q"}, "", [f"arn:aws:sqs:{HERE}:q"]),
        ("sns", "Publish", {"TopicArn": f"arn:aws:sns:{HERE}:t"}, "", [f"arn:aws:sns:{HERE}:t"]),
        ("sns", "CreateTopic", {"Name": "t"}, "", [f"arn:aws:sns:{HERE}:t"]),
        ("sns", "Unsubscribe", {"SubscriptionArn": f"arn:aws:sns:{HERE}:t:1-2"}, "",
         [f"arn:aws:sns:{HERE}:t"]),
        ("dynamodb", "PutItem", {"TableName": "t"}, "", [f"{TABLE}/t"]),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, "", [f"{TABLE}/t/index/i"]),
        ("dynamodb", "BatchGetItem", {"RequestItems": {"a": {}, f"{TABLE}/b": {}}}, "",
         [f"{TABLE}/a", f"{TABLE}/b"]),
        ("batch", "SubmitJob", {"jobQueue": "q", "jobDefinition": "d:1", "jobName": "j"}, "",
         [f"arn:aws:batch:{HERE}:job-queue/q", f"arn:aws:batch:{HERE}:job-definition/d:1"]),
        ("batch", "DescribeJobs", {"jobs": ["x"]}, "", ["*"]),
        ("events", "PutEvents", {"Entries": [{}, {"EventBusName": "mine"}]}, "",
         [f"arn:aws:events:{HERE}:event-bus/default", f"arn:aws:events:{HERE}:event-bus/mine"]),
        ("events", "PutTargets", {"Rule": "r", "EventBusName": "mine"}, "",
         [f"arn:aws:events:{HERE}:rule/mine/r"]),
        ("events", "PutRule", {"Name": "r"}, "", [f"arn:aws:events:{HERE}:rule/r"]),
        ("events", "DeleteEventBus", {"Name": "b"}, "", [f"arn:aws:events:{HERE}:event-bus/b"]),
        ("stepfunctions", "StartExecution", {"stateMachineArn": f"arn:aws:states:{HERE}:stateMachine:m"},
         "states:StartExecution", [f"arn:aws:states:{HERE}:stateMachine:m"]),
        ("stepfunctions", "CreateStateMachine", {"name": "m"}, "states:CreateStateMachine",
         [f"arn:aws:states:{HERE}:stateMachine:m"]),
        ("stepfunctions", "SendTaskSuccess", {"taskToken": "t"}, "states:SendTaskSuccess", ["*"]),
        ("logs", "GetLogEvents", {"logGroupName": "/g", "logStreamName": "s"}, "",
         [f"arn:aws:logs:{HERE}:log-group:/g:log-stream:s"]),
        ("logs", "FilterLogEvents", {"logGroupName": "/g"}, "", [f"arn:aws:logs:{HERE}:log-group:/g:*"]),
        ("logs", "DescribeLogGroups", {}, "", ["*"]),
        ("iam", "PutRolePolicy", {"RoleName": "r", "PolicyName": "p"}, "",
         ["arn:aws:iam::123456789012:role/r"]),
        ("iam", "CreatePolicy", {"PolicyName": "p"}, "", ["arn:aws:iam::123456789012:policy/p"]),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, "", ["arn:aws:iam::1:role/r"]),
        ("athena", "StartQueryExecution", {"QueryString": "select 1"}, "",
         [f"arn:aws:athena:{HERE}:workgroup/primary"]),
        ("glue", "GetTable", {"DatabaseName": "d", "Name": "t"}, "", [f"arn:aws:glue:{HERE}:table/d/t"]),
        ("glue", "CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, "",
         [f"arn:aws:glue:{HERE}:table/d/t"]),
        ("glue", "GetDatabase", {"Name": "d"}, "", [f"arn:aws:glue:{HERE}:database/d"]),
        ("glue", "GetDatabases", {}, "", [f"arn:aws:glue:{HERE}:catalog"]),
        ("cloudwatch", "GetMetricStatistics", {"Namespace": "n"}, "", ["*"]),
        ("cloudwatch", "ListMetrics", {}, "", ["*"]),
        ("unheard-of", "DoIt", {"Name": "x"}, "unheard-of:DoIt", ["*"]),
    ],
)  # fmt: skip
def test_what_a_call_is_on(
    service: str, operation: str, parameters: dict[str, Any], action: str, resources: list[str]
) -> None:
    prefix = {"stepfunctions": "states"}.get(service, service)
    expected = action or f"{prefix}:{operation}"
    assert acts(service, operation, **parameters) == [(expected, resource) for resource in resources]


def test_a_transaction_is_what_is_in_it() -> None:
    items = [
        {"Put": {"TableName": "a"}},
        {"ConditionCheck": {"TableName": "b"}},
        {"Delete": {"TableName": "a"}},
    ]
    assert acts("dynamodb", "TransactWriteItems", TransactItems=items) == [
        ("dynamodb:PutItem", f"{TABLE}/a"),
        ("dynamodb:ConditionCheckItem", f"{TABLE}/b"),
        ("dynamodb:DeleteItem", f"{TABLE}/a"),
    ]


class TestPassing:
    ROLE = "arn:aws:iam::999999999999:role/service-role/Wide"

    def passed(self, service: str, **parameters: Any) -> list[tuple[str, tuple[str, ...]]]:
        return [(t.resource, t.given["iam:passedtoservice"]) for t in passed_roles(service, parameters, ARNS)]

    @pytest.mark.parametrize(
        ("service", "parameters", "principal"),
        [
            ("sagemaker", {"RoleArn": ROLE}, "sagemaker"),
            ("sagemaker", {"OfflineStoreConfig": {}, "ExecutionRoleArn": ROLE}, "sagemaker"),
            ("lambda", {"Role": ROLE}, "lambda"),
            ("stepfunctions", {"roleArn": ROLE}, "states"),
            ("batch", {"containerProperties": {"jobRoleArn": ROLE}}, "ecs-tasks"),
            ("events", {"Targets": [{"Id": "1", "RoleArn": ROLE}]}, "events"),
            ("sagemaker", {"PipelineDefinition": f'{{"Steps": [{{"Arguments": {{"RoleArn": "{ROLE}"}}}}]}}'},
             "sagemaker"),
            ("stepfunctions", {"definition": f'{{"States": {{"A": {{"Role": {{"RoleArn": "{ROLE}"}}}}}}}}'},
             "states"),
        ],
    )  # fmt: skip
    def test_roles_are_found_wherever_a_call_names_one(
        self, service: str, parameters: dict[str, Any], principal: str
    ) -> None:
        found = self.passed(service, **parameters)
        assert found == [("arn:aws:iam::123456789012:role/Wide", (f"{principal}.amazonaws.com",))]

    def test_what_passes_none(self) -> None:
        assert self.passed("s3", Role=self.ROLE) == []
        assert self.passed("sagemaker", TrainingJobName="x") == []
        assert self.passed("sagemaker", PipelineDefinition="no json") == []

    def test_what_is_nested_without_end_is_looked_at_with_one(self) -> None:
        value: Any = {"RoleArn": self.ROLE}
        for _ in range(5_000):
            value = [value]
        assert self.passed("sagemaker", Environment=value) == []
