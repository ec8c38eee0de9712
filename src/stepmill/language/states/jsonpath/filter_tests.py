"""What a filter tests: comparisons, and their combinations.

Source: Jayway's JsonPath, ``EvaluatorFactory``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.json import Json
from stepmill.language.states.jsonpath.errors import PathEvaluationError, PathNotFoundError
from stepmill.language.states.jsonpath.filter_nodes import (
    Node,
    Nothing,
    NotOfThatKindError,
    Number,
    PathValue,
    Pattern,
    Structure,
    Text,
    Truth,
    are_equal,
    items_of,
    node_of,
)
from stepmill.language.states.jsonpath.linear_match import UnboundedPatternError, compile_pattern
from stepmill.language.states.jsonpath.segments import Search, Test


@dataclass(frozen=True, slots=True)
class AllOf:
    """``&&``: tried in order."""

    tests: tuple[Test, ...]

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        return all(test.holds(item, search) for test in self.tests)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``||``: tried in order."""

    tests: tuple[Test, ...]

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        return any(test.holds(item, search) for test in self.tests)


@dataclass(frozen=True, slots=True)
class NotTrue:
    """``!``."""

    test: Test

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        return not self.test.holds(item, search)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole filter: where a value is of the wrong kind for its operator, all of it is false."""

    test: Test

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        try:
            return self.test.holds(item, search)
        except NotOfThatKindError:
            return False


@dataclass(frozen=True, slots=True)
class Exists:
    """``@.a`` or ``!@.a``."""

    value: PathValue

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        try:
            self.value.path.search(item, search.root, search.budget, is_strict=True)
        except PathNotFoundError:
            return not self.value.must_be
        return self.value.must_be


@dataclass(frozen=True, slots=True)
class Compared:
    """``left operator right``."""

    left: Node
    operator: str
    right: Node

    def holds(self, item: Json, search: Search) -> bool:
        """See ``Test``."""
        return OPERATORS[self.operator](_valued(self.left, item, search), _valued(self.right, item, search))


def _valued(node: Node, item: Json, search: Search) -> Node:
    if not isinstance(node, PathValue):
        return node
    path = node.path
    try:
        return node_of(path.search(search.root if path.is_root else item, search.root, search.budget))
    except PathNotFoundError:
        return Nothing()


Operator: TypeAlias = Callable[[Node, Node], bool]


def _equal_in_kind(left: Node, right: Node) -> bool:
    return type(left) is type(right) and are_equal(left, right)


def _ordered(holds: Callable[[int], bool]) -> Operator:
    """Return an operator from what is asked of the sign of the difference."""

    def compare(left: Node, right: Node) -> bool:
        if isinstance(left, Number) and isinstance(right, Number):
            return holds((left.value > right.value) - (left.value < right.value))
        if isinstance(left, Text) and isinstance(right, Text):
            first, second = left.value.encode("utf-16-be"), right.value.encode("utf-16-be")
            return holds((first > second) - (first < second))
        return False

    return compare


def _is_in(left: Node, right: Node) -> bool:
    items = items_of(right)
    return items is not None and any(are_equal(left, item) for item in items)


def _contains(left: Node, right: Node) -> bool:
    if isinstance(left, Text) and isinstance(right, Text):
        return right.value in left.value
    if not isinstance(left, Structure):
        return False
    items = items_of(left)
    return items is not None and any(are_equal(right, item) for item in items)


def _all(_left: Node, _right: Node) -> bool:
    # The library knows a list of its own kind here that no filter's text can write.
    raise NotOfThatKindError


def _has_size(left: Node, right: Node) -> bool:
    if not isinstance(right, Number):
        return False
    size = int(right.value)
    if isinstance(left, Text):
        return len(left.value.encode("utf-16-le")) // 2 == size
    if not isinstance(left, Structure):
        return False
    value = left.value
    return (len(value) if isinstance(value, Sequence) else -1) == size


def _is_empty(left: Node, right: Node) -> bool:
    if not isinstance(left, (Text, Structure)):
        return False
    if not isinstance(right, Truth):
        raise NotOfThatKindError
    value = left.value
    return (len(value) == 0 if isinstance(value, (str, Sequence, Mapping)) else True) == right.value


def _lists(left: Node, right: Node) -> tuple[list[Node], list[Node]] | None:
    first, second = items_of(right), items_of(left)
    return None if first is None or second is None else (second, first)


def _is_subset(left: Node, right: Node) -> bool:
    lists = _lists(left, right)
    return lists is not None and all(any(are_equal(one, other) for other in lists[1]) for one in lists[0])


def _has_any(left: Node, right: Node) -> bool:
    lists = _lists(left, right)
    return lists is not None and any(are_equal(one, other) for one in lists[0] for other in lists[1])


def _has_none(left: Node, right: Node) -> bool:
    lists = _lists(left, right)
    return lists is not None and not any(are_equal(one, other) for one in lists[0] for other in lists[1])


def _matches(left: Node, right: Node) -> bool:
    if isinstance(left, Pattern) == isinstance(right, Pattern):
        return False
    pattern, value = (left, right) if isinstance(left, Pattern) else (right, left)
    assert isinstance(pattern, Pattern)
    if isinstance(value, Structure) and isinstance(value.value, Sequence):
        return any(_matches_text(pattern, _text_of(item)) for item in items_of(value) or ())
    return _matches_text(pattern, _text_of(value))


def _text_of(node: Node) -> str:
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Number):
        return str(node.value)
    return str(node.value).lower() if isinstance(node, Truth) else ""


def _matches_text(pattern: Pattern, text: str) -> bool:
    try:
        return compile_pattern(pattern.source, pattern.flags).matches(text)
    except UnboundedPatternError as error:
        raise PathEvaluationError(
            f"The regular expression /{pattern.source}/ cannot be matched: {error}."
        ) from error


OPERATORS: Mapping[str, Operator] = {
    ">=": _ordered(lambda sign: sign >= 0),
    "<=": _ordered(lambda sign: sign <= 0),
    "==": are_equal,
    "===": _equal_in_kind,
    "!=": lambda left, right: not are_equal(left, right),
    "!==": lambda left, right: not _equal_in_kind(left, right),
    "<": _ordered(lambda sign: sign < 0),
    ">": _ordered(lambda sign: sign > 0),
    "=~": _matches,
    "NIN": lambda left, right: not _is_in(left, right),
    "IN": _is_in,
    "CONTAINS": _contains,
    "ALL": _all,
    "SIZE": _has_size,
    "TYPE": _all,
    "MATCHES": _all,
    "EMPTY": _is_empty,
    "SUBSETOF": _is_subset,
    "ANYOF": _has_any,
    "NONEOF": _has_none,
}
