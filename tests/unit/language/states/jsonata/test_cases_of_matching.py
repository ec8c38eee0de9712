# ruff: noqa: E501 - expressions and messages stay whole
"""Strings and patterns, looked for in strings.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ('$contains("abracadabra", "bra")', True),
    ('$contains("abracadabra", /a.*a/)', True),
    ('$contains("abracadabra", /ar.*a/)', False),
    ('$split("so many words", " ")', ["so", "many", "words"]),
    ('$split("so many words", " ", 2)', ["so", "many"]),
    (
        '$split("too   much,  punctuation.   hard; to read", /[ ,.;]+/)',
        ["too", "much", "punctuation", "hard", "to", "read"],
    ),
    ('$split("a,b", ",", 0)', []),
    ('$split("abc", "")', ["a", "b", "c"]),
    ('$split("a1b2c", /\\d/, 2)', ["a", "b"]),
    (
        '$match("ababbabbcc",/a(b+)/)',
        [
            {"match": "ab", "index": 0, "groups": ["b"]},
            {"match": "abb", "index": 2, "groups": ["bb"]},
            {"match": "abb", "index": 5, "groups": ["bb"]},
        ],
    ),
    ('$match("ababbabbcc",/a(b+)/, 1)', {"match": "ab", "index": 0, "groups": ["b"]}),
    (
        '$match("aXbx", /x/i)',
        [{"match": "X", "index": 1, "groups": []}, {"match": "x", "index": 3, "groups": []}],
    ),
    ('$match("a\\nb", /^b/m)', {"match": "b", "index": 2, "groups": []}),
    (
        '$match("ab", /(a)|(b)/)',
        [
            {"match": "a", "index": 0, "groups": ["a", None]},
            {"match": "b", "index": 1, "groups": [None, "b"]},
        ],
    ),
    ('$replace("John Smith and John Jones", "John", "Mr")', "Mr Smith and Mr Jones"),
    ('$replace("John Smith and John Jones", "John", "Mr", 1)', "Mr Smith and John Jones"),
    ('$replace("abracadabra", /a.*?a/, "*")', "*c*bra"),
    ('$replace("John Smith", /(\\w+)\\s(\\w+)/, "$2, $1")', "Smith, John"),
    ('$replace("265USD", /([0-9]+)USD/, "$$$1")', "$265"),
    (
        '$replace("temperature = 68F", /(-?\\d+(?:\\.\\d*)?)F\\b/, function($m) { ($number($m.groups[0]) - 32) * 5/9 & "C" })',
        "temperature = 20C",
    ),
    ('$replace("aaa", /a/, "$0$0", 2)', "aaaaa"),
    (
        '$replace("abcdefghijklmno", /(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)(m)/, "$8$5$12$12$18$123")',
        "hella8l3no",
    ),
    ('/ab/("xxab")', {"match": "ab", "start": 2, "end": 4, "groups": [], "next": ""}),
    ('$states.input.items[$contains(name, "a")].name', "a"),
]

NOTHING = [
    '$match("xyz",/a/)',
    '/ab/("xx")',
]

FAILURES = [
    (
        '$split("a,b", ",", -1)',
        "D3020",
        "Third argument of split function must evaluate to a positive number",
    ),
    (
        '$match("ababbabbcc",/a(b+)/, -1)',
        "D3040",
        "Third argument of match function must evaluate to a positive number",
    ),
    ('$replace("abc", "", "x")', "D3010", "Second argument of replace function cannot be an empty string"),
    (
        '$replace("abc", /b/, function($m){1})',
        "D3012",
        "Attempted to replace a matched string with a non-string value",
    ),
    ('$replace("abc", /x*/, "-")', "D1004", "Regular expression matches zero length string"),
    (
        '$replace("abc", "b", "x", -1)',
        "D3011",
        "Fourth argument of replace function must evaluate to a positive number",
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
