"""Laws that hold for all values."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Mapping
from urllib.parse import quote, unquote

from hypothesis import given as assuming
from hypothesis import strategies as st
from tests.support.jsonata_samples import value_of

from stepmill.core.json import Json
from stepmill.language.states.jsonata.checking import check_expression, references_of
from stepmill.language.states.jsonata.errors import ExpressionSyntaxError, QueryError
from stepmill.language.states.jsonata.expression import Expression, compile_expression, plain
from stepmill.language.states.jsonata.functions.calendars import MILLIS_A_DAY, Moment, date_of, days_before
from stepmill.language.states.jsonata.functions.words import (
    from_letters,
    from_roman,
    from_words,
    to_letters,
    to_roman,
    to_words,
)
from stepmill.language.states.jsonata.values import UNDEFINED, equal, number_text, tidy

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
WORDS = st.sampled_from([
    "$", "$states", "$x", "a", "1", "'t'", "/a/", "(", ")", "[", "]", "{", "}", ".", ",", ":", ";", "?", "+",
    "-", "*", "**", "%", "=", "<", "^", "@", "#", "~>", ":=", "|", "&", "and", "in", "null", "function",
    "$sum", "`", "$map", "function($v)", "..", "$string", "!", '"', "/*", "\\", "$sort", "$split", "λ",
])  # fmt: skip


@assuming(st.lists(WORDS, max_size=14).map("".join) | st.text(max_size=20))
def test_any_text_gives_json_or_one_of_the_two_errors(text: str) -> None:
    try:
        check_expression(text)
        references_of(text)
        value = compile_expression(text).evaluate({"input": {"a": [1, {"b": 2}]}}, {"x": [None]})
    except (ExpressionSyntaxError, QueryError) as error:
        assert error.message
        return
    assert value is UNDEFINED or json.dumps(value) is not None


@assuming(VALUES, st.lists(NAMES, max_size=3))
def test_a_shortcut_gives_what_the_evaluation_would(value: Json, way: list[str]) -> None:
    expression: Expression = compile_expression(".".join(["$states.input", *way]))
    states = {"input": value}
    full = plain(expression.query(UNDEFINED, {"states": states}))
    assert equal(expression.evaluate(states, {}), full)
    named = compile_expression(".".join(["$v", *way]))
    assert equal(named.evaluate({}, {"v": value}), full)


@assuming(VALUES)
def test_values_pass_through_an_evaluation_unchanged(value: Json) -> None:
    assert equal(
        value_of("[$v][0]", v=value) if not isinstance(value, list) else value_of("($v)", v=value), value
    )


@assuming(VALUES)
def test_the_text_of_a_value_is_its_json(value: Json) -> None:
    text = value_of("$string($v)", v=value)
    if isinstance(value, str):
        assert text == value
    else:
        assert _close(json.loads(text), value)


def _close(one: Json, other: Json) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or isinstance(one, str):
        return one == other
    if isinstance(one, int | float):
        return isinstance(other, int | float) and math.isclose(one, other, rel_tol=1e-14, abs_tol=1e-300)
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(_close(one[k], other[k]) for k in one)
        )
    return (
        not isinstance(other, str | Mapping | int | float | None)
        and len(one) == len(other)
        and all(map(_close, one, other))
    )


@assuming(VALUES, VALUES)
def test_equality_is_the_same_from_both_sides(one: Json, other: Json) -> None:
    assert equal(one, one)
    assert equal(one, other) == equal(other, one)
    assert value_of("$a = $b", a=one, b=other) is not value_of("$a != $b", a=one, b=other)


@assuming(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_that_number(number: float) -> None:
    assert float(number_text(number)) == number
    assert float(tidy(number)) == number


@assuming(st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53))
def test_sums_of_whole_numbers_are_those_of_doubles(one: int, other: int) -> None:
    value = value_of("$a + $b", a=one, b=other)
    assert float(value) == float(one) + float(other)
    assert isinstance(value, int)


@assuming(st.lists(st.integers(-100, 100)))
def test_sorting_puts_numbers_in_order_with_and_without_a_function(numbers: list[int]) -> None:
    expected = sorted(numbers)
    assert value_of("$sort($v)", v=numbers) == expected
    assert value_of("$sort($v, function($a, $b) { $a > $b })", v=numbers) == expected
    ordered = value_of("$v^($)", v=numbers)
    assert (ordered if isinstance(ordered, list) else [ordered] if numbers else []) == (
        expected if numbers else []
    )


@assuming(st.lists(st.tuples(st.integers(0, 3), st.integers())))
def test_sorting_leaves_equals_where_they_were(pairs: list[tuple[int, int]]) -> None:
    items: Json = [{"key": key, "value": value} for key, value in pairs]
    ordered = value_of("$sort($v, function($a, $b) { $a.key > $b.key })", v=items)
    assert [(each["key"], each["value"]) for each in ordered] == sorted(pairs, key=lambda pair: pair[0])


@assuming(st.lists(VALUES, min_size=2, max_size=8))
def test_distinct_items_are_all_there_and_none_twice(items: list[Json]) -> None:
    kept = value_of("$distinct($v)", v=items)
    assert all(any(equal(item, each) for each in kept) for item in items)
    assert not any(equal(one, other) for place, one in enumerate(kept) for other in kept[:place])


@assuming(st.text())
def test_base64_and_urls_come_back(text: str) -> None:
    encoded = value_of("$base64encode($t)", t=text)
    assert encoded == base64.b64encode(text.encode()).decode()
    assert value_of("$base64decode($t)", t=encoded) == text
    component = value_of("$encodeUrlComponent($t)", t=text)
    assert component == quote(text, safe="-_.!~*'()")
    assert value_of("$decodeUrlComponent($t)", t=component) == text == unquote(component)
    assert value_of("$decodeUrl($encodeUrl($t))", t=text) == text


@assuming(st.text(), st.integers(-10, 10), st.integers(-3, 10))
def test_a_substring_is_a_part_of_the_text(text: str, start: int, length: int) -> None:
    part = value_of("$substring($t, $s, $l)", t=text, s=start, l=length)
    assert part in text
    assert len(part) <= max(0, length)


@assuming(st.text(alphabet="ab,"), st.sampled_from([",", "a", "ab"]))
def test_what_is_split_is_joined_again(text: str, separator: str) -> None:
    assert value_of("$join($split($t, $s), $s)", t=text, s=separator) == text
    assert value_of("$split($t, $s)", t=text, s=separator) == text.split(separator)


@assuming(st.dates(), st.integers(0, 23))
def test_the_calendar_is_that_of_python(moment: dt.date, hour: int) -> None:
    days = (moment - dt.date(1970, 1, 1)).days
    assert days_before(moment.year, moment.month, moment.day) == days
    assert date_of(days) == (moment.year, moment.month, moment.day)
    at = Moment(days * MILLIS_A_DAY + hour * 3_600_000)
    year, week, weekday = moment.isocalendar()
    assert (at.part("X"), at.part("W"), at.part("F")) == (year, week, weekday)
    assert at.part("d") == moment.timetuple().tm_yday
    assert at.part("H") == hour
    assert 1 <= at.part("w") <= 5
    assert at.part("x") in ((moment.month - 2) % 12 + 1, moment.month, moment.month % 12 + 1)


@assuming(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_moments_are_written_and_read_back(millis: int) -> None:
    assert value_of("$toMillis($fromMillis($m))", m=millis) == millis
    picture = "[D01]/[M01]/[Y0001] [H01]:[m01]:[s01].[f001] [Z]"
    assert value_of("$toMillis($fromMillis($m, $p, '-0330'), $p)", m=millis - millis % 1000, p=picture) in (
        millis - millis % 1000,
        # The offset's minutes count forward when it is read, as in the reference.
        millis - millis % 1000 - 3_600_000,
    )


@assuming(st.integers(0, 999_999_999_999_999))
def test_numbers_in_words_are_read_back(number: int) -> None:
    assert from_words(to_words(number, is_ordinal=False).lower()) == number
    assert from_words(to_words(number, is_ordinal=True).lower()) == number


@assuming(st.integers(1, 3999))
def test_roman_numerals_and_letters_are_read_back(number: int) -> None:
    assert from_roman(to_roman(number).upper()) == number
    assert from_letters(to_letters(number, "a"), "a") == number
