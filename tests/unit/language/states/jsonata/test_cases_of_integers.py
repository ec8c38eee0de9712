# ruff: noqa: E501 - expressions and messages stay whole
"""Whole numbers as digits, words, Roman numerals and letters.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("$formatInteger(2789, 'w')", "two thousand, seven hundred and eighty-nine"),
    ("$formatInteger(1999, 'I')", "MCMXCIX"),
    ("$formatInteger(27, 'A')", "AA"),
    ("$formatInteger(123, '000')", "123"),
    ("$formatInteger(1234567, '#,##0')", "1,234,567"),
    ("$formatInteger(12, '0;o')", "12th"),
    ("$formatInteger(21, 'w;o')", "twenty-first"),
    ("$formatInteger(21, 'Ww')", "Twenty-One"),
    ("$formatInteger(0, 'w')", "zero"),
    ("$formatInteger(0, 'I')", ""),
    ("$formatInteger(0, 'A')", ""),
    ("$formatInteger(-5, 'w')", "-five"),
    ("$formatInteger(1e15, 'w')", "one thousand trillion"),
    ("$parseInteger(\"twelve thousand, four hundred and seventy-six\", 'w')", 12476),
    ("$parseInteger(\"MCMXCIX\", 'I')", 1999),
    ("$parseInteger(\"12,345\", '#,##0')", 12345),
    ("$parseInteger(\"123\", '000')", 123),
    ("$parseInteger(\"abc\", 'a')", 731),
    ("$parseInteger(\"21st\", '0;o')", 21),
]

FAILURES = [
    (
        "$formatInteger(12, 'x')",
        "D3130",
        'Formatting or parsing an integer as a sequence starting with "x" is not supported by this implementation',
    ),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_gives_the_value(expression: str, value: Json) -> None:
    assert given(expression) == ("value", value, type(value))


@pytest.mark.parametrize(("expression", "code", "message"), FAILURES)
def test_fails(expression: str, code: str, message: str) -> None:
    assert ended(expression) == (code, message)
