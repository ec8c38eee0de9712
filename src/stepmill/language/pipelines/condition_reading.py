"""Reads the conditions of a Condition step, in the SDKs' spelling and in the published schema's."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.core.json import Json
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.conditions import (
    Comparator,
    Comparison,
    Condition,
    Disjunction,
    Membership,
    Negation,
)
from stepmill.language.pipelines.draft import Draft
from stepmill.language.pipelines.expressions import Expression, Literal
from stepmill.language.pipelines.places import Place, show

_COMPARATORS = {str(comparator): comparator for comparator in Comparator}
_MEMBERSHIPS = {"In": False, "NotIn": True}
_TYPES = (*_COMPARATORS, *_MEMBERSHIPS, "Not", "Or")


def read_conditions(draft: Draft, step: str, value: Json, place: Place) -> tuple[Condition, ...]:
    """Read a list of conditions; wrong ones are left out, with findings."""
    items = draft.expect_list(value, place)
    if isinstance(value, list) and not value:
        draft.collector.add(Code.BAD_CONDITION, place, "There is no condition.", "Add at least one.")
    read = [_condition(draft, step, item, place / index) for index, item in enumerate(items)]
    return tuple(each for each in read if each)


def _condition(draft: Draft, step: str, value: Json, place: Place) -> Condition | None:
    entry = draft.expect_object(value, place)
    if not isinstance(value, Mapping):
        return None
    kind = entry.get("Type")
    if not isinstance(kind, str) or kind not in _TYPES:
        mend = draft.collector.nearest(kind, _TYPES) or f"There are {', '.join(_TYPES)}."
        draft.collector.add(Code.BAD_CONDITION, place, f"There is no condition of type {show(kind)}.", mend)
        return None
    if kind in _COMPARATORS:
        return _comparison(draft, step, _COMPARATORS[kind], entry, place)
    if kind in _MEMBERSHIPS:
        return _membership(draft, step, entry, place, negated=_MEMBERSHIPS[kind])
    if kind == "Not":
        if not _has(draft, entry, ("Condition",), place):
            return None
        inner = _condition(draft, step, entry["Condition"], place / "Condition")
        return Negation(inner) if inner else None
    if not _has(draft, entry, ("Conditions",), place):
        return None
    return Disjunction(read_conditions(draft, step, entry["Conditions"], place / "Conditions"))


def _comparison(
    draft: Draft, step: str, comparator: Comparator, entry: Mapping[str, Json], place: Place
) -> Condition | None:
    if not _has(draft, entry, ("LeftValue", "RightValue"), place):
        return None
    left, right = (_operand(draft, step, entry[key], place / key) for key in ("LeftValue", "RightValue"))
    for key, operand in (("LeftValue", left), ("RightValue", right)):
        if comparator.is_ordering and isinstance(operand, Literal) and _has_no_order(operand.value):
            message = f"{show(operand.value)} has no order, so {comparator} means nothing."
            draft.collector.add(Code.BAD_CONDITION, place / key, message, "Compare numbers or texts.")
    return Comparison(comparator, left, right)


def _membership(
    draft: Draft, step: str, entry: Mapping[str, Json], place: Place, *, negated: bool
) -> Condition | None:
    query, values = ("Value", "In") if "In" in entry else ("QueryValue", "Values")
    if not _has(draft, entry, (query, values), place):
        return None
    asked = _operand(draft, step, entry[query], place / query)
    items = draft.expect_list(entry[values], place / values)
    return Membership(
        asked,
        tuple(_operand(draft, step, item, place / values / index) for index, item in enumerate(items)),
        negated,
    )


def _operand(draft: Draft, step: str, value: Json, place: Place) -> Expression:
    expression = draft.expression(step, value, place)
    if isinstance(expression, Literal) and isinstance(expression.value, Mapping | list):
        message = f"A condition compares texts, numbers, booleans and expressions, not {show(value)}."
        draft.collector.add(Code.BAD_CONDITION, place, message)
    return expression


def _has_no_order(value: Json) -> bool:
    return value is None or isinstance(value, bool)


def _has(draft: Draft, entry: Mapping[str, Json], keys: tuple[str, ...], place: Place) -> bool:
    return draft.keys(entry, ("Type", *keys), keys, place)
