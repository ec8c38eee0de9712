# ruff: noqa: E501 - expressions and messages stay whole
"""Moments: read and written by pictures.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ("$fromMillis(1510067557121)", "2017-11-07T15:12:37.121Z"),
    ("$fromMillis(1510067557121, '[M01]/[D01]/[Y0001] [h#1]:[m01][P]')", "11/07/2017 3:12pm"),
    ("$fromMillis(1510067557121, '[H01]:[m01]:[s01] [z]', '-0500')", "10:12:37 GMT-05:00"),
    (
        "$fromMillis(1510067557121, '[FNn], [MNn] [D1o], [Y] [Z]', '+0530')",
        "Tuesday, November 7th, 2017 +05:30",
    ),
    ("$fromMillis(1510067557121, '[Y]-W[W01]-[F1] [d] [w] [x] [X]')", "2017-W45-2 311 2 11 2017"),
    ("$fromMillis(0, '[Y,2-2][M,2][Dwo] [PN] [f001] [C] [E]')", "7001first AM 000 ISO ISO"),
    ("$fromMillis(-1)", "1969-12-31T23:59:59.999Z"),
    ("$fromMillis(1510067557121, '[[[Y]]]')", "[2017]"),
    ("$fromMillis(1510067557121, '[YI] [MNn,3-3] [Fn,2-2]')", "MMXVII Nov tu"),
    ('$toMillis("2017-11-07T15:07:54.972Z")', 1510067274972),
    ('$toMillis("2017-11-07T15:07:54.972+01:00")', 1510063674972),
    ('$toMillis("2017-11-07T15:07:54.97254Z")', 1510067274972),
    ('$toMillis("2017-11-07")', 1510012800000),
    ('$toMillis("2017-11")', 1509494400000),
    ('$toMillis("2017")', 1483228800000),
    ('$toMillis("31/12/2018", "[D]/[M]/[Y]")', 1546214400000),
    ('$toMillis("2018-12-31 23:59:58", "[Y]-[M]-[D] [H]:[m]:[s]")', 1546300798000),
    ('$toMillis("20181231", "[Y0001][M01][D01]")', 1546214400000),
    ('$toMillis("7 November 2017 3:07 PM", "[D] [MNn] [Y] [h]:[m] [P]")', 1510067220000),
    ('$toMillis("2018-365", "[Y]-[d]")', 1546214400000),
    ('$toMillis("2018-12-31 +05:30", "[Y]-[M]-[D] [Z]")', 1546194600000),
    ("$string($now()) = $now()", True),
]

NOTHING = [
    '$toMillis("nope", "[D]/[M]/[Y]")',
]

FAILURES = [
    (
        "$fromMillis(1510067557121, '[Y')",
        "D3135",
        "No matching closing bracket ']' in date/time picture string",
    ),
    (
        "$fromMillis(1510067557121, '[q]')",
        "D3132",
        'Unknown component specifier "q" in date/time picture string',
    ),
    (
        "$fromMillis(1510067557121, '[HN]')",
        "D3133",
        "The 'name' modifier can only be applied to months and days in the date/time picture string, not \"H\"",
    ),
    (
        '$toMillis("foo")',
        "D3110",
        'The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given "foo"',
    ),
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
