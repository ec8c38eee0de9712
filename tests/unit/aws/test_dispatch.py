from __future__ import annotations

import pytest

from stepmill.aws.dispatch import Address, address_of
from stepmill.aws.wire import Request

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def signed(scope: str, **headers: str) -> dict[str, str]:
    credential = f"Credential=AKIA/20260101/us-west-2/{scope}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00", **headers}


@pytest.mark.parametrize(
    ("target", "service", "operation"),
    [
        ("SageMaker.CreateTrainingJob", "sagemaker", "CreateTrainingJob"),
        ("Logs_20140328.GetLogEvents", "logs", "GetLogEvents"),
        ("GraniteServiceVersion20100801.GetMetricStatistics", "cloudwatch", "GetMetricStatistics"),
        ("AWSStepFunctions.StartExecution", "stepfunctions", "StartExecution"),
        ("AmazonEC2ContainerRegistry_V20150921.DescribeImages", "ecr", "DescribeImages"),
        ("Nobody.Knows", "Nobody", "Knows"),
        ("nonsense", "unknown", "nonsense"),
    ],
)
def test_a_target_names_service_and_operation(target: str, service: str, operation: str) -> None:
    assert address_of(Request("POST", "/", headers={"x-amz-target": target})) == Address(service, operation)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/endpoints/e/invocations", "sagemaker-runtime"),
        ("/FeatureGroup/g", "sagemaker-featurestore-runtime"),
        ("/BatchGetRecord", "sagemaker-featurestore-runtime"),
        ("/BatchPutMetrics", "sagemaker-metrics"),
        ("/other", "sagemaker"),
    ],
)
def test_services_that_share_a_scope_are_told_apart_by_path(path: str, service: str) -> None:
    assert address_of(Request("POST", path, headers=signed("sagemaker"))).service == service


@pytest.mark.parametrize(
    ("scope", "service"),
    [
        ("s3", "s3"),
        ("lambda", "lambda"),
        ("states", "stepfunctions"),
        ("monitoring", "cloudwatch"),
        ("batch", "batch"),
    ],
)
def test_the_scope_names_the_service(scope: str, service: str) -> None:
    assert address_of(Request("GET", "/x", headers=signed(scope))) == Address(service)


def test_a_form_names_its_action() -> None:
    request = Request(
        "POST", "/", headers=signed("sts", **FORM), body=b"Version=2011-06-15&Action=GetCallerIdentity"
    )
    assert address_of(request) == Address("sts", "GetCallerIdentity")
    assert address_of(Request("POST", "/", headers=signed("iam", **FORM), body=b"Actions=No")) == Address(
        "iam"
    )


def test_an_object_that_is_a_form_is_an_object() -> None:
    assert address_of(Request("PUT", "/b/k", headers=signed("s3", **FORM))) == Address("s3")
    assert address_of(Request("POST", "/b?delete", headers=signed("s3", **FORM))) == Address("s3")
    query = "AWSAccessKeyId=AKIA&Signature=x&Expires=1"
    assert address_of(Request("PUT", "/b/k", query, FORM)) == Address("s3")


@pytest.mark.parametrize("slash", ["/", "%2F", "%2f"])
@pytest.mark.parametrize(("scope", "service"), [("s3", "s3"), ("sts", "sts")])
def test_a_presigned_query_names_its_scope(slash: str, scope: str, service: str) -> None:
    credential = slash.join(["AKIA", "20260101", "us-west-2", scope, "aws4_request"])
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Signature=0"
    assert address_of(Request("GET", "/b/k", query)).service == service


def test_a_presigned_query_of_the_older_kind_is_for_s3() -> None:
    assert address_of(Request("GET", "/b/k", "AWSAccessKeyId=AKIA&Signature=x&Expires=1")) == Address("s3")


def test_what_is_not_signed_at_all_is_left_to_s3_to_refuse() -> None:
    assert address_of(Request("GET", "/b/k")) == Address("s3")
    assert address_of(Request("POST", "/", headers=FORM, body=b"Action=X")) == Address("unknown", "X")
