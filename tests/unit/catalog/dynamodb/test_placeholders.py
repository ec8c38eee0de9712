from __future__ import annotations

from typing import Any

import pytest

from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, None, "ExpressionAttributeNames must not be empty"),
        (None, {}, "ExpressionAttributeValues must not be empty"),
        ({"a": "b"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
        ({"#a-b": "b"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
        (None, {"v": {"S": ""}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "v"'),
        (
            None,
            {":v": {"N": "x"}},
            (
                "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to "
                "a numeric "
                "value: x for key :v"
            ),
        ),
    ],
)
def test_what_is_no_placeholder(
    names: dict[str, str] | None, values: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Placeholders(names, values)
    assert caught.value.what == message


def test_what_is_not_used() -> None:
    placeholders = Placeholders({"#b": "b", "#a": "a"}, {":v": {"S": "x"}})
    assert placeholders.name("#a") == "a"
    assert placeholders.value(":v") == {"S": "x"}
    with pytest.raises(InvalidInputError, match=r"unused in expressions: keys: \{#b\}"):
        placeholders.check({"ConditionExpression": "x"})
    placeholders.name("#b")
    placeholders.check({"ConditionExpression": "x"})


@pytest.mark.parametrize(
    ("expressions", "told"),
    [
        (["ProjectionExpression"], ""),
        (["ProjectionExpression", "FilterExpression"], ": FilterExpression is null"),
        (
            ["UpdateExpression", "ConditionExpression"],
            ": UpdateExpression and ConditionExpression are null",
        ),
    ],
)
def test_values_without_an_expression(expressions: list[str], told: str) -> None:
    placeholders = Placeholders(None, {":v": {"S": "x"}})
    with pytest.raises(InvalidInputError) as caught:
        placeholders.check(dict.fromkeys(expressions))
    assert caught.value.what == (
        f"ExpressionAttributeValues can only be specified when using expressions{told}"
    )


def test_what_is_not_defined() -> None:
    with pytest.raises(KeyError):
        Placeholders(None, None).name("#a")
    with pytest.raises(KeyError):
        Placeholders(None, None).value(":a")
