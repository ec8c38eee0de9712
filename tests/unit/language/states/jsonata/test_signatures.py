"""Signatures: which arguments they take, and how calls are fitted to them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.jsonata_samples import ended, value_of

from stepmill.language.states.jsonata.errors import ExpressionSyntaxError, QueryError
from stepmill.language.states.jsonata.functions.registry import FUNCTIONS
from stepmill.language.states.jsonata.signatures import Signature
from stepmill.language.states.jsonata.values import UNDEFINED


def fitted(signature: str, *given: Any, context: Any = UNDEFINED) -> list[Any]:
    return Signature.of(signature).fit(list(given), context)


def misfit(signature: str, *given: Any, context: Any = UNDEFINED) -> tuple[str, int]:
    with pytest.raises(QueryError) as caught:
        fitted(signature, *given, context=context)
    return caught.value.code, caught.value.values["index"]


@pytest.mark.parametrize(
    ("signature", "given", "expected"),
    [
        ("<s:s>", ["a"], ["a"]),
        ("<s:s>", [UNDEFINED], [UNDEFINED]),
        ("<sn?:s>", ["a"], ["a", UNDEFINED]),
        ("<sn?:s>", ["a", 1], ["a", 1]),
        ("<a:n>", [5], [[5]]),
        ("<a:n>", [[5]], [[5]]),
        ("<a<n>:n>", [[1, 2]], [[1, 2]]),
        ("<a<n>:n>", [3], [[3]]),
        ("<a<s>s?:s>", [["a"], "-"], [["a"], "-"]),
        ("<(sn):b>", ["a"], ["a"]),
        ("<(sn):b>", [1], [1]),
        ("<x:b>", [None], [None]),
        ("<j:b>", [{}], [{}]),
        ("<a+>", [[1], [2], [3]], [[1], [2], [3]]),
        ("<:n>", [], []),
    ],
)
def test_arguments_that_fit_are_taken(signature: str, given: list[Any], expected: list[Any]) -> None:
    assert fitted(signature, *given) == expected


@pytest.mark.parametrize(
    ("signature", "given", "error"),
    [
        ("<s:s>", [1], ("T0410", 1)),
        ("<s:s>", [True], ("T0410", 1)),
        ("<s:s>", [None], ("T0410", 1)),
        ("<s:s>", ["a", "b"], ("T0410", 2)),
        ("<sn:s>", ["a", "b"], ("T0410", 2)),
        ("<sn:s>", ["a"], ("T0410", 2)),
        ("<:n>", [1], ("T0410", 1)),
        ("<f:n>", [1], ("T0410", 1)),
        ("<a<n>:n>", [["a"]], ("T0412", 1)),
        ("<a<n>:n>", [[1, "a"]], ("T0412", 1)),
        ("<a<n>:n>", ["a"], ("T0412", 1)),
        ("<a<s>s?:s>", [[1]], ("T0412", 1)),
    ],
)
def test_the_first_argument_that_does_not_fit_is_told(
    signature: str, given: list[Any], error: object
) -> None:
    assert misfit(signature, *given) == error


def test_the_context_stands_for_an_argument_that_is_left_out() -> None:
    assert fitted("<s-:s>", context="ctx") == ["ctx"]
    assert fitted("<s-n:s>", 1, context="ctx") == ["ctx", 1]
    assert fitted("<s-:s>", "a", context="ctx") == ["a"]
    assert misfit("<s-:s>", context=5) == ("T0411", 1)


@pytest.mark.parametrize(
    ("signature", "code"),
    [("<n<n>>", "S0401"), ("<(sa<n>)>", "S0402"), ("<s<n>>", "S0401"), ("<<n>>", "S0401")],
)
def test_type_parameters_stand_behind_arrays_and_functions_only(signature: str, code: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        Signature.of(signature)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("($f := function($x)<n:n>{ $x * 2 }; $f(4))", 8),
        ("($f := function($x, $y)<s-n?:s>{ $x & $y }; $f('a', 1))", "a1"),
        ("('a').(function($x)<s-:s>{ $x & '!' })()", "a!"),
        ("($f := function($a)<a<n>:n>{ $count($a) }; $f(1))", 1),
        ("($f := λ($a)<a:n>{ $count($a) }; $f([1, 2]))", 2),
        ("($f := function($g)<f:n>{ $g(1) }; $f(function($x){ $x + 1 }))", 2),
        ("($f := function($x)<x:x>{ $x }; $f(null))", None),
    ],
)
def test_functions_of_an_expression_may_have_signatures(expression: str, value: object) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        (
            "($f := function($x)<n:n>{ $x }; $f('a'))",
            ("T0410", 'Argument 1 of function "f" does not match function signature'),
        ),
        (
            "($f := function($x)<a<n>:n>{ $x }; $f(['a']))",
            ("T0412", 'Argument 1 of function "f" must be an array of "numbers"'),
        ),
        (
            "(1).(function($x)<s-:s>{ $x })()",
            ("T0411", "Context value is not a compatible type with argument 1 of function null"),
        ),
        (
            "function($x)<n<n>:n>{ $x }(1)",
            ("S0401", "Type parameters can only be applied to functions and arrays"),
        ),
    ],
)
def test_their_errors_name_them(expression: str, error: tuple[str, str]) -> None:
    assert ended(expression)[0] == error[0]
    if "null" not in error[1]:
        assert ended(expression) == error


def test_every_function_says_what_it_takes() -> None:
    assert len(FUNCTIONS) == 69
    for name, function in FUNCTIONS.items():
        assert function.name == name
        assert function.signature is not None
        assert function.arity <= max(function.takes, 0)
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name)
