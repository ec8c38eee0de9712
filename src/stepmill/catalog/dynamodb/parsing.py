"""Expressions of conditions and of projections, read. Those of updates are read beside, with the same words.

Pure. What a client sends is hostile: no expression is nested deeper than a stack can be.

Source: DynamoDB developer guide, "Condition and filter expressions", "Projection expressions", "Quotas".
"""

from __future__ import annotations

from collections.abc import Callable

from stepmill.catalog.dynamodb.conditions import (
    All,
    Any,
    Between,
    Comparison,
    Condition,
    Function,
    Literal,
    Not,
    Operand,
    Size,
    Within,
)
from stepmill.catalog.dynamodb.lexing import Kind
from stepmill.catalog.dynamodb.paths import Path, check_apart
from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.values import ORDERED, TYPES, order_of, told_value, type_of
from stepmill.catalog.dynamodb.words import Words
from stepmill.core.errors import InvalidInputError

MOST_CHOICES = 100
_DEEPEST_PARENTHESES = 100
_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
# Function -> how many operands it takes.
_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_OF_PATHS = ("attribute_exists", "attribute_not_exists", "attribute_type")
_OF_UPDATES = ("if_not_exists", "list_append")


def parse_condition(text: str, what: str, placeholders: Placeholders) -> Condition:
    """Return what a condition says.

    Args:
        text: The expression.
        what: What errors call it: ``FilterExpression``.
        placeholders: Of the call.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    return _Conditions(Words(text, what, placeholders)).read()


def parse_projection(text: str, placeholders: Placeholders) -> tuple[Path, ...]:
    """Return the paths that a projection shows.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    words = Words(text, "ProjectionExpression", placeholders)
    paths = [words.path()]
    while words.tokens.take_symbol(","):
        paths.append(words.path())
    words.tokens.expect_end()
    check_apart(paths, "ProjectionExpression")
    return tuple(paths)


class _Conditions:
    def __init__(self, words: Words) -> None:
        self._words = words
        self._tokens = words.tokens
        self._depth = 0
        # Of the parentheses that were closed last: the places after the first and after the second.
        self._last_group = (0, 0)

    def read(self) -> Condition:
        condition = self._any()
        self._tokens.expect_end()
        return condition

    def _any(self) -> Condition:
        return self._chain("OR", self._all, Any)

    def _all(self) -> Condition:
        return self._chain("AND", self._negated, All)

    def _chain(
        self,
        keyword: str,
        read: Callable[[], Condition],
        joined: Callable[[tuple[Condition, ...]], Condition],
    ) -> Condition:
        found = [read()]
        while self._tokens.take_keyword(keyword):
            self._words.count_operator()
            found.append(read())
        return found[0] if len(found) == 1 else joined(tuple(found))

    def _negated(self) -> Condition:
        is_negated = False
        while self._tokens.take_keyword("NOT"):
            self._words.count_operator()
            is_negated = not is_negated
        condition = self._single()
        return Not(condition) if is_negated else condition

    def _single(self) -> Condition:
        if self._tokens.take_symbol("("):
            self._depth += 1
            if self._depth > _DEEPEST_PARENTHESES:
                raise self._words.error("The expression is nested too deep")
            start = self._tokens.place
            condition = self._any()
            if self._last_group == (start + 1, self._tokens.place):
                raise self._words.error("The expression has redundant parentheses;")
            self._last_group = (start, self._tokens.place + 1)
            self._tokens.expect(")")
            self._depth -= 1
            return condition
        if self._tokens.next.kind is Kind.NAME and self._tokens.second.text == "(":
            name = self._tokens.next.text
            if name != "size":
                return self._function()
        operand = self._operand()
        self._words.count_operator()
        if operator := self._tokens.take_symbol(*_COMPARATORS):
            return self._comparison(operator, operand, self._operand())
        if self._tokens.take_keyword("BETWEEN"):
            low = self._operand()
            self._tokens.expect_keyword("AND")
            return self._between(operand, low, self._operand())
        self._tokens.expect_keyword("IN")
        return Within(operand, self._choices())

    def _comparison(self, operator: str, left: Operand, right: Operand) -> Condition:
        if left == right:
            raise self._words.error(
                "The first operand must be distinct from the remaining operands for this operator or "
                f"function; operator: {operator}, first operand: {_told(left)}"
            )
        if operator not in ("=", "<>"):
            self._check_ordered(operator, left, right)
        return Comparison(operator, left, right)

    def _between(self, operand: Operand, low: Operand, high: Operand) -> Condition:
        self._check_ordered("BETWEEN", operand, low, high)
        if isinstance(low, Literal) and isinstance(high, Literal):
            bounds = f"lower bound operand: AttributeValue: {told_value(low.value)}, "
            bounds += f"upper bound operand: AttributeValue: {told_value(high.value)}"
            order = order_of(low.value, high.value)
            if order is None:
                raise self._words.error(
                    f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}"
                )
            if order > 0:
                raise self._words.error(
                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                    f"{bounds}"
                )
        return Between(operand, low, high)

    def _check_ordered(self, operator: str, *operands: Operand) -> None:
        for operand in operands:
            if isinstance(operand, Literal) and (kind := type_of(operand.value)) not in ORDERED:
                raise self._wrong_operand(operator, kind)

    def _choices(self) -> tuple[Operand, ...]:
        self._tokens.expect("(")
        choices = [self._operand()]
        while self._tokens.take_symbol(","):
            choices.append(self._operand())
        self._tokens.expect(")")
        if len(choices) > MOST_CHOICES:
            raise self._words.error(
                "Invalid number of operands for operator or function; operator or function: IN, "
                f"number of operands: {len(choices) + 1}"
            )
        return tuple(choices)

    def _function(self) -> Condition:
        name = self._tokens.take().text
        self._words.count_operator()
        if name in _OF_UPDATES:
            raise self._words.error(
                f"The function is not allowed in a {self._words.kind} expression; function: {name}"
            )
        if name not in _FUNCTIONS:
            raise self._words.error(f"Invalid function name; function: {name}")
        operands = self._arguments()
        if len(operands) != _FUNCTIONS[name]:
            raise self._wrong_number(name, len(operands))
        if name in _OF_PATHS and not isinstance(operands[0], Path):
            raise self._words.error(
                f"Operator or function requires a document path; operator or function: {name}"
            )
        self._check_operands(name, operands)
        return Function(name, operands)

    def _arguments(self) -> tuple[Operand, ...]:
        self._tokens.expect("(")
        if self._tokens.take_symbol(")"):
            return ()
        operands = [self._operand()]
        while self._tokens.take_symbol(","):
            operands.append(self._operand())
        self._tokens.expect(")")
        return tuple(operands)

    def _check_operands(self, name: str, operands: tuple[Operand, ...]) -> None:
        if len(operands) > 1 and operands[0] == operands[1]:
            raise self._words.error(
                "The first operand must be distinct from the remaining operands for this operator or "
                f"function; operator: {name}, first operand: {_told(operands[0])}"
            )
        for operand in operands:
            if not isinstance(operand, Literal):
                continue
            kind = type_of(operand.value)
            if name == "begins_with" and kind not in ("S", "B"):
                raise self._wrong_operand(name, kind)
            if name == "attribute_type":
                if kind != "S":
                    raise self._wrong_operand(name, kind)
                if operand.value["S"] not in TYPES:
                    raise self._words.error(
                        f"Invalid attribute type name found; type: {operand.value['S'][:40]}, "
                        f"valid types: {{{','.join(TYPES)}}}"
                    )
        if name == "attribute_type" and not isinstance(operands[1], Literal):
            raise self._wrong_operand(name, "a document path")

    def _operand(self) -> Operand:
        token = self._tokens.next
        if token.kind is Kind.VALUE:
            return Literal(self._words.value())
        if token.kind is Kind.NAME and self._tokens.second.text == "(":
            if token.text != "size":
                known = token.text in _FUNCTIONS
                raise self._words.error(
                    "The function is not allowed to be used this way in an expression; "
                    f"function: {token.text}"
                    if known
                    else f"Invalid function name; function: {token.text}"
                )
            return self._size()
        return self._words.path()

    def _size(self) -> Operand:
        self._tokens.take()
        self._words.count_operator()
        if self._tokens.second.text == ")":
            self._tokens.take()
            raise self._wrong_number("size", 0)
        self._tokens.expect("(")
        if self._tokens.next.kind is Kind.VALUE:
            value = self._words.value()
            self._tokens.expect(")")
            raise self._wrong_operand("size", type_of(value))
        path = self._words.path()
        self._tokens.expect(")")
        return Size(path)

    def _wrong_operand(self, name: str, kind: str) -> InvalidInputError:
        return self._words.error(
            "Incorrect operand type for operator or function; "
            f"operator or function: {name}, operand type: {kind}"
        )

    def _wrong_number(self, name: str, count: int) -> InvalidInputError:
        return self._words.error(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {count}"
        )


def _told(operand: Operand) -> str:
    match operand:
        case Literal(value):
            return f"AttributeValue: {told_value(value)}"
        case Size(path):
            return f"size({path})"
    return str(operand)
