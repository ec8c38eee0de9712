"""Reads of the offline store: the newest records, those of a moment, and joins that see no future.

Only what decides between records is read of all of them; the features are taken where they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stepmill.catalog.features.offline.columns import arrow_type
from stepmill.catalog.features.offline.copies import Cover
from stepmill.catalog.features.offline.event_times import micros_of
from stepmill.catalog.features.offline.identifiers import codes_of
from stepmill.catalog.features.offline.loading import in_threads, one_array, taken
from stepmill.catalog.features.offline.point_in_time import (
    BoolArray,
    History,
    Int64Array,
    Records,
    distinct,
    history_of,
    newest_of_each,
    newest_visible,
    undeleted,
)
from stepmill.catalog.features.schema import API_INVOCATION_TIME, IS_DELETED, WRITE_TIME, GroupSchema
from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import to_micros

_MICROSECOND = timedelta(microseconds=1)
# While one's files are read another's records are looked up; of more than two the records would fill memory.
_GROUPS_AT_ONCE = 2


@dataclass(frozen=True)
class Files:
    """A group's files, and what is in them.

    Args:
        name: Of the group.
        schema: Of the group.
        cover: How its files are read, as they were at one moment.
    """

    name: str
    schema: GroupSchema
    cover: Cover


@dataclass(frozen=True)
class Bounds:
    """Which records count.

    Args:
        event_time: Only those up to it; ``None``: all.
        write_time: Only those that were written up to it: what a read at that moment would have seen.
    """

    event_time: datetime | None = None
    write_time: datetime | None = None


@dataclass(frozen=True)
class Joined:
    """A group that rows are joined with.

    Args:
        files: Of the group.
        features: Which of its features; empty: all but its identifier and event time.
        on: The rows' column with the identifiers; empty: it is named as the group's.
        tolerance: How old a record may be at most; ``None``: any age.
        prefix: Put before the features' names in the result.
    """

    files: Files
    features: Sequence[str] = ()
    on: str = ""
    tolerance: timedelta | None = None
    prefix: str = ""


@dataclass(frozen=True)
class _Read:
    """Records of a group that count, with all columns that are wanted; and their order."""

    table: pa.Table
    identifiers: pa.Array
    history: History
    asked: Int64Array = field(default_factory=lambda: np.zeros(0, np.int64))


def snapshot(
    files: Files,
    features: Sequence[str] = (),
    *,
    bounds: Bounds | None = None,
    keep_deleted: bool = False,
) -> pa.Table:
    """Return the newest record of each identifier.

    Args:
        files: Of the group.
        features: Which columns; empty: all features.
        bounds: Which records count; ``None``: all.
        keep_deleted: Also the deletions that are the newest of their identifiers.

    Raises:
        InvalidInputError: If there is no such feature.
    """
    names = _chosen(files, features)
    read = _read(files, names, bounds or Bounds())
    places = newest_of_each(read.history, keep_deleted=keep_deleted)
    return taken(read.table.select(names), pa.array(places))


def history(
    files: Files,
    features: Sequence[str] = (),
    *,
    bounds: Bounds | None = None,
    duplicates: bool = False,
    keep_deleted: bool = False,
) -> pa.Table:
    """Return all records, by identifier and event time, with what the offline store adds.

    Args:
        files: Of the group.
        features: Which columns; empty: all features.
        bounds: Which records count; ``None``: all.
        duplicates: All records of one identifier and event time; if not, the one that was given last.
        keep_deleted: Also deletions, and what they took back.

    Raises:
        InvalidInputError: If there is no such feature.
    """
    extra = [WRITE_TIME, API_INVOCATION_TIME, IS_DELETED]
    names = _chosen(files, features)
    read = _read(files, [*names, *extra], bounds or Bounds())
    found = read.history
    wanted = np.ones(len(found.order), np.bool_)
    if not keep_deleted:
        wanted &= np.isin(found.order, undeleted(found))
    if not duplicates:
        wanted &= np.isin(found.order, distinct(found, keep_deleted=True))
    return taken(read.table.select([*names, *extra]), pa.array(found.order[wanted]))


def join(
    rows: pa.Table,
    groups: Sequence[Joined],
    *,
    event_time: str,
    bounds: Bounds | None = None,
    forget_deleted: bool = False,
) -> pa.Table:
    """Give each row the features that were known at its moment.

    Args:
        rows: With a column of moments, and those with the groups' identifiers. It may have no rows.
        groups: What they are joined with, in the order of the result's columns.
        event_time: The column with the moment that each row stands for: timestamps (UTC where they have no
            zone), dates, ISO 8601 texts, or seconds since 1970. A record of that very moment is seen.
        bounds: Which records count; ``None``: all.
        forget_deleted: A record that was deleted at any time is not seen by rows before its deletion either,
            as with the SDK's dataset builder. Else they see it, and those after its deletion do not.

    Returns:
        The rows in their order, with the features; null where no record was known.

    Raises:
        InvalidInputError: If a column or a feature is not there, two would have one name, or a row has no
            moment.
    """
    moments = _moments(rows, event_time)
    names = list(rows.column_names)
    columns = list(rows.columns)

    def found(joined: Joined) -> Mapping[str, pa.ChunkedArray]:
        return _features_at(rows, joined, moments, bounds or Bounds(), forget_deleted)

    for joined, features in zip(groups, in_threads(found, groups, _GROUPS_AT_ONCE), strict=True):
        for name, column in features.items():
            if name in names:
                raise InvalidInputError(
                    f"Two columns of the result would be named {name!r}.",
                    where=joined.files.name,
                    mend="Give the group a prefix, or choose its features.",
                )
            names.append(name)
            columns.append(column)
    return pa.table(columns, names=names)


def _features_at(
    rows: pa.Table, joined: Joined, moments: Int64Array, bounds: Bounds, forget_deleted: bool
) -> Mapping[str, pa.ChunkedArray]:
    schema = joined.files.schema
    special = (schema.record_identifier, schema.event_time)
    names = list(joined.features) or [each.name for each in schema.features if each.name not in special]
    _check(joined.files, names)
    read = _read(joined.files, names, bounds, _identifiers_of(rows, joined))
    tolerance = None if joined.tolerance is None else joined.tolerance // _MICROSECOND
    found = newest_visible(
        read.history, read.asked, moments, tolerance=tolerance, forget_deleted=forget_deleted
    )
    values = taken(read.table.select(names), pa.array(found, mask=found < 0))
    return {f"{joined.prefix}{name}": column for name, column in zip(names, values.columns, strict=True)}


def _read(files: Files, names: Sequence[str], bounds: Bounds, asked: pa.Array | None = None) -> _Read:
    schema = files.schema
    deciding = [schema.record_identifier, WRITE_TIME, API_INVOCATION_TIME, IS_DELETED]
    table, times = files.cover.load(schema, list(dict.fromkeys([*deciding, *names])))
    written = one_array(table.column(WRITE_TIME)).cast(pa.int64())
    counts = _counting(times, written, bounds)
    if counts is not None:
        mask = pa.array(counts)
        table, times, written = table.filter(mask), times.filter(mask), written.filter(mask)
    identifiers = one_array(table.column(schema.record_identifier))
    codes, wanted = codes_of(identifiers, asked)
    invoked = one_array(table.column(API_INVOCATION_TIME)).cast(pa.int64())
    records = Records(
        codes, np.asarray(times), np.asarray(invoked), np.asarray(written),
        np.array(one_array(table.column(IS_DELETED)), dtype=np.bool_),
    )  # fmt: skip
    return _Read(table, identifiers, history_of(records), wanted)


def _counting(times: pa.Array, written: pa.Array, bounds: Bounds) -> BoolArray | None:
    mask: BoolArray | None = None
    for column, bound in ((times, bounds.event_time), (written, bounds.write_time)):
        if bound is not None:
            within = np.asarray(column) <= to_micros(bound)
            mask = within if mask is None else mask & within
    return mask


def _identifiers_of(rows: pa.Table, joined: Joined) -> pa.Array:
    schema = joined.files.schema
    name = joined.on or schema.record_identifier
    if name not in rows.column_names:
        raise InvalidInputError(
            f"The rows have no column {name!r} with identifiers of the feature group {joined.files.name!r}.",
            where=name,
            mend="Say with `on` which column has them.",
        )
    column = one_array(rows.column(name))
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    wanted = arrow_type(schema.by_name[schema.record_identifier])
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidInputError(
            f"The column {name!r} has values that are no identifiers of the feature group "
            f"{joined.files.name!r}: {str(error)[:200]}",
            where=name,
            mend=f"Its identifiers are {schema.identifier_type}.",
        ) from error


def _moments(rows: pa.Table, name: str) -> Int64Array:
    if name not in rows.column_names:
        raise InvalidInputError(
            f"The rows have no column {name!r}.",
            where="event_time",
            mend="Name the column with the moment that each row stands for.",
        )
    column = one_array(rows.column(name))
    moments = micros_of(column)
    if moments.null_count:
        row = int(np.flatnonzero(np.asarray(pc.is_null(moments)))[0])
        raise InvalidInputError(
            f"{moments.null_count} rows of {name!r} hold no moment; the first one is row {row}: "
            f"{str(column[row].as_py())[:80]!r}.",
            where=f"{name}[{row}]",
            mend="Give timestamps, ISO 8601 texts in UTC like 2026-01-31T08:15:00Z, or seconds since 1970.",
        )
    return np.asarray(moments)


def _chosen(files: Files, features: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(features)) or [each.name for each in files.schema.features]
    _check(files, names)
    return names


def _check(files: Files, names: Sequence[str]) -> None:
    for name in names:
        if name not in files.schema.by_name:
            raise InvalidInputError(
                f"The feature group {files.name!r} has no feature {name!r}.",
                where="features",
                mend=f"It has {', '.join(list(files.schema.by_name)[:20])}.",
            )
