"""What breaks a service's model is told all at once, in AWS's words and by its code."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.protocol.checks import Checks, told
from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.protocol.problems import Problem
from stepmill.aws.wire import Request
from stepmill.core.service_documents import Metadata, RawShape, Reference, ServiceDocument

AT_MOST = "Member must have length less than or equal to"
AT_LEAST = "Member must have length greater than or equal to"
NOT_MORE = "Member must have value less than or equal to"
NOT_LESS = "Member must have value greater than or equal to"
PATTERN = "Member must satisfy regular expression pattern:"
NO_NUMBER = b"<x><Part><PartNumber>x</PartNumber></Part></x>"
NO_KEY = b"<Delete><Object/></Delete>"


def problems(shapes: dict[str, RawShape], name: str, value: Any) -> list[str]:
    checks = Checks(ServiceDocument(Metadata(), {}, shapes))
    return [str(problem) for problem in checks.of(Reference(name))(value)]


def constraint(text: str, shown: str = "", place: str = "") -> str:
    return f"Value{shown and ' '}{shown} at '{place}' failed to satisfy constraint: {text}"


def refused(service: str, operation: str, request: Request) -> ApiError:
    with pytest.raises(ApiError) as caught:
        codec_of(service).parse(operation, request)
    assert caught.value.status == 400
    return caught.value


def rpc(body: object) -> Request:
    return Request("POST", "/", body=msgspec.json.encode(body))


def test_all_that_is_wrong_is_told_at_once() -> None:
    body = {"PipelineName": "my_pipeline", "PipelineDefinition": "", "ClientRequestToken": "t" * 32}
    error = refused("sagemaker", "CreatePipeline", rpc(body))
    assert error.code == "ValidationException"
    assert error.what == (
        "3 validation errors detected: "
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null; "
        "Value 'my_pipeline' at 'pipelineName' failed to satisfy constraint: Member must satisfy regular "
        "expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}; "
        "Value '' at 'pipelineDefinition' failed to satisfy constraint: Member must have length greater than "
        "or equal to 1"
    )


def test_many_problems_are_counted_and_some_are_told() -> None:
    text = told([Problem("null", "Member must not be null", f"a{index}") for index in range(500)])
    assert text.startswith("500 validation errors detected: Value null at 'a0'")
    assert text.endswith("'a19' failed to satisfy constraint: Member must not be null; and 480 more")


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (RawShape("string", max=3), "abcd", [constraint(f"{AT_MOST} 3", "'abcd'")]),
        (RawShape("string", min=2), "a", [constraint(f"{AT_LEAST} 2", "'a'")]),
        (RawShape("string", enum=("A", "B")), "C",
         [constraint("Member must satisfy enum value set: [A, B]", "'C'")]),
        (RawShape("string", pattern="[a-z]+"), "A",
         [constraint(f"{PATTERN} [a-z]+", "'A'")]),
        (RawShape("string", pattern="[a-z]+", min=1), "", [
            constraint(f"{AT_LEAST} 1", "''"),
            constraint(f"{PATTERN} [a-z]+", "''"),
        ]),
        (RawShape("integer", min=1), 0, [constraint(f"{NOT_LESS} 1", "'0'")]),
        (RawShape("long", max=2**63 - 1), 2**63 - 1, []),
        (RawShape("double", max=0.5), 0.75, [constraint(f"{NOT_MORE} 0.5", "'0.75'")]),
        (RawShape("blob", max=1), b"ab", [constraint(f"{AT_MOST} 1")]),
        (RawShape("blob", max=1), iter([b"ab"]), []),
        (RawShape("string", sensitive=True, max=1), "secret",
         [constraint(f"{AT_MOST} 1")]),
        (RawShape("string", max=1), "x" * 5000,
         [constraint(f"{AT_MOST} 1", f"'{'x' * 300}...'")]),
        (RawShape("boolean"), True, []),
        (RawShape("timestamp"), None, []),
    ],
)  # fmt: skip
def test_a_single_value(shape: RawShape, value: object, expected: list[str]) -> None:
    assert problems({"S": shape}, "S", value) == expected


SHAPES = {
    "Text": RawShape("string", max=2, pattern="[a-z]*"),
    "Texts": RawShape("list", member=Reference("Text"), min=1),
    "TextOf": RawShape("map", key=Reference("Text"), value=Reference("Text")),
    "Part": RawShape(
        "structure", members={"KeyId": Reference("Text"), "Below": Reference("Part")}, required=("KeyId",)
    ),
    "Parts": RawShape("list", member=Reference("Part")),
    "PartOf": RawShape("map", key=Reference("Any"), value=Reference("Part")),
    "Any": RawShape("string"),
    "Either": RawShape("structure", members={"A": Reference("Any"), "B": Reference("Any")}, union=True),
}
BOTH = (
    "Member must have length less than or equal to 2, Member must satisfy regular expression pattern: [a-z]*"
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Texts", [], [constraint(f"{AT_LEAST} 1", "'[]'")]),
        ("Texts", ["a", "ABC"], [constraint(f"Member must satisfy constraint: [{BOTH}]", "'[a, ABC]'")]),
        ("Texts", ["a", None], [constraint("Member must not be null", "null", "2.member")]),
        ("TextOf", {"abc": "a"}, [constraint(f"Map keys must satisfy constraint: [{BOTH}]", "'{abc=a}'")]),
        ("TextOf", {"a": "A"}, [constraint(f"Map value must satisfy constraint: [{BOTH}]", "'{a=A}'")]),
        ("TextOf", {"a": None}, [constraint("Member must not be null", "null", "a.member")]),
        ("Parts", [{"KeyId": "a"}, {}], [constraint("Member must not be null", "null", "2.member.keyId")]),
        ("PartOf", {"x": {}}, [constraint("Member must not be null", "null", "x.member.keyId")]),
        ("Part", {"KeyId": "a", "Below": {"KeyId": "b", "Below": {}}},
         [constraint("Member must not be null", "null", "below.below.keyId")]),
        ("Either", {}, [constraint("Member must have one of [A, B]", "'{}'")]),
        ("Either", {"A": "x"}, []),
    ],
)  # fmt: skip
def test_values_within_others(name: str, value: object, expected: list[str]) -> None:
    assert problems(SHAPES, name, value) == expected


def test_a_type_of_instance_may_be_newer_than_the_model() -> None:
    cluster = {"InstanceType": "ml.p9.48xlarge", "InstanceCount": 0, "VolumeSizeInGB": 30}
    error = refused(
        "sagemaker",
        "CreateProcessingJob",
        rpc(
            {
                "ProcessingJobName": "a",
                "ProcessingResources": {"ClusterConfig": cluster},
                "AppSpecification": {"ImageUri": "i"},
                "RoleArn": "arn:aws:iam::111122223333:role/Role",
            }
        ),
    )
    assert error.what == (
        "1 validation error detected: Value '0' at 'processingResources.clusterConfig.instanceCount' failed "
        "to satisfy constraint: Member must have value greater than or equal to 1"
    )


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code"),
    [
        ("lambda", "GetFunction", Request("GET", "/2015-03-31/functions/a%20b"), "ValidationException"),
        ("logs", "CreateLogGroup", rpc({"logGroupName": "a b"}), "InvalidParameterException"),
        ("sts", "AssumeRole", Request("POST", "/", body=b"RoleArn=a"), "ValidationError"),
        ("sagemaker-runtime", "InvokeEndpoint", Request("POST", "/endpoints/a_b/invocations"),
         "ValidationError"),
        ("s3", "CompleteMultipartUpload", Request("POST", "/b/k", "uploadId=u", body=NO_NUMBER),
         "MalformedXML"),
        ("s3", "DeleteObjects", Request("POST", "/b", "delete", body=NO_KEY), "MalformedXML"),
        ("s3", "PutObject", Request("PUT", "/b/k", headers={"x-amz-storage-class": "COLD"}),
         "InvalidArgument"),
    ],
)  # fmt: skip
def test_each_service_has_its_code(service: str, operation: str, request_: Request, code: str) -> None:
    assert refused(service, operation, request_).code == code
