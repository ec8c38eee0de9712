"""What calls of items ask for: their expressions, read, and what is answered beside the items.

Source: DynamoDB API reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.catalog.dynamodb.conditions import Condition
from stepmill.catalog.dynamodb.former import (
    read_attributes,
    read_conditions,
    read_expected,
    read_updates,
)
from stepmill.catalog.dynamodb.parsing import parse_condition, parse_projection
from stepmill.catalog.dynamodb.paths import Path
from stepmill.catalog.dynamodb.placeholders import NAMES, VALUES, Placeholders
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.schema import table_name
from stepmill.catalog.dynamodb.update_parsing import parse_update
from stepmill.catalog.dynamodb.updates import Update
from stepmill.catalog.dynamodb.values import Item, item_size
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

CONDITION, PROJECTION, UPDATE = "ConditionExpression", "ProjectionExpression", "UpdateExpression"
FILTER, KEY_CONDITION = "FilterExpression", "KeyConditionExpression"
# Parameters from the time before expressions -> those in whose place they stand.
FORMER = {
    "AttributesToGet": PROJECTION,
    "AttributeUpdates": UPDATE,
    "Expected": CONDITION,
    "KeyConditions": KEY_CONDITION,
    "QueryFilter": FILTER,
    "ScanFilter": FILTER,
}
_OPERATOR = "ConditionalOperator"

_READ_UNIT_BYTES, _WRITE_UNIT_BYTES = 4096, 1024


class Expressions:
    """The expressions of a call.

    Args:
        given: The parameters that have them.
        takes: Which there may be.

    Raises:
        InvalidInputError: If the placeholders cannot be taken, or expressions stand beside parameters from
            the time before there were any.
    """

    def __init__(self, given: Mapping[str, Any], *takes: str) -> None:
        self._given = given
        self._takes = takes
        # By the name of the expression in whose place they stand.
        self._former = {FORMER[name]: name for name in FORMER if given.get(name) is not None}
        self._check_not_both()
        self._placeholders = Placeholders(given.get(NAMES), given.get(VALUES))

    def condition(self, name: str = CONDITION) -> Condition | None:
        """Return a condition; ``None`` if there is none."""
        if former := self._former.get(name):
            read = read_expected if name == CONDITION else read_conditions
            # Key conditions are always all to hold.
            operator = "AND" if name == KEY_CONDITION else self._given.get(_OPERATOR) or "AND"
            return read(self._given[former], operator) if self._given[former] else None
        text = self._given.get(name)
        return None if text is None else parse_condition(text, name, self._placeholders)

    def projection(self) -> tuple[Path, ...] | None:
        """Return what is to be shown; ``None`` for all."""
        if former := self._former.get(PROJECTION):
            return read_attributes(self._given[former])
        text = self._given.get(PROJECTION)
        return None if text is None else parse_projection(text, self._placeholders)

    def update(self) -> Update:
        """Return what is to be changed; without an expression nothing is."""
        if former := self._former.get(UPDATE):
            return read_updates(self._given[former])
        text = self._given.get(UPDATE)
        return Update() if text is None else parse_update(text, self._placeholders)

    def check(self) -> None:
        """Hold the placeholders against the expressions, after these were read.

        Raises:
            InvalidInputError: If one was not used.
        """
        texts = {name: self._given.get(name) for name in self._takes}
        self._placeholders.check(texts)

    def _check_not_both(self) -> None:
        texts = [name for name in (*self._takes, NAMES, VALUES) if self._given.get(name) is not None]
        former = sorted(self._former.values())
        if self._given.get(_OPERATOR) is not None:
            former.insert(0, _OPERATOR)
        if texts and former:
            raise InvalidInputError(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(former)}}} "
                f"Expression parameters: {{{', '.join(sorted(texts))}}}"
            )


def table_in(platform: Platform, given: Mapping[str, Any]) -> Table:
    """Return the table that a call of items names.

    Raises:
        InvalidInputError: If it cannot be one.
        NotFoundError: If there is none of that name.
    """
    return platform.dynamodb.tables.get(table_name(given["TableName"]))


def check_updated(table: Table, update: Update) -> None:
    """Hold an update against a table's key, which it cannot change.

    Raises:
        InvalidInputError: If it would.
    """
    for path in update.paths:
        if path.attribute in table.schema.key.names:
            raise InvalidInputError(
                f"One or more parameter values were invalid: Cannot update attribute {path.attribute}. "
                "This attribute is part of the key"
            )


def capacity(
    given: Mapping[str, Any], table: Table, units: float, *, index: str = "", told_units: str = ""
) -> dict[str, Any]:
    """Return ``ConsumedCapacity`` as a member, if the call asks for it.

    Args:
        given: The call's parameters.
        table: Whose capacity.
        units: How many units; nothing is limited by them.
        index: The index that was read; empty: the table.
        told_units: ``ReadCapacityUnits`` or ``WriteCapacityUnits`` where these are told, too.
    """
    asked = given.get("ReturnConsumedCapacity") or "NONE"
    if asked == "NONE":
        return {}
    parts = {"CapacityUnits": units, **({told_units: units} if told_units else {})}
    consumed: dict[str, Any] = {"TableName": table.name, **parts}
    if asked == "INDEXES":
        nothing = dict.fromkeys(parts, 0.0)
        consumed["Table"] = nothing if index else parts
        if index:
            is_local = table.schema.indexes[index].is_local
            consumed[f"{'Local' if is_local else 'Global'}SecondaryIndexes"] = {index: parts}
    return {"ConsumedCapacity": consumed}


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Return how many units a read counts: one for 4 KB, half if it need not be consistent."""
    units = max(math.ceil(size_bytes / _READ_UNIT_BYTES), 1)
    return float(units) if consistent else units / 2


def write_units(*items: Item | None) -> float:
    """Return how many units a write counts: one for each KB of the larger of what was and what is."""
    largest = max((item_size(item) for item in items if item is not None), default=0)
    return float(max(math.ceil(largest / _WRITE_UNIT_BYTES), 1))


def gathered(consumed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the capacity of several writes or reads as a member: one entry per table."""
    tables: dict[str, dict[str, Any]] = {}
    for each in consumed:
        one = each.get("ConsumedCapacity")
        if one is None:
            continue
        sums = tables.setdefault(one["TableName"], {"TableName": one["TableName"]})
        for name, value in one.items():
            if name.endswith("Units"):
                sums[name] = sums.get(name, 0.0) + value
        if "Table" in one:
            sums["Table"] = {name: value for name, value in sums.items() if name.endswith("Units")}
    return {"ConsumedCapacity": list(tables.values())} if tables else {}
