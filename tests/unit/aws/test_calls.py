"""Requests whose signature is good, but for another service than the one that they reach."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stepmill.aws.auth.signatures import SignatureCheck
from stepmill.aws.calls import Calls
from stepmill.aws.dispatch import address_of, signing_name
from stepmill.aws.service import Call, Service
from stepmill.aws.wire import Request, Response
from stepmill.core.clock import SystemClock
from stepmill.core.endpoint import AccessKey

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "secret", "default")
TARGETS = {
    "sagemaker": "SageMaker.ListTrials",
    "stepfunctions": "AWSStepFunctions.ListStateMachines",
    "cloudwatch": "GraniteServiceVersion20100801.ListMetrics",
    "logs": "Logs_20140328.DescribeLogGroups",
    "sqs": "AmazonSQS.ListQueues",
}


class _Keys:
    def find(self, access_key: str, _token: str = "") -> AccessKey | None:
        return KEY if access_key == KEY.id else None


def _answer(_call: Call) -> Response:
    return Response(200, (), b"{}")


OPERATIONS = {target.rpartition(".")[2] for target in TARGETS.values()}
CALLS = Calls(
    (
        Service("s3", {"ListBuckets": _answer}),
        *(Service(name, dict.fromkeys(OPERATIONS, _answer)) for name in TARGETS),
    ),
    SignatureCheck(_Keys(), SystemClock()),
)


def asked(scope: str, target: str = "", service: str = "") -> Response:
    """Send a request that is signed for one service to what its target names, or to another."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"} if target else {}
    request = AWSRequest("POST" if target else "GET", "http://127.0.0.1:8000/", headers=headers, data=b"{}")
    signer = S3SigV4Auth if scope == "s3" else SigV4Auth
    signer(Credentials(KEY.id, KEY.secret), scope, "us-west-2").add_auth(request)
    prepared = request.prepare()
    named = {n.lower(): v if isinstance(v, str) else v.decode() for n, v in prepared.headers.items()}
    path = urlsplit(prepared.url).path
    sent = Request(prepared.method, path, "", {"host": "127.0.0.1:8000", **named}, prepared.body or b"")
    found = CALLS.service_of(service or address_of(sent).service)
    assert found is not None
    return CALLS.answer(found, sent, sent.path, "request-1").response


@pytest.mark.parametrize(("service", "target"), TARGETS.items())
def test_each_service_takes_what_its_own_clients_sign(service: str, target: str) -> None:
    assert asked(signing_name(service), target).status == 200


@pytest.mark.parametrize(("service", "target"), TARGETS.items())
@pytest.mark.parametrize("scope", ["s3", "sts", "iam", "execute-api"])
def test_what_is_signed_for_another_service_is_refused(service: str, target: str, scope: str) -> None:
    response = asked(scope, target)
    assert response.status == 400
    assert b"InvalidSignatureException" in response.body
    expected = f"Credential should be scoped to correct service: '{signing_name(service)}'."
    assert expected.encode() in response.body


def test_an_alias_that_nobody_signs_is_no_way_round() -> None:
    assert asked("stepfunctions", TARGETS["stepfunctions"]).status == 400
    assert asked("cloudwatch", TARGETS["cloudwatch"]).status == 400


def test_s3_refuses_in_words_of_its_own() -> None:
    # A host that names a bucket leads to S3, whatever was signed.
    response = asked("sagemaker", service="s3")
    assert response.status == 400
    assert b"<Code>AuthorizationHeaderMalformed</Code>" in response.body
    words = 'incorrect service "sagemaker". This endpoint belongs to "s3".'
    assert words.replace('"', "&quot;").encode() in response.body
    assert asked("s3").status == 200
