"""Which service a request is for, and its operation if a service does not say it better.

Four clients share one signing name (``sagemaker``) and one address serves them all, so: a presigned query
names its scope or is S3's; else the header ``X-Amz-Target``; else a form with ``Action`` and the scope that
was signed; else the scope, with the path where several services share it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepmill.aws.wire import Request

S3 = "s3"
_TARGETS = {
    "SageMaker": "sagemaker",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "cloudwatch",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "TrentService": "kms",
    "AWSStepFunctions": "stepfunctions",
    "AWSEvents": "events",
    "AmazonSQS": "sqs",
    "AmazonAthena": "athena",
    "AWSGlue": "glue",
    "ElasticMapReduce": "emr",
    "DynamoDB_20120810": "dynamodb",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
}
# Names that are signed and are not those of the services.
_SCOPES = {"monitoring": "cloudwatch", "states": "stepfunctions", "elasticmapreduce": "emr", "email": "ses"}
_OF_SAGEMAKER = (
    ("/endpoints/", "sagemaker-runtime"),
    ("/FeatureGroup/", "sagemaker-featurestore-runtime"),
    ("/BatchGetRecord", "sagemaker-featurestore-runtime"),
    ("/BatchWriteRecord", "sagemaker-featurestore-runtime"),
    ("/BatchPutMetrics", "sagemaker-metrics"),
    ("/BatchGetMetrics", "sagemaker-metrics"),
)
# The same the other way round: what the clients of a service sign.
_SIGNED = {
    **{service: scope for scope, service in _SCOPES.items()},
    **{service: "sagemaker" for _, service in _OF_SAGEMAKER},
    # Its host is called otherwise than it signs.
    "ses": "ses",
}
_FORM = "application/x-www-form-urlencoded"
_SCOPE = re.compile(r"Credential=[^/,\s]+/\d{8}/[^/,\s]+/([^/,\s]+)/aws4_request")
_PRESIGNED_SCOPE = re.compile(
    r"(?:^|&)X-Amz-Credential=[^&]+?(?:/|%2F)\d{8}(?:/|%2F)[^&]+?(?:/|%2F)([^&]+?)(?:/|%2F)aws4_request",
    re.IGNORECASE,
)
_ACTION = re.compile(rb"(?:^|&)Action=(\w{1,128})")


@dataclass(frozen=True, slots=True)
class Address:
    """What a request is for, as far as it can be known without a service's model.

    Args:
        service: As botocore names it; ``s3`` where nothing says another.
        operation: Its operation, or empty where only the service's model can tell.
    """

    service: str
    operation: str = ""


def address_of(request: Request) -> Address:
    """Return which service a request is for.

    Example:
        >>> address_of(Request("POST", "/", headers={"x-amz-target": "SageMaker.ListTrials"}))
        Address(service='sagemaker', operation='ListTrials')
        >>> address_of(Request("GET", "/bucket/key"))
        Address(service='s3', operation='')
    """
    if target := request.headers.get("x-amz-target", ""):
        prefix, _, operation = target.rpartition(".")
        return Address(_TARGETS.get(prefix, prefix or "unknown"), operation)
    scope = _scope_of(request)
    if _is_form(request) and scope != S3:
        action = _ACTION.search(request.body)
        return Address(_SCOPES.get(scope, scope) or "unknown", action[1].decode("ascii") if action else "")
    if scope == "sagemaker":
        return Address(
            next((name for path, name in _OF_SAGEMAKER if request.path.startswith(path)), "sagemaker")
        )
    # What is not signed at all can only be a wish for a public object; it is S3 that refuses it.
    return Address(_SCOPES.get(scope, scope) or S3)


def signing_name(service: str) -> str:
    """Return the name that the clients of a service sign.

    Example:
        >>> signing_name("stepfunctions"), signing_name("sagemaker-metrics"), signing_name("sqs")
        ('states', 'sagemaker', 'sqs')
    """
    return _SIGNED.get(service, service)


def is_signed(request: Request) -> bool:
    """Return whether a request bears a signature of AWS's, or names its call as AWS's clients do.

    Example:
        >>> is_signed(Request("GET", "/api", headers={"authorization": "Basic QUtJQTpz"}))
        False
        >>> is_signed(Request("GET", "/api", headers={"authorization": "AWS4-HMAC-SHA256 Credential=..."}))
        True
    """
    return (
        request.headers.get("authorization", "").startswith("AWS")
        or "x-amz-target" in request.headers
        or any(name in request.query for name in ("X-Amz-Credential=", "AWSAccessKeyId="))
    )


def _is_form(request: Request) -> bool:
    # An object may be of that type, too; without a scope it comes with a signature of the older kind.
    is_post = request.method == "POST" and "AWSAccessKeyId=" not in request.query
    return is_post and request.headers.get("content-type", "").startswith(_FORM)


def _scope_of(request: Request) -> str:
    if found := _SCOPE.search(request.headers.get("authorization", "")):
        return found[1]
    if "X-Amz-Credential" in request.query and (found := _PRESIGNED_SCOPE.search(request.query)):
        return found[1]
    return ""
