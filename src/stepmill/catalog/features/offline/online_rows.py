"""The newest records of typed rows, as the online store keeps them: values as the wire's texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.door import Rows
from stepmill.catalog.features.offline.identifiers import codes_of
from stepmill.catalog.features.offline.point_in_time import Records, history_of, newest_of_each
from stepmill.catalog.features.online import encode_values
from stepmill.storage.features import OnlineRow

# What one transaction writes: others wait for it for some tens of milliseconds.
AT_ONCE = 5_000


def online_rows(group: FeatureGroup, rows: Rows) -> Iterator[list[OnlineRow]]:
    """Yield the newest row of each identifier, some thousand at a time, in the order of the identifiers.

    Of rows with one identifier and event time the first one counts, as if they were put one after another.
    """
    places = _newest(group, rows)
    if not len(places):
        return
    ttl = None if group.online is None else group.online.ttl_micros
    identifiers = rows.table.column(group.schema.record_identifier).take(places).cast(pa.string())
    # The order in which the table of records lies on the disk: each page of it is written once.
    places = places.take(pc.sort_indices(identifiers))
    for start in range(0, len(places), AT_ONCE):
        part = places.slice(start, AT_ONCE)
        table, times = rows.table.take(part), rows.event_times.take(part).to_pylist()
        texts = table.column(group.schema.record_identifier).cast(pa.string()).to_pylist()
        yield [
            OnlineRow(identifier, time, None if ttl is None else time + ttl, False, body)
            for identifier, time, body in zip(texts, times, _bodies(table), strict=True)
        ]


def _newest(group: FeatureGroup, rows: Rows) -> pa.Array:
    identifiers = rows.table.column(group.schema.record_identifier).combine_chunks()
    codes, _ = codes_of(identifiers)
    last = len(codes) - 1
    # Backwards, so that of equals the first comes last, and counts.
    found = newest_of_each(history_of(Records(codes[::-1], np.asarray(rows.event_times)[::-1])))
    return pa.array(last - found)


def _bodies(table: pa.Table) -> Iterator[bytes]:
    names = table.column_names
    rows = zip(*(_texts(column) for column in table.columns), strict=True)
    if not any(column.null_count for column in table.columns):
        yield from (encode_values(dict(zip(names, values, strict=True))) for values in rows)
        return
    for values in rows:
        yield encode_values(
            {name: value for name, value in zip(names, values, strict=True) if value is not None}
        )


def _texts(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_integer(kind):
        column, kind = column.cast(pa.string()), pa.string()
    if pa.types.is_string(kind):
        texts: list[str | None] = column.to_numpy().tolist()  # three times as fast as to_pylist
        return texts
    if pa.types.is_floating(kind):
        if not column.null_count:
            return list(map(repr, column.to_numpy().tolist()))
        return [None if value is None else repr(value) for value in column.to_pylist()]
    return [None if each is None else [str(value) for value in each] for each in column.to_pylist()]
