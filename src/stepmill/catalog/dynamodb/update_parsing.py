"""Update expressions, read. Pure.

Source: DynamoDB developer guide, "Using update expressions in DynamoDB".
"""

from __future__ import annotations

from collections.abc import Callable

from stepmill.catalog.dynamodb.lexing import Kind
from stepmill.catalog.dynamodb.paths import Path, check_apart
from stepmill.catalog.dynamodb.placeholders import Placeholders
from stepmill.catalog.dynamodb.updates import Given, IfNotExists, ListAppend, Source, Sum, Update
from stepmill.catalog.dynamodb.values import SETS, Value, type_of
from stepmill.catalog.dynamodb.words import Words

WHAT = "UpdateExpression"

_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_DEEPEST = 50
_TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "M": "MAP",
    "L": "LIST",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
}
_NO_UPDATE_FUNCTIONS = (
    "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size",
)  # fmt: skip


def parse_update(text: str, placeholders: Placeholders) -> Update:
    """Return what an update does.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
    """
    return _Updates(Words(text, WHAT, placeholders)).read()


class _Updates:
    def __init__(self, words: Words) -> None:
        self._words = words
        self._tokens = words.tokens
        self._depth = 0
        self._sets: list[tuple[Path, Source]] = []
        self._removes: list[Path] = []
        self._adds: list[tuple[Path, Value]] = []
        self._deletes: list[tuple[Path, Value]] = []

    def read(self) -> Update:
        readers: dict[str, Callable[[], None]] = {
            "SET": self._set,
            "REMOVE": lambda: self._removes.append(self._words.path()),
            "ADD": lambda: self._adds.append(self._pair("ADD", frozenset({"N", *SETS}))),
            "DELETE": lambda: self._deletes.append(self._pair("DELETE", SETS)),
        }
        seen: set[str] = set()
        while section := self._tokens.take_keyword(*_SECTIONS):
            if section in seen:
                raise self._words.error(
                    f'The "{section}" section can only be used once in an update expression;'
                )
            seen.add(section)
            readers[section]()
            while self._tokens.take_symbol(","):
                readers[section]()
        self._tokens.expect_end()
        update = Update(tuple(self._sets), tuple(self._removes), tuple(self._adds), tuple(self._deletes))
        check_apart(update.paths, WHAT)
        return update

    def _set(self) -> None:
        path = self._words.path()
        self._tokens.expect("=")
        self._words.count_operator()
        self._sets.append((path, self._source()))

    def _pair(self, section: str, types: frozenset[str]) -> tuple[Path, Value]:
        path = self._words.path()
        self._words.count_operator()
        value = self._words.value()
        kind = type_of(value)
        if kind not in types:
            raise self._words.error(
                f"Incorrect operand type for operator or function; operator: {section}, "
                f"operand type: {_TYPE_NAMES[kind]}, typeSet: ALLOWED_FOR_{section}_OPERAND"
            )
        return path, value

    def _source(self) -> Source:
        left = self._operand()
        if operator := self._tokens.take_symbol("+", "-"):
            self._words.count_operator()
            right = self._operand()
            for operand in (left, right):
                self._check_type(operator, operand, "N")
            return Sum(operator, left, right)
        return left

    def _operand(self) -> Source:
        token = self._tokens.next
        if token.kind is Kind.VALUE:
            return Given(self._words.value())
        if token.text == "(":
            self._tokens.take()
            self._deepen()
            source = self._source()
            self._tokens.expect(")")
            self._depth -= 1
            return source
        if token.kind is Kind.NAME and self._tokens.second.text == "(":
            return self._function()
        return self._words.path()

    def _function(self) -> Source:
        name = self._tokens.take().text
        self._words.count_operator()
        if name in _NO_UPDATE_FUNCTIONS:
            raise self._words.error(f"The function is not allowed in an update expression; function: {name}")
        if name not in ("if_not_exists", "list_append"):
            raise self._words.error(f"Invalid function name; function: {name}")
        operands = self._arguments()
        if len(operands) != len(("first", "second")):
            raise self._words.error(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(operands)}"
            )
        first, second = operands
        if name == "if_not_exists":
            if not isinstance(first, Path):
                raise self._words.error(
                    f"Operator or function requires a document path; operator or function: {name}"
                )
            return IfNotExists(first, second)
        for operand in operands:
            self._check_type(name, operand, "L")
        return ListAppend(first, second)

    def _arguments(self) -> list[Source]:
        self._tokens.expect("(")
        self._deepen()
        operands: list[Source] = []
        if not self._tokens.take_symbol(")"):
            operands.append(self._source())
            while self._tokens.take_symbol(","):
                operands.append(self._source())
            self._tokens.expect(")")
        self._depth -= 1
        return operands

    def _check_type(self, name: str, operand: Source, wanted: str) -> None:
        if isinstance(operand, Given) and (kind := type_of(operand.value)) != wanted:
            raise self._words.error(
                "Incorrect operand type for operator or function; "
                f"operator or function: {name}, operand type: {kind}"
            )

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._words.error("The expression is nested too deep")
