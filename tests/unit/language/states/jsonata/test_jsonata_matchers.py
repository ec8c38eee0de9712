"""Regular expressions in ECMAScript's dialect, and functions that stand for one."""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, value_of

MATCHER = (
    "$upper := function($text, $from) { ("
    "  $at := $from ? $from : 0;"
    "  $rest := $substring($text, $at);"
    "  $contains($rest, 'X') ? ("
    "    $start := $at + $length($substringBefore($rest, 'X'));"
    "    {'match': 'X', 'start': $start, 'end': $start + 1, 'groups': ['g'],"
    "     'next': function() { $upper($text, $start + 1) }}"
    "  )"
    ") }; "
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (r"$match('a1b22', /\d+/).match", ["1", "22"]),
        (r"$match('a1b22', /\d+/).index", [1, 3]),
        (r"$match('ab', /(a)(x)?/).groups", ["a", None]),
        ("$count($match('aaa', /a/, 2))", 2),
        ("$match('x', /a/)", None),
        ("$contains('Straße', /STRASSE|straße/i)", True),
        ("$contains('a\u00a0b', /a\\sb/)", True),
        ("$contains('a\u2028b', /a[\\s]b/)", True),
        ("$contains('ab', /a\\Sb/)", False),
        ("$contains('ä', /\\w/)", False),
        ("$contains('٣', /\\d/)", False),
        ("$contains('a.b', /a\\.b/)", True),
        ("$contains('a/b', /a\\/b/)", True),
        ("$contains('\u00e9', /\\u00e9/)", True),
        ("$contains(']', /[\\]]/)", True),
        ("$contains('[', /[\\[]/)", True),
        ("$contains('line1\nline2', /^line2$/)", False),
        ("$contains('line1\nline2', /^line2$/m)", True),
        ("$contains('a\n', /a$/)", False),
        ("$contains('a\nb', /a.b/)", False),
        ("$match('2024-05', /(?<y>\\d+)-(?<m>\\d+)/).groups", ["2024", "05"]),
        ("$replace('2024-05', /(\\d+)-(\\d+)/, '$2/$1')", "05/2024"),
        ("$replace('ab', /(a)(b)/, '$3$2$0$$')", "bab$"),
        ("$replace('aaa', /a/, 'b', 2)", "bba"),
        ("$replace('aaa', /a/, 'b', 0)", "aaa"),
        ("$replace('ab', /b/, function($m) { $m.match & $m.start & $m.end })", "ab12"),
        ("$split('a1b2c', /\\d/)", ["a", "b", "c"]),
        ("$split('a1b2c', /\\d/, 1)", ["a"]),
        ("$split('', /,/)", [""]),
        ("/b/('abc').start", 1),
        ("/b/('abcb').next().start", 3),
        ("/b/('abc').next()", None),
        ("'abc' ~> /b/ ~> $lookup('match')", "b"),
        ("$filter(['ab', 'cd'], /a/)", "ab"),
        ("$string(/a/)", ""),
        ("$type(/a/)", "function"),
    ],
)
def test_patterns_match_as_in_ecmascript(expression: str, value: object) -> None:
    found = value_of(expression)
    assert (found if found or found in ("", False) else None) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$match('aXbX', $upper).index", [1, 3]),
        ("$replace('aXbX', $upper, '-')", "a-b-"),
        ("$split('aXbX', $upper)", ["a", "b", ""]),
        ("$contains('aXb', $upper)", True),
        ("$contains('ab', $upper)", False),
        ("$match('aXbX', $upper, 1).groups", ["g"]),
    ],
)
def test_a_function_may_find_matches(expression: str, value: object) -> None:
    assert value_of(f"({MATCHER}{expression})") == value


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("$match('a', function($s) { {'x': 1} })", "T1010"),
        ("$match('a', function($s) { 5 })", "T1010"),
        ("$replace('aa', /x*/, '-')", "D1004"),
        ("$match('aa', /x*/)", "D1004"),
        ("$replace('a', /a/, function($m) { 5 })", "D3012"),
        ("$replace('a', '', 'b')", "D3010"),
        ("$replace('a', 'a', 'b', -1)", "D3011"),
        ("$split('a', /a/, -1)", "D3020"),
        ("$match('a', /a/, -1)", "D3040"),
    ],
)
def test_what_cannot_be_matched_fails(expression: str, code: str) -> None:
    assert ended(expression)[0] == code
