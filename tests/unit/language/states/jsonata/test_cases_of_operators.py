"""Comparisons, Booleans, constructors, conditions, blocks, ranges.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("[null, 1]", [None, 1]),
    ("[[1,2],[3]]", [[1, 2], [3]]),
    ("[1,[2,3]]", [1, [2, 3]]),
    ("[[1,2],[3]][0]", [1, 2]),
    ("[1..5][$ > 2]", [3, 4, 5]),
    ("1 = 1.0", True),
    ('"1" = 1', False),
    ("true = 1", False),
    ("[1,2] = [1,2]", True),
    ('{"a":1,"b":2} = {"b":2,"a":1}', True),
    ("null = null", True),
    ("1 != 2", True),
    ("1 < 2", True),
    ('"a" < "b"', True),
    ("1 in [1,2]", True),
    ("1 in 1", True),
    ('"a" in []', False),
    ("true in [1]", False),
    ("1 in [true]", False),
    ("null in [null]", True),
    ("[1] in [[1]]", False),
    ("1e300 * 1e300", "Infinity"),
    ("1e-7", 1e-07),
    ("($x := 1; ($x := 2; $x); $x)", 1),
    ("($x := 1; $y := $x + 1; [$x, $y])", [1, 2]),
    ("$x := 5", 5),
    ("(1; 2)", 2),
    ("true and false", False),
    ('true and "a"', True),
    ('1 > 0 ? "y" : "n"', "y"),
    ("[1..3]", [1, 2, 3]),
    ("[3..1]", []),
    ("[1..3, 7, 9..10]", [1, 2, 3, 7, 9, 10]),
    ("/* comment */ 1", 1),
    ("1 /* x */ + 2", 3),
    ('"\\u0041\\n"', "A\n"),
]

NOTHING = [
    "()",
    '0 ? "y"',
    '"a".b',
]

FAILURES = [
    ('1 < "b"', "T2009", 'The values 1 and "b" either side of operator "<" must be of the same data type'),
    (
        "null < 1",
        "T2010",
        'The expressions either side of operator "<" must evaluate to numeric or string values',
    ),
    (
        "true < false",
        "T2010",
        'The expressions either side of operator "<" must evaluate to numeric or string values',
    ),
    (
        "[1] < 2",
        "T2010",
        'The expressions either side of operator "<" must evaluate to numeric or string values',
    ),
    ('{"a":1, "a":2}', "D1009", 'Multiple key definitions evaluate to same key: "a"'),
    ("{1: 2}", "T1003", "Key in object structure must evaluate to a string; got: 1"),
    ("[1.5..3]", "T2003", "The left side of the range operator (..) must evaluate to an integer"),
    ('[1.."a"]', "T2004", "The right side of the range operator (..) must evaluate to an integer"),
    ("'it''s'", "S0201", 'Syntax error: "s"'),
    ('"\\x"', "S0103", 'Unsupported escape sequence: \\"x"'),
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
