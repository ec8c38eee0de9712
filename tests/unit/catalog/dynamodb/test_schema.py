from __future__ import annotations

from typing import Any

import pytest

from stepmill.catalog.dynamodb.schema import IndexSchema, KeySchema, read_schema, table_name, with_indexes
from stepmill.core.errors import InvalidInputError, UnsupportedError

INVALID = "One or more parameter values were invalid: "


def key(*names: str, kinds: tuple[str, ...] = ("HASH", "RANGE")) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)]


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def index(name: str, *names: str, **projection: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": key(*names),
        "Projection": projection or {"ProjectionType": "ALL"},
    }


def test_a_table_with_indexes() -> None:
    schema = read_schema(
        {
            "KeySchema": key("p", "s"),
            "AttributeDefinitions": attributes("p", "s", "x", "y"),
            "LocalSecondaryIndexes": [index("local", "p", "x")],
            "GlobalSecondaryIndexes": [
                index("global", "y", ProjectionType="INCLUDE", NonKeyAttributes=["more"])
            ],
        }
    )
    assert schema.key == KeySchema("p", "s")
    assert schema.indexes == {
        "local": IndexSchema("local", KeySchema("p", "x"), True, "ALL"),
        "global": IndexSchema("global", KeySchema("y"), False, "INCLUDE", ("more",)),
    }
    assert schema.shown_in(schema.indexes["local"]) is None
    assert schema.shown_in(schema.indexes["global"]) == {"p", "s", "y", "more"}
    assert schema.indexes["global"].described() == {
        "IndexName": "global",
        "KeySchema": [{"AttributeName": "y", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["more"]},
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"KeySchema": key("p", kinds=("RANGE",))},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"KeySchema": key("p", "s", kinds=("HASH", "HASH"))},
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {"KeySchema": key("p", "p")},
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {"AttributeDefinitions": attributes("p", "p")},
            f"{INVALID}Cannot have two attributes with the same name",
        ),
        (
            {"KeySchema": key("p", "s")},
            (
                f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [p, s], "
                "AttributeDefinitions: [p]"
            ),
        ),
        (
            {"AttributeDefinitions": attributes("p", "x")},
            (
                f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes "
                "defined in "
                "AttributeDefinitions"
            ),
        ),
        (
            {
                "AttributeDefinitions": attributes("p", "x", "y"),
                "GlobalSecondaryIndexes": [index("global", "x")],
            },
            (
                f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [p, x, y], keys "
                "used: "
                "[p, x]"
            ),
        ),
        (
            {"LocalSecondaryIndexes": [index("local", "p", "p2")]},
            (
                f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a "
                "LocalSecondaryIndex"
            ),
        ),
        (
            {"GlobalSecondaryIndexes": [index("one", "p"), index("one", "p")]},
            f"{INVALID}Duplicate index name: one",
        ),
        (
            {"GlobalSecondaryIndexes": [index(f"index{number}", "p") for number in range(21)]},
            f"{INVALID}Number of GlobalSecondaryIndexes exceeds per-table limit of 20",
        ),
        (
            {"GlobalSecondaryIndexes": [index("one", "p", ProjectionType="INCLUDE")]},
            f"{INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("one", "p", ProjectionType="ALL", NonKeyAttributes=["x"])]},
            f"{INVALID}ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
    ],
)
def test_what_is_no_table(given: dict[str, Any], message: str) -> None:
    whole = {"KeySchema": key("p"), "AttributeDefinitions": attributes("p"), **given}
    with pytest.raises(InvalidInputError) as caught:
        read_schema(whole)
    assert caught.value.what == message


def test_a_local_index_has_the_tables_partitions() -> None:
    given = {"KeySchema": key("p", "s"), "AttributeDefinitions": attributes("p", "s", "x")}
    with pytest.raises(InvalidInputError, match="does not have the same leading hash key"):
        read_schema({**given, "LocalSecondaryIndexes": [index("local", "x", "s")]})
    with pytest.raises(InvalidInputError, match="does not have a range key for index: local"):
        read_schema({**given, "LocalSecondaryIndexes": [index("local", "p")]})


def test_a_key_of_several_attributes_is_not_offered() -> None:
    several = key("p", "s", "t", kinds=("HASH", "HASH", "RANGE"))
    with pytest.raises(UnsupportedError):
        read_schema({"KeySchema": several, "AttributeDefinitions": attributes("p", "s", "t")})


def test_an_index_comes_later() -> None:
    schema = read_schema({"KeySchema": key("p"), "AttributeDefinitions": attributes("p")})
    added = with_indexes(schema, [IndexSchema("again", KeySchema("p"), False, "KEYS_ONLY")])
    assert list(added.indexes) == ["again"]
    assert not schema.indexes


@pytest.mark.parametrize(
    ("given", "name"),
    [("abc", "abc"), ("arn:aws:dynamodb:us-west-2:123456789012:table/a.b_C-9", "a.b_C-9")],
)
def test_a_table_is_named_by_its_name_or_arn(given: str, name: str) -> None:
    assert table_name(given) == name


@pytest.mark.parametrize("given", ["ab", "x" * 256, "a b c", "täble", "abc\n", "arn:aws:x:::table/abc"])
def test_what_is_no_name(given: str) -> None:
    with pytest.raises(InvalidInputError, match="between 3 and 255 characters"):
        table_name(given)
