"""Items of tables as Task states put and get them: in JSON, through the same handlers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.aws.inside import InsideCalls
from stepmill.aws.services.all import services_of
from stepmill.core.api_calls import ApiCallError, Spelling
from stepmill.core.json import JsonObject
from stepmill.core.settings import Settings
from stepmill.platform import Platform

KEY: JsonObject = {"id": {"S": "order-1"}}


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[InsideCalls]:
    settings = Settings(home=tmp_path / ".stepmill", project=tmp_path)
    with Platform(settings, remark=lambda _: None) as platform:
        calls = InsideCalls(lambda: services_of(platform), lambda: "127.0.0.1:1")
        made = calls.call(
            "dynamodb",
            "CreateTable",
            {
                "TableName": "orders",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
            spelling=Spelling.SDK,
        ).members["TableDescription"]
        assert isinstance(made, dict)
        assert made["TableStatus"] == "CREATING"
        yield calls


def refused(calls: InsideCalls, operation: str, given: JsonObject) -> tuple[str, str, int]:
    with pytest.raises(ApiCallError) as caught:
        calls.call("dynamodb", operation, {"TableName": "orders", **given})
    return caught.value.code, caught.value.message, caught.value.status


def test_an_item_is_put_updated_read_and_deleted(calls: InsideCalls) -> None:
    def call(operation: str, given: JsonObject) -> JsonObject:
        return calls.call("dynamodb", operation, {"TableName": "orders", **given}).members

    item: JsonObject = {**KEY, "blob": {"B": "AAEC"}, "blobs": {"BS": ["AA=="]}, "amount": {"N": "12.50"}}
    assert call("PutItem", {"Item": item}) == {}
    found = call("GetItem", {"Key": KEY, "ConsistentRead": True})
    assert found == {"Item": {**item, "amount": {"N": "12.5"}}}
    change: JsonObject = {
        "Key": KEY,
        "UpdateExpression": "SET #s = :s, amount = amount + :n",
        "ConditionExpression": "attribute_not_exists(#s)",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "paid"}, ":n": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    assert call("UpdateItem", change) == {"Attributes": {"status": {"S": "paid"}, "amount": {"N": "13.5"}}}
    assert refused(calls, "UpdateItem", change) == (
        "ConditionalCheckFailedException",
        "The conditional request failed",
        400,
    )
    gone = call("DeleteItem", {"Key": KEY, "ReturnValues": "ALL_OLD"})["Attributes"]
    assert isinstance(gone, dict)
    assert gone["blob"] == {"B": "AAEC"}
    assert call("GetItem", {"Key": KEY}) == {}


def test_refusals_are_told_in_dynamodbs_words(calls: InsideCalls) -> None:
    assert refused(calls, "GetItem", {"TableName": "missing", "Key": KEY}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
        400,
    )
    code, message, _ = refused(calls, "PutItem", {"Item": {"amount": {"N": "1"}}})
    assert code == "ValidationException"
    assert message == "One or more parameter values were invalid: Missing the key id in the item"


def test_a_transaction_is_done_once_for_a_task(calls: InsideCalls) -> None:
    change: JsonObject = {
        "TableName": "orders",
        "Key": KEY,
        "UpdateExpression": "ADD looks :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(2):
        given: JsonObject = {"TransactItems": [{"Update": change}], "ClientRequestToken": "task-1"}
        calls.call("dynamodb", "TransactWriteItems", given, spelling=Spelling.SDK)
    found = calls.call("dynamodb", "GetItem", {"TableName": "orders", "Key": KEY}).members
    assert found == {"Item": {**KEY, "looks": {"N": "1"}}}
