"""Queries and scans, as boto3 sees them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from support.wire import Wire
from support.wire_pipelines import own_name

CITIES = ["a", "a", "a", "b", "b"]
NUMBERS = ["-10", "-9.5", "0", "2", "10"]
read = TypeDeserializer().deserialize


def refused(call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


@pytest.fixture(scope="module")
def dynamodb(wire: Wire) -> Any:
    return wire.client("dynamodb")


@pytest.fixture(scope="module")
def table(dynamodb: Any) -> str:
    """A table with five items in each of two partitions, which no test changes."""
    name = own_name("read")
    keys: dict[str, Any] = {
        "KeySchema": [
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "N"},
            {"AttributeName": "city", "AttributeType": "S"},
            {"AttributeName": "score", "AttributeType": "N"},
        ],
    }
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        **keys,
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-score",
                "KeySchema": [
                    {"AttributeName": "p", "KeyType": "HASH"},
                    {"AttributeName": "score", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-city",
                "KeySchema": [
                    {"AttributeName": "city", "KeyType": "HASH"},
                    {"AttributeName": "score", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["more"]},
            }
        ],
    )
    for partition in ("x", "y"):
        for place, (city, number) in enumerate(zip(CITIES, NUMBERS, strict=True)):
            item = {
                "p": {"S": partition},
                "s": {"N": number},
                "city": {"S": city},
                "more": {"S": f"{partition}{place}"},
                "secret": {"S": "hidden"},
            }
            if place != 2:
                item["score"] = {"N": str(-place)}
            dynamodb.put_item(TableName=name, Item=item)
    return name


def numbers(answer: dict[str, Any]) -> list[str]:
    return [item["s"]["N"] for item in answer["Items"]]


class TestQueries:
    def query(self, dynamodb: Any, table: str, condition: str, **more: Any) -> Any:
        names = {":x": {"S": "x"}, ":a": {"N": "-9.5"}, ":b": {"N": "2"}, **more.pop("values", {})}
        used = {key: value for key, value in names.items() if key in f"{condition} {more}"}
        return dynamodb.query(
            TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=used, **more
        )

    def test_numbers_come_in_their_order(self, dynamodb: Any, table: str) -> None:
        found = self.query(dynamodb, table, "p = :x")
        assert numbers(found) == NUMBERS
        assert (found["Count"], found["ScannedCount"]) == (5, 5)
        assert "LastEvaluatedKey" not in found
        back = self.query(dynamodb, table, "p = :x", ScanIndexForward=False)
        assert numbers(back) == NUMBERS[::-1]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ("s = :a", ["-9.5"]),
            ("s < :a", ["-10"]),
            ("s <= :a", ["-10", "-9.5"]),
            ("s > :a", ["0", "2", "10"]),
            ("s >= :a", ["-9.5", "0", "2", "10"]),
            ("s BETWEEN :a AND :b", ["-9.5", "0", "2"]),
        ],
    )
    def test_ranges(self, dynamodb: Any, table: str, condition: str, expected: list[str]) -> None:
        assert numbers(self.query(dynamodb, table, f"p = :x AND {condition}")) == expected
        back = self.query(dynamodb, table, f"p = :x AND {condition}", ScanIndexForward=False)
        assert numbers(back) == expected[::-1]

    @pytest.mark.parametrize("forward", [True, False])
    @pytest.mark.parametrize("index", ["", "by-score"])
    def test_pages_join_to_the_whole(self, dynamodb: Any, table: str, index: str, forward: bool) -> None:
        more: dict[str, Any] = {"ScanIndexForward": forward, **({"IndexName": index} if index else {})}
        whole = numbers(self.query(dynamodb, table, "p = :x", **more))
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="p = :x",
            ExpressionAttributeValues={":x": {"S": "x"}},
            PaginationConfig={"PageSize": 2},
            **more,
        )
        found = [numbers(page) for page in pages]
        assert [number for page in found for number in page] == whole
        assert all(len(page) <= 2 for page in found)

    def test_a_limit_counts_what_was_looked_at(self, dynamodb: Any, table: str) -> None:
        found = self.query(
            dynamodb,
            table,
            "p = :x",
            FilterExpression="city = :c",
            Limit=4,
            values={":c": {"S": "b"}},
        )
        assert (numbers(found), found["Count"], found["ScannedCount"]) == (["2"], 1, 4)
        assert found["LastEvaluatedKey"] == {"p": {"S": "x"}, "s": {"N": "2"}}

    def test_a_count_has_no_items(self, dynamodb: Any, table: str) -> None:
        found = self.query(dynamodb, table, "p = :x", Select="COUNT")
        assert found["Count"] == 5
        assert "Items" not in found

    def test_a_local_index_has_its_own_order_and_fewer_items(self, dynamodb: Any, table: str) -> None:
        found = self.query(dynamodb, table, "p = :x", IndexName="by-score")
        assert numbers(found) == ["10", "2", "-9.5", "-10"]
        assert set(found["Items"][0]) == {"p", "s", "score"}
        fetched = self.query(dynamodb, table, "p = :x", IndexName="by-score", ProjectionExpression="secret")
        assert fetched["Items"] == [{"secret": {"S": "hidden"}}] * 4
        whole = self.query(dynamodb, table, "p = :x", IndexName="by-score", Select="ALL_ATTRIBUTES")
        assert set(whole["Items"][0]) == {"p", "s", "score", "city", "more", "secret"}

    def test_a_global_index_crosses_partitions(self, dynamodb: Any, table: str) -> None:
        city = {":c": {"S": "a"}}
        found = self.query(dynamodb, table, "city = :c", IndexName="by-city", values=city)
        assert [item["more"]["S"] for item in found["Items"]] == ["x1", "y1", "x0", "y0"]
        assert set(found["Items"][0]) == {"p", "s", "city", "score", "more"}
        page = self.query(dynamodb, table, "city = :c", IndexName="by-city", Limit=3, values=city)
        last = page["LastEvaluatedKey"]
        assert set(last) == {"city", "score", "p", "s"}
        rest = self.query(
            dynamodb, table, "city = :c", IndexName="by-city", ExclusiveStartKey=last, values=city
        )
        assert [item["more"]["S"] for item in rest["Items"]] == ["y0"]

    def test_what_is_refused(self, dynamodb: Any, table: str) -> None:
        def said(condition: str = "p = :x", **more: Any) -> str:
            return refused(self.query, dynamodb=dynamodb, table=table, condition=condition, **more)

        assert said(IndexName="none") == "The table does not have the specified index: none"
        assert said("s = :a") == "Query condition missed key schema element: p"
        assert said(FilterExpression="s > :a") == (
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: s"
        )
        assert said(Select="SPECIFIC_ATTRIBUTES").startswith("Must specify the AttributesToGet or")
        assert said(Select="ALL_PROJECTED_ATTRIBUTES").startswith("ALL_PROJECTED_ATTRIBUTES can be used only")
        assert said(Select="COUNT", ProjectionExpression="p").startswith(
            "Cannot specify the ProjectionExpression when choosing to get COUNT"
        )
        assert said(ExclusiveStartKey={"p": {"S": "x"}}) == "The provided starting key is invalid"
        assert said(ExclusiveStartKey={"p": {"S": "y"}, "s": {"N": "1"}}) == (
            "The provided starting key is outside query boundaries based on provided conditions"
        )
        city = {"condition": "city = :c", "IndexName": "by-city", "values": {":c": {"S": "a"}}}
        assert said(**city, ConsistentRead=True) == (
            "Consistent reads are not supported on global secondary indexes"
        )
        assert said(**city, ProjectionExpression="secret").endswith(
            "Global secondary index by-city does not project [secret]"
        )
        assert "Select type ALL_ATTRIBUTES is not supported" in said(**city, Select="ALL_ATTRIBUTES")
        assert refused(dynamodb.query, TableName=table).startswith("Either the KeyConditions or")


class TestScans:
    def test_all_of_it_in_pages(self, dynamodb: Any, table: str) -> None:
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 3})
        found = [(item["p"]["S"], item["s"]["N"]) for page in pages for item in page["Items"]]
        assert sorted(found) == sorted((p, n) for p in "xy" for n in NUMBERS)

    def test_a_filter_may_look_at_keys(self, dynamodb: Any, table: str) -> None:
        found = dynamodb.scan(
            TableName=table,
            FilterExpression="s < :zero AND p = :x",
            ExpressionAttributeValues={":zero": {"N": "0"}, ":x": {"S": "x"}},
        )
        assert numbers(found) == ["-10", "-9.5"]
        assert found["ScannedCount"] == 10

    def test_an_index_has_what_has_its_attributes(self, dynamodb: Any, table: str) -> None:
        assert dynamodb.scan(TableName=table, IndexName="by-city")["Count"] == 8

    def test_segments_are_parts_of_the_whole(self, dynamodb: Any, table: str) -> None:
        found = []
        for segment in range(4):
            answer = dynamodb.scan(TableName=table, Segment=segment, TotalSegments=4)
            found += [(item["p"]["S"], item["s"]["N"]) for item in answer["Items"]]
        assert len(found) == len(set(found)) == 10
        assert refused(dynamodb.scan, TableName=table, Segment=0).startswith("The TotalSegments parameter")
        assert refused(dynamodb.scan, TableName=table, Segment=2, TotalSegments=2).endswith(
            "Segment: 2 is not less than TotalSegments: 2"
        )

    def test_a_page_has_a_megabyte(self, dynamodb: Any) -> None:
        name = own_name("large")
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in range(7):
            item = {"id": {"N": str(number)}, "v": {"S": "x" * 300_000}}
            dynamodb.put_item(TableName=name, Item=item)
        pages = list(dynamodb.get_paginator("scan").paginate(TableName=name))
        assert [page["Count"] for page in pages] == [3, 3, 1]
        found = [read(item["id"]) for page in pages for item in page["Items"]]
        assert found == list(map(Decimal, range(7)))
