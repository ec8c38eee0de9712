"""Conditions decided. All of a Condition step's must hold."""

from __future__ import annotations

from collections.abc import Iterable

from stepmill.core.json import Json
from stepmill.engine.interpreters.pipelines.resolving import Resolver
from stepmill.engine.interpreters.pipelines.values import compare
from stepmill.language.pipelines.conditions import (
    Comparator,
    Comparison,
    Condition,
    Disjunction,
    Membership,
    Negation,
    operands_of,
)


def decide(conditions: Iterable[Condition], resolver: Resolver) -> bool:
    """Tell whether all conditions hold. Of no use while the resolver misses reads.

    Raises:
        InvalidInputError: If one cannot be decided.
    """
    conditions = tuple(conditions)
    # All operands are resolved before any is compared: so all reads are asked for at once.
    for condition in conditions:
        for operand in operands_of(condition):
            resolver.value(operand)
    if resolver.missing:
        return False
    return all(_holds(condition, resolver) for condition in conditions)


def _holds(condition: Condition, resolver: Resolver) -> bool:
    match condition:
        case Comparison(comparator, left, right):
            return compare(comparator, resolver.value(left), resolver.value(right))
        case Membership(query, values, negated):
            wanted = resolver.value(query)
            return _is_in(wanted, [resolver.value(each) for each in values]) is not negated
        case Negation(inner):
            return not _holds(inner, resolver)
        case Disjunction(alternatives):
            return any(_holds(each, resolver) for each in alternatives)


def _is_in(wanted: Json, values: list[Json]) -> bool:
    return any(compare(Comparator.EQUALS, wanted, value) for value in values)
