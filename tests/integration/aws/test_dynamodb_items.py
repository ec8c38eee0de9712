"""Items of tables, as boto3's client and resource see them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from support.wire import Wire
from support.wire_pipelines import own_name

KEY = {"id": {"S": "a"}}
INVALID = "One or more parameter values were invalid: "


def resource_of(wire: Wire) -> Any:
    return boto3.resource(
        "dynamodb",
        endpoint_url=wire.url,
        region_name=wire.platform.settings.region,
        aws_access_key_id=wire.key.id,
        aws_secret_access_key=wire.key.secret,
    )


@pytest.fixture
def dynamodb(wire: Wire) -> Any:
    return wire.client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> str:
    """A table whose items have one key, ``id``."""
    name = own_name("items")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class TestItems:
    def test_every_type_comes_back(self, dynamodb: Any, table: str) -> None:
        item = {
            "id": {"S": "a"},
            "text": {"S": "Zürich"},
            "number": {"N": "3.14"},
            "bytes": {"B": b"\x00\xff"},
            "texts": {"SS": ["x", "y"]},
            "numbers": {"NS": ["1", "-2.5"]},
            "blobs": {"BS": [b"1", b"2"]},
            "map": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}]}}},
            "empty": {"S": ""},
        }
        dynamodb.put_item(TableName=table, Item=item)
        assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == item
        assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "b"}})

    def test_the_resource_speaks_python(self, wire: Wire, table: str) -> None:
        things = resource_of(wire).Table(table)
        item = {"id": "a", "n": Decimal("1.10"), "b": b"x", "l": [1, {"m": None}], "s": {"u", "v"}}
        things.put_item(Item=item)
        found = things.get_item(Key={"id": "a"}, ConsistentRead=True)["Item"]
        assert found == {**item, "n": Decimal("1.1"), "b": Binary(b"x"), "l": [Decimal(1), {"m": None}]}
        things.update_item(
            Key={"id": "a"},
            UpdateExpression="SET n = n + :one, #l[1].m = :t REMOVE b",
            ConditionExpression=Attr("n").gte(1) & Attr("s").contains("u"),
            ExpressionAttributeNames={"#l": "l"},
            ExpressionAttributeValues={":one": 1, ":t": True},
        )
        assert things.get_item(Key={"id": "a"})["Item"] == {
            "id": "a",
            "n": Decimal("2.1"),
            "l": [Decimal(1), {"m": True}],
            "s": {"u", "v"},
        }
        assert things.query(KeyConditionExpression=Key("id").eq("a"))["Count"] == 1
        assert things.scan(FilterExpression=Attr("n").lt(2))["Items"] == []

    def test_a_condition_that_does_not_hold_changes_nothing(self, dynamodb: Any, table: str) -> None:
        new = {"TableName": table, "ConditionExpression": "attribute_not_exists(id)"}
        dynamodb.put_item(Item={**KEY, "v": {"N": "1"}}, **new)
        code, message = refused(dynamodb.put_item, Item={**KEY, "v": {"N": "2"}}, **new)
        assert (code, message) == ("ConditionalCheckFailedException", "The conditional request failed")
        with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
            dynamodb.delete_item(
                TableName=table,
                Key=KEY,
                ConditionExpression="v > :v",
                ExpressionAttributeValues={":v": {"N": "1"}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        assert caught.value.response["Item"] == {**KEY, "v": {"N": "1"}}
        assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"N": "1"}

    def test_values_before_and_after(self, dynamodb: Any, table: str) -> None:
        dynamodb.put_item(TableName=table, Item={**KEY, "a": {"N": "1"}, "b": {"S": "x"}})
        change = {
            "TableName": table,
            "Key": KEY,
            "UpdateExpression": "ADD a :n SET c = if_not_exists(c, :n)",
            "ExpressionAttributeValues": {":n": {"N": "2"}},
        }

        def update(values: str) -> Any:
            return dynamodb.update_item(**change, ReturnValues=values).get("Attributes")

        assert update("UPDATED_OLD") == {"a": {"N": "1"}}
        assert update("UPDATED_NEW") == {"a": {"N": "5"}, "c": {"N": "2"}}
        assert update("ALL_OLD") == {**KEY, "a": {"N": "5"}, "b": {"S": "x"}, "c": {"N": "2"}}
        assert update("ALL_NEW") == {**KEY, "a": {"N": "9"}, "b": {"S": "x"}, "c": {"N": "2"}}
        assert update("NONE") is None
        gone = dynamodb.delete_item(TableName=table, Key=KEY, ReturnValues="ALL_OLD")
        assert gone["Attributes"]["a"] == {"N": "11"}
        again = dynamodb.delete_item(TableName=table, Key=KEY, ReturnValues="ALL_OLD")
        assert "Attributes" not in again

    def test_counting_together_loses_nothing(self, dynamodb: Any, table: str) -> None:
        def count() -> None:
            for _ in range(10):
                dynamodb.update_item(
                    TableName=table,
                    Key=KEY,
                    UpdateExpression="ADD hits :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["hits"] == {"N": "40"}

    def test_a_projection_shows_parts(self, dynamodb: Any, table: str) -> None:
        nested = {"M": {"x": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}, "y": {"S": "no"}}}
        dynamodb.put_item(TableName=table, Item={**KEY, "deep": nested, "other": {"S": "no"}})
        found = dynamodb.get_item(
            TableName=table,
            Key=KEY,
            ProjectionExpression="deep.x[2], deep.#x[0], nowhere",
            ExpressionAttributeNames={"#x": "x"},
        )
        assert found["Item"] == {"deep": {"M": {"x": {"L": [{"N": "0"}, {"N": "2"}]}}}}

    def test_capacity_is_told_when_asked_for(self, dynamodb: Any, table: str) -> None:
        big = {**KEY, "v": {"S": "x" * 5000}}
        put = dynamodb.put_item(TableName=table, Item=big, ReturnConsumedCapacity="TOTAL")
        assert put["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 5.0}
        got = dynamodb.get_item(TableName=table, Key=KEY, ReturnConsumedCapacity="INDEXES")
        assert got["ConsumedCapacity"] == {
            "TableName": table,
            "CapacityUnits": 1.0,
            "Table": {"CapacityUnits": 1.0},
        }

    @pytest.mark.parametrize(
        ("item", "message"),
        [
            ({"v": {"S": "x"}}, f"{INVALID}Missing the key id in the item"),
            (
                {"id": {"N": "1"}},
                f"{INVALID}Type mismatch for key id expected: S actual: N",
            ),
            (
                {"id": {"S": ""}},
                (
                    "One or more parameter values are not valid. The AttributeValue for a key attribute "
                    "cannot contain an empty string value. Key: id"
                ),
            ),
            (
                {"id": {"S": "x" * 2049}},
                (f"{INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes"),
            ),
            ({**KEY, "v": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
            ({**KEY, "v": {"N": "x"}}, "The parameter cannot be converted to a numeric value: x"),
            (
                {**KEY, "v": {"SS": []}},
                f"{INVALID}An string set  may not be empty",
            ),
            (
                {**KEY, "v": {"SS": ["a", "a"]}},
                f"{INVALID}Input collection [a, a] contains duplicates.",
            ),
        ],
    )
    def test_items_that_cannot_be(
        self, dynamodb: Any, table: str, item: dict[str, Any], message: str
    ) -> None:
        assert refused(dynamodb.put_item, TableName=table, Item=item) == ("ValidationException", message)
        assert dynamodb.scan(TableName=table)["Count"] == 0

    def test_calls_that_cannot_be(self, dynamodb: Any, table: str) -> None:
        given = {"TableName": table, "Key": KEY}
        key = "The provided key element does not match the schema"
        for call, more, expected in (
            (dynamodb.get_item, {"TableName": "missing"}, "Requested resource not found"),
            (dynamodb.get_item, {"Key": {"other": {"S": "a"}}}, key),
            (dynamodb.delete_item, {"Key": {"id": {"N": "1"}}}, key),
            (dynamodb.delete_item, {"ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
            (
                dynamodb.update_item,
                {"UpdateExpression": "SET id = :v", "ExpressionAttributeValues": {":v": {"S": "b"}}},
                (f"{INVALID}Cannot update attribute id. This attribute is part of the key"),
            ),
            (
                dynamodb.update_item,
                {"UpdateExpression": "SET v = nowhere"},
                "The provided expression refers to an attribute that does not exist in the item",
            ),
            (
                dynamodb.update_item,
                {"UpdateExpression": "REMOVE v", "ConditionExpression": "status = v"},
                "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status",
            ),
            (
                dynamodb.update_item,
                {"UpdateExpression": "REMOVE v", "ExpressionAttributeValues": {":v": {"S": "b"}}},
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}",
            ),
            (
                dynamodb.get_item,
                {"ExpressionAttributeNames": {"#v": "v"}},
                "ExpressionAttributeNames can only be specified when using expressions",
            ),
        ):
            assert refused(call, **{**given, **more})[1] == expected
        assert "Item" not in dynamodb.get_item(**given)

    def test_parameters_from_before_expressions(self, dynamodb: Any, table: str) -> None:
        given = {"TableName": table, "Key": KEY}
        dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": "1"}}, Expected={"id": {"Exists": False}})
        dynamodb.update_item(
            **given,
            AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "2"}}, "size": {"Value": {"S": "x"}}},
            Expected={"n": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]}},
        )
        found = dynamodb.get_item(**given, AttributesToGet=["n", "size"])
        assert found["Item"] == {"n": {"N": "3"}, "size": {"S": "x"}}
        equal = {"ComparisonOperator": "EQ", "AttributeValueList": [KEY["id"]]}
        less = {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "3"}]}
        asked = {"TableName": table, "KeyConditions": {"id": equal}}
        assert dynamodb.query(**asked)["Count"] == 1
        assert dynamodb.query(**asked, QueryFilter={"n": less})["Count"] == 0
        either = {"ScanFilter": {"n": less, "id": equal}, "ConditionalOperator": "OR"}
        assert dynamodb.scan(TableName=table, **either)["Count"] == 1
        code, _ = refused(dynamodb.delete_item, **given, Expected={"n": {"Value": {"N": "1"}}})
        assert code == "ConditionalCheckFailedException"
        assert refused(
            dynamodb.delete_item,
            **given,
            Expected={"n": {"Value": {"N": "1"}}},
            ConditionExpression="attribute_exists(id)",
        )[1] == (
            "Can not use both expression and non-expression parameters in the same request: Non-expression "
            "parameters: {Expected} Expression parameters: {ConditionExpression}"
        )
