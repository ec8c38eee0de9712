from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.parsing import parse_condition, parse_projection
from stepmill.catalog.dynamodb.paths import Path
from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.update_parsing import parse_update
from stepmill.core.errors import InvalidInputError

VALUES = {
    ":n": {"N": "1"},
    ":m": {"N": "2"},
    ":s": {"S": "x"},
    ":t": {"BOOL": True},
    ":l": {"L": []},
    ":ss": {"SS": ["a"]},
}


NUMBER = "Incorrect number of operands for operator or function; operator or function: "
TYPE = "Incorrect operand type for operator or function; operator or function: "
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; "
BETWEEN = "The BETWEEN operator requires "


def said(text: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        parse_condition(text, "ConditionExpression", Placeholders({"#a": "a"}, VALUES))
    return caught.value.what.removeprefix("Invalid ConditionExpression: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("  ", "The expression can not be empty;"),
        ("a", 'Syntax error; token: "<EOF>", near: "a"'),
        ("a = ", 'Syntax error; token: "<EOF>", near: "="'),
        ("a b c", 'Syntax error; token: "b", near: "a b c"'),
        ("a = :n)", 'Syntax error; token: ")", near: ":n)"'),
        ("(a = :n", 'Syntax error; token: "<EOF>", near: ":n"'),
        ("a == :n", 'Syntax error; token: "=", near: "== :n"'),
        ("a = 5", 'Syntax error; token: "5", near: "= 5"'),
        ("a = 'x'", 'Syntax error; token: "\'", near: "= \'x"'),
        ("a[x] = :n", 'Syntax error; token: "x", near: "[x]"'),
        ("a[-1] = :n", 'Syntax error; token: "-", near: "[-1"'),
        ("a. = :n", 'Syntax error; token: "=", near: ". = :n"'),
        ("a in :n", 'Syntax error; token: ":n", near: "in :n"'),
        (
            "a = :gone",
            "An expression attribute value used in expression is not defined; attribute value: :gone",
        ),
        (
            "#gone = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #gone",
        ),
        ("Status = :n", "Attribute name is a reserved keyword; reserved keyword: Status"),
        ("a.size = :n", "Attribute name is a reserved keyword; reserved keyword: size"),
        ("foo(a)", "Invalid function name; function: foo"),
        ("a = foo(b)", "Invalid function name; function: foo"),
        ("Contains(a, :n)", "Invalid function name; function: Contains"),
        (
            "list_append(a, :l)",
            "The function is not allowed in a condition expression; function: list_append",
        ),
        (
            "a = contains(b, :n)",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        (
            "contains(a)",
            (f"{NUMBER}contains, number of operands: 1"),
        ),
        (
            "attribute_exists()",
            (f"{NUMBER}attribute_exists, number of operands: 0"),
        ),
        (
            "size() = :n",
            (f"{NUMBER}size, number of operands: 0"),
        ),
        (
            "attribute_exists(:n)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(a, :n)",
            (f"{TYPE}begins_with, operand type: N"),
        ),
        (
            "a < :t",
            f"{TYPE}<, operand type: BOOL",
        ),
        (
            "size(:s) = :n",
            f"{TYPE}size, operand type: S",
        ),
        (
            "attribute_type(a, :n)",
            (f"{TYPE}attribute_type, operand type: N"),
        ),
        (
            "attribute_type(a, :s)",
            "Invalid attribute type name found; type: x, valid types: {S,N,B,SS,NS,BS,M,L,NULL,BOOL}",
        ),
        (
            "a = a",
            (f"{DISTINCT}operator: =, first operand: [a]"),
        ),
        (
            "a BETWEEN :m AND :n",
            (
                f"{BETWEEN}upper bound to be greater than or equal to lower bound; lower bound "
                "operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        (
            "a BETWEEN :s AND :n",
            (
                f"{BETWEEN}same data type for lower and upper bounds; lower bound operand: "
                "AttributeValue: {S:x}, upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        ("((a = :n))", "The expression has redundant parentheses;"),
        ("(((a = :n) OR #a = :m))", "The expression has redundant parentheses;"),
        ("a[99999999999999999999] = :n", None),
    ],
)
def test_what_is_refused(text: str, message: str | None) -> None:
    found = said(text)
    if message is None:
        assert found.startswith("List index is not within the allowable range")
    else:
        assert found == message


class TestHostile:
    def test_an_expression_has_four_kilobytes(self) -> None:
        text = "a = :n OR " * 500 + "a = :n"
        assert "Expression size has exceeded the maximum allowed size" in said(text)

    def test_operators_have_a_limit(self) -> None:
        assert "too many operators" in said("NOT " * 301 + "a=:n")
        assert "too many operators" in said(" OR ".join(["a=:n"] * 160))

    def test_choices_have_a_limit(self) -> None:
        assert "number of operands: 102" in said(f"a IN ({','.join([':n'] * 101)})")

    @pytest.mark.parametrize(
        "text", ["(" * 4000, "(" * 2000 + "a=:n" + ")" * 2000, "a" + ".b" * 1500, "a" + "[0]" * 1000]
    )
    def test_nothing_is_deeper_than_the_stack(self, text: str) -> None:
        assert said(text)

    @pytest.mark.parametrize("text", ["SET a = " + "(" * 3000, "SET a = " + "list_append(" * 300])
    def test_updates_are_no_deeper(self, text: str) -> None:
        with pytest.raises(InvalidInputError, match="nested too deep"):
            parse_update(text, Placeholders(None, VALUES))

    @given(st.text(max_size=60))
    def test_whatever_comes_is_read_or_refused(self, text: str) -> None:
        for read in (
            lambda: parse_condition(text, "FilterExpression", Placeholders({"#a": "a"}, VALUES)),
            lambda: parse_projection(text, Placeholders({"#a": "a"}, VALUES)),
            lambda: parse_update(text, Placeholders({"#a": "a"}, VALUES)),
        ):
            try:
                read()
            except InvalidInputError as error:
                assert error.what.startswith("Invalid ")

    words = st.sampled_from(
        [
            "a",
            "b",
            "#a",
            ":n",
            ":s",
            "(",
            ")",
            "[",
            "]",
            "0",
            ".",
            ",",
            "=",
            "<>",
            "<",
            "AND",
            "OR",
            "NOT",
            "BETWEEN",
            "IN",
            "SET",
            "REMOVE",
            "ADD",
            "DELETE",
            "+",
            "-",
            "size",
            "contains",
            "if_not_exists",
            "list_append",
            "attribute_exists",
        ]
    )

    @given(st.lists(words, max_size=25).map(" ".join))
    def test_words_in_any_order_too(self, text: str) -> None:
        self.test_whatever_comes_is_read_or_refused.hypothesis.inner_test(self, text)


class TestProjections:
    def test_paths(self) -> None:
        found = parse_projection("a, b.c[0].d, #x", Placeholders({"#x": "size"}, None))
        assert found == (Path(("a",)), Path(("b", "c", 0, "d")), Path(("size",)))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a, a", "Two document paths overlap with each other"),
            ("a, a.b", "Two document paths overlap with each other"),
            ("a.b.c, a.b", "Two document paths overlap with each other"),
            ("a[0], a.b", "Two document paths conflict with each other"),
            ("a,", 'Syntax error; token: "<EOF>", near: ","'),
            ("a b", 'Syntax error; token: "b", near: "a b"'),
        ],
    )
    def test_what_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            parse_projection(text, Placeholders(None, None))
        assert message in caught.value.what
