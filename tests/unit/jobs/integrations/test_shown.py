from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stepmill.core.api_calls import ApiResponse
from stepmill.jobs.integrations.shown import with_metadata

MOMENT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def shown(service: str, size: int | None = None) -> dict[str, Any]:
    response = ApiResponse({"StatusCode": 1, "MessageId": "m"}, "r-1", {"X-Amz-Executed-Version": "2"})
    return dict(with_metadata(service, response, MOMENT, size))


def test_members_and_metadata_are_sorted_by_name() -> None:
    assert list(shown("sqs")) == ["MessageId", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]


def test_the_request_id_is_told_wherever_a_client_finds_it() -> None:
    found = shown("sqs")
    assert found["SdkResponseMetadata"] == {"RequestId": "r-1"}
    assert found["SdkHttpMetadata"]["HttpHeaders"]["x-amzn-RequestId"] == "r-1"
    assert found["SdkHttpMetadata"]["AllHttpHeaders"]["x-amzn-RequestId"] == ["r-1"]


def test_every_header_is_told_alone_and_as_a_list() -> None:
    metadata = shown("lambda")["SdkHttpMetadata"]
    assert {name: [value] for name, value in metadata["HttpHeaders"].items()} == metadata["AllHttpHeaders"]
    assert metadata["HttpHeaders"]["X-Amz-Executed-Version"] == "2"
    assert metadata["HttpHeaders"]["Date"] == "Mon, 06 May 2024 07:08:09 GMT"
    assert metadata["HttpStatusCode"] == 200


def test_the_length_is_that_of_the_body() -> None:
    body = '{"StatusCode":1,"MessageId":"m"}'
    assert shown("sqs")["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == str(len(body))
    assert shown("sqs", 7)["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == "7"


def test_the_type_is_that_of_the_service() -> None:
    types = {
        name: shown(name)["SdkHttpMetadata"]["HttpHeaders"]["Content-Type"]
        for name in ("sns", "dynamodb", "lambda", "sagemaker")
    }
    assert types == {
        "sns": "text/xml",
        "dynamodb": "application/x-amz-json-1.0",
        "lambda": "application/json",
        "sagemaker": "application/x-amz-json-1.1",
    }
