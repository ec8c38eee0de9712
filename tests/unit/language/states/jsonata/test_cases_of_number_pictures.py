# ruff: noqa: E501 - expressions and messages stay whole
"""Numbers as pictures ask for.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("$formatNumber(12345.6, '#,###.00')", "12,345.60"),
    ('$formatNumber(1234.5678, "00.000e0")', "12.346e2"),
    ('$formatNumber(34.555, "#0.00;(#0.00)")', "34.56"),
    ('$formatNumber(-34.555, "#0.00;(#0.00)")', "(34.56)"),
    ('$formatNumber(0.14, "01%")', "14%"),
    ('$formatNumber(0.14, "###pm", {"per-mille": "pm"})', "140pm"),
    ('$formatNumber(1234.5678, "①①.①①①e①", {"zero-digit": "\\u245f"})', "①②.③④⑥e②"),
    ('$formatNumber(0, "#")', "0"),
    ('$formatNumber(0, "0.00")', "0.00"),
    ('$formatNumber(0.5, "#.##")', ".5"),
    ('$formatNumber(-5, "0")', "-5"),
    ('$formatNumber(1e10, "#,##0")', "10,000,000,000"),
    ('$formatNumber(1234567, "#,##,#0")', "1,23,45,67"),
    ('$formatNumber(12.3, "0.###")', "12.3"),
    ('$formatNumber(12, "0.0##,#")', "12.0,"),
    ('$formatNumber(12.345678, "0.0##,#")', "12.345,7"),
]

FAILURES = [
    (
        '$formatNumber(1, "#;#;#")',
        "D3080",
        "The picture string must only contain a maximum of two sub-pictures",
    ),
    (
        '$formatNumber(1, "0.0.0")',
        "D3081",
        "The sub-picture must not contain more than one instance of the 'decimal-separator' character",
    ),
    (
        '$formatNumber(1, "0%%")',
        "D3082",
        "The sub-picture must not contain more than one instance of the 'percent' character",
    ),
    (
        '$formatNumber(1, "x")',
        "D3086",
        "The sub-picture must not contain a passive character that is preceded by an active character and that is followed by another active character",
    ),
    (
        '$formatNumber(1, "")',
        "D3085",
        "The mantissa part of a sub-picture must contain at least one character that is either an 'optional digit character' or a member of the 'decimal digit family'",
    ),
    (
        '$formatNumber(1, "0x0")',
        "D3086",
        "The sub-picture must not contain a passive character that is preceded by an active character and that is followed by another active character",
    ),
    (
        '$formatNumber(1, "0,.0")',
        "D3087",
        "The sub-picture must not contain a 'grouping-separator' character that appears adjacent to a 'decimal-separator' character",
    ),
    (
        '$formatNumber(1, "0,")',
        "D3088",
        "The sub-picture must not contain a 'grouping-separator' at the end of the integer part",
    ),
    (
        '$formatNumber(1, "0,,0")',
        "D3089",
        "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character",
    ),
    (
        '$formatNumber(1, "0#")',
        "D3090",
        "The integer part of the sub-picture must not contain a member of the 'decimal digit family' that is followed by an instance of the 'optional digit character'",
    ),
    (
        '$formatNumber(1, ".#0")',
        "D3091",
        "The fractional part of the sub-picture must not contain an instance of the 'optional digit character' that is followed by a member of the 'decimal digit family'",
    ),
    (
        '$formatNumber(1, "0e0%")',
        "D3092",
        "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a character treated as an 'exponent-separator'",
    ),
    (
        '$formatNumber(1, "0e")',
        "D3093",
        "The exponent part of the sub-picture must comprise only of one or more characters that are members of the 'decimal digit family'",
    ),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_gives_the_value(expression: str, value: Json) -> None:
    assert given(expression) == ("value", value, type(value))


@pytest.mark.parametrize(("expression", "code", "message"), FAILURES)
def test_fails(expression: str, code: str, message: str) -> None:
    assert ended(expression) == (code, message)
