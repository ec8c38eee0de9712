"""Functions on strings, and the texts of values.

Every value here is also what the reference implementation of JSONata gives.
"""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import ended, given

from stepmill.core.json import Json

VALUES: list[tuple[str, Json]] = [
    ('$states.input.items.name ~> $join(", ")', "a, b, c"),
    ("$string($states.input.nothing)", "null"),
    ('$states.input.nothing & "x"', "nullx"),
    ('$states.input.missing & "x"', "x"),
    ('$each({"a":1,"b":2}, function($v,$k){$k & $v})', ["a1", "b2"]),
    ('100 & ""', "100"),
    ('1.0 & ""', "1"),
    ('0.1 + 0.2 & ""', "0.3"),
    ('1e21 & ""', "1e+21"),
    ('1e-7 & ""', "1e-7"),
    ('123456789.123456789 & ""', "123456789.123457"),
    ("true & null", "truenull"),
    ('[1,"a",{"b":null}] & ""', '[1,"a",{"b":null}]'),
    ('{"a": 1.50} & ""', '{"a":1.5}'),
    ("$string(1/3)", "0.333333333333333"),
    ("$string(22/7)", "3.14285714285714"),
    ("$string([1/3])", "[0.333333333333333]"),
    ('$string({"a":[1,{"b":2}]}, true)', '{\n  "a": [\n    1,\n    {\n      "b": 2\n    }\n  ]\n}'),
    ("$string([], true)", "[]"),
    ("$string({}, true)", "{}"),
    ('$string("x")', "x"),
    ("$string(true)", "true"),
    ("$string(function(){1})", ""),
    ("$string([function(){1}])", '[""]'),
    ("$string($uppercase)", ""),
    ('$string("é\\"\\n")', 'é"\n'),
    ('$length("hello")', 5),
    ('$length("")', 0),
    ('$length("😀é")', 2),
    ('$substring("hello world", 3, 5)', "lo wo"),
    ('$substring("hello world", -4)', "orld"),
    ('$substring("hello world", -4, 2)', "or"),
    ('$substring("hello", 10)', ""),
    ('$substring("hello", -10, 3)', "hel"),
    ('$substring("hello", 0, 0)', ""),
    ('$substring("hello", 1, -1)', ""),
    ('$substring("hello", 1.5, 2.5)', "ell"),
    ('$substring("😀bc", 1)', "bc"),
    ('$substringBefore("hello world", " ")', "hello"),
    ('$substringBefore("hello", "x")', "hello"),
    ('$substringBefore("hello", "")', ""),
    ('$substringAfter("hello world", " ")', "world"),
    ('$substringAfter("hello", "x")', "hello"),
    ('$substringAfter("hello", "")', "hello"),
    ('$uppercase("héllo")', "HÉLLO"),
    ('$lowercase("HÉLLO")', "héllo"),
    ('$trim("  a \\n\\t b  ")', "a b"),
    ('$pad("foo", 5)', "foo  "),
    ('$pad("foo", -5)', "  foo"),
    ('$pad("foo", -5, "#")', "##foo"),
    ('$pad("foo", 8, "-+")', "foo-+-+-"),
    ('$pad("foo", 2)', "foo"),
    ('$join(["a","b"], "-")', "a-b"),
    ('$join("a")', "a"),
    ('$join([], ",")', ""),
    ('$base64encode("myuser:mypass")', "bXl1c2VyOm15cGFzcw=="),
    ('$base64decode("bXl1c2VyOm15cGFzcw==")', "myuser:mypass"),
    ('$encodeUrlComponent("?x=test &é")', "%3Fx%3Dtest%20%26%C3%A9"),
    (
        '$encodeUrl("https://mozilla.org/?x=шеллы&a=1#b")',
        "https://mozilla.org/?x=%D1%88%D0%B5%D0%BB%D0%BB%D1%8B&a=1#b",
    ),
    ('$decodeUrlComponent("%3Fx%3Dtest%20%C3%A9")', "?x=test é"),
    ('$decodeUrl("https://mozilla.org/?x=%D1%88%D0%B5%26")', "https://mozilla.org/?x=ше%26"),
    ('($g := $substring(?, 0, 2); $g("hello"))', "he"),
    ('($f := $uppercase ~> $trim; $f(" a "))', "A"),
    ('"a" ~> $uppercase', "A"),
    ('"a" ~> $uppercase ~> $length', 1),
    ('false and $error("no")', False),
    ('true or $error("no")', True),
    (
        "$states.input.items@$i.$states.input.items@$j[$i.kind = $j.kind].($i.name & $j.name)",
        ["aa", "ac", "bb", "ca", "cc"],
    ),
    ("'a' & \"b\"", "ab"),
    ("$states.input.items.name.$uppercase()", ["A", "B", "C"]),
    ("$states.input.items.name.$uppercase($)", ["A", "B", "C"]),
    ('$states.input.items ~> $map(function($i){ $i.name }) ~> $join("+")', "a+b+c"),
    (
        "$map($states.input.items, $string)",
        [
            '{"name":"a","price":10,"kind":"x","tags":["t1","t2"]}',
            '{"name":"b","price":25.5,"kind":"y","tags":[]}',
            '{"name":"c","price":7,"kind":"x","tags":["t3"]}',
        ],
    ),
    ('$map(["a","b"], $uppercase)', ["A", "B"]),
    ("$string($states.context)", '{"Execution":{"Id":"arn:x"}}'),
]

NOTHING = [
    "$each({}, function($v,$k){$k & $v})",
    '$assert(true, "no")',
    "$uppercase()",
    "nothing ~> $uppercase",
]

FAILURES = [
    ("$string(1/0)", "D3001", "Attempting to invoke string function on Infinity or NaN"),
    ("$length(5)", "T0410", 'Argument 1 of function "length" does not match function signature'),
    ("$join([1,2])", "T0412", 'Argument 1 of function "join" must be an array of "strings"'),
    ('$decodeUrl("%E0%A4%A")', "D3140", 'Malformed URL passed to $decodeUrl(): "%E0%A4%A"'),
    ('$decodeUrlComponent("%ff")', "D3140", 'Malformed URL passed to $decodeUrlComponent(): "%ff"'),
    ('$error("bad")', "D3137", "bad"),
    ("$error()", "D3137", "$error() function evaluated"),
    ('$assert(false, "no")', "D3141", "no"),
    ("$assert(1)", "T0410", 'Argument 1 of function "assert" does not match function signature'),
    ("$uppercase(1)", "T0410", 'Argument 1 of function "uppercase" does not match function signature'),
    ('$uppercase("a","b")', "T0410", 'Argument 2 of function "uppercase" does not match function signature'),
    ('$substring("a")', "T0410", 'Argument 2 of function "substring" does not match function signature'),
    ('$join(["a",1])', "T0412", 'Argument 1 of function "join" must be an array of "strings"'),
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
