"""The services that Task states name, and what each of AWS's two SDKs for Java calls them.

Optimised integrations are made with the first SDK, ``aws-sdk`` ones with the second; names of errors and the
texts of causes are theirs.

Source: Step Functions developer guide, "Optimized integrations", "Supported AWS SDK service integrations";
the class names of both SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.language.states.resources import Pattern

_ONCE = frozenset({Pattern.REQUEST_RESPONSE})
_OR_TOKEN = frozenset({Pattern.REQUEST_RESPONSE, Pattern.WAIT_FOR_TASK_TOKEN})
_OR_SYNC = frozenset({Pattern.REQUEST_RESPONSE, Pattern.SYNC})


@dataclass(frozen=True)
class Optimized:
    """A service that Step Functions has integrated by hand.

    Args:
        service: As botocore names it.
        prefix: Of the names of its errors.
        base: The exception of errors that the service's model does not have.
        title: What causes call the service.
        actions: Action -> the patterns that AWS offers.
    """

    service: str
    prefix: str
    base: str
    title: str
    actions: Mapping[str, frozenset[Pattern]]


@dataclass(frozen=True)
class SdkService:
    """A service as ``aws-sdk`` integrations name it.

    Args:
        service: As botocore names it.
        prefix: Of the names of its errors; also what causes call the service.
    """

    service: str
    prefix: str


OPTIMIZED: Mapping[str, Optimized] = {
    "batch": Optimized("batch", "Batch", "AWSBatchException", "AWSBatch", {"submitJob": _OR_SYNC}),
    "dynamodb": Optimized(
        "dynamodb",
        "DynamoDB",
        "AmazonDynamoDBException",
        "AmazonDynamoDBv2",
        {"deleteItem": _ONCE, "getItem": _ONCE, "putItem": _ONCE, "updateItem": _ONCE},
    ),
    "events": Optimized(
        "events",
        "EventBridge",
        "AmazonEventBridgeException",
        "AmazonEventBridge",
        {"putEvents": _OR_TOKEN},
    ),
    "lambda": Optimized("lambda", "Lambda", "AWSLambdaException", "AWSLambda", {"invoke": _OR_TOKEN}),
    "sagemaker": Optimized(
        "sagemaker",
        "SageMaker",
        "AmazonSageMakerException",
        "AmazonSageMaker",
        {
            "createEndpoint": _ONCE,
            "createEndpointConfig": _ONCE,
            "createHyperParameterTuningJob": _OR_SYNC,
            "createLabelingJob": _OR_SYNC,
            "createModel": _ONCE,
            "createProcessingJob": _OR_SYNC,
            "createTrainingJob": _OR_SYNC,
            "createTransformJob": _OR_SYNC,
            "updateEndpoint": _ONCE,
        },
    ),
    "sns": Optimized("sns", "SNS", "AmazonSNSException", "AmazonSNS", {"publish": _OR_TOKEN}),
    "sqs": Optimized("sqs", "SQS", "AmazonSQSException", "AmazonSQS", {"sendMessage": _OR_TOKEN}),
    "states": Optimized(
        "stepfunctions",
        "StepFunctions",
        "AWSStepFunctionsException",
        "AWSStepFunctions",
        {"startExecution": _OR_SYNC | _OR_TOKEN},
    ),
}

# Integrations that AWS has optimised and that are not offered here: refused by name, not as unknown.
ELSEWHERE = frozenset(
    {
        "apigateway",
        "athena",
        "bedrock",
        "codebuild",
        "databrew",
        "ecs",
        "eks",
        "elasticmapreduce",
        "emr-containers",
        "emr-serverless",
        "glue",
        "http",
        "mediaconvert",
    }
)

SDK: Mapping[str, SdkService] = {
    "batch": SdkService("batch", "Batch"),
    "cloudwatch": SdkService("cloudwatch", "CloudWatch"),
    "cloudwatchlogs": SdkService("logs", "CloudWatchLogs"),
    "dynamodb": SdkService("dynamodb", "DynamoDb"),
    "ecr": SdkService("ecr", "Ecr"),
    "eventbridge": SdkService("events", "EventBridge"),
    "iam": SdkService("iam", "Iam"),
    "kms": SdkService("kms", "Kms"),
    "lambda": SdkService("lambda", "Lambda"),
    "s3": SdkService("s3", "S3"),
    "sagemaker": SdkService("sagemaker", "SageMaker"),
    "sagemakerfeaturestoreruntime": SdkService(
        "sagemaker-featurestore-runtime", "SageMakerFeatureStoreRuntime"
    ),
    "sagemakermetrics": SdkService("sagemaker-metrics", "SageMakerMetrics"),
    "sagemakerruntime": SdkService("sagemaker-runtime", "SageMakerRuntime"),
    "scheduler": SdkService("scheduler", "Scheduler"),
    "sfn": SdkService("stepfunctions", "Sfn"),
    "sns": SdkService("sns", "Sns"),
    "sqs": SdkService("sqs", "Sqs"),
    "sts": SdkService("sts", "Sts"),
}
