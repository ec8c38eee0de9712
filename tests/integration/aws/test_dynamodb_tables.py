"""Tables, as boto3 sees them."""

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


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def asked(name: str, **more: Any) -> dict[str, Any]:
    return {
        "TableName": name,
        "KeySchema": [
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "N"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


def global_index(name: str, attribute: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }


class TestTables:
    def test_a_life(self, wire: Wire, dynamodb: Any) -> None:
        name = own_name("life")
        given = asked(name, Tags=[{"Key": "team", "Value": "sea"}])
        made = dynamodb.create_table(**given)["TableDescription"]
        arn = wire.platform.settings.arns.table(name)
        assert (made["TableName"], made["TableStatus"], made["TableArn"]) == (name, "CREATING", arn)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "s": {"N": "1"}})
        table = dynamodb.describe_table(TableName=arn)["Table"]
        assert table["TableStatus"] == "ACTIVE"
        assert table["KeySchema"] == given["KeySchema"]
        assert table["AttributeDefinitions"] == given["AttributeDefinitions"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert (table["ItemCount"], table["TableSizeBytes"]) == (1, 5)
        assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == given["Tags"]
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
        dynamodb.untag_resource(ResourceArn=arn, TagKeys=["team"])
        assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
        assert dynamodb.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
        dynamodb.get_waiter("table_not_exists").wait(TableName=name)
        code, message = refused(dynamodb.describe_table, TableName=name)
        assert code == "ResourceNotFoundException"
        assert message == f"Requested resource not found: Table: {name} not found"

    def test_a_table_made_again_is_empty(self, dynamodb: Any) -> None:
        name = own_name("again")
        first = dynamodb.create_table(**asked(name))["TableDescription"]["TableId"]
        dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "s": {"N": "1"}})
        dynamodb.delete_table(TableName=name)
        assert dynamodb.create_table(**asked(name))["TableDescription"]["TableId"] != first
        assert dynamodb.scan(TableName=name)["Items"] == []

    def test_a_name_is_taken_once(self, dynamodb: Any) -> None:
        name = own_name("taken")
        dynamodb.create_table(**asked(name))
        assert refused(dynamodb.create_table, **asked(name)) == (
            "ResourceInUseException",
            f"Table already exists: {name}",
        )

    def test_pages_of_names(self, dynamodb: Any) -> None:
        base = own_name("paged")
        names = [f"{base}-{letter}" for letter in "abc"]
        for name in names:
            dynamodb.create_table(**asked(name))
        first = dynamodb.list_tables(ExclusiveStartTableName=base, Limit=2)
        assert (first["TableNames"], first["LastEvaluatedTableName"]) == (names[:2], names[1])
        pages = dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
        assert set(names) <= {name for page in pages for name in page["TableNames"]}

    def test_a_protected_table_stays(self, dynamodb: Any) -> None:
        name = own_name("kept")
        dynamodb.create_table(**asked(name, DeletionProtectionEnabled=True))
        code, message = refused(dynamodb.delete_table, TableName=name)
        assert code == "ValidationException"
        assert "protected against deletion" in message
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=name)

    def test_how_a_table_is_paid(self, dynamodb: Any) -> None:
        name = own_name("paid")
        units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
        both = (
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both "
        )
        given = asked(name, BillingMode="PROVISIONED")
        assert refused(dynamodb.create_table, **given)[1].startswith(both)
        neither = "One or more parameter values were invalid: Neither ReadCapacityUnits nor"
        given = asked(name, ProvisionedThroughput=units)
        assert refused(dynamodb.create_table, **given)[1].startswith(neither)
        made = dynamodb.create_table(**asked(name, BillingMode="PROVISIONED", ProvisionedThroughput=units))
        told = {"NumberOfDecreasesToday": 0, **units}
        assert made["TableDescription"]["ProvisionedThroughput"] == told
        changed = dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")["TableDescription"]
        assert changed["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert changed["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
        assert refused(dynamodb.update_table, TableName=name)[1].startswith("At least one of")

    @pytest.mark.parametrize(
        "more",
        [
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
            {"SSESpecification": {"Enabled": True}},
            {"ResourcePolicy": "{}"},
        ],
    )
    def test_what_is_not_offered_is_refused_by_name(self, dynamodb: Any, more: dict[str, Any]) -> None:
        name = own_name("refused")
        code, message = refused(dynamodb.create_table, **asked(name, **more))
        assert code == "UnsupportedOperation"
        assert next(iter(more)) in message
        assert refused(dynamodb.describe_table, TableName=name)[0] == "ResourceNotFoundException"

    def test_names_that_cannot_be(self, dynamodb: Any) -> None:
        code, message = refused(dynamodb.create_table, **asked("a b c"))
        assert code == "ValidationException"
        assert "between 3 and 255 characters long" in message

    def test_limits_and_endpoints(self, wire: Wire, dynamodb: Any) -> None:
        assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
        assert dynamodb.describe_endpoints()["Endpoints"][0]["Address"] in wire.url
        assert refused(dynamodb.execute_statement, Statement="SELECT 1")[0] == "UnsupportedOperation"


class TestIndexes:
    def test_an_index_made_later_has_what_was_there_before(self, dynamodb: Any) -> None:
        name = own_name("later")
        dynamodb.create_table(**asked(name))
        for number, color in enumerate(["red", "blue", "red"]):
            item = {"p": {"S": "a"}, "s": {"N": str(number)}, "color": {"S": color}}
            dynamodb.put_item(TableName=name, Item=item)
        dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "s": {"N": "7"}})
        dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "s": {"N": "8"}, "color": {"N": "1"}})
        changed = dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "color", "AttributeType": "S"}],
            GlobalSecondaryIndexUpdates=[{"Create": global_index("by-color", "color")}],
        )["TableDescription"]
        index = changed["GlobalSecondaryIndexes"][0]
        assert (index["IndexName"], index["ItemCount"]) == ("by-color", 3)

        def reds() -> list[str]:
            found = dynamodb.query(
                TableName=name,
                IndexName="by-color",
                KeyConditionExpression="color = :c",
                ExpressionAttributeValues={":c": {"S": "red"}},
            )
            return [item["s"]["N"] for item in found["Items"]]

        assert reds() == ["0", "2"]
        dynamodb.delete_item(TableName=name, Key={"p": {"S": "a"}, "s": {"N": "0"}})
        dynamodb.update_item(
            TableName=name,
            Key={"p": {"S": "a"}, "s": {"N": "1"}},
            UpdateExpression="SET color = :c",
            ExpressionAttributeValues={":c": {"S": "red"}},
        )
        assert reds() == ["1", "2"]
        dynamodb.update_table(
            TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-color"}}]
        )
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert "GlobalSecondaryIndexes" not in table
        assert [each["AttributeName"] for each in table["AttributeDefinitions"]] == ["p", "s"]
        gone = {"Delete": {"IndexName": "by-color"}}
        code, _ = refused(dynamodb.update_table, TableName=name, GlobalSecondaryIndexUpdates=[gone])
        assert code == "ResourceNotFoundException"

    def test_an_update_is_done_whole_or_not_at_all(self, dynamodb: Any) -> None:
        name = own_name("whole")
        dynamodb.create_table(**asked(name))
        code, message = refused(
            dynamodb.update_table,
            TableName=name,
            DeletionProtectionEnabled=True,
            GlobalSecondaryIndexUpdates=[{"Create": global_index("by-color", "color")}],
        )
        assert code == "ValidationException"
        assert "Some index key attributes are not defined in AttributeDefinitions" in message
        assert not dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"]

    def test_attributes_of_an_index_have_its_types(self, dynamodb: Any) -> None:
        name = own_name("typed")
        given = asked(name, GlobalSecondaryIndexes=[global_index("by-color", "color")])
        given["AttributeDefinitions"].append({"AttributeName": "color", "AttributeType": "S"})
        dynamodb.create_table(**given)
        item = {"p": {"S": "a"}, "s": {"N": "0"}}
        wrong = {**item, "color": {"N": "1"}}
        assert refused(dynamodb.put_item, TableName=name, Item=wrong)[1] == (
            "One or more parameter values were invalid: Type mismatch for Index Key color Expected: S "
            "Actual: "
            "N IndexName: by-color"
        )
        empty = {**item, "color": {"S": ""}}
        assert (
            "IndexName: by-color, IndexKey: color"
            in refused(dynamodb.put_item, TableName=name, Item=empty)[1]
        )
        change = {"UpdateExpression": "SET color = :c", "ExpressionAttributeValues": {":c": {"N": "1"}}}
        assert refused(dynamodb.update_item, TableName=name, Key=item, **change)[1] == (
            "The update expression attempted to update the secondary index key to unsupported type"
        )


class TestTimeToLive:
    def test_whose_time_is_over_is_gone(self, dynamodb: Any) -> None:
        name = own_name("ttl")
        dynamodb.create_table(**asked(name))
        off = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert off == {"TimeToLiveStatus": "DISABLED"}
        on = {"Enabled": True, "AttributeName": "ends"}
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=on)
        told = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
        again = refused(dynamodb.update_time_to_live, TableName=name, TimeToLiveSpecification=on)
        assert again == ("ValidationException", "TimeToLive is already enabled")
        for number, ends in enumerate(["1700000000", "99999999999"]):
            item = {"p": {"S": "a"}, "s": {"N": str(number)}, "ends": {"N": ends}}
            dynamodb.put_item(TableName=name, Item=item)
        assert "Item" not in dynamodb.get_item(TableName=name, Key={"p": {"S": "a"}, "s": {"N": "0"}})
        assert dynamodb.describe_table(TableName=name)["Table"]["ItemCount"] == 2
        assert [item["s"]["N"] for item in dynamodb.scan(TableName=name)["Items"]] == ["1"]
        assert dynamodb.describe_table(TableName=name)["Table"]["ItemCount"] == 1
