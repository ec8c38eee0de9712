"""From text to tree: what is read, and where reading stops."""

from __future__ import annotations

import pytest
from tests.support.jsonata_samples import value_of

from stepmill.language.states.jsonata.errors import MESSAGES, ExpressionSyntaxError, worded
from stepmill.language.states.jsonata.expression import compile_expression
from stepmill.language.states.jsonata.tokens import Pattern, Tokens


def refused(text: str) -> tuple[str, int]:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(text)
    assert caught.value.message == str(caught.value.what)
    return caught.value.code, caught.value.position


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", "number", 12),
        ("12.0", "number", 12),
        ("1.5e2", "number", 150),
        ("0.1", "number", 0.1),
        ('"a\\n\\"b"', "string", 'a\n"b'),
        ("'it\\u0041'", "string", "itA"),
        ('"\\ud83d\\ude00"', "string", "😀"),
        ("true", "value", True),
        ("null", "value", None),
        ("and", "operator", "and"),
        ("android", "name", "android"),
        ("`a b`", "name", "a b"),
        ("$x", "variable", "x"),
        ("$", "variable", ""),
        ("/* c */ x", "name", "x"),
        ("/a\\/[/]b/im", "regex", Pattern("a\\/[/]b", "im")),
        ("..", "operator", ".."),
        ("~>", "operator", "~>"),
    ],
)
def test_a_token_is_read(text: str, kind: str, value: object) -> None:
    token = Tokens(text).next(after_operand=False)
    assert token is not None
    assert (token.kind, token.value, token.position) == (kind, value, len(text))
    assert type(token.value) is type(value)


def test_a_slash_divides_behind_an_operand() -> None:
    token = Tokens("/a/").next(after_operand=True)
    assert token is not None
    assert (token.kind, token.value) == ("operator", "/")
    assert value_of("8 / 2 / 2") == 2


def test_blanks_and_comments_are_no_tokens() -> None:
    assert Tokens(" \t\n/* 1 */ /**/ ").next(after_operand=False) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("'a", "S0101"),
        ("1e999", "S0102"),
        ("'\\q'", "S0103"),
        ("'\\u12'", "S0104"),
        ("`a", "S0105"),
        ("/* a", "S0106"),
        ("1 2", "S0201"),
        ("[1, 2", "S0203"),
        ("(1]", "S0202"),
        ("$x !", "S0204"),
        ("", "S0207"),
        ("1 +", "S0207"),
        ("function(a) { 1 }", "S0208"),
        ("$a{'k': 1}{'l': 2}", "S0210"),
        (")", "S0211"),
        ("5 := 1", "S0212"),
        ("$a.5", "S0213"),
        ("$a.true", "S0213"),
        ("$a@b", "S0214"),
        ("$a#1", "S0214"),
        ("$a[1]@$b", "S0215"),
        ("$a^(b)@$c", "S0216"),
        ("%", "S0217"),
        ("$a.(%.%)", "S0217"),
        ("$f(//)", "S0301"),
        ("$f(/a", "S0302"),
        ("a ?? b", "S0211"),
        ("a ?: b", "S0211"),
        ("?", "S0211"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_code(text: str, code: str) -> None:
    found, position = refused(text)
    assert found == code
    assert 0 <= position <= len(text)


def test_the_position_is_behind_the_word_that_does_not_fit() -> None:
    assert refused("$a + + 1") == ("S0211", 6)
    assert refused("$foo(1, 2]") == ("S0202", 10)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("2 * 3 % 4", 2),
        ("1 + 1 = 2 and 2 < 3", True),
        ("false or true and false", False),
        ("'a' & (1 + 1) & 'b'", "a2b"),
        ("true ? 1 : false ? 2 : 3", 1),
        ("false ? 1 : false ? 2 : 3", 3),
        ("($a := $b := 5; $a + $b)", 10),
        ("-2 + 5", 3),
        ("[1, 2, 3][0] + 1", 2),
        ("{'a': {'b': 2}}.a.b", 2),
        ("{'and': 1, 'or': 2, 'in': 3}.(and + or + in)", 6),
        ("{'function': 1}.function", 1),
        ("1 in [1] = true", True),
        ("[1..2, 5..6]", [1, 2, 5, 6]),
        ("1 + ([1, 2, 3] ~> $sum())", 7),
    ],
)
def test_operators_bind_as_the_grammar_says(expression: str, value: object) -> None:
    assert value_of(expression) == value


def test_an_expression_is_compiled_once() -> None:
    assert compile_expression("$states.input.a + 1") is compile_expression("$states.input.a + 1")


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_message_can_be_worded(code: str) -> None:
    sentence = worded(
        code, {"token": "+", "value": {"a": 1.0}, "value2": None, "index": 2, "type": "numbers"}
    )
    assert "{{" not in sentence
    assert "}}" not in sentence


def test_values_in_messages_are_json() -> None:
    assert worded("T2009", {"value": 1, "value2": "a", "token": "<"}) == (
        'The values 1 and "a" either side of operator "<" must be of the same data type'
    )
    assert worded("T1005", {"token": "sum"}) == "Attempted to invoke a non-function. Did you mean $sum?"
    assert (
        worded("D3030", {"value": {"a": [1.0, None]}}) == 'Unable to cast value to a number: {"a":[1.0,null]}'
    )
    assert worded("D3137", {"message": 'as "it" is'}) == 'as "it" is'
