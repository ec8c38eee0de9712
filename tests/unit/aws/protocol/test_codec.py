"""One codec for all services: what a client sends arrives as it meant it, and what is answered, too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.wire import Request, Response
from stepmill.core.errors import NotFoundError
from support.botocore_wire import botocore_model, parsed, request_of

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def header(response: Response, name: str) -> str:
    return dict(response.headers)[name]


def rpc(target: str, body: object = None) -> Request:
    return Request("POST", "/", "", {"x-amz-target": target}, msgspec.json.encode(body or {}))


def form(text: str) -> Request:
    return Request("POST", "/", "", {}, text.encode())


class TestTheOperation:
    def test_a_target_names_it(self) -> None:
        assert codec_of("sagemaker").operation_of(rpc("SageMaker.ListPipelines")) == "ListPipelines"

    def test_an_action_names_it_in_a_form_or_a_query(self) -> None:
        sts = codec_of("sts")
        assert sts.operation_of(form("Action=GetCallerIdentity&Version=2011-06-15")) == "GetCallerIdentity"
        assert sts.operation_of(Request("GET", "/", "Action=GetCallerIdentity")) == "GetCallerIdentity"

    @pytest.mark.parametrize(
        ("method", "path", "query", "headers", "operation"),
        [
            ("GET", "/", "", {}, "ListBuckets"),
            ("GET", "/b", "", {}, "ListObjects"),
            ("GET", "/b/", "", {}, "ListObjects"),
            ("GET", "/b", "list-type=2&prefix=a", {}, "ListObjectsV2"),
            ("GET", "/b", "lifecycle", {}, "GetBucketLifecycleConfiguration"),
            ("GET", "/b", "analytics&id=1", {}, "GetBucketAnalyticsConfiguration"),
            ("PUT", "/b/k", "", {}, "PutObject"),
            ("PUT", "/b/k", "", {"x-amz-copy-source": "a/b"}, "CopyObject"),
            ("PUT", "/b/k", "partNumber=1&uploadId=u", {}, "UploadPart"),
            ("PUT", "/b/k", "partNumber=1&uploadId=u", {"x-amz-copy-source": "a/b"}, "UploadPartCopy"),
            ("POST", "/b/k", "uploads", {}, "CreateMultipartUpload"),
            ("POST", "/b/k", "uploadId=u", {}, "CompleteMultipartUpload"),
            ("POST", "/b", "delete", {}, "DeleteObjects"),
            ("GET", "/b//a/../%2F/", "", {}, "GetObject"),
        ],
    )
    def test_a_path_with_its_query_and_headers_names_it(
        self, method: str, path: str, query: str, headers: dict[str, str], operation: str
    ) -> None:
        assert codec_of("s3").operation_of(Request(method, path, query, headers)) == operation

    @pytest.mark.parametrize(
        ("service", "request_", "code", "status"),
        [
            ("sagemaker", rpc("SageMaker.CreateCoffee"), "UnknownOperationException", 400),
            ("sagemaker", Request("POST", "/"), "UnknownOperationException", 400),
            ("lambda", Request("GET", "/coffee"), "UnknownOperationException", 404),
            ("sts", form("Action=Brew"), "InvalidAction", 400),
            ("s3", Request("PATCH", "/b/k"), "MethodNotAllowed", 405),
        ],
    )
    def test_what_no_service_has_is_refused_by_its_code(
        self, service: str, request_: Request, code: str, status: int
    ) -> None:
        with pytest.raises(ApiError) as caught:
            codec_of(service).operation_of(request_)
        assert (caught.value.code, caught.value.status) == (code, status)

    def test_a_service_that_botocore_lacks_is_not_found(self) -> None:
        with pytest.raises(NotFoundError, match="coffee"):
            codec_of("coffee")


class TestParameters:
    def test_json_keeps_its_types_and_drops_what_is_null_or_unknown(self) -> None:
        body = {
            "TrainingJobName": "a",
            "Nothing": 1,
            "Tags": None,
            "StoppingCondition": {"MaxRuntimeInSeconds": 5},
        }
        got = codec_of("sagemaker").parse("StopTrainingJob", rpc("SageMaker.StopTrainingJob", body))
        assert got == {"TrainingJobName": "a"}

    def test_moments_are_aware_and_blobs_are_bytes(self) -> None:
        request = rpc("SageMaker.ListPipelines", {"CreatedAfter": NOON.timestamp()})
        assert codec_of("sagemaker").parse("ListPipelines", request) == {"CreatedAfter": NOON}
        request = rpc("TrentService.Encrypt", {"KeyId": "k", "Plaintext": "AAE="})
        assert codec_of("kms").parse("Encrypt", request) == {"KeyId": "k", "Plaintext": b"\x00\x01"}

    def test_a_key_is_decoded_once_and_kept_whole(self) -> None:
        request = Request("GET", "/b//a/..%2F%252e+x/")
        got = codec_of("s3").parse("GetObject", request)
        assert got == {"Bucket": "b", "Key": "/a/../%2e+x/"}

    def test_a_streamed_body_is_handed_through(self) -> None:
        stream = [b"a", b"b"]
        request = Request("PUT", "/b/k", headers={"x-amz-meta-who": "me"}, stream=stream)
        got = codec_of("s3").parse("PutObject", request)
        assert got["Body"] is stream
        assert got["Metadata"] == {"who": "me"}

    @pytest.mark.parametrize(
        ("service", "operation", "request_", "code"),
        [
            ("sagemaker", "ListPipelines", Request("POST", "/", body=b"{"), "SerializationException"),
            ("sagemaker", "ListPipelines", Request("POST", "/", body=b"[]"), "SerializationException"),
            ("sagemaker", "ListPipelines", rpc("", {"MaxResults": "1"}), "SerializationException"),
            ("sagemaker", "ListPipelines", rpc("", {"MaxResults": True}), "SerializationException"),
            ("sagemaker", "ListPipelines", rpc("", {"MaxResults": 1 << 40}), "SerializationException"),
            ("kms", "Encrypt", rpc("", {"Plaintext": "!"}), "SerializationException"),
            ("lambda", "CreateFunction", Request("POST", "/2015-03-31/functions", body=b"x"),
             "InvalidRequestContentException"),
            ("s3", "DeleteObjects", Request("POST", "/b", "delete", body=b"<a"), "MalformedXML"),
            ("s3", "ListObjectsV2", Request("GET", "/b", "list-type=2&max-keys=x"), "InvalidArgument"),
            ("s3", "GetObject", Request("GET", "/b/%ff"), "InvalidArgument"),
            ("sts", "AssumeRole", form("DurationSeconds=long"), "MalformedInput"),
            ("iam", "CreateRole", form("Tags.member.x=1"), "MalformedInput"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_refused_by_its_code(
        self, service: str, operation: str, request_: Request, code: str
    ) -> None:
        with pytest.raises(ApiError) as caught:
            codec_of(service).parse(operation, request_)
        assert (caught.value.code, caught.value.status) == (code, 400)

    def test_the_message_says_where(self) -> None:
        body = {"InputDataConfig": [{"ChannelName": "a"}, {"ChannelName": 3}]}
        with pytest.raises(ApiError, match=r"NUMBER_VALUE .* String \(at InputDataConfig\.2\.ChannelName\)"):
            codec_of("sagemaker").parse("CreateTrainingJob", rpc("", body))

    @pytest.mark.parametrize(
        "body",
        [
            b'<!DOCTYPE d [<!ENTITY e "x">]><Delete>&e;</Delete>',
            b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><Delete/>',
            b"<a>" * 300 + b"</a>" * 300,
            b"<a>" + b"<b/>" * 300_000 + b"</a>",
        ],
    )
    def test_hostile_xml_is_refused(self, body: bytes) -> None:
        with pytest.raises(ApiError) as caught:
            codec_of("s3").parse("DeleteObjects", Request("POST", "/b", "delete", body=body))
        assert caught.value.code == "MalformedXML"


class TestAnswers:
    @pytest.mark.parametrize("moment", [NOON, NOON.isoformat(), NOON.timestamp(), "2026-02-03T12:00:00Z"])
    def test_a_moment_may_be_kept_in_any_way(self, moment: Any) -> None:
        response = codec_of("sagemaker").answer("DescribePipeline", {"CreationTime": moment}, "id")
        assert msgspec.json.decode(response.body) == {"CreationTime": NOON.timestamp()}

    def test_json_is_told_with_its_id_and_without_what_the_model_lacks(self) -> None:
        response = codec_of("sagemaker").answer("DescribePipeline", {"PipelineName": "p", "Color": 1}, "id-1")
        assert response.body == b'{"PipelineName":"p"}'
        assert header(response, "x-amzn-RequestId") == "id-1"
        assert header(response, "Content-Type") == "application/x-amz-json-1.1"

    def test_an_answer_of_the_query_protocol_has_its_wrapper(self) -> None:
        response = codec_of("sts").answer("GetCallerIdentity", {"Account": "1 & 2"}, "id-1")
        operation = botocore_model("sts").operation_model("GetCallerIdentity")
        assert parsed(operation, response) == {"Account": "1 & 2"}
        assert (
            b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' in response.body
        )

    def test_no_answer_is_an_empty_one(self) -> None:
        assert codec_of("sagemaker").answer("StopTrainingJob", None, "id").body == b"{}"
        assert codec_of("s3").answer("DeleteObject", None, "id").status == 204

    def test_a_list_of_objects_reads_as_one(self) -> None:
        answer = {
            "Name": "b",
            "Contents": [{"Key": "a<&>\r", "Size": 3, "LastModified": NOON, "ETag": '"x"'}],
            "CommonPrefixes": [{"Prefix": "p/"}],
            "IsTruncated": False,
        }
        response = codec_of("s3").answer("ListObjectsV2", answer, "id")
        operation = botocore_model("s3").operation_model("ListObjectsV2")
        assert parsed(operation, response) == answer
        assert b"<LastModified>2026-02-03T12:00:00.000Z</LastModified>" in response.body
        assert response.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns=')

    def test_the_place_of_a_bucket_is_the_root_element(self) -> None:
        response = codec_of("s3").answer("GetBucketLocation", {"LocationConstraint": "us-west-2"}, "id")
        assert response.body.endswith(b">us-west-2</LocationConstraint>")

    def test_a_body_is_handed_through(self) -> None:
        pieces = iter([b"a"])
        response = codec_of("s3").answer(
            "GetObject", {"Body": pieces, "ContentType": "text/csv", "Metadata": {"a": "1"}}, "id"
        )
        assert response.body is pieces
        assert header(response, "Content-Type") == "text/csv"
        assert header(response, "x-amz-meta-a") == "1"

    def test_a_line_break_cannot_begin_another_header(self) -> None:
        response = codec_of("s3").answer("HeadObject", {"Metadata": {"a": "1\r\nSet-Cookie: x"}}, "id")
        assert header(response, "x-amz-meta-a") == "1  Set-Cookie: x"


class TestErrors:
    def test_json_tells_the_name_in_body_and_header(self) -> None:
        response = codec_of("sagemaker").error("ResourceNotFound", "None.", "id")
        assert response.status == 400
        assert msgspec.json.decode(response.body) == {"__type": "ResourceNotFound", "Message": "None."}
        assert header(response, "x-amzn-ErrorType") == "ResourceNotFound"

    def test_the_model_knows_the_status(self) -> None:
        response = codec_of("lambda").error(
            "ResourceNotFoundException", "None.", "id", members={"Type": "User"}
        )
        assert response.status == 404
        assert msgspec.json.decode(response.body) == {"Message": "None.", "Type": "User"}

    def test_a_query_service_tells_the_code_of_the_shape(self) -> None:
        for code in ("NoSuchEntity", "NoSuchEntityException"):
            response = codec_of("iam").error(code, "None & void.", "id")
            assert response.status == 404
            assert b"<Code>NoSuchEntity</Code><Message>None &amp; void.</Message>" in response.body

    def test_a_service_that_once_spoke_query_tells_its_former_code(self) -> None:
        response = codec_of("sqs").error("QueueDoesNotExist", "None.", "id")
        assert header(response, "x-amzn-query-error") == "AWS.SimpleQueueService.NonExistentQueue;Sender"

    def test_s3_tells_what_its_model_does_not_know(self) -> None:
        response = codec_of("s3").error("NoSuchKey", "None.", "id", status=404, members={"Key": "a"})
        assert b"<Error><Code>NoSuchKey</Code><Message>None.</Message><Key>a</Key>" in response.body
        assert header(response, "x-amz-request-id") == "id"


def test_a_client_may_speak_any_protocol_that_the_service_has() -> None:
    operation = botocore_model("cloudwatch").operation_model("ListMetrics")
    for protocol in ("json", "query"):
        request = request_of(operation, {"Namespace": "n"}, protocol)
        codec = codec_of("cloudwatch", request)
        assert codec.protocol == protocol
        assert codec.parse(codec.operation_of(request), request) == {"Namespace": "n"}
        answer = codec.answer("ListMetrics", {"Metrics": [{"Namespace": "n"}]}, "id")
        assert parsed(operation, answer, protocol) == {"Metrics": [{"Namespace": "n"}]}
