"""Queries and scans.

Source: DynamoDB API reference, Query, Scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.dynamodb.asked import (
    FILTER,
    KEY_CONDITION,
    PROJECTION,
    Expressions,
    capacity,
    read_units,
    table_in,
)
from stepmill.catalog.dynamodb.conditions import Condition, paths_in
from stepmill.catalog.dynamodb.key_conditions import KeyRange, read_range
from stepmill.catalog.dynamodb.keys import encode
from stepmill.catalog.dynamodb.paths import Path, project
from stepmill.catalog.dynamodb.reading import Wanted
from stepmill.catalog.dynamodb.records import Table
from stepmill.catalog.dynamodb.schema import IndexSchema
from stepmill.catalog.dynamodb.values import Item, read_value, type_of
from stepmill.core.errors import InvalidInputError
from stepmill.platform import Platform

MOST_SEGMENTS = 1_000_000

_INVALID = "One or more parameter values were invalid: "
_BAD_START = "The provided starting key is invalid"


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers queries and scans."""

    def query(call: Call) -> dict[str, Any]:
        given = call.parameters
        expressions = Expressions(given, PROJECTION, FILTER, KEY_CONDITION)
        key_condition = expressions.condition(KEY_CONDITION)
        if key_condition is None:
            raise InvalidInputError(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
                "request."
            )
        table = table_in(platform, given)
        index = _index(table, given)
        key = index.key if index else table.schema.key
        key_range = read_range(key_condition, key, table.schema.types)
        condition = _filter(expressions, key.names)
        return _page(platform, given, expressions, Wanted(table, index, key_range, condition))

    def scan(call: Call) -> dict[str, Any]:
        given = call.parameters
        expressions = Expressions(given, PROJECTION, FILTER)
        table = table_in(platform, given)
        condition = _filter(expressions, ())
        wanted = Wanted(table, _index(table, given), None, condition, segment=_segment(given))
        return _page(platform, given, expressions, wanted)

    return {"Query": query, "Scan": scan}


def _page(
    platform: Platform, given: Mapping[str, Any], expressions: Expressions, wanted: Wanted
) -> dict[str, Any]:
    table, index = wanted.table, wanted.index
    paths = expressions.projection()
    expressions.check()
    select = _select(given, index, paths)
    consistent = bool(given.get("ConsistentRead"))
    if consistent and index is not None and not index.is_local:
        raise InvalidInputError("Consistent reads are not supported on global secondary indexes")
    _check_projected(table, index, paths)
    limit = given.get("Limit")
    wanted = replace(
        wanted,
        limit=None if limit is None else int(limit),
        after=_start(given, wanted),
        descending=given.get("ScanIndexForward") is False,
    )
    page = platform.dynamodb.reading.page(wanted)
    units = read_units(page.size_bytes, consistent=consistent)
    answer: dict[str, Any] = {
        "Count": len(page.items),
        "ScannedCount": page.scanned,
        **capacity(given, table, units, index=index.name if index else ""),
    }
    if select != "COUNT":
        answer["Items"] = [_shown(table, index, item, paths, select) for item in page.items]
    if page.last_key is not None:
        answer["LastEvaluatedKey"] = page.last_key
    return answer


def _index(table: Table, given: Mapping[str, Any]) -> IndexSchema | None:
    name = given.get("IndexName")
    if name is None:
        return None
    found = table.schema.indexes.get(name)
    if found is None:
        raise InvalidInputError(f"The table does not have the specified index: {name}")
    return found


def _filter(expressions: Expressions, keys: tuple[str, ...]) -> Condition | None:
    condition = expressions.condition(FILTER)
    if condition is not None:
        for path in paths_in(condition):
            if path.attribute in keys:
                raise InvalidInputError(
                    "Filter Expression can only contain non-primary key attributes: "
                    f"Primary key attribute: {path.attribute}"
                )
    return condition


def _select(given: Mapping[str, Any], index: IndexSchema | None, paths: tuple[Path, ...] | None) -> str:
    select = given.get("Select") or ""
    if paths is not None:
        if select not in ("", "SPECIFIC_ATTRIBUTES"):
            raise InvalidInputError(
                f"Cannot specify the ProjectionExpression when choosing to get {select}"
                if select == "COUNT"
                else f"Cannot specify the ProjectionExpression when choosing to get {select} results"
            )
        return "SPECIFIC_ATTRIBUTES"
    if select == "SPECIFIC_ATTRIBUTES":
        raise InvalidInputError(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
            "SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise InvalidInputError("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index and not index.is_local and index.projection != "ALL":
        raise InvalidInputError(
            f"{_INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
    return select or ("ALL_PROJECTED_ATTRIBUTES" if index else "ALL_ATTRIBUTES")


def _check_projected(table: Table, index: IndexSchema | None, paths: tuple[Path, ...] | None) -> None:
    shown = table.schema.shown_in(index) if index and not index.is_local else None
    if shown is None or paths is None or index is None:
        return
    if missing := sorted({path.attribute for path in paths} - shown):
        raise InvalidInputError(
            f"{_INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )


def _shown(
    table: Table, index: IndexSchema | None, item: Item, paths: tuple[Path, ...] | None, select: str
) -> Item:
    if paths is not None:
        return project(item, paths)
    shown = table.schema.shown_in(index) if index and select == "ALL_PROJECTED_ATTRIBUTES" else None
    return item if shown is None else {name: item[name] for name in item if name in shown}


def _start(given: Mapping[str, Any], wanted: Wanted) -> Item | None:
    start = given.get("ExclusiveStartKey")
    if start is None:
        return None
    key = {name: read_value(value) for name, value in start.items()}
    types = wanted.table.schema.types
    if set(key) != set(wanted.key_names):
        raise InvalidInputError(_BAD_START)
    if any(type_of(value) != types[name] for name, value in key.items()):
        raise InvalidInputError(f"{_BAD_START}: The provided key element does not match the schema")
    schema = wanted.index.key if wanted.index else wanted.table.schema.key
    if wanted.key_range is not None:
        _check_inside(wanted.key_range, schema.partition, schema.sort, key)
    return key


def _check_inside(key_range: KeyRange, partition: str, sort: str, key: Item) -> None:
    is_inside = encode(key[partition]) == key_range.partition
    if not is_inside or (sort and not key_range.has(encode(key[sort]))):
        raise InvalidInputError(
            "The provided starting key is outside query boundaries based on provided conditions"
        )


def _segment(given: Mapping[str, Any]) -> tuple[int, int] | None:
    segment, total = given.get("Segment"), given.get("TotalSegments")
    if segment is None and total is None:
        return None
    if total is None:
        raise InvalidInputError(
            "The TotalSegments parameter is required but was not present in the request when Segment "
            "parameter is present"
        )
    if segment is None:
        raise InvalidInputError(
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present"
        )
    if segment >= total:
        raise InvalidInputError(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return (int(segment), int(total))
