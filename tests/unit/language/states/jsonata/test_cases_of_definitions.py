"""Functions that expressions define, partial application, chains.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("($f := function($x){ $x = 0 ? 0 : $f($x-1) }; $f(1000))", 0),
    ("($f := function($x, $y){ $x + $y }; $g := $f(1, ?); $g(2))", 3),
    (
        '$states.input ~> |items|{"price": price * 2}, ["tags","kind"]|',
        {
            "title": "T",
            "nothing": None,
            "empty": [],
            "matrix": [[1, 2], [3, 4]],
            "items": [{"name": "a", "price": 20}, {"name": "b", "price": 51}, {"name": "c", "price": 14}],
        },
    ),
    (
        '$states.input ~> |items[0]|{"x": 1}|',
        {
            "title": "T",
            "nothing": None,
            "empty": [],
            "matrix": [[1, 2], [3, 4]],
            "items": [
                {"name": "a", "price": 10, "kind": "x", "tags": ["t1", "t2"], "x": 1},
                {"name": "b", "price": 25.5, "kind": "y", "tags": []},
                {"name": "c", "price": 7, "kind": "x", "tags": ["t3"]},
            ],
        },
    ),
    ("(function($x){$x})(5)", 5),
    ("λ($x){$x}(3)", 3),
    ("(λ($x){$x})(3)", 3),
]

FAILURES = [
    ("$nothing(1)", "T1006", "Attempted to invoke a non-function"),
    ("nothing(1)", "T1006", "Attempted to invoke a non-function"),
    ("$states.input.items.nothing()", "T1006", "Attempted to invoke a non-function"),
    ("sum([1])", "T1005", "Attempted to invoke a non-function. Did you mean $sum?"),
    ('"x"(1)', "T1006", "Attempted to invoke a non-function"),
    (
        '($f := function($x)<n:n>{ $x * 2 }; $f("a"))',
        "T0410",
        'Argument 1 of function "f" does not match function signature',
    ),
    (
        "($f := function($x)<n-:n>{ $x * 2 }; 5.$f())",
        "S0213",
        "The literal value 5 cannot be used as a step within a path expression",
    ),
    ("1 ~> 2", "T2006", "The right side of the function application operator ~> must be a function"),
    (
        "$states.input ~> |items|5|",
        "T2011",
        "The insert/update clause of the transform expression must evaluate to an object: 5",
    ),
    (
        "$states.input ~> |items|{}, 5|",
        "T2012",
        "The delete clause of the transform expression must evaluate to a string or array of strings: 5",
    ),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_gives_the_value(expression: str, value: Json) -> None:
    assert given(expression) == ("value", value, type(value))


@pytest.mark.parametrize(("expression", "code", "message"), FAILURES)
def test_fails(expression: str, code: str, message: str) -> None:
    assert ended(expression) == (code, message)
