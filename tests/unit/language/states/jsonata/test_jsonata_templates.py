"""Templates, and the causes of their failures."""

from __future__ import annotations

import pytest

from stepmill.core.json import Json
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.jsonata.errors import ExpressionSyntaxError
from stepmill.language.states.jsonata.expression import Surroundings, compile_expression
from stepmill.language.states.jsonata.templates import (
    JsonataTemplate,
    evaluate_field,
    expression_text,
    is_expression,
    type_name,
    unexpected_type,
)

STATES: Json = {"input": {"n": 5, "s": "abc", "items": [{"n": 3}, {"n": 9}], "nothing": None}, "context": {}}


def rendered(document: Json, field: str = "Output") -> Json:
    return JsonataTemplate.of(document).render(STATES, {"name": "María"}, field=field)


def failure(document: Json, field: str = "Output") -> EvaluationError:
    with pytest.raises(EvaluationError) as caught:
        rendered(document, field)
    return caught.value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{% 1 %}", True),
        ("{%1%}", True),
        ("{%%}", True),
        (" {% 1 %}", False),
        ("{% 1 %} ", False),
        ("{%}", False),
        ("$.a", False),
        ("", False),
        (1, False),
        (None, False),
        (["{% 1 %}"], False),
    ],
)
def test_an_expression_begins_and_ends_with_its_marks(value: Json, expected: bool) -> None:
    assert is_expression(value) is expected


def test_blanks_around_an_expression_are_no_part_of_it() -> None:
    assert expression_text("{%  $states.input \n%}") == "$states.input"


def test_expressions_are_found_at_any_depth_and_everything_else_stays() -> None:
    document = {
        "static": "Hello",
        "title": "{% $states.input.s %}",
        "name": "{% $name %}",
        "not-evaluated": "$name",
        "deep": [{"list": ["{% $states.input.n + 1 %}", 2, None, True]}],
    }
    assert rendered(document) == {
        "static": "Hello",
        "title": "abc",
        "name": "María",
        "not-evaluated": "$name",
        "deep": [{"list": [6, 2, None, True]}],
    }


def test_names_of_members_are_no_expressions() -> None:
    assert rendered({"{% 1 %}": "{% 2 %}"}) == {"{% 1 %}": 2}


def test_a_document_without_expressions_is_given_back_as_it_is() -> None:
    document: Json = {"a": [1, {"b": "c"}]}
    template = JsonataTemplate.of(document)
    assert template.is_constant
    assert template.render(STATES, {}) is document


def test_a_document_may_be_one_expression() -> None:
    assert rendered("{% $states.input.items.n %}") == [3, 9]
    assert not JsonataTemplate.of("{% 1 %}").is_constant


def test_null_is_a_value_and_not_nothing() -> None:
    assert rendered({"v": "{% $states.input.nothing %}"}) == {"v": None}
    assert rendered("{% null %}") is None


@pytest.mark.parametrize(
    ("document", "field", "location"),
    [
        ({"v": "{% $states.input.missing %}"}, "Output", "Output/v"),
        ({"a": {"b": "{% $states.input.missing %}"}}, "Output", "Output/a/b"),
        ("{% $states.input.missing %}", "Output", "Output"),
        ({"x": "{% $states.input.missing %}"}, "Assign", "Assign/x"),
        ({"values": ["{% $states.input.missing %}"]}, "Output", "Output/values[0]"),
        ({"a": {"b": [1, ["{% $states.input.missing %}"]]}}, "Arguments", "Arguments/a/b[1][0]"),
        ("{% $states.input.missing %}", "Choices[1]/Condition", "Choices[1]/Condition"),
    ],
)
def test_an_expression_that_gives_nothing_fails_the_state(document: Json, field: str, location: str) -> None:
    error = failure(document, field)
    assert error.error == "States.QueryEvaluationError"
    assert error.location == location
    assert error.cause == (
        f"The JSONata expression '$states.input.missing' specified for the field '{location}'"
        " returned nothing (undefined)."
    )


@pytest.mark.parametrize(
    ("expression", "tail"),
    [
        ("$states.input.s + 1", '. T2001: The left side of the "+" operator must evaluate to a number'),
        ("1 - 'a'", '. T2002: The right side of the "-" operator must evaluate to a number'),
        ('$sum(["a"])', '. T0412: Argument 1 of function "sum" must be an array of "numbers"'),
        ("$abs('x')", '. T0410: Argument 1 of function "abs" does not match function signature'),
        ('$eval("1+1")', ". T1006: Attempted to invoke a non-function"),
        ("$randomSeeded(1)", ". T1006: Attempted to invoke a non-function"),
        (
            '$formatNumber(1, "x")',
            (
                ". D3086: The sub-picture must not contain a passive character that is preceded by an active"
                " character and that is followed by another active character"
            ),
        ),
        ("$number('one')", '. D3030: Unable to cast value to a number: "one"'),
        ("$error('My own words')", ". D3137: My own words"),
        (
            "[1..900000] ~> $count()",
            ": Expression evaluation memory limit exceeded: Check for excessive memory usage",
        ),
        (
            "$range(1, 360146, 1)",
            ": Expression evaluation memory limit exceeded: Check for excessive memory usage",
        ),
        (
            "+".join(["1"] * 200),
            (
                ": Stack overflow error: Check for non-terminating recursive function. Consider rewriting as"
                " tail-recursive"
            ),
        ),
    ],
)
def test_the_cause_names_the_expression_and_the_field_and_then_what_went_wrong(
    expression: str, tail: str
) -> None:
    assert failure({"r": f"{{% {expression} %}}"}).cause == (
        f"The JSONata expression '{expression}' specified for the field 'Output/r'"
        f" threw an error during evaluation{tail}"
    )


def test_a_value_of_another_type_is_told_with_the_value() -> None:
    error = unexpected_type(compile_expression("$states.input.s"), "Items", "array", "abc")
    assert error.error == "States.QueryEvaluationError"
    assert error.location == "Items"
    assert error.cause == (
        "The JSONata expression '$states.input.s' specified for the field 'Items' returned an unexpected"
        " result type. Expected 'array', but was 'string' for value: \"abc\""
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_types_have_the_names_of_jsonata(value: Json, name: str) -> None:
    assert type_name(value) == name


def test_a_template_with_a_faulty_expression_is_refused() -> None:
    with pytest.raises(ExpressionSyntaxError, match="Unexpected end of expression"):
        JsonataTemplate.of({"a": ["{% 1 + %}"]})


def test_a_template_tells_one_moment_everywhere() -> None:
    document = {"a": "{% $millis() %}", "b": "{% $now() %}"}
    moment = Surroundings(now_millis=1_700_000_000_000)
    assert JsonataTemplate.of(document).render(STATES, {}, moment) == {
        "a": 1_700_000_000_000,
        "b": "2023-11-14T22:13:20.000Z",
    }


def test_a_field_can_be_evaluated_alone() -> None:
    assert evaluate_field(compile_expression("$states.input.n"), STATES, {}, field="Seconds") == 5


@pytest.mark.parametrize(
    ("expression", "reads_context", "reads_surroundings"),
    [
        ("$states.input", False, False),
        ("$states.context.Execution.Id", True, False),
        ("$states", True, False),
        ("$lookup($states, 'context')", True, False),
        ("$now()", False, True),
        ("$random(1)", False, True),
        ("$map([1], function($x) { $uuid() })", False, True),
        ("'$now() $states.context'", False, False),
    ],
)
def test_a_template_tells_what_it_needs(
    expression: str, reads_context: bool, reads_surroundings: bool
) -> None:
    template = JsonataTemplate.of({"a": [f"{{% {expression} %}}"]})
    assert template.reads_context is reads_context
    assert template.reads_surroundings is reads_surroundings


def test_a_constant_template_needs_nothing() -> None:
    template = JsonataTemplate.of({"a": "$now()"})
    assert not template.reads_context
    assert not template.reads_surroundings


@pytest.mark.parametrize("expression", ["$base64decode('!!!')", "$formatInteger(1, $states.input.missing)"])
def test_what_a_function_cannot_do_is_an_internal_error(expression: str) -> None:
    assert failure(f"{{% {expression} %}}").cause == (
        f"The JSONata expression '{expression}' specified for the field 'Output'"
        " threw an internal error during evaluation."
    )
