"""Calls of several items, as boto3 sees them: each for itself, or all or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.wire import Wire
from support.wire_pipelines import own_name


@pytest.fixture
def dynamodb(wire: Wire) -> Any:
    return wire.client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> str:
    name = own_name("several")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def key(number: int) -> dict[str, Any]:
    return {"id": {"N": str(number)}}


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def put(number: int, **attributes: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {**key(number), **attributes}}}


def ids(dynamodb: Any, table: str) -> list[int]:
    return sorted(int(item["id"]["N"]) for item in dynamodb.scan(TableName=table)["Items"])


class TestBatches:
    def test_write_and_get(self, dynamodb: Any, table: str) -> None:
        written = dynamodb.batch_write_item(
            RequestItems={table: [put(number, v={"S": "x"}) for number in range(5)]},
            ReturnConsumedCapacity="TOTAL",
        )
        assert written["UnprocessedItems"] == {}
        assert written["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 5.0}]
        dynamodb.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": key(3)}}, put(7)]})
        assert ids(dynamodb, table) == [0, 1, 2, 4, 7]
        wanted = {"Keys": [key(1), key(3), key(4)], "ProjectionExpression": "v"}
        found = dynamodb.batch_get_item(RequestItems={table: wanted})
        assert found["Responses"] == {table: [{"v": {"S": "x"}}, {"v": {"S": "x"}}]}
        assert found["UnprocessedKeys"] == {}

    def test_what_is_refused_is_not_done_at_all(self, dynamodb: Any, table: str) -> None:
        twice = {table: [put(1), put(2), put(1)]}
        assert refused(dynamodb.batch_write_item, RequestItems=twice) == (
            "ValidationException",
            "Provided list of item keys contains duplicates",
        )
        wrong = {table: [put(1), {"PutRequest": {"Item": {"v": {"S": "x"}}}}]}
        assert "Missing the key id" in refused(dynamodb.batch_write_item, RequestItems=wrong)[1]
        missing = {table: [put(1)], "missing-table": [put(1)]}
        assert refused(dynamodb.batch_write_item, RequestItems=missing)[0] == "ResourceNotFoundException"
        many = {table: [put(number) for number in range(26)]}
        assert refused(dynamodb.batch_write_item, RequestItems=many)[0] == "ValidationException"
        again = {table: {"Keys": [key(1), key(1)]}}
        assert "duplicates" in refused(dynamodb.batch_get_item, RequestItems=again)[1]
        assert ids(dynamodb, table) == []

    def test_an_answer_has_sixteen_megabytes(self, dynamodb: Any, table: str) -> None:
        for number in range(45):
            dynamodb.put_item(TableName=table, Item={**key(number), "v": {"B": b"x" * 400_000}})
        asked = {table: {"Keys": [key(number) for number in range(45)]}}
        found, calls = 0, 0
        while asked:
            answer = dynamodb.batch_get_item(RequestItems=asked)
            found += len(answer["Responses"][table])
            asked = answer["UnprocessedKeys"]
            calls += 1
        assert (found, calls) == (45, 2)


class TestTransactions:
    def test_all_of_it(self, dynamodb: Any, table: str) -> None:
        dynamodb.put_item(TableName=table, Item={**key(1), "n": {"N": "1"}})
        dynamodb.put_item(TableName=table, Item=key(2))
        of = {"TableName": table}
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        **of,
                        "Key": key(1),
                        "UpdateExpression": "ADD n :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                },
                {"Delete": {**of, "Key": key(2), "ConditionExpression": "attribute_exists(id)"}},
                {"Put": {**of, "Item": key(3)}},
                {
                    "ConditionCheck": {
                        **of,
                        "Key": key(4),
                        "ConditionExpression": "attribute_not_exists(id)",
                    }
                },
            ]
        )
        assert ids(dynamodb, table) == [1, 3]
        found = dynamodb.transact_get_items(
            TransactItems=[{"Get": {**of, "Key": key(number)}} for number in (1, 2)]
        )
        assert found["Responses"] == [{"Item": {**key(1), "n": {"N": "2"}}}, {}]

    def test_none_of_it(self, dynamodb: Any, table: str) -> None:
        dynamodb.put_item(TableName=table, Item={**key(1), "s": {"S": "x"}})
        of = {"TableName": table}
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
            dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": {**of, "Item": key(2)}},
                    {
                        "Put": {
                            **of,
                            "Item": key(1),
                            "ConditionExpression": "attribute_not_exists(id)",
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                    {
                        "Update": {
                            **of,
                            "Key": key(3),
                            "UpdateExpression": "SET s = nowhere",
                        }
                    },
                ]
            )
        answer = caught.value.response
        assert answer["Error"]["Message"] == (
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            "[None, ConditionalCheckFailed, ValidationError]"
        )
        assert answer["CancellationReasons"] == [
            {"Code": "None"},
            {
                "Code": "ConditionalCheckFailed",
                "Message": "The conditional request failed",
                "Item": {**key(1), "s": {"S": "x"}},
            },
            {
                "Code": "ValidationError",
                "Message": "The provided expression refers to an attribute that does not exist in the item",
            },
        ]
        assert ids(dynamodb, table) == [1]

    def test_one_item_once(self, dynamodb: Any, table: str) -> None:
        each = {"TableName": table, "Key": key(1)}
        code, message = refused(
            dynamodb.transact_write_items, TransactItems=[{"Delete": each}, {"Delete": each}]
        )
        assert code == "ValidationException"
        assert message == "Transaction request cannot include multiple operations on one item"

    def test_a_token_is_done_once(self, dynamodb: Any, table: str) -> None:
        def add(token: str, number: str) -> None:
            change = {
                "TableName": table,
                "Key": key(1),
                "UpdateExpression": "ADD n :v",
                "ExpressionAttributeValues": {":v": {"N": number}},
            }
            dynamodb.transact_write_items(TransactItems=[{"Update": change}], ClientRequestToken=token)

        token = own_name("token")
        add(token, "1")
        add(token, "1")
        add(own_name("token"), "1")
        assert dynamodb.get_item(TableName=table, Key=key(1))["Item"]["n"] == {"N": "2"}
        code, _ = refused(add, token=token, number="5")
        assert code == "IdempotentParameterMismatchException"
