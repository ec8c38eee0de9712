"""Reads the rules of a Choice.

Source: Amazon States Language specification, "Choice State".
"""

from __future__ import annotations

from stepmill.core.json import Json
from stepmill.language.states.definition import (
    AllOf,
    AnyOf,
    ChoiceRule,
    ChoiceTest,
    Comparison,
    NotTrue,
)
from stepmill.language.states.entry import Entry
from stepmill.language.states.timestamps import is_timestamp

_COMPARED = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
# What an operator is held against.
OPERATORS = {
    **{f"{kind}{how}": kind for kind in ("String", "Numeric", "Timestamp") for how in _COMPARED},
    "BooleanEquals": "Boolean",
    "StringMatches": "String",
    **{f"Is{what}": "Boolean" for what in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")},
    **{f"{kind}{how}Path": "Path" for kind in ("String", "Numeric", "Timestamp") for how in _COMPARED},
    "BooleanEqualsPath": "Path",
}
_TESTS = frozenset(OPERATORS) | {"And", "Or", "Not", "Variable"}
_KINDS = ("And", "Or", "Not", "Variable", "Condition")
_NEVER = Comparison("$", "IsPresent", operand=False)


def read_rule(entry: Entry) -> ChoiceRule:
    """Read one rule of a Choice."""
    entry.require("Next")
    following = entry.text("Next")
    entry.text("Comment")
    if entry.uses_jsonata:
        entry.only({"Next", "Comment", "Assign", "Condition", "Output"}, _TESTS)
        if "Condition" not in entry:
            _one_kind(entry)
        return ChoiceRule(
            next=following, condition=_condition(entry), assign=entry.assign(), output=entry.output()
        )
    entry.only({"Next", "Comment", "Assign", *_TESTS}, {"Condition", "Output"})
    return ChoiceRule(next=following, test=_test(entry), assign=entry.assign())


def _one_kind(entry: Entry) -> None:
    message = f"The object must have only one of the following fields, [{', '.join(_KINDS)}]"
    entry.collector.schema(entry.place, message, "Write one test.")


def _condition(entry: Entry) -> Json:
    value = entry.fields.get("Condition")
    if isinstance(value, str):
        entry.queries.expression(value, entry.place / "Condition")
    elif "Condition" in entry and not isinstance(value, bool):
        entry.expected("Condition", "Boolean")
    return value


def _test(entry: Entry) -> ChoiceTest:
    kinds = [name for name in ("And", "Or", "Not", "Variable") if name in entry]
    if len(kinds) != 1:
        if kinds or "Condition" not in entry:
            _one_kind(entry)
        return _NEVER
    kind = kinds[0]
    if kind == "Variable":
        return _comparison(entry)
    for name in entry.fields:
        if name in OPERATORS:
            entry.unsupported(name)
    if kind == "Not":
        return NotTrue(_nested(entry.below("Not")))
    rules = tuple(_nested(below) for below in entry.entries(kind, at_least=1))
    return AllOf(rules) if kind == "And" else AnyOf(rules)


def _nested(entry: Entry) -> ChoiceTest:
    entry.only({"Comment", *_TESTS})
    return _test(entry)


def _comparison(entry: Entry) -> Comparison:
    variable = entry.path("Variable") or "$"
    operators = [name for name in entry.fields if name in OPERATORS]
    if len(operators) != 1:
        listed = ", ".join(OPERATORS)
        few = "There should only be one of the following fields"
        message = (
            f"{few if operators else 'This object should have only one of the following fields'}: [{listed}]"
        )
        mend = "Add one, as StringEquals." if not operators else f"Keep one of {', '.join(operators)}."
        entry.collector.schema(entry.place, message, mend)
        return _NEVER
    name = operators[0]
    _check_operand(entry, name)
    return Comparison(variable, name, entry.fields[name])


def _check_operand(entry: Entry, name: str) -> None:
    value = entry.fields[name]
    match OPERATORS[name]:
        case "Path":
            entry.path(name)
        case "String":
            entry.text(name)
        case "Boolean":
            entry.flag(name)
        case "Numeric":
            if isinstance(value, bool) or not isinstance(value, int | float):
                entry.expected(name, "Number")
        case _:
            if not is_timestamp(value):
                entry.wrong(name, "String does not match RFC3339 timestamp", "Write 2016-03-14T01:59:00Z.")
