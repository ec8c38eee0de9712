"""No expression hangs, crashes, or changes what it was given."""

from __future__ import annotations

import copy
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.jsonata_samples import STATES, SURROUNDINGS, ended, value_of

from stepmill.language.states.jsonata import running
from stepmill.language.states.jsonata.errors import OUT_OF_MEMORY, OUT_OF_TIME, STACK_OVERFLOW
from stepmill.language.states.jsonata.expression import Surroundings, compile_expression
from stepmill.language.states.jsonata.values import UNDEFINED

EVEN = (
    "($even := function($n) { $n = 0 ? true : $odd($n - 1) };"
    " $odd := function($n) { $n = 0 ? false : $even($n - 1) }; $even(1001))"
)


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($n) { 1 + $f($n + 1) }; $f(0))",
        "($f := function($n) { [$f($n + 1)] }; $f(0))",
        "($f := function($n) { $map([1], function($x) { $f($n) }) & '' }; $f(0))",
        "($f := function($a, $b) { $reduce([1, 2], $f) & '' }; $f(1, 2))",
        "[" * 100 + "1" + "]" * 100,
        "1" + " + 1" * 100,
        "(" * 400 + "1" + ")" * 400,
        "1" + " + 1" * 5000,
        "-" * 300 + "1",
        "$reduce([1..900], function($all, $n) { [[$all]] })",
        "$string($reduce([1..900], function($all, $n) { [[$all]] }))",
        "($deep := $reduce([1..900], function($all, $n) { {'a': $all} }); $deep = $clone($deep))",
    ],
)
def test_what_nests_too_deep_overflows(expression: str) -> None:
    assert ended(expression) == ("", STACK_OVERFLOW)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1" + " + 1" * 99, 100),
        ("(" * 98 + "1" + ")" * 98, 1),
        ("($f := function($n) { $n = 0 ? 'done' : $f($n - 1) }; $f(5000))", "done"),
        (
            "($f := function($n, $sum) { $n = 0 ? $sum : ($m := $n - 1; $f($m, $sum + $n)) }; $f(1000, 0))",
            500500,
        ),
        (EVEN, False),
    ],
)
def test_what_nests_within_the_bound_and_calls_in_tail_position_go_on(expression: str, value: object) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "[1..873783]",
        "[1..1000000] ~> $count()",
        "$range(1, 360146, 1)",
        "$range(1, 1e15, 1)",
        "$range(1e15, 1, -1)",
        "$pad('', 1e12)",
        "$pad('', -1e12)",
        "($double := function($s, $n) { $n = 0 ? $s : $double($s & $s, $n - 1) }; $double('x', 23))",
        "$join([1..800000].('aaaaaa'), 'aaaaaaaaaaaaaaaaaaaa')",
        "$replace($pad('', 100000, 'a'), 'a', $pad('', 1000, 'b'))",
    ],
)
def test_what_is_too_large_is_not_made(expression: str) -> None:
    assert ended(expression)[1] in (OUT_OF_MEMORY, OUT_OF_TIME)


def test_what_is_as_large_as_aws_allows_is_made() -> None:
    assert value_of("[1..873782] ~> $count()") == 873_782
    assert value_of("$count($range(1, 360145, 1))") == 360_145
    double = (
        "($double := function($s, $n) { $n = 0 ? $s : $double($s & $s, $n - 1) }; $length($double('x', 22)))"
    )
    assert value_of(double) == 4_194_304


@pytest.mark.parametrize(
    "expression",
    [
        "($loop := function() { $loop() }; $loop())",
        "($loop := function($n) { $loop($n + 1) }; $loop(1))",
        "[1..3000].[1..3000].[1..3000]",
        "$map([1..800000], function($x) { $map([1..10], function($y) { $y }) })",
        "($f := function($n) { $n = 0 ? 0 : ($f($n - 1); $f($n - 1)) }; $f(20))",
        "($t := $pad('', 256, 'a'); $map([1..9000], function($n) { $contains($t, /(?=a+a+b)/) }))",
        "($t := $pad('', 20000, 'a'); $map([1..9000], function($n) { $contains($t, /(a{1,30}b){1,30}/) }))",
        "$match($pad('', 4000000, 'a'), /a/)",
        "$distinct([1..20000])",
    ],
)
def test_a_loop_without_end_ends(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A hundredth of what is allowed: the test takes a hundredth of the time.
    monkeypatch.setattr(running, "MOST_STEPS", 10_000)
    assert ended(expression)[1] in (OUT_OF_TIME, STACK_OVERFLOW)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_patterns_that_would_backtrack_for_ever_are_matched_at_once(pattern: str) -> None:
    assert value_of(f"$contains($pad('', 20000, 'a') & '!', /{pattern}/)") is False


def test_patterns_that_need_backtracking_look_through_short_texts_only() -> None:
    assert value_of("$contains('price: 12', /(?<=: )\\d+/)") is True
    assert value_of("$match('abab', /(ab)\\1/).match") == "abab"
    assert ended("$contains($pad('', 300, 'a'), /a(?!b)/)") == ("", OUT_OF_TIME)
    assert ended("$contains('aaaa', /(?=(a+)+$)/)") == ("", OUT_OF_TIME)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=(a+)+$)",
        "(?=((a+)b?)+c)",
        "(?=(a|a)*c)",
        "(?=(?:a{1,9}){1,99}c)",
        "(?=a*a*a*a*a*a*a*b)",
        "(?=a?a?a?a?a?a?a?aaaaaaa)",
        "(a*)(a*)(a*)(a*)\\1\\2b",
    ],
)
def test_patterns_that_need_much_backtracking_are_refused_at_once(pattern: str) -> None:
    assert ended(f"$contains($pad('', 200, 'a'), /{pattern}/)") == ("", OUT_OF_TIME)


@pytest.mark.parametrize(
    ("pattern", "repeats"), [("(?=a+b)", 1), ("(?=a+a*b)", 2), ("(?=a+a*a?b)", 3), ("(?=a+a*a?a{2,}b)", 4)]
)
def test_patterns_that_need_little_of_it_are_tried(pattern: str, repeats: int) -> None:
    length = {1: 256, 2: 256, 3: 96, 4: 48}[repeats]
    assert value_of(f"$contains($pad('', {length}, 'a'), /{pattern}/)") is False
    assert ended(f"$contains($pad('', {length + 1}, 'a'), /{pattern}/)") == ("", OUT_OF_TIME)


@pytest.mark.parametrize("pattern", ["[b-a]", "a{2,1}", "+", "a**"])
def test_a_pattern_that_is_none_fails_the_evaluation(pattern: str) -> None:
    code, message = ended(f"$contains('a', /{pattern}/)")
    assert (code, message[:15]) == ("", "Invalid regular")


def test_evaluations_leave_what_they_were_given_as_it_was() -> None:
    before = copy.deepcopy(STATES)
    for expression in (
        "$states.input ~> |items|{'price': 0}, ['tags']|",
        "($clone := function($x) { $x }; $states.input ~> |items|{'price': 0}, ['tags']|)",
        "$append($states.input.items, 1)",
        "$states.input.items#$i[0]^(price).{'i': $i}",
        "$states.input.items{kind: $append(name, 1)}",
        "$sort($states.input.items, function($a, $b) { $a.price > $b.price })",
        "$reverse($states.input.items)[]",
        "($states := 5; $states)",
    ):
        value_of(expression)
        assert before == STATES


def test_the_results_are_plain_json_and_nothing_of_the_evaluation() -> None:
    value = value_of(
        "[$states.input.items^(price), {'f': function($x) { $x }, 'r': /a/}, $states.input.items.name]"
    )
    assert type(value) is list
    assert value[3] == {"f": "", "r": ""}
    assert all(type(item) in (dict, str) for item in value)
    assert type(value_of("$states.input.items[price > 8]")) is list


def test_a_function_is_no_value() -> None:
    assert ended("function($x) { $x }") == ("", "The expression returned a function, which is not JSON")
    assert ended("$sum")[0] == ""


def test_the_recursion_limit_of_the_process_stays() -> None:
    before = sys.getrecursionlimit()
    value_of("$map([1], function($x) { $x })")
    assert sys.getrecursionlimit() == before


def test_threads_share_an_expression() -> None:
    expression = compile_expression(
        "($f := function($n) { $n <= 1 ? $x : $x * $f($n - 1) }; $map([1..20], function($v) { $f(5) + $v }))"
    )

    def evaluate(x: int) -> bool:
        return expression.evaluate({}, {"x": x}) == [x**5 + v for v in range(1, 21)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(evaluate, range(1, 200)))


def test_chance_comes_from_the_seed() -> None:
    expression = compile_expression("[$random(), $random(), $uuid(), $shuffle([1..10])]")
    first = expression.evaluate({}, {}, Surroundings(seed=1))
    assert first == expression.evaluate({}, {}, Surroundings(seed=1))
    assert first != expression.evaluate({}, {}, Surroundings(seed=2))
    assert isinstance(first, list)
    assert first[0] != first[1]


def test_the_moment_is_the_one_that_was_given() -> None:
    assert value_of("$millis()") == SURROUNDINGS.now_millis
    assert value_of("$now() = $now()") is True
    assert compile_expression("$now()").evaluate({}, {}) == "1970-01-01T00:00:00.000Z"


def test_nothing_is_known_of_variables_that_nobody_set() -> None:
    assert value_of("$nobody") is UNDEFINED
    assert value_of("$somebody", somebody=None) is None
