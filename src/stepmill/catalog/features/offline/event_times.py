"""Columns of moments become microseconds since 1970-01-01T00:00Z, whole columns at once.

What is no moment becomes null. Texts are taken as ``values.micros_of_text`` takes one, numbers are seconds.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stepmill.catalog.features.values import EARLIEST_MICROS, LATEST_MICROS, micros_of_text
from stepmill.core.errors import InvalidInputError

_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$"
_TOO_FINE = r"(\.[0-9]{6})[0-9]+Z$"
_MICROS = 1_000_000


def micros_of(column: pa.Array) -> pa.Array:
    """Return the moments of a column, 64-bit integers; null where there is none.

    Args:
        column: Texts (ISO 8601 in UTC), numbers (seconds since 1970), timestamps (UTC where they have no
            zone), or dates (their first moment).
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return micros_of(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _in_range(_of_texts(column.cast(pa.string())))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        zone = kind.tz if pa.types.is_timestamp(kind) else None
        return _in_range(column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _of_seconds(column.cast(pa.float64(), safe=False))
    return pa.nulls(len(column), pa.int64())


def _of_seconds(column: pa.Array) -> pa.Array:
    seconds = np.asarray(column.fill_null(float("nan")))
    with np.errstate(all="ignore"):
        micros = np.rint(seconds * _MICROS)
        known = (micros >= EARLIEST_MICROS) & (micros <= LATEST_MICROS)
    return pa.array(np.where(known, micros, 0).astype(np.int64), mask=~known)


def _of_texts(texts: pa.Array) -> pa.Array:
    matches = pc.fill_null(pc.match_substring_regex(texts, _MOMENT), False)
    known = pc.if_else(matches, texts, None)
    if (pc.max(pc.binary_length(known)).as_py() or 0) > len("0000-00-00T00:00:00.000000Z"):
        known = pc.replace_substring_regex(known, _TOO_FINE, r"\1Z")
    try:
        return known.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        # A day that no month has: it is looked for one by one.
        return pa.array([_of_text(text) for text in known.to_pylist()], pa.int64())


def _of_text(text: str | None) -> int | None:
    try:
        return None if text is None else micros_of_text(text)
    except InvalidInputError:
        return None


def _in_range(micros: pa.Array) -> pa.Array:
    known = pc.and_(pc.greater_equal(micros, EARLIEST_MICROS), pc.less_equal(micros, LATEST_MICROS))
    return pc.if_else(known, micros, pa.scalar(None, pa.int64()))
