# ruff: noqa: E501 - expressions and messages stay whole
"""Functions on numbers, and arithmetic.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("$states.input.items{kind: $sum(price)}", {"x": 17, "y": 25.5}),
    ("$states.input.items.price ~> $sum()", 42.5),
    ("$sum($states.input.items.price)", 42.5),
    ("$average($states.input.items.price)", 14.166666666666666),
    ("$max($states.input.items.price)", 25.5),
    ("$sum([])", 0),
    ("1 + 2", 3),
    ("1 / 3", 0.3333333333333333),
    ("10 / 2", 5),
    ("1 / 0", "Infinity"),
    ("-1 / 0", "-Infinity"),
    ("0 / 0", "NaN"),
    ("[1/0]", ["Infinity"]),
    ('{"k": 1/0}', {"k": "Infinity"}),
    ("1 % 0", "NaN"),
    ("5 % 3", 2),
    ("-5 % 3", -2),
    ("5.5 % 2", 1.5),
    ("5 % -3", 2),
    ("2 * 3.5", 7),
    ("0.1 + 0.2", 0.30000000000000004),
    ("9007199254740993 + 0", 9007199254740992),
    ("9007199254740992 + 1", 9007199254740992),
    ("123456789012345678 * 10", 1234567890123456800),
    ("1e20", 100000000000000000000),
    ("1e21", 1e21),
    ("0.000001", 1e-06),
    ("-0", 0),
    ("- 0", 0),
    ("-5", -5),
    ("-(5)", -5),
    ("-$states.input.items[0].price", -10),
    ("1.5e3", 1500),
    ('$number("1")', 1),
    ('$number("1.50")', 1.5),
    ('$number("-0")', 0),
    ('$number("1e3")', 1000),
    ('$number("0x1F")', 31),
    ('$number("0b101")', 5),
    ('$number("0o17")', 15),
    ("$number(true)", 1),
    ("$abs(-5)", 5),
    ("$abs(-5.5)", 5.5),
    ("$floor(5.7)", 5),
    ("$floor(-5.7)", -6),
    ("$ceil(5.2)", 6),
    ("$ceil(-5.2)", -5),
    ("$round(5.5)", 6),
    ("$round(4.5)", 4),
    ("$round(-4.5)", -4),
    ("$round(123.456, 2)", 123.46),
    ("$round(123.455, 2)", 123.46),
    ("$round(125, -1)", 120),
    ("$round(155, -1)", 160),
    ("$round(1.005, 2)", 1),
    ("$round(2.5)", 2),
    ("$round(0.5)", 0),
    ("$round(-0.5)", 0),
    ("$round(1e22)", 1e22),
    ("$sqrt(16)", 4),
    ("$sqrt(2)", 1.4142135623730951),
    ("$power(2, 10)", 1024),
    ("$power(2, 0.5)", 1.4142135623730951),
    ("$power(2, -1)", 0.5),
    ("$formatBase(100, 2)", "1100100"),
    ("$formatBase(2555, 16)", "9fb"),
    ("$formatBase(100)", "100"),
    ("$formatBase(-100, 36)", "-2s"),
    ("$formatBase(99.5, 2.5)", "1100100"),
    ("[0..-1]", []),
    ("$map([1,2], $power(?, 2))", [1, 4]),
    ("$states.input.matrix.($sum($))", [3, 7]),
    ("$sum($states.input.matrix[0])", 3),
]

NOTHING = [
    "$min([])",
    "$sum(nothing)",
]

FAILURES = [
    ("1 + null", "T2002", 'The right side of the "+" operator must evaluate to a number'),
    ('"a" + 1', "T2001", 'The left side of the "+" operator must evaluate to a number'),
    ('1 + "a"', "T2002", 'The right side of the "+" operator must evaluate to a number'),
    ("true + 1", "T2001", 'The left side of the "+" operator must evaluate to a number'),
    ("(0/0) + 1", "T2001", 'The left side of the "+" operator must evaluate to a number'),
    ('-"a"', "D1002", 'Cannot negate a non-numeric value: "a"'),
    ('$number("abc")', "D3030", 'Unable to cast value to a number: "abc"'),
    ('$number("")', "D3030", 'Unable to cast value to a number: ""'),
    ('$number(" 1")', "D3030", 'Unable to cast value to a number: " 1"'),
    ('$number("1.")', "D3030", 'Unable to cast value to a number: "1."'),
    ("$number(null)", "T0410", 'Argument 1 of function "number" does not match function signature'),
    ("$number([1])", "T0410", 'Argument 1 of function "number" does not match function signature'),
    ('$number("1e999")', "D3030", 'Unable to cast value to a number: "1e999"'),
    ('$abs("x")', "T0410", 'Argument 1 of function "abs" does not match function signature'),
    ("$sqrt(-1)", "D3060", "The sqrt function cannot be applied to a negative number: -1"),
    (
        "$power(100, 1000)",
        "D3061",
        "The power function has resulted in a value that cannot be represented as a JSON number: base=100, exponent=1000",
    ),
    (
        "$power(-8, 1/3)",
        "D3061",
        "The power function has resulted in a value that cannot be represented as a JSON number: base=-8, exponent=0.3333333333333333",
    ),
    (
        "$power(0, -1)",
        "D3061",
        "The power function has resulted in a value that cannot be represented as a JSON number: base=0, exponent=-1",
    ),
    (
        "$formatBase(100, 1)",
        "D3100",
        "The radix of the formatBase function must be between 2 and 36.  It was given 1",
    ),
    (
        "$formatBase(100, 37)",
        "D3100",
        "The radix of the formatBase function must be between 2 and 36.  It was given 37",
    ),
    ('$sum(["a"])', "T0412", 'Argument 1 of function "sum" must be an array of "numbers"'),
    ('$sum([1,"a"])', "T0412", 'Argument 1 of function "sum" must be an array of "numbers"'),
    ('$sum("a")', "T0412", 'Argument 1 of function "sum" must be an array of "numbers"'),
    ("$sum({})", "T0412", 'Argument 1 of function "sum" must be an array of "numbers"'),
    ('true and $abs("x")', "T0410", 'Argument 1 of function "and" does not match function signature'),
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
