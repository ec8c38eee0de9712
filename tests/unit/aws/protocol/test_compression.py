"""Bodies that a client compressed."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from botocore.compress import maybe_compress_request
from botocore.config import Config
from botocore.serialize import create_serializer

from stepmill.aws.errors import ApiError
from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.protocol.compression import MOST_BYTES, plain_body
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.wire import Request
from support.botocore_wire import botocore_model, request_from

LARGE: dict[str, Any] = {
    "Namespace": "n",
    "MetricData": [{"MetricName": f"m{index}", "Value": float(index)} for index in range(500)],
}


@pytest.mark.parametrize("protocol", ["json", "query"])
def test_a_large_request_that_a_client_compressed_is_read(protocol: str) -> None:
    operation = botocore_model("cloudwatch").operation_model("PutMetricData")
    described = create_serializer(protocol, include_validation=False).serialize_to_request(LARGE, operation)
    described["context"] = {}
    maybe_compress_request(
        Config(disable_request_compression=False, request_min_compression_size_bytes=1000),
        described,
        operation,
    )
    request = request_from(described)
    assert request.headers["content-encoding"] == "gzip"
    assert len(request.body) < 10_000
    codec = codec_of("cloudwatch", request)
    assert codec.parse(codec.operation_of(request), request) == LARGE


def test_other_encodings_and_plain_bodies_are_left_alone() -> None:
    assert plain_body(Request("POST", "/", headers={"content-encoding": "aws-chunked"}, body=b"x")) == b"x"
    assert plain_body(Request("POST", "/", headers={"content-encoding": "gzip"})) == b""
    assert (
        plain_body(Request("POST", "/", headers={"content-encoding": "a, GZIP"}, body=gzip.compress(b"x")))
        == b"x"
    )


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(b"a" * 100)[:-9], gzip.compress(bytes(MOST_BYTES + 1))],
    ids=["not compressed", "cut off", "too large"],
)
def test_what_is_not_whole_or_unfolds_too_far_is_refused(body: bytes) -> None:
    request = Request("POST", "/", headers={"content-encoding": "gzip"}, body=body)
    with pytest.raises(Unreadable):
        plain_body(request)
    with pytest.raises(ApiError) as caught:
        codec_of("cloudwatch").parse("PutMetricData", request)
    assert caught.value.code == "SerializationException"


def test_an_object_that_is_compressed_is_stored_as_it_is() -> None:
    body = gzip.compress(b"x")
    request = Request("PUT", "/b/k", headers={"content-encoding": "gzip"}, body=body)
    assert codec_of("s3").parse("PutObject", request)["Body"] == body
