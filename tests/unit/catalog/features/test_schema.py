from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.features.schema import (
    CollectionType,
    FeatureDefinition,
    FeatureType,
    check_name,
    read_schema,
)
from stepmill.core.errors import InvalidInputError
from support.features import definition, group_request


def test_a_schema_is_read_and_told_again() -> None:
    request = group_request()
    schema = read_schema(request)
    assert schema.write() == request["FeatureDefinitions"]
    assert (schema.record_identifier, schema.event_time) == ("id", "at")
    assert schema.identifier_type is FeatureType.INTEGRAL
    assert schema.event_time_type is FeatureType.STRING


@pytest.mark.parametrize(
    "document",
    [
        definition("tags", "String", CollectionType="List"),
        definition("tags", "Integral", CollectionType="Set"),
        definition(
            "v", "Fractional", CollectionType="Vector", CollectionConfig={"VectorConfig": {"Dimension": 3}}
        ),
    ],
)
def test_collections_are_read_and_told_again(document: dict[str, Any]) -> None:
    feature = FeatureDefinition.read(document)
    assert feature.write() == document
    assert feature.collection is CollectionType(document["CollectionType"])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (definition("is_deleted"), "cannot be any of the following: is_deleted, write_time"),
        (definition("Write_Time"), "cannot be any of the following"),
        (definition("api_invocation_time"), "cannot be any of the following"),
        (definition("x", "Integer"), "none of Integral, Fractional, String"),
        (definition("x", "String", CollectionType="Bag"), "none of List, Set, Vector"),
        (definition("x", "Fractional", CollectionType="Vector"), "Dimension of a vector is 1 to 8192"),
        (
            definition(
                "x", "String", CollectionType="Vector", CollectionConfig={"VectorConfig": {"Dimension": 3}}
            ),
            "Fractional, not String",
        ),
        (
            definition(
                "x",
                "Fractional",
                CollectionType="Vector",
                CollectionConfig={"VectorConfig": {"Dimension": 8193}},
            ),
            "1 to 8192",
        ),
        (
            definition("x", CollectionType="List", CollectionConfig={"VectorConfig": {"Dimension": 3}}),
            "Only vectors",
        ),
        (definition("x", "String") | {"FeatureName": None}, "not a possible name"),
    ],
)
def test_definitions_that_are_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        FeatureDefinition.read(document)


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "_", "a b", "a'b", 'a"b', "naïve", "a" * 65, "a\n", "日本", "a;drop"]
)
def test_names_that_none_can_have(name: str) -> None:
    with pytest.raises(InvalidInputError, match="not a possible name"):
        check_name(name, "FeatureName")


@pytest.mark.parametrize("name", ["a", "A-1", "a_b--c", "0", "a" * 64, "0_-_1"])
def test_names_that_are_taken(name: str) -> None:
    assert check_name(name, "FeatureName") == name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"RecordIdentifierFeatureName": "none"}, "'none' is not among the FeatureDefinitions"),
        ({"EventTimeFeatureName": "none"}, "'none' is not among the FeatureDefinitions"),
        ({"EventTimeFeatureName": "id"}, "are both 'id'"),
        ({"EventTimeFeatureName": "age"}, "an event time is String or Fractional"),
        ({"FeatureDefinitions": []}, "1 to 2500 feature definitions, not 0"),
        (
            {"FeatureDefinitions": [definition("id"), definition("at"), definition("ID")]},
            "Duplicate feature name: 'ID'",
        ),
        (
            {"FeatureDefinitions": [definition("id", CollectionType="List"), definition("at")]},
            "'id' is a collection",
        ),
    ],
)
def test_schemas_that_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_schema(group_request(**changes))


def test_a_schema_has_up_to_2500_features() -> None:
    names = [definition(f"f{number}") for number in range(2498)]
    full = group_request(FeatureDefinitions=[definition("id"), definition("at"), *names])
    schema = read_schema(full)
    assert len(schema.features) == 2500
    with pytest.raises(InvalidInputError, match="not 2501"):
        schema.with_additions([definition("more")])


def test_features_are_added_behind_the_others() -> None:
    schema = read_schema(group_request()).with_additions([definition("city"), definition("n", "Integral")])
    assert [feature.name for feature in schema.features] == ["id", "at", "age", "score", "city", "n"]
    with pytest.raises(InvalidInputError, match="Duplicate feature name: 'City'"):
        schema.with_additions([definition("City")])


@pytest.mark.parametrize("count", [0, 101])
def test_at_most_a_hundred_features_are_added_at_a_time(count: int) -> None:
    schema = read_schema(group_request())
    with pytest.raises(InvalidInputError, match=f"1 to 100 .* not {count}"):
        schema.with_additions([definition(f"f{number}") for number in range(count)])


@given(st.text(max_size=70))
def test_a_name_is_taken_or_refused_quickly(name: str) -> None:
    try:
        assert check_name(name, "x").isascii()
    except InvalidInputError as error:
        assert error.where == "x"
