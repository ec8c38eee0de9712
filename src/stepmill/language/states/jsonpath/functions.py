"""Functions at the end of a path: ``$.items.length()``, ``$.sum($.a, 1)``.

The oddities are the library's: a maximum is never negative, ``last()`` of one item fails.

Source: Jayway's JsonPath, ``internal/function``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, read_json
from stepmill.language.states.java_text import java_text
from stepmill.language.states.jsonpath.cursor import Cursor
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathSyntaxError
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.segments import Search, Wildcard

Compile: TypeAlias = Callable[[str, int], Path]
Argument: TypeAlias = "Path | str"

_SMALLEST_DOUBLE, _LARGEST_DOUBLE = 5e-324, 1.7976931348623157e308
_NOTHING_TO_CALCULATE = "Aggregation function attempted to calculate value using empty array"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of what the path before it gave.

    Args:
        name: As it was written; an unknown one fails when it is read.
        arguments: Paths, and JSON texts.
    """

    name: str
    arguments: tuple[Argument, ...]

    place = ""

    @property
    def fragment(self) -> str:
        """See ``Segment``."""
        return f".{self.name}({'...' if self.arguments else ''})"

    def is_definite(self, *, is_last: bool) -> bool:  # noqa: ARG002
        """See ``Segment``."""
        return True

    def find(self, search: Search, index: int, model: Json) -> None:
        """See ``Segment``."""
        if self.name not in _FUNCTIONS:
            raise PathEvaluationError(f"Function with name: {self.name} does not exist.")
        result = _FUNCTIONS[self.name](self, search, model)
        search.results.append(result)
        if index + 1 < len(search.segments):
            search.follow(index + 1, result)

    def values(self, search: Search) -> list[Json]:
        """Return the values of the arguments; paths are read from the root."""
        return [self._value(argument, search) for argument in self.arguments]

    def _value(self, argument: Argument, search: Search) -> Json:
        if isinstance(argument, Path):
            return argument.search(search.root, search.root, search.budget)
        try:
            return read_json(argument)
        except InvalidInputError as error:
            raise PathEvaluationError(f"The argument {argument} of {self.name}() is not JSON.") from error

    def flat_values(self, search: Search) -> list[Json]:
        """Return the values of the arguments; of a list, its items."""
        flat: list[Json] = []
        for value in self.values(search):
            if isinstance(value, Sequence) and not isinstance(value, str):
                flat.extend(value)
            else:
                flat.append(value)
        return flat


def _numbers_of(values: Sequence[Json]) -> list[float]:
    try:
        return [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    except OverflowError:
        raise PathEvaluationError("A number is too large to calculate with.") from None


def _aggregate(calculate: Callable[[list[float]], float]) -> Callable[[Function, Search, Json], Json]:
    def aggregate(function: Function, search: Search, model: Json) -> Json:
        numbers = _numbers_of(model if isinstance(model, Sequence) and not isinstance(model, str) else [])
        numbers += _numbers_of(function.flat_values(search))
        if not numbers:
            raise PathEvaluationError(_NOTHING_TO_CALCULATE)
        try:
            result = calculate(numbers)
        except (OverflowError, ValueError):
            result = float("inf")
        if not isfinite(result):
            raise PathEvaluationError("The result is too large for a number.")
        return result

    return aggregate


def _average(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    count = len(numbers)
    total = sum(numbers)
    squares = sum(number * number for number in numbers)
    return sqrt(max(0.0, squares / count - total * total / count / count))


def _sum(numbers: list[float]) -> float:
    return sum(numbers) if isfinite(sum(numbers)) else fsum(numbers)


def _length(function: Function, search: Search, model: Json) -> Json:
    if function.arguments:
        first = function.arguments[0]
        if not isinstance(first, Path):
            raise PathEvaluationError("The argument of length() must be a path.")
        if first.segments and not isinstance(first.segments[-1], Function):
            first = Path(first.text, (*first.segments, Wildcard()), first.is_root)
        value = first.search(model, model, search.budget)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return len(value)
    if isinstance(model, Mapping) or (isinstance(model, Sequence) and not isinstance(model, str)):
        return len(model)
    return None


def _keys(_function: Function, _search: Search, model: Json) -> Json:
    return list(model) if isinstance(model, Mapping) else None


def _append(function: Function, search: Search, model: Json) -> Json:
    if isinstance(model, Sequence) and not isinstance(model, str):
        return [*model, *function.values(search)]
    return model


def _concat(function: Function, search: Search, model: Json) -> Json:
    items = model if isinstance(model, Sequence) and not isinstance(model, str) else ()
    texts = [item for item in items if isinstance(item, str)]
    texts += [java_text(value) for value in function.flat_values(search) if value is not None]
    return "".join(texts)


def _item(model: Json, index: int) -> Json:
    if not isinstance(model, Sequence) or isinstance(model, str):
        raise PathEvaluationError(_NOTHING_TO_CALCULATE)
    size = len(model)
    if index < 0 and size + index <= 0:
        raise PathEvaluationError(f"Target index:{index} larger than object count:{size}")
    if index >= size:
        raise PathEvaluationError(f"Index {index} out of bounds for length {size}")
    return model[index]


def _index(function: Function, search: Search, model: Json) -> Json:
    numbers = _numbers_of(function.flat_values(search))
    if not numbers:
        raise PathEvaluationError("index() needs a number.")
    return _item(model, int(numbers[0]))


_FUNCTIONS: Mapping[str, Callable[[Function, Search, Json], Json]] = {
    "avg": _aggregate(_average),
    "stddev": _aggregate(_deviation),
    "sum": _aggregate(_sum),
    "min": _aggregate(lambda numbers: min(_LARGEST_DOUBLE, *numbers)),
    "max": _aggregate(lambda numbers: max(_SMALLEST_DOUBLE, *numbers)),
    "concat": _concat,
    "length": _length,
    "size": _length,
    "append": _append,
    "keys": _keys,
    "first": lambda _function, _search, model: _item(model, 0),
    "last": lambda _function, _search, model: _item(model, -1),
    "index": _index,
}


def read_arguments(cursor: Cursor, name: str, depth: int, compile_: Compile) -> tuple[Argument, ...]:
    """Read what stands in the brackets that open here, and go past them; of empty ones, onto the closing one.

    Args:
        cursor: At the opening bracket.
        name: Of the function, for complaints.
        depth: In how many other paths this one stands.
        compile_: Compiles the paths among the arguments.

    Raises:
        PathSyntaxError: If a bracket is not closed, or an argument is no path.
    """
    if not _is_closed(cursor):
        raise _not_closed(name)
    cursor.position += 1
    if cursor.current == ")":
        return ()
    return _ArgumentReader(cursor, name).read(lambda text: compile_(text, depth + 1))


def _is_closed(cursor: Cursor) -> bool:
    open_ = 0
    for index in range(cursor.position, cursor.end + 1):
        open_ += (cursor.text[index] == "(") - (cursor.text[index] == ")")
        if open_ == 0:
            return True
    return False


def _not_closed(name: str) -> PathSyntaxError:
    return PathSyntaxError(f"Arguments to function: '{name}' are not closed properly.")


class _ArgumentReader:
    """Splits arguments at the commas that stand in no bracket and no quote."""

    def __init__(self, cursor: Cursor, name: str) -> None:
        self._cursor = cursor
        self._name = name
        self._parentheses = 1
        self._brackets = {"{": 0, "[": 0}
        self._quotes = 0

    def read(self, compile_: Callable[[str], Path]) -> tuple[Argument, ...]:
        cursor = self._cursor
        arguments: list[Argument] = []
        kind = text = before = ""
        is_done = False
        while cursor.is_within(cursor.position) and not is_done:
            character = cursor.current
            cursor.position += 1
            kind = kind or _kind(character)
            if not kind and character in " \t\r\n":
                continue
            self._count(character, before)
            is_inside = self._quotes or any(self._brackets.values())
            if character == ")" and (self._parentheses < 0 or before == "("):
                text += character
            ends = (character == ")" and self._parentheses == 0) or self._parentheses == 1
            if character in ")," and ends and not is_inside:
                is_done = self._parentheses == 0
                if kind:
                    arguments.append(compile_(text) if kind == "path" else text)
                kind = text = ""
            is_comma = character == "," and not any(self._brackets.values()) and self._parentheses == 1
            if kind and not is_comma:
                text += character
            before = character
        if any(self._brackets.values()) or self._parentheses:
            raise _not_closed(self._name)
        return tuple(arguments)

    def _count(self, character: str, before: str) -> None:
        match character:
            case '"':
                self._quotes += -1 if before != "\\" and self._quotes > 0 else 1
            case "(":
                self._parentheses += 1
            case ")":
                self._parentheses -= 1
            case "{" | "[":
                self._brackets[character] += 1
            case "}" | "]":
                opening = "{" if character == "}" else "["
                if self._brackets[opening] == 0:
                    kind = "brace" if character == "}" else "bracket"
                    raise PathSyntaxError(
                        f"Unexpected close {kind} '{character}' at character position: "
                        f"{self._cursor.position}"
                    )
                self._brackets[opening] -= 1


def _kind(character: str) -> str:
    if character in '{"-' or character.isdecimal():
        return "json"
    return "path" if character in "$@" else ""
