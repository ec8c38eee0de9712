"""The door of bulk ingest: every row is typed and checked before any is written; all that is wrong is told.

Source: SageMaker developer guide, "Quotas, naming rules and data types": a record has its identifier and its
event time; features that are missing are null.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stepmill.catalog.features.offline.columns import Bad, arrow_type, typed_column
from stepmill.catalog.features.offline.event_times import micros_of
from stepmill.catalog.features.offline.point_in_time import BoolArray, Int64Array
from stepmill.catalog.features.offline.sources import Part, RaggedRow, parts_of
from stepmill.catalog.features.offline.troubles import Problem, Troubles
from stepmill.catalog.features.schema import CollectionType, FeatureDefinition, FeatureType, GroupSchema
from stepmill.catalog.features.values import LARGEST_IDENTIFIER_BYTES, LARGEST_RECORD_BYTES
from stepmill.core.errors import InvalidRowsError

_NUMBER_BYTES = 8
_WANTED = {
    FeatureType.INTEGRAL: "whole numbers of 64 bits",
    FeatureType.FRACTIONAL: "numbers",
    FeatureType.STRING: "texts",
}


class Rows(NamedTuple):
    """Rows that can be written.

    Args:
        table: The group's features as typed columns, in the order of its schema.
        event_times: 64-bit integers: of each row the microseconds since 1970-01-01T00:00Z.
    """

    table: pa.Table
    event_times: pa.Array


class Door:
    """Types and checks rows of one group, and remembers what is wrong with them.

    Args:
        schema: Of the group.
    """

    def __init__(self, schema: GroupSchema) -> None:
        self._schema = schema
        self._troubles = Troubles()

    def enter(self, source: object) -> Iterator[Rows]:
        """Yield the rows of what was given, in parts; none any more once something is wrong.

        All is read to its end either way, so that all that is wrong is found.

        Raises:
            InvalidRowsError: At the end, if anything was wrong; with a finding for each thing.
            InvalidInputError, NotFoundError: See ``parts_of``.
        """
        for part in parts_of(source, self._ragged):
            rows = _Entering(self._schema, self._troubles, part).rows()
            if not self._troubles:
                yield rows
        if self._troubles:
            raise InvalidRowsError(self._troubles.findings())

    def _ragged(self, row: RaggedRow) -> None:
        says = f"have another number of values than the file has columns ({row.expected})"
        mend = "Quote values that hold commas or line breaks."
        self._troubles.note(
            Problem("RAGGED_ROW", "", row.place, says, mend), [Bad(row.row, f"{row.actual} values")]
        )


class _Entering:
    """One part at the door."""

    def __init__(self, schema: GroupSchema, troubles: Troubles, part: Part) -> None:
        self._schema = schema
        self._troubles = troubles
        self._part = part
        # Rows whose value of a column could not be taken: of these nothing else is told.
        self._taken_ill: dict[str, Int64Array] = {}

    def rows(self) -> Rows:
        self._check_columns()
        features = self._schema.features
        arrays = [self._typed(feature) for feature in features]
        table = pa.Table.from_arrays(arrays, names=[feature.name for feature in features])
        self._check_identifiers(table)
        times = self._event_times(table)
        self._check_sizes(table)
        return Rows(table, times)

    def _check_columns(self) -> None:
        known = self._schema.by_name
        for name in self._part.columns:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"Did you mean {close[0]!r}? Else leave" if close else "Leave"
                mend = f"{hint} the column out, or add the feature to the group with UpdateFeatureGroup."
                self._troubles.note(self._problem("UNKNOWN_COLUMN", name, "is no feature of the group", mend))
        for name in (self._schema.record_identifier, self._schema.event_time):
            if name not in self._part.columns:
                mend = "Each row needs a record identifier and an event time."
                self._troubles.note(self._problem("MISSING_COLUMN", name, "is not there", mend))

    def _typed(self, feature: FeatureDefinition) -> pa.Array:
        column = self._part.columns.get(feature.name)
        if column is None:
            return pa.nulls(self._part.rows, arrow_type(feature))
        typed = typed_column(feature, column)
        if typed.bad:
            self._taken_ill[feature.name] = np.array([bad.row for bad in typed.bad], np.int64)
            says = f"has values that are not {_wanted(feature)}"
            mend = f"Its feature is {_kind(feature)}: mend the values, or leave them empty."
            bad = [Bad(self._part.first + row, value) for row, value in typed.bad]
            self._troubles.note(self._problem("WRONG_TYPE", feature.name, says, mend), bad)
        return typed.array

    def _check_identifiers(self, table: pa.Table) -> None:
        name = self._schema.record_identifier
        if name not in self._part.columns:
            return
        column = table.column(name).combine_chunks()
        missing = _mask(pc.is_null(column))
        if pa.types.is_string(column.type):
            missing |= _mask(pc.equal(column, ""))
            says = f"has record identifiers of more than {LARGEST_IDENTIFIER_BYTES} bytes"
            too_long = _mask(pc.greater(pc.binary_length(column), LARGEST_IDENTIFIER_BYTES))
            self._note_where(self._problem("LONG_IDENTIFIER", name, says, "Take shorter ones."), too_long)
        mend = "Give each row one, or leave the row out."
        problem = self._problem("MISSING_IDENTIFIER", name, "has rows without a record identifier", mend)
        self._note_where(problem, missing)

    def _event_times(self, table: pa.Table) -> pa.Array:
        name = self._schema.event_time
        if name not in self._part.columns:
            return pa.nulls(self._part.rows, pa.int64())
        column = table.column(name).combine_chunks()
        micros = micros_of(column)
        missing = _mask(pc.is_null(column))
        mend = "Give each row the moment of which it tells."
        self._note_where(
            self._problem("MISSING_EVENT_TIME", name, "has rows without an event time", mend), missing
        )
        if self._schema.event_time_type is FeatureType.STRING:
            says = "has event times that are not ISO 8601 in UTC (yyyy-MM-dd'T'HH:mm:ssZ)"
            mend = "Write them like 2026-01-31T08:15:00Z or 2026-01-31T08:15:00.123Z, or give datetimes."
        else:
            says = "has event times that are not seconds since 1970, of the years 1 to 9999"
            mend = "Give seconds, not milliseconds, or datetimes."
        wrong = _mask(pc.is_null(micros)) & ~missing
        self._note_where(self._problem("WRONG_EVENT_TIME", name, says, mend), wrong, column)
        return micros

    def _check_sizes(self, table: pa.Table) -> None:
        names = sum(len(feature.name) for feature in self._schema.features)
        sizes = np.full(table.num_rows, names, np.int64)
        for column in table.columns:
            sizes += _bytes_of(column.combine_chunks())
        mend = "Keep large values as objects, and their addresses in the record."
        problem = self._problem("LARGE_RECORD", "", f"are larger than {LARGEST_RECORD_BYTES} bytes", mend)
        self._note_where(problem, sizes > LARGEST_RECORD_BYTES)

    def _problem(self, code: str, column: str, says: str, mend: str) -> Problem:
        return Problem(code, column, self._part.place, says, mend)

    def _note_where(self, problem: Problem, mask: BoolArray, values: pa.Array | None = None) -> None:
        """Note the rows of a mask, but for those of which something else has been told."""
        mask[self._taken_ill.get(problem.column, [])] = False
        rows = np.flatnonzero(mask)
        if len(rows):
            shown = [None if values is None else values[int(row)].as_py() for row in rows[:3]]
            shown += [None] * (len(rows) - len(shown))
            first = self._part.first
            self._troubles.note(
                problem, [Bad(first + int(row), value) for row, value in zip(rows, shown, strict=True)]
            )


def _mask(array: pa.Array) -> BoolArray:
    return np.array(pc.fill_null(array, False), dtype=np.bool_)


def _bytes_of(column: pa.Array) -> Int64Array | int:
    if pa.types.is_list(column.type):
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64)
        if not pa.types.is_string(column.type.value_type):
            return lengths * _NUMBER_BYTES
        total = np.zeros(len(column), np.int64)
        parents = np.asarray(pc.list_parent_indices(column))
        np.add.at(total, parents, _bytes_of(pc.list_flatten(column)))
        return total
    if pa.types.is_string(column.type):
        return np.asarray(pc.fill_null(pc.binary_length(column), 0), dtype=np.int64)
    return _NUMBER_BYTES


def _wanted(feature: FeatureDefinition) -> str:
    simple = _WANTED[feature.type]
    if feature.collection is None:
        return simple
    count = f"{feature.dimension} " if feature.collection is CollectionType.VECTOR else ""
    return f"lists of {count}{simple}"


def _kind(feature: FeatureDefinition) -> str:
    return feature.type if feature.collection is None else f"a {feature.collection} of {feature.type}"
