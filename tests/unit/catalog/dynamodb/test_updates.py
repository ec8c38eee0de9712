from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.update_parsing import parse_update
from stepmill.catalog.dynamodb.updates import apply_update
from stepmill.core.errors import InvalidInputError
from support.dynamodb import items, values

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "x"},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
    "m": {"M": {"a": {"N": "1"}, "deep": {"M": {"b": {"S": "y"}}}}},
    "ss": {"SS": ["x", "y"]},
    "ns": {"NS": ["1"]},
    "deep": {"L": [{"S": "x"}, {"M": {"a": {"S": "y"}}}, {"S": "z"}]},
}
VALUES: dict[str, Any] = {
    ":n": {"N": "2"},
    ":s": {"S": "new"},
    ":l": {"L": [{"N": "9"}]},
    ":e": {"L": []},
    ":yz": {"SS": ["y", "z"]},
    ":xy": {"SS": ["x", "y"]},
    ":ns": {"NS": ["1", "2"]},
    ":big": {"N": "9" + "0" * 125},
}
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_PATH = "The document path provided in the update expression is invalid for update"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"


def updated(text: str, item: dict[str, Any] = ITEM, **values: dict[str, Any]) -> dict[str, Any]:
    given_values = {**VALUES, **{f":{name}": value for name, value in values.items()}}
    update = parse_update(text, Placeholders({"#s": "size"}, given_values))
    return apply_update(update, item)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("SET s = :s", {"s": {"S": "new"}}),
        ("set s = :s, extra = n", {"s": {"S": "new"}, "extra": {"N": "5"}}),
        ("SET n = s, s = n", {"n": {"S": "x"}, "s": {"N": "5"}}),
        ("SET #s = :n", {"size": {"N": "2"}}),
        ("SET n = n + :n", {"n": {"N": "7"}}),
        ("SET n = :n - n", {"n": {"N": "-3"}}),
        ("SET n = (n + :n)", {"n": {"N": "7"}}),
        ("SET n = if_not_exists(n, :n) + :n", {"n": {"N": "7"}}),
        ("SET k = if_not_exists(k, :n) + :n", {"k": {"N": "4"}}),
        ("SET k = if_not_exists(n, :s)", {"k": {"N": "5"}}),
        ("SET k = if_not_exists(m.gone, s)", {"k": {"S": "x"}}),
        ("SET l = list_append(l, :l)", {"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "9"}]}}),
        ("SET l = list_append(:l, l)", {"l": {"L": [{"N": "9"}, {"N": "0"}, {"N": "1"}, {"N": "2"}]}}),
        ("SET k = list_append(if_not_exists(k, :e), :l)", {"k": {"L": [{"N": "9"}]}}),
        ("SET l[1] = :s", {"l": {"L": [{"N": "0"}, {"S": "new"}, {"N": "2"}]}}),
        ("SET l[90] = :s", {"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"S": "new"}]}}),
        ("SET m.deep.b = :n", {"m": {"M": {"a": {"N": "1"}, "deep": {"M": {"b": {"N": "2"}}}}}}),
        ("REMOVE s, gone", {"s": None}),
        ("REMOVE l[0], l[2]", {"l": {"L": [{"N": "1"}]}}),
        ("REMOVE l[9]", {}),
        ("REMOVE deep[0], deep[1].a", {"deep": {"L": [{"M": {}}, {"S": "z"}]}}),
        ("SET l[9] = :s, l[8] = :n REMOVE l[0], l[1]", {"l": {"L": [{"N": "2"}, {"N": "2"}, {"S": "new"}]}}),
        ("REMOVE m.a, m.deep.c", {"m": {"M": {"deep": {"M": {"b": {"S": "y"}}}}}}),
        ("ADD n :n", {"n": {"N": "7"}}),
        ("ADD k :n", {"k": {"N": "2"}}),
        ("ADD ss :yz", {"ss": {"SS": ["x", "y", "z"]}}),
        ("ADD ns :ns", {"ns": {"NS": ["1", "2"]}}),
        ("ADD m.a :n", {"m": {"M": {"a": {"N": "3"}, "deep": {"M": {"b": {"S": "y"}}}}}}),
        ("DELETE ss :yz", {"ss": {"SS": ["x"]}}),
        ("DELETE ss :xy", {"ss": None}),
        ("DELETE gone :xy", {}),
        ("ADD n :n DELETE ss :yz REMOVE s SET k = :s", {
            "n": {"N": "7"}, "ss": {"SS": ["x"]}, "s": None, "k": {"S": "new"},
        }),
    ],
)  # fmt: skip
def test_what_an_update_does(text: str, changes: dict[str, Any]) -> None:
    before = copy.deepcopy(ITEM)
    expected = {**ITEM, **changes}
    assert updated(text) == {name: value for name, value in expected.items() if value is not None}
    assert before == ITEM


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET n = gone", NO_ATTRIBUTE),
        ("SET n = gone + :n", NO_ATTRIBUTE),
        ("SET n = s + :n", WRONG_TYPE),
        ("SET l = list_append(s, :l)", WRONG_TYPE),
        ("SET gone.a = :n", NO_PATH),
        ("SET s.a = :n", NO_PATH),
        ("SET m[0] = :n", NO_PATH),
        ("SET l.a = :n", NO_PATH),
        ("SET l[7].a = :n", NO_PATH),
        ("REMOVE gone.a", NO_PATH),
        ("REMOVE s[0]", NO_PATH),
        ("ADD s :n", WRONG_TYPE),
        ("ADD ss :ns", WRONG_TYPE),
        ("DELETE n :xy", WRONG_TYPE),
        ("ADD ns :n", WRONG_TYPE),
        (
            "SET n = :big + :big",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
    ],
)
def test_what_an_item_does_not_take(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        updated(text)
    assert caught.value.what == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a = :n", 'Syntax error; token: "a", near: "a ="'),
        ("SET", 'Syntax error; token: "<EOF>", near: "SET"'),
        ("SET a", 'Syntax error; token: "<EOF>", near: "a"'),
        ("SET a = :n,", 'Syntax error; token: "<EOF>", near: ","'),
        ("SET a = :n + :n + :n", 'Syntax error; token: "+", near: ":n + :n"'),
        ("ADD a b", 'Syntax error; token: "b", near: "a b"'),
        ("REMOVE a = :n", 'Syntax error; token: "=", near: "a = :n"'),
        (
            "SET a = :n SET b = :n",
            'The "SET" section can only be used once in an update expression;',
        ),
        (
            "SET a = :n REMOVE a.b",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                "path one: "
                "[a], path two: [a, b]"
            ),
        ),
        (
            "SET a.b = :n, a[0] = :n",
            (
                "Two document paths conflict with each other; must remove or rewrite one of these paths; "
                "path one: "
                "[a, b], path two: [a, [0]]"
            ),
        ),
        (
            "ADD a :s",
            (
                "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, "
                "typeSet: "
                "ALLOWED_FOR_ADD_OPERAND"
            ),
        ),
        (
            "DELETE a :n",
            (
                "Incorrect operand type for operator or function; operator: DELETE, operand type: "
                "NUMBER, typeSet: "
                "ALLOWED_FOR_DELETE_OPERAND"
            ),
        ),
        (
            "SET a = :s + :n",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET a = list_append(a, :n)",
            (
                "Incorrect operand type for operator or function; operator or function: list_append, operand "
                "type: N"
            ),
        ),
        (
            "SET a = if_not_exists(:n, :n)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = if_not_exists(a)",
            (
                "Incorrect number of operands for operator or function; operator or function: if_not_exists, "
                "number of operands: 1"
            ),
        ),
        ("SET a = foo(:n)", "Invalid function name; function: foo"),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
    ],
)
def test_what_is_no_update(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        updated(text)
    assert caught.value.what == f"Invalid UpdateExpression: {message}"


@given(items(), values())
def test_what_is_set_is_there_and_all_else_is_as_it_was(item: dict[str, Any], value: dict[str, Any]) -> None:
    assert updated("SET a = :v", item, v=value) == {**item, "a": value}


@given(items())
def test_what_is_removed_is_gone(item: dict[str, Any]) -> None:
    assert updated("REMOVE a", item) == {name: value for name, value in item.items() if name != "a"}


@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.sets(st.sampled_from("abcdef"), min_size=1))
def test_sets_are_sets(old: set[str], change: set[str]) -> None:
    item = {"s": {"SS": sorted(old)}}
    added = updated("ADD s :v", item, v={"SS": sorted(change)})
    assert set(added["s"]["SS"]) == old | change
    left = updated("DELETE s :v", item, v={"SS": sorted(change)})
    assert set(left.get("s", {"SS": []})["SS"]) == old - change
