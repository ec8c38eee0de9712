# ruff: noqa: E501 - expressions and messages stay whole
"""Higher-order functions, and functions on arrays and objects.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    (
        '$states.input.items.{"n": name, "t": $count(tags)}',
        [{"n": "a", "t": 2}, {"n": "b", "t": 0}, {"n": "c", "t": 1}],
    ),
    ("$count([])", 0),
    ("$count(nothing)", 0),
    ("$exists($states.input.nothing)", True),
    ("$exists($states.input.missing)", False),
    ("$type($states.input.nothing)", "null"),
    ("$count(null)", 1),
    ("$count([null])", 1),
    ("[1..3] ~> $map(function($x){$x*2})", [2, 4, 6]),
    ("$map([1,2,3], function($v,$i,$a){ $v + $i + $count($a) })", [4, 6, 8]),
    ("$map([5], function($v){$v})", 5),
    ("$filter([1,2,3,4], function($v){ $v % 2 = 0 })", [2, 4]),
    ("$reduce([1,2,3], function($a,$b){$a+$b})", 6),
    ("$reduce([1,2,3], function($a,$b){$a+$b}, 10)", 16),
    ("$reduce([], function($a,$b){$a+$b}, 7)", 7),
    ("$reduce(5, function($a,$b){$a+$b})", 5),
    ('$sift({"a":1,"b":2}, function($v){$v>1})', {"b": 2}),
    ('$keys({"a":1,"b":2})', ["a", "b"]),
    ('$keys([{"a":1},{"b":2}])', ["a", "b"]),
    ('$keys({"a":1})', "a"),
    ('$lookup({"a":1},"a")', 1),
    ('$lookup([{"a":1},{"a":2}],"a")', [1, 2]),
    ('$spread({"a":1,"b":2})', [{"a": 1}, {"b": 2}]),
    ('$spread([{"a":1},{"b":2}])', [{"a": 1}, {"b": 2}]),
    ('$spread("x")', "x"),
    ('$merge([{"a":1},{"b":2},{"a":3}])', {"a": 3, "b": 2}),
    ('$merge({"a":1})', {"a": 1}),
    ("$merge([])", {}),
    ("$append([1],[2,3])", [1, 2, 3]),
    ("$append(1,2)", [1, 2]),
    ("$append(1,$states.input.missing)", 1),
    ("$append([],[])", []),
    ("$reverse([1,2,3])", [3, 2, 1]),
    ("$reverse([1])", [1]),
    ("$sort([3,1,2])", [1, 2, 3]),
    ('$sort(["b","a"])', ["a", "b"]),
    ("$sort([3,1,2], function($l,$r){$l < $r})", [3, 2, 1]),
    ("$sort($states.input.items, function($l,$r){$l.price > $r.price}).name", ["c", "a", "b"]),
    ('$distinct([1,1,2,"1",true,[1],[1],{"a":1},{"a":1}])', [1, 2, "1", True, [1], {"a": 1}]),
    ("$distinct([1])", [1]),
    ("$distinct(1)", 1),
    ("$distinct($states.input.items.kind)", ["x", "y"]),
    ("$zip([1,2,3],[4,5,6],[7,8])", [[1, 4, 7], [2, 5, 8]]),
    ("$zip([1,2,3])", [[1], [2], [3]]),
    ("$zip(1,2)", [[1, 2]]),
    ("$single([1,2,3], function($v){$v=2})", 2),
    ("$single([1])", 1),
    ("$boolean([])", False),
    ("$boolean([0])", False),
    ("$boolean([0,1])", True),
    ("$boolean([[0]])", False),
    ("$boolean({})", False),
    ('$boolean({"a":1})', True),
    ('$boolean("")', False),
    ('$boolean(" ")', True),
    ("$boolean(0)", False),
    ("$boolean(null)", False),
    ("$boolean(function(){1})", False),
    ("$not(null)", True),
    ('$not("a")', False),
    ('$clone({"a":[1]})', {"a": [1]}),
    ("$type(1)", "number"),
    ("$type([])", "array"),
    ("$type({})", "object"),
    ("$type($sum)", "function"),
    ("$states.input.items ~> $filter(function($i){ $i.price > 10 }) ~> $count", 1),
    (
        "$reduce($states.input.items, function($acc, $i){ $merge([$acc, {$i.name: $i.price}]) }, {})",
        {"a": 10, "b": 25.5, "c": 7},
    ),
    ('$filter(["a","",null,0], $boolean)', "a"),
    ('$sort(["b","A","a"])', ["A", "a", "b"]),
    ("$sort([10,9,1])", [1, 9, 10]),
    ("$keys($states)", ["input", "context"]),
    ('$lookup($states, "input").title', "T"),
    ("$count($states.input.items[].tags)", 3),
    ("$map($states.input.matrix, $sum)", [3, 7]),
    ("$map($states.input.matrix, function($r){$r})", [[1, 2], [3, 4]]),
    ("$append($states.input.matrix, [[9]])", [[1, 2], [3, 4], [9]]),
    ("$count($states.input.empty)", 0),
]

NOTHING = [
    "$type($states.input.missing)",
    "$map([], function($v){$v})",
    "$filter([1,3], function($v){ $v % 2 = 0 })",
    "$reduce([], function($a,$b){$a+$b})",
    '$sift({"a":1}, function($v){$v>1})',
    "$keys({})",
    '$keys("x")',
    "$not($states.input.missing)",
]

FAILURES = [
    (
        "$reduce([1], function($a){$a})",
        "D3050",
        "The second argument of reduce function must be a function with at least two arguments",
    ),
    (
        '$sort([3,"a"])',
        "D3070",
        "The single argument form of the sort function can only be applied to an array of strings or an array of numbers.  Use the second argument to specify a comparison function",
    ),
    (
        "$single([1,2,3], function($v){$v>1})",
        "D3138",
        "The $single() function expected exactly 1 matching result.  Instead it matched more.",
    ),
    (
        "$single([1,2,3], function($v){$v>9})",
        "D3139",
        "The $single() function expected exactly 1 matching result.  Instead it matched 0.",
    ),
    ("$map([1], 2)", "T0410", 'Argument 2 of function "map" does not match function signature'),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_gives_the_value(expression: str, value: Json) -> None:
    assert given(expression) == ("value", value, type(value))


@pytest.mark.parametrize("expression", NOTHING)
def test_gives_nothing(expression: str) -> None:
    assert given(expression) == "undefined"


@pytest.mark.parametrize(("expression", "code", "message"), FAILURES)
def test_fails(expression: str, code: str, message: str) -> None:
    assert ended(expression) == (code, message)
