"""Conditions of a Condition step, in both spellings: the SDKs' and the published schema's.

Source: sagemaker SDK, ``workflow/conditions.py``; JSON schema of the definition, ``BinaryCondition``,
``InCondition``, ``OrCondition``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from stepmill.language.pipelines.expressions import Expression


class Comparator(StrEnum):
    """How two values are compared."""

    EQUALS = "Equals"
    NOT_EQUALS = "NotEquals"
    GREATER_THAN = "GreaterThan"
    GREATER_THAN_OR_EQUAL_TO = "GreaterThanOrEqualTo"
    LESS_THAN = "LessThan"
    LESS_THAN_OR_EQUAL_TO = "LessThanOrEqualTo"

    @property
    def is_ordering(self) -> bool:
        """Whether it asks for an order, and not only for equality."""
        return self not in (self.EQUALS, self.NOT_EQUALS)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values compared."""

    comparator: Comparator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Membership:
    """A value that is one of some values; ``negated``: that is none of them (``NotIn``)."""

    query: Expression
    values: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite of a condition (``Not``)."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Disjunction:
    """At least one of some conditions (``Or``)."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Membership | Negation | Disjunction


def operands_of(condition: Condition) -> Iterator[Expression]:
    """Return the expressions that a condition looks at, in the order of the document."""
    match condition:
        case Comparison(_, left, right):
            yield left
            yield right
        case Membership(query, values):
            yield query
            yield from values
        case Negation(inner):
            yield from operands_of(inner)
        case Disjunction(conditions):
            for each in conditions:
                yield from operands_of(each)
