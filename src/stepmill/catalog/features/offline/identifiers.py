"""Identifiers become codes, small numbers that stand for them: what can be sorted and compared fast."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stepmill.catalog.features.offline.point_in_time import Int64Array

# Numbers that lie as close together as this are their own codes.
_SPREAD = 4


def codes_of(known: pa.Array, asked: pa.Array | None = None) -> tuple[Int64Array, Int64Array]:
    """Return the codes of identifiers; of those that are asked for -1 where there is no such one.

    Args:
        known: Identifiers without nulls: integers, numbers or texts.
        asked: The same type; may have nulls.

    Example:
        >>> codes_of(pa.array(["b", "a", "b"]), pa.array(["a", "c", None]))
        (array([0, 1, 0]), array([ 1, -1, -1]))
    """
    asked = pa.array([], known.type) if asked is None else asked
    if not len(known):
        return np.zeros(0, np.int64), np.full(len(asked), -1, np.int64)
    if pa.types.is_integer(known.type):
        span = pc.min_max(known).as_py()
        least, most = span["min"], span["max"]
        if most - least <= _SPREAD * len(known) + 1_000:
            return np.asarray(known).astype(np.int64) - least, _near(asked, least, most)
    encoded = known.dictionary_encode()
    places = pc.index_in(asked, value_set=encoded.dictionary) if len(asked) else pa.array([], pa.int32())
    places = pc.if_else(pc.is_null(asked), None, places)
    return np.asarray(encoded.indices).astype(np.int64), np.asarray(pc.fill_null(places, -1)).astype(np.int64)


def _near(asked: pa.Array, least: int, most: int) -> Int64Array:
    values = np.asarray(pc.fill_null(asked, 0)).astype(np.int64)
    known = np.asarray(pc.is_valid(asked)) & (values >= least) & (values <= most)
    return np.where(known, values - least, -1)
