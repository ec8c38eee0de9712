"""No bytes make the codec raise anything but an error that a client can be told."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.errors import ApiError
from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.wire import Request, Response
from support.botocore_wire import botocore_model

OPERATIONS = (
    ("sagemaker", "CreateTrainingJob", "POST", "/"),
    ("dynamodb", "PutItem", "POST", "/"),
    ("lambda", "CreateFunction", "POST", "/2015-03-31/functions"),
    ("s3", "DeleteObjects", "POST", "/b"),
    ("s3", "CompleteMultipartUpload", "POST", "/b/k"),
    ("s3", "GetObject", "GET", "/b/k"),
    ("sts", "AssumeRole", "POST", "/"),
    ("iam", "SimulatePrincipalPolicy", "POST", "/"),
    ("cloudwatch", "PutMetricData", "POST", "/"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-encoding", "x-amz-target", "range", "x-amz-expires", "if-modified-since", "x-amz-meta-a"]
    ),
    st.text(max_size=20),
    max_size=3,
)


def _tried(service: str, operation: str, request: Request) -> None:
    codec = codec_of(service, request)
    for call in (lambda: codec.operation_of(request), lambda: codec.parse(operation, request)):
        try:
            call()
        except ApiError as error:
            assert isinstance(codec.error(error.code, error.what, "id", status=error.status), Response)


@pytest.mark.parametrize(("service", "operation", "method", "path"), OPERATIONS)
@given(noise=st.text(max_size=30), query=st.text(max_size=40), headers=HEADERS, body=st.binary(max_size=80))
def test_noise(
    service: str,
    operation: str,
    method: str,
    path: str,
    noise: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
) -> None:
    _tried(service, operation, Request(method, path, query, headers, body))
    _tried(service, operation, Request(method, path + noise, query, headers, body))


@pytest.mark.parametrize(("service", "operation", "method", "path"), OPERATIONS[:3])
@given(data=st.data())
def test_json_of_any_kind_in_any_member(
    service: str, operation: str, method: str, path: str, data: st.DataObject
) -> None:
    members = list(botocore_model(service).operation_model(operation).input_shape.members)
    body = data.draw(st.dictionaries(st.sampled_from(members), JSON, max_size=4))
    _tried(service, operation, Request(method, path, body=msgspec.json.encode(body)))


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"\A(RoleArn|Tags|PolicyArns)(\.(member|entry|1|2|x|Key|key|arn)){0,4}\Z"),
            st.text(max_size=5),
        ),
        max_size=5,
    )
)
def test_forms_with_any_fields(fields: list[tuple[str, str]]) -> None:
    body = "&".join(f"{name}={value}" for name, value in fields).encode()
    _tried("sts", "AssumeRole", Request("POST", "/", body=body))


@given(
    st.recursive(
        st.text(max_size=5),
        lambda inner: st.lists(
            st.tuples(st.sampled_from(["Delete", "Object", "Key", "Quiet", "x:y"]), inner), max_size=3
        ),
        max_leaves=12,
    )
)
def test_xml_of_any_elements(tree: object) -> None:
    def written(node: object) -> str:
        if isinstance(node, str):
            return node
        assert isinstance(node, list)
        return "".join(f"<{name}>{written(below)}</{name}>" for name, below in node)

    _tried("s3", "DeleteObjects", Request("POST", "/b", "delete", body=written(tree).encode()))


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("sagemaker", "CreateTrainingJob", b"[" * 100_000),
        ("dynamodb", "PutItem", b'{"Item":{"a":' + b'{"L":[' * 5000 + b"]}" * 5000 + b"}}"),
        ("sts", "AssumeRole", b"&".join(b"a.%d=1" % number for number in range(100_000))),
        ("sts", "AssumeRole", b"Tags" + b".member" * 10_000 + b"=1"),
        ("s3", "DeleteObjects", b"<Delete>" * 5000),
    ],
)
def test_what_is_too_deep_or_too_much_is_refused(service: str, operation: str, body: bytes) -> None:
    request = Request("POST", "/b", "delete", body=body)
    with pytest.raises(ApiError):
        codec_of(service).parse(operation, request)


def test_the_deepest_document_that_is_taken_can_be_walked() -> None:
    item: dict[str, object] = {"S": "x"}
    for _ in range(98):
        item = {"L": [item]}
    body = msgspec.json.encode({"TableName": "t", "Item": {"a": item}})
    got = codec_of("dynamodb").parse("PutItem", Request("POST", "/", body=body))
    assert codec_of("dynamodb").answer("GetItem", {"Item": got["Item"]}, "id").status == 200
