"""Requests signed by botocore's own signers are admitted, and changed ones are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import (
    HmacV1QueryAuth,
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.auth.signatures import SignatureCheck
from stepmill.aws.errors import ApiError
from stepmill.aws.wire import Request
from stepmill.core.clock import SystemClock
from stepmill.core.endpoint import AccessKey

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIbPxRfiCYEXAMPLEKEY", "default")
SESSION = AccessKey("ASIAIOSFODNN7EXAMPLE", "secret", "me", "a-token", datetime.now(UTC) + timedelta(hours=1))
OVER = AccessKey("ASIAOVEROVEROVEROVER", "secret", "me", "a-token", datetime.now(UTC) - timedelta(hours=1))
HOST = "127.0.0.1:8000"


class _Keys:
    def find(self, access_key: str, _token: str) -> AccessKey | None:
        return next((key for key in (KEY, SESSION, OVER) if key.id == access_key), None)


class _At:
    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset


CHECK = SignatureCheck(_Keys(), SystemClock())


def admit(request: Request, check: SignatureCheck = CHECK):
    return check.admit(request, request.path)


def credentials(key: AccessKey = KEY) -> Credentials:
    return Credentials(key.id, key.secret, key.token or None)


def sent(signed: AWSRequest) -> Request:
    """Return a signed request as the server sees it."""
    prepared = signed.prepare()
    parts = urlsplit(prepared.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    headers.setdefault("host", parts.netloc)
    body = prepared.body or b""
    if isinstance(body, str):
        body = body.encode()
    return Request(prepared.method, parts.path, parts.query, headers, body)


def json_call(key: AccessKey = KEY, body: bytes = b'{"MaxResults":1}', path: str = "/") -> Request:
    request = AWSRequest(
        "POST", f"http://{HOST}{path}", data=body,
        headers={"X-Amz-Target": "SageMaker.ListTrainingJobs", "Content-Type": "application/x-amz-json-1.1"},
    )  # fmt: skip
    SigV4Auth(credentials(key), "sagemaker", "us-west-2").add_auth(request)
    return sent(request)


def put(body: bytes = b"hello", path: str = "/bucket/key", query: str = "", **headers: str) -> Request:
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest("PUT", url, data=body, headers=dict(headers))
    S3SigV4Auth(credentials(), "s3", "us-west-2").add_auth(request)
    return sent(request)


def code_of(request: Request, check: SignatureCheck = CHECK) -> str:
    with pytest.raises(ApiError) as raised:
        admit(request, check)
    return raised.value.code


def test_a_signed_call_is_its_callers() -> None:
    admitted = admit(json_call())
    assert (admitted.caller.access_key, admitted.caller.name) == (KEY.id, "default")
    assert admitted.request.body == b'{"MaxResults":1}'


def test_a_session_is_admitted_with_its_token_alone() -> None:
    signed = json_call(SESSION)
    assert admit(signed).caller.name == "me"
    request = AWSRequest("POST", f"http://{HOST}/", data=b"{}", headers={"X-Amz-Target": "SageMaker.X"})
    SigV4Auth(Credentials(SESSION.id, SESSION.secret), "sagemaker", "us-west-2").add_auth(request)
    assert code_of(sent(request)) == "UnrecognizedClientException"


def test_a_session_ends() -> None:
    assert code_of(json_call(OVER)) == "ExpiredTokenException"


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, body=r.body + b" "),
        lambda r: replace(r, path="/other"),
        lambda r: replace(r, query="a=b"),
        lambda r: replace(r, method="PUT"),
        lambda r: replace(r, headers={**r.headers, "x-amz-target": "SageMaker.DeletePipeline"}),
        lambda r: replace(r, headers={**r.headers, "host": "localhost:8000"}),
    ],
)
def test_whatever_is_changed_after_signing_is_noticed(change) -> None:
    assert code_of(change(json_call())) == "InvalidSignatureException"


def test_a_digest_that_is_not_the_bodys_is_refused() -> None:
    assert code_of(replace(put(), body=b"hallo")) == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize(
    ("service", "unknown", "missing"),
    [
        ("sagemaker", "UnrecognizedClientException", "MissingAuthenticationTokenException"),
        ("sts", "InvalidClientTokenId", "MissingAuthenticationToken"),
        ("s3", "InvalidAccessKeyId", "AccessDenied"),
    ],
)
def test_each_family_of_services_has_its_own_codes(service: str, unknown: str, missing: str) -> None:
    kinds = {
        "sagemaker": {"X-Amz-Target": "SageMaker.ListModels"},
        "sts": {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        "s3": {},
    }
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    request = AWSRequest("POST", f"http://{HOST}/", data=b"", headers=kinds[service])
    bare = sent(request)
    signer(Credentials("AKIANOBODYNOBODYNOBO", "x"), service, "us-west-2").add_auth(request)
    assert code_of(sent(request)) == unknown
    assert code_of(bare) == missing


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_from_another_time_is_refused(minutes: int) -> None:
    check = SignatureCheck(_Keys(), _At(timedelta(minutes=minutes)))
    assert code_of(put(), check) == "RequestTimeTooSkewed"
    assert code_of(json_call(), check) == "InvalidSignatureException"


def test_headers_that_nobody_signed_are_refused() -> None:
    signed = put()
    assert code_of(replace(signed, headers={**signed.headers, "x-amz-acl": "public-read"})) == "AccessDenied"


def test_nobody_turns_a_link_into_another_call_by_a_header() -> None:
    request = AWSRequest("GET", f"http://{HOST}/?Action=GetCallerIdentity&Version=2011-06-15")
    SigV4QueryAuth(credentials(), "sts", "us-west-2", expires=60).add_auth(request)
    link = sent(request)
    assert code_of(replace(link, headers={**link.headers, "x-amz-target": "SageMaker.ListModels"})) == (
        "SignatureDoesNotMatch"
    )


def test_no_other_operation_is_named_after_signing() -> None:
    request = AWSRequest("POST", f"http://{HOST}/", data=json_call().body, headers={})
    SigV4Auth(credentials(), "sagemaker", "us-west-2").add_auth(request)
    unnamed = sent(request)
    assert admit(unnamed).caller.access_key == KEY.id
    assert code_of(replace(unnamed, headers={**unnamed.headers, "x-amz-target": "SageMaker.X"})) == (
        "InvalidSignatureException"
    )


@pytest.mark.parametrize(
    "header",
    [
        "Basic abc",
        "AWS4-HMAC-SHA256 nonsense",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=z",
        "",
    ],
)
def test_an_authorization_that_cannot_be_read_is_told(header: str) -> None:
    signed = put()
    with pytest.raises(ApiError):
        admit(replace(signed, headers={**signed.headers, "authorization": header}))


@given(
    st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=30).filter(
        lambda key: not key.startswith("?")
    ),
    st.dictionaries(st.text("abcXYZ-_.~ +%&=é", min_size=1, max_size=6), st.text(max_size=8), max_size=4),
)
def test_any_key_and_query_are_admitted_as_botocore_signs_them(key: str, parameters: dict[str, str]) -> None:
    query = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in parameters.items())
    path = "/bucket/" + quote(key, safe="/~")
    signed = put(path=path, query=query)
    assert admit(signed).request.body == b"hello"


@given(st.text("abc/.~ %:", max_size=12))
def test_other_services_paths_are_encoded_once_more(text: str) -> None:
    request = AWSRequest("GET", f"http://{HOST}/2015-03-31/{quote(text, safe='/~')}")
    SigV4Auth(credentials(), "lambda", "us-west-2").add_auth(request)
    assert admit(sent(request)).caller.access_key == KEY.id


class TestPresigned:
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_version_4_is_admitted_until_it_expires(self, method: str) -> None:
        request = AWSRequest(method, f"http://{HOST}/bucket/a%20b?versionId=3", headers={})
        S3SigV4QueryAuth(credentials(), "s3", "us-west-2", expires=60).add_auth(request)
        assert admit(sent(request)).caller.access_key == KEY.id
        late = SignatureCheck(_Keys(), _At(timedelta(seconds=62)))
        assert code_of(sent(request), late) == "AccessDenied"

    def test_version_4_of_another_service(self) -> None:
        request = AWSRequest("GET", f"http://{HOST}/?Action=GetCallerIdentity&Version=2011-06-15")
        SigV4QueryAuth(credentials(), "sts", "us-west-2", expires=60).add_auth(request)
        assert admit(sent(request)).caller.access_key == KEY.id

    @pytest.mark.parametrize("change", ["/bucket/other", "/other/a"])
    def test_version_4_holds_for_its_object_alone(self, change: str) -> None:
        request = AWSRequest("GET", f"http://{HOST}/bucket/a")
        S3SigV4QueryAuth(credentials(), "s3", "us-west-2").add_auth(request)
        assert code_of(replace(sent(request), path=change)) == "SignatureDoesNotMatch"

    def test_version_4_cannot_hold_for_longer_than_a_week(self) -> None:
        request = AWSRequest("GET", f"http://{HOST}/bucket/a")
        S3SigV4QueryAuth(credentials(), "s3", "us-west-2", expires=604801).add_auth(request)
        assert code_of(sent(request)) == "AuthorizationQueryParametersError"

    @pytest.mark.parametrize(
        "query", ["", "response-content-type=text%2Fplain", "uploads", "partNumber=1&uploadId=a"]
    )
    def test_version_2_is_admitted_until_it_expires(self, query: str) -> None:
        request = AWSRequest("GET", f"http://{HOST}/bucket/a%20b" + (f"?{query}" if query else ""))
        HmacV1QueryAuth(credentials(), expires=60).add_auth(request)
        assert admit(sent(request)).caller.access_key == KEY.id
        assert code_of(sent(request), SignatureCheck(_Keys(), _At(timedelta(seconds=62)))) == "AccessDenied"

    def test_version_2_counts_the_content_type(self) -> None:
        request = AWSRequest("PUT", f"http://{HOST}/bucket/a", headers={"Content-Type": "text/csv"})
        HmacV1QueryAuth(credentials()).add_auth(request)
        signed = sent(request)
        assert admit(signed).caller.access_key == KEY.id
        other = replace(signed, headers={**signed.headers, "content-type": "text/html"})
        assert code_of(other) == "SignatureDoesNotMatch"

    def test_version_2_counts_the_headers_that_are_sent(self) -> None:
        request = AWSRequest("PUT", f"http://{HOST}/bucket/a", headers={"x-amz-meta-a": "1"})
        HmacV1QueryAuth(credentials()).add_auth(request)
        signed = sent(request)
        assert admit(signed).caller.access_key == KEY.id
        other = replace(signed, headers={**signed.headers, "x-amz-meta-a": "2"})
        assert code_of(other) == "SignatureDoesNotMatch"

    def test_version_2_of_a_bucket_in_the_hosts_name(self) -> None:
        request = AWSRequest("GET", "http://bucket.localhost:8000/a", auth_path="/bucket/a")
        HmacV1QueryAuth(credentials()).add_auth(request)
        assert CHECK.admit(sent(request), "/bucket/a").caller.access_key == KEY.id


class _Stream:
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def test_a_stream_is_held_against_its_digest_at_its_end() -> None:
    signed = replace(put(), body=b"")
    good = admit(replace(signed, stream=_Stream([b"hel", b"lo"]))).request.stream
    assert b"".join(good) == b"hello"
    bad = admit(replace(signed, stream=_Stream([b"hel", b"la"]))).request.stream
    with pytest.raises(ApiError, match="does not match"):
        b"".join(bad)


def test_an_unsigned_payload_is_taken_as_it_is() -> None:
    request = AWSRequest(
        "PUT", f"http://{HOST}/b/k", data=b"abc", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    )
    request.context["payload_signing_enabled"] = False
    S3SigV4Auth(credentials(), "s3", "us-west-2").add_auth(request)
    assert admit(sent(request)).request.body == b"abc"


def test_the_digest_of_no_body_is_computed() -> None:
    assert sha256(b"").hexdigest() == put(body=b"").headers["x-amz-content-sha256"]
    assert admit(put(body=b"")).request.body == b""
