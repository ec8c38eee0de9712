"""What AWS refuses before it evaluates anything, and what an expression reads."""

from __future__ import annotations

import pytest

from stepmill.language.states.jsonata.checking import check_expression, references_of


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a[1,2)", 'Expected "]", got ","'),
        ('"unterminated', "String literal must be terminated by a matching quote"),
        ("1 +", "Unexpected end of expression"),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ("$x :=", "Unexpected end of expression"),
        ('$match("a", /abc', "No terminating / in regular expression"),
        ("", "Unexpected end of expression"),
        ("(1", 'Expected ")" before end of expression'),
        ("1 2", "Syntax error: 2"),
        ("$a ! 1", 'Unknown operator: "!"'),
    ],
)
def test_what_is_no_jsonata_is_invalid(expression: str, message: str) -> None:
    problem = check_expression(expression)
    assert problem is not None
    assert (problem.code, problem.message) == ("INVALID_JSONATA_EXPRESSION", message)
    assert 0 <= problem.position <= len(expression)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("phone", "phone"),
        ("phone.number", "phone"),
        ("$", "$"),
        ("$.a", "$"),
        ("{'a': phone}", "phone"),
        ("[1, phone]", "phone"),
        ("$sum(prices)", "prices"),
        ("1 + price", "price"),
        ("(1; price)", "price"),
        ("$states.input.a ? price : 1", "price"),
        ("-price", "price"),
        ("price[0]", "price"),
        ("$x := price", "price"),
        ("$map($states.input.a, function($v){ b })", "b"),
        ("$map($states.input.a, function($v){ $ })", "$"),
        ("($f := function($v){ $v ? $f(c) : 1 }; $f(1))", "c"),
    ],
)
def test_names_at_the_top_level_are_not_supported(expression: str, name: str) -> None:
    problem = check_expression(expression)
    assert problem is not None
    assert problem.code == "UNSUPPORTED_JSONATA_EXPRESSION"
    assert problem.message == f"Reference to '{name}' at the top level is not supported."


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input.phone",
        "$states.input[price > 3].name",
        "$states.input.{'a': name}",
        "$states.input.items^(price)",
        "$states.input.items{name: price}",
        "$states.input.items.(price * 2)",
        "$states.input ~> |items|{'a': price}|",
        "$map($x, function($v){ $v.a })",
        "$order.items[$].id",
        "'text'",
        "$sum($prices)",
        "$x.($.a)",
        "1+" * 150 + "1",
    ],
)
def test_names_within_something_are_supported(expression: str) -> None:
    assert check_expression(expression) is None


def test_the_whole_document_is_not_supported_anywhere() -> None:
    problem = check_expression("$states.input.items[id = $$.id]")
    assert problem is not None
    assert problem.code == "UNSUPPORTED_JSONATA_EXPRESSION"
    assert problem.message == "Reference to '$$' is not supported."


@pytest.mark.parametrize("member", ["result", "errorOutput"])
def test_results_and_errors_are_there_for_some_fields_only(member: str) -> None:
    text = f"{{'a': [$states.{member}.Cause]}}"
    assert check_expression(text) is None
    problem = check_expression(text, has_result=member != "result", has_error_output=member == "result")
    assert problem is not None
    assert problem.code == "UNSUPPORTED_JSONATA_EXPRESSION"
    assert problem.message == f"Field '$states.{member}' does not exist."


def test_states_has_no_other_members() -> None:
    problem = check_expression("$states.output")
    assert problem is not None
    assert problem.message == "Field '$states.output' does not exist."
    assert check_expression("$states[0].output") is None


def test_references_name_the_functions() -> None:
    assert references_of("$now() & $uuid() & $mine()").functions == {"now", "uuid"}


def test_references_tell_the_ways_into_states() -> None:
    found = references_of(
        "$states.input.order.id & $states.context.Execution.Id & $states.input.items[0].name"
    )
    assert found.states == {("input", "order", "id"), ("context", "Execution", "Id"), ("input", "items")}
    assert found.members == {"input", "context"}


def test_references_find_results_and_errors_wherever_they_stand() -> None:
    found = references_of(
        "$exists($states.result) ? {'a': [$states.errorOutput.Cause]} : $states.input[$states.x]"
    )
    assert found.members == {"result", "errorOutput", "input", "x"}


def test_all_of_states_is_an_empty_way() -> None:
    assert references_of("$lookup($states, 'input')").states == {()}
    assert references_of("$states").states == {()}
    assert references_of("$states[0].input").states == {()}


@pytest.mark.parametrize(
    ("expression", "variables"),
    [
        ("$tax * $states.input.n", {"tax"}),
        ("($x := 1; $x + $y)", {"y"}),
        ("$map($items, function($v, $i){ $v + $i + $z })", {"items", "z"}),
        ("$items@$i#$p.($i + $p)", {"items"}),
        ("$sum($uuid())", set()),
        ("$a.b[$c]^($d){$e: $f}", {"a", "c", "d", "e", "f"}),
        ("$order.id", {"order"}),
    ],
)
def test_references_name_the_variables_that_others_set(expression: str, variables: set[str]) -> None:
    assert references_of(expression).variables == variables


def test_nothing_is_known_of_an_expression_that_is_too_deep() -> None:
    assert references_of("1+" * 150 + "$x").variables == frozenset()
