"""Paths: steps, filters, groups, orders, bindings, parents.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("$states.input.items.price", [10, 25.5, 7]),
    ("$states.input.items[0]", {"name": "a", "price": 10, "kind": "x", "tags": ["t1", "t2"]}),
    ("$states.input.items[-1].name", "c"),
    ("$states.input.items[price > 10].name", "b"),
    ("$states.input.items[price > 10][0]", {"name": "b", "price": 25.5, "kind": "y", "tags": []}),
    ("$states.input.items[[0..1]].name", ["a", "b"]),
    ("$states.input.items.tags", ["t1", "t2", "t3"]),
    ("$states.input.items.tags[0]", ["t1", "t3"]),
    ("$states.input.items.(tags[0])", ["t1", "t3"]),
    ("($states.input.items.tags)[0]", "t1"),
    ('$states.input.items[name="a"].tags[]', ["t1", "t2"]),
    ("$states.input.items{name: price}", {"a": 10, "b": 25.5, "c": 7}),
    ("$states.input.items^(price).name", ["c", "a", "b"]),
    ("$states.input.items^(>price).name", ["b", "a", "c"]),
    ("$states.input.items^(kind, >price).name", ["a", "c", "b"]),
    ("$states.input.nothing", None),
    ("$states.input.nothing = null", True),
    ("$states.input.missing = null", False),
    ('{"a": null, "b": $states.input.missing}', {"a": None}),
    ("[1, $states.input.missing, 2]", [1, 2]),
    ("[$states.input.items.tags]", ["t1", "t2", "t3"]),
    ("$states.input.**.price", [10, 25.5, 7]),
    ("$states.input.items.*", ["a", 10, "x", "t1", "t2", "b", 25.5, "y", "c", 7, "x", "t3"]),
    ("$states.input.*[0]", "T"),
    ("$states.input.items.%.title", ["T", "T", "T"]),
    ("$states.input.items.tags.%.name", ["a", "a", "c"]),
    ('$states.input.items@$i.{"n": $i.name}', [{"n": "a"}, {"n": "b"}, {"n": "c"}]),
    (
        '$states.input.items#$i.{"n": name, "i": $i}',
        [{"n": "a", "i": 0}, {"n": "b", "i": 1}, {"n": "c", "i": 2}],
    ),
    ("$states.input.items[price>1]#$i.$i", [0, 1, 2]),
    ("$states.input.items.name[0]", ["a", "b", "c"]),
    ("$states.input.items.(name)[0]", ["a", "b", "c"]),
    ("$states.input.items[0].tags[]", ["t1", "t2"]),
    ("$states.input.items[0].name[]", ["a"]),
    ("$states.input.title[]", ["T"]),
    (
        "$states.input.`items`",
        [
            {"name": "a", "price": 10, "kind": "x", "tags": ["t1", "t2"]},
            {"name": "b", "price": 25.5, "kind": "y", "tags": []},
            {"name": "c", "price": 7, "kind": "x", "tags": ["t3"]},
        ],
    ),
    (
        '$states.input."items"',
        [
            {"name": "a", "price": 10, "kind": "x", "tags": ["t1", "t2"]},
            {"name": "b", "price": 25.5, "kind": "y", "tags": []},
            {"name": "c", "price": 7, "kind": "x", "tags": ["t3"]},
        ],
    ),
    ("$states.input.items.'name'", ["a", "b", "c"]),
    ("[1,2,3].($ * 2)", [2, 4, 6]),
    ('{"a": [1,2]}.a[0]', 1),
    ('{"a": {"b": 1}}.a.b', 1),
    ('{"x": 1}.x{"a": 1}', {"a": 1}),
    ("$states.input.items{kind: name}[0]", {"x": "a"}),
    ('$states.input.items{kind: {"n": [name]}}', {"x": {"n": ["a", "c"]}, "y": {"n": ["b"]}}),
    ("$states.input.items.price[$ > 5]", [10, 25.5, 7]),
    ('$states.input.items[kind in ["x"]].name', ["a", "c"]),
    ('$states.input.items.(price > 10 ? name : "cheap")', ["cheap", "b", "cheap"]),
    ("($s := $states.input; $s.items.name)", ["a", "b", "c"]),
    ("$states.input.items[0] = $states.input.items[0]", True),
    ("$states.context.Execution.Id", "arn:x"),
    ("$states.input.items.tags[1]", "t2"),
    ('$states.input.items[tags[0] = "t1"].name', "a"),
    ("$states.input.matrix[0][1]", 2),
    ("$states.input.matrix.$[0]", [1, 3]),
    ("$states.input.matrix", [[1, 2], [3, 4]]),
    ("$states.input.empty", []),
    (
        '$states.input.items["x"]',
        [
            {"name": "a", "price": 10, "kind": "x", "tags": ["t1", "t2"]},
            {"name": "b", "price": 25.5, "kind": "y", "tags": []},
            {"name": "c", "price": 7, "kind": "x", "tags": ["t3"]},
        ],
    ),
    ("$states.input.items[true].name", ["a", "b", "c"]),
    ("$states.input.items[1.9].name", "b"),
    ("$states.input.items[-1.5].name", "b"),
]

NOTHING = [
    "$states.input.items[price > 1000]",
    "$states.input.nothing.x",
    "[1,2,3]#$i.($ * $i)",
    "$states.input.empty[0]",
    "$states.input.empty.x",
    "$states.input.items[10]",
    "$states.input.items[null]",
    "$states.input.items[-4]",
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_gives_the_value(expression: str, value: Json) -> None:
    assert given(expression) == ("value", value, type(value))


@pytest.mark.parametrize("expression", NOTHING)
def test_gives_nothing(expression: str) -> None:
    assert given(expression) == "undefined"
