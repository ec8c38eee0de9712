"""AWS's own policies, as far as they concern what is offered here, and what a role may do without any policy.

A policy of AWS's that is not here allows nothing, and whoever is refused is told its name. Services that
nobody offers here are left out of the documents.

Source: AWS managed policy reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

from stepmill.catalog.permissions.documents import Statement, read_policy
from stepmill.core.json import Json, write_json

OF_AWS = "arn:aws:iam::aws:policy/"

_DATA_AND_LEARNING = (
    "athena:*", "batch:*", "cloudwatch:*", "dynamodb:*", "ecr:*", "events:*", "glue:*", "kms:*", "lambda:*",
    "logs:*", "s3:*", "sagemaker:*", "sagemaker-mlflow:*", "scheduler:*", "secretsmanager:*", "sns:*",
    "sqs:*", "ssm:*", "states:*",
)  # fmt: skip
# Nothing of it is offered here, but the SDKs look whether a role may, before they use it.
_SURROUNDINGS = ("bedrock:*", "ec2:CreateNetworkInterface*", "ec2:DeleteNetworkInterface*", "ec2:Describe*")
_LOOKING_AT_ROLES = ("iam:Get*", "iam:List*", "iam:Simulate*")
_WRITING_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_NAMED_FOR_SAGEMAKER = ("SageMaker", "Sagemaker", "sagemaker")
_ATHENA = (
    "athena:GetQueryExecution", "athena:GetQueryResults", "athena:ListDataCatalogs", "athena:ListDatabases",
    "athena:ListTableMetadata", "athena:StartQueryExecution", "athena:StopQueryExecution",
)  # fmt: skip


_Documents: TypeAlias = Mapping[str, list[dict[str, Json]]]


def _allow(
    actions: Sequence[str], resources: Sequence[str] = ("*",), condition: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    statement: dict[str, Json] = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, **({"Condition": condition} if condition else {})}


def _named(beginning: str, ending: str = "") -> list[str]:
    return [f"{beginning}*{name}*{ending}" for name in _NAMED_FOR_SAGEMAKER]


def _passing(services: Sequence[str], roles: str) -> dict[str, Json]:
    principals: list[Json] = [f"{service}.amazonaws.com" for service in services]
    return _allow(["iam:PassRole"], [roles], {"StringEquals": {"iam:PassedToService": principals}})


def _sagemaker_full_access() -> list[dict[str, Json]]:
    objects = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    return [
        _allow(["sagemaker:*"]),
        _allow(
            [
                "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData",
                "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "cloudwatch:PutMetricAlarm",
                "cloudwatch:PutMetricData", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage",
                "ecr:Describe*", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer", "glue:GetJob*",
                "glue:GetTable*", "iam:ListRoles", "kms:DescribeKey", "kms:ListAliases",
                "lambda:ListFunctions", "logs:Describe*", "logs:GetLogEvents", "sns:ListTopics",
                *_WRITING_LOGS,
            ]
        ),
        _allow(objects, [*_named("arn:aws:s3:::"), "arn:aws:s3:::*aws-glue*"]),
        _allow(
            ["s3:GetObject"],
            ["arn:aws:s3:::*"],
            {"StringEqualsIgnoreCase": {"s3:ExistingObjectTag/SageMaker": "true"}},
        ),
        _allow(
            [
                "s3:CreateBucket", "s3:GetBucketCors", "s3:GetBucketLocation", "s3:ListAllMyBuckets",
                "s3:ListBucket", "s3:PutBucketCors",
            ]
        ),
        _allow(["s3:GetBucketAcl", "s3:PutObjectAcl"], _named("arn:aws:s3:::")),
        _allow(["lambda:InvokeFunction"], [*_named("arn:aws:lambda:*:*:function:"),
                                           "arn:aws:lambda:*:*:function:*LabelingFunction*"]),
        _allow(["sns:CreateTopic", "sns:Publish", "sns:Subscribe"], _named("arn:aws:sns:*:*:")),
        _passing(["glue", "robomaker", "states"], "arn:aws:iam::*:role/*AmazonSageMaker*"),
        _passing(["sagemaker"], "arn:aws:iam::*:role/*"),
        _allow(_ATHENA),
        _allow(["glue:CreateTable"], ["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/default",
                                      "arn:aws:glue:*:*:database/sagemaker_featurestore",
                                      "arn:aws:glue:*:*:table/*/sagemaker_tmp_*",
                                      "arn:aws:glue:*:*:table/sagemaker_featurestore/*"]),
        _allow(["glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetDatabase"]),
        _allow(["states:DescribeExecution", "states:GetExecutionHistory", "states:StartExecution",
                "states:StopExecution", "states:UpdateStateMachine"],
               ["arn:aws:states:*:*:statemachine:*sagemaker*", "arn:aws:states:*:*:execution:*sagemaker*:*"]),
    ]  # fmt: skip


def _all_of(*services: str) -> list[dict[str, Json]]:
    return [_allow([f"{service}:*" for service in services])]


def _reading(*services: str) -> list[dict[str, Json]]:
    verbs = ("BatchGet*", "Describe*", "Get*", "List*", "Query", "Scan", "Search", "View*")
    return [_allow([f"{service}:{verb}" for service in services for verb in verbs])]


_READ_EVERYWHERE = (
    "athena", "batch", "cloudwatch", "dynamodb", "ecr", "events", "glue", "iam", "kms", "lambda", "logs",
    "s3", "sagemaker", "scheduler", "sns", "sqs", "states",
)  # fmt: skip


def _general() -> _Documents:
    return {
        "AdministratorAccess": [_allow(["*"])],
        "PowerUserAccess": [
            {"Effect": "Allow", "NotAction": ["account:*", "iam:*", "organizations:*"], "Resource": "*"},
            _allow(["iam:ListRoles"]),
        ],
        "ReadOnlyAccess": _reading(*_READ_EVERYWHERE),
        "IAMFullAccess": _all_of("iam"),
        "IAMReadOnlyAccess": [_allow(_LOOKING_AT_ROLES)],
        "SecretsManagerReadWrite": _all_of("secretsmanager"),
    }  # fmt: skip


def _of_data() -> _Documents:
    return {
        "AmazonSageMakerFullAccess": _sagemaker_full_access(),
        "AmazonSageMakerReadOnly": [*_reading("sagemaker"), *_reading("cloudwatch", "logs")],
        "AmazonSageMakerFeatureStoreAccess": [
            _allow(["s3:PutObject", "s3:GetBucketAcl", "s3:PutObjectAcl"], _named("arn:aws:s3:::")),
            _allow(["s3:GetObject"], _named("arn:aws:s3:::", "/metadata/*")),
            _allow(["glue:GetTable", "glue:UpdateTable"], ["arn:aws:glue:*:*:catalog",
                   "arn:aws:glue:*:*:database/sagemaker_featurestore",
                   "arn:aws:glue:*:*:table/sagemaker_featurestore/*"]),
        ],
        "AmazonS3FullAccess": _all_of("s3", "s3-object-lambda"),
        "AmazonS3ReadOnlyAccess": _reading("s3"),
        "AmazonDynamoDBFullAccess": _all_of("dynamodb"),
        "AmazonDynamoDBReadOnlyAccess": [
            *_reading("dynamodb"), _allow(["dynamodb:ConditionCheckItem", "dynamodb:PartiQLSelect"]),
        ],
        "AmazonAthenaFullAccess": [
            *_all_of("athena"), *_all_of("glue"),
            _allow(["s3:AbortMultipartUpload", "s3:CreateBucket", "s3:GetBucketLocation", "s3:GetObject",
                    "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts",
                    "s3:PutObject"], ["arn:aws:s3:::aws-athena-query-results-*"]),
            _allow(["s3:GetBucketLocation", "s3:ListAllMyBuckets", "s3:ListBucket"]),
        ],
        "service-role/AWSGlueServiceRole": [
            *_all_of("glue"),
            _allow(["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListAllMyBuckets", "s3:ListBucket"]),
            _allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::aws-glue-*/*"]),
            _allow(_WRITING_LOGS),
        ],
    }  # fmt: skip


def _of_work() -> _Documents:
    return {
        "AmazonSQSFullAccess": _all_of("sqs"),
        "AmazonSQSReadOnlyAccess": _reading("sqs"),
        "AmazonSNSFullAccess": _all_of("sns"),
        "AmazonSNSReadOnlyAccess": _reading("sns"),
        "AmazonEventBridgeFullAccess": _all_of("events", "scheduler"),
        "AWSLambda_FullAccess": [
            *_all_of("lambda"), *_reading("cloudwatch"), _allow(["logs:DescribeLogGroups", "iam:GetRole"]),
            _passing(["lambda"], "*"),
        ],
        "AWSLambda_ReadOnlyAccess": [*_reading("lambda"), *_reading("cloudwatch", "logs")],
        "service-role/AWSLambdaRole": [_allow(["lambda:InvokeFunction"])],
        "service-role/AWSLambdaBasicExecutionRole": [_allow(_WRITING_LOGS)],
        "service-role/AWSLambdaSQSQueueExecutionRole": [
            _allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", *_WRITING_LOGS])
        ],
        "service-role/AmazonECSTaskExecutionRolePolicy": [
            _allow(["ecr:BatchGetImage", "ecr:GetAuthorizationToken", *_WRITING_LOGS])
        ],
        "AWSBatchFullAccess": [*_all_of("batch"), _allow(["cloudwatch:GetMetricStatistics", "logs:Get*"])],
        "AWSStepFunctionsFullAccess": [*_all_of("states"), _allow(["iam:ListRoles"])],
        "AWSStepFunctionsReadOnlyAccess": _reading("states"),
        "CloudWatchFullAccess": [*_all_of("cloudwatch", "logs", "sns")],
        "CloudWatchFullAccessV2": [*_all_of("cloudwatch", "logs", "sns")],
        "CloudWatchReadOnlyAccess": _reading("cloudwatch", "logs"),
        "CloudWatchLogsFullAccess": _all_of("logs"),
        "CloudWatchLogsReadOnlyAccess": [*_reading("logs"), _allow(["logs:FilterLogEvents"])],
        "CloudWatchEventsFullAccess": _all_of("events"),
    }  # fmt: skip


@cache
def _documents() -> _Documents:
    return {**_general(), **_of_data(), **_of_work()}


@cache
def aws_policy(arn: str) -> tuple[Statement, ...] | None:
    """Return the statements of a policy of AWS's; ``None`` if it is not known here.

    Example:
        >>> len(aws_policy("arn:aws:iam::aws:policy/AmazonS3FullAccess"))
        1
        >>> aws_policy("arn:aws:iam::aws:policy/AmazonWorkMailFullAccess") is None
        True
    """
    statements = _documents().get(arn.removeprefix(OF_AWS)) if arn.startswith(OF_AWS) else None
    return None if statements is None else _statements(statements)


@cache
def without_policies(account: str) -> tuple[Statement, ...]:
    """Return what a role may do that nobody gave a policy: data and learning, nothing about who may what.

    As wide as the role of a notebook usually is, so that scripts work that name a role of an account which is
    not this one. It may pass itself and others on: no role is wider.

    Args:
        account: Twelve digits: things of other accounts are left out.
    """
    own: Mapping[str, Json] = {"StringEquals": {"aws:ResourceAccount": account}}
    return _statements(
        [
            _allow([*_DATA_AND_LEARNING, *_SURROUNDINGS], condition=own),
            _allow([*_LOOKING_AT_ROLES, "iam:PassRole", "sts:GetCallerIdentity"]),
        ]
    )


def _statements(statements: Sequence[dict[str, Json]]) -> tuple[Statement, ...]:
    return read_policy(write_json({"Version": "2012-10-17", "Statement": statements}))
