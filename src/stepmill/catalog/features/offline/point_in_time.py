"""Which record of its identifier a moment sees: the arithmetic of point-in-time joins, over whole columns.

Pure: numbers in, positions out. An identifier is a code, a small number that stands for it; a moment is
microseconds since 1970-01-01T00:00Z.

Source: sagemaker SDK, ``feature_store/dataset_builder.py``: ``point_in_time_accurate_join`` takes records
whose event time is at most the row's; of records with one identifier and event time the one with the latest
``api_invocation_time``, then ``write_time``, counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Int64Array: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

# Sorting is five times as fast where a row's whole key, and its position, fit into one signed number.
_KEY_BITS = 63
NOTHING = -1


@dataclass(frozen=True)
class Records:
    """What decides between the records of one group, a column each. All have shape (n,).

    Args:
        codes: Of their identifiers; none is negative.
        event_times: When what they say was so.
        invoked: When they were given; ``None``: all at once.
        written: When they were written to the offline store; ``None``: all at once.
        deleted: Whether it is a deletion; ``None``: none is.
    """

    codes: Int64Array
    event_times: Int64Array
    invoked: Int64Array | None = None
    written: Int64Array | None = None
    deleted: BoolArray | None = None


@dataclass(frozen=True)
class History:
    """The records of a group in the order in which each identifier's came to be, the newest last.

    Args:
        order: Positions of the records in the columns they came in.
        codes: In this order; ascending.
        event_times: In this order; ascending for each code.
        deleted: In this order; ``None``: none is a deletion.
    """

    order: Int64Array
    codes: Int64Array
    event_times: Int64Array
    deleted: BoolArray | None = None


def history_of(records: Records) -> History:
    """Put records in order: by identifier, event time, invocation, writing, and the place where they came.

    Example:
        >>> history_of(Records(np.array([1, 0, 1]), np.array([20, 30, 10]))).order
        array([1, 2, 0])
    """
    order = _order(records.codes, records.event_times)
    codes, times = records.codes[order], records.event_times[order]
    if records.invoked is not None or records.written is not None:
        order = _settle_ties(order, codes, times, records)
    deleted = records.deleted
    if deleted is not None:
        deleted = deleted[order] if deleted.any() else None
    return History(order, codes, times, deleted)


def newest_visible(
    history: History,
    codes: Int64Array,
    moments: Int64Array,
    *,
    tolerance: int | None = None,
    forget_deleted: bool = False,
) -> Int64Array:
    """Find, for each row, the newest record of its identifier that is not from its future.

    Args:
        history: Of the group.
        codes: Shape (n_rows,). The identifier that each row asks for; negative: one that no record has.
        moments: Shape (n_rows,). The moment that each row stands for. A record of that very moment is seen.
        tolerance: How old a record may be at most, in microseconds; ``None``: any age.
        forget_deleted: A record that was deleted at any time is not seen by rows before its deletion either.

    Returns:
        Shape (n_rows,). Positions in the columns that the history was made of; -1 where no record is
        old enough, or young enough, or where the newest one is a deletion.

    Example:
        >>> history = history_of(Records(np.array([0, 0]), np.array([10, 20])))
        >>> newest_visible(history, np.array([0, 0, 0]), np.array([5, 20, 99]))
        array([-1,  1,  1])
    """
    found = _last_at_most(history, codes, moments)
    seen = found >= 0
    at = np.where(seen, found, 0)
    if len(history.order) == 0:
        return np.full(len(codes), NOTHING, np.int64)
    if tolerance is not None:
        # Ages are compared, not moments: the difference of two moments always fits where both are real.
        seen &= moments - history.event_times[at] <= tolerance
    if history.deleted is not None:
        seen &= ~history.deleted[at]
        if forget_deleted:
            seen &= at > _last_deletions(history)[np.where(seen, codes, 0)]
    return np.where(seen, history.order[at], NOTHING)


def newest_of_each(history: History, *, keep_deleted: bool = False) -> Int64Array:
    """Return the position of each identifier's newest record, by code; not of those that are deleted.

    Example:
        >>> newest_of_each(history_of(Records(np.array([1, 0, 1]), np.array([20, 30, 10]))))
        array([1, 0])
    """
    return history.order[_chosen(history, _is_last_of(history.codes), keep_deleted=keep_deleted)]


def distinct(history: History, *, keep_deleted: bool = False) -> Int64Array:
    """Return, for each identifier and event time, the position of the record that counts, in order."""
    last = _is_last_of(history.codes, history.event_times)
    return history.order[_chosen(history, last, keep_deleted=keep_deleted)]


def undeleted(history: History) -> Int64Array:
    """Return the positions of all records that no later deletion has taken back, duplicates too, in order."""
    if history.deleted is None:
        return history.order
    later = np.arange(len(history.order)) > _last_deletions(history)[history.codes]
    return history.order[later & ~history.deleted]


def _chosen(history: History, mask: BoolArray, *, keep_deleted: bool) -> BoolArray:
    return mask if keep_deleted or history.deleted is None else mask & ~history.deleted


def _is_last_of(*columns: Int64Array) -> BoolArray:
    last = np.ones(len(columns[0]), np.bool_)
    if len(last):
        last[:-1] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return last


def _last_deletions(history: History) -> Int64Array:
    """Return, by code, where in the order its last deletion is; -1: nowhere."""
    assert history.deleted is not None
    last = np.full(int(history.codes[-1]) + 1, NOTHING, np.int64)
    places = np.flatnonzero(history.deleted)
    # Of several for one code the last one stays.
    last[history.codes[places]] = places
    return last


def _order(codes: Int64Array, times: Int64Array) -> Int64Array:
    """Return the stable order by code, then time."""
    count = len(codes)
    if count == 0:
        return np.zeros(0, np.int64)
    least, unit, span = _scale_of(times)
    place_bits, time_bits = (count - 1).bit_length(), (span // unit).bit_length()
    code_bits = int(codes.max()).bit_length()
    if code_bits + time_bits + place_bits > _KEY_BITS:
        return np.lexsort((times, codes)).astype(np.int64, copy=False)
    key = (codes << time_bits) | ((times - least) // unit)
    key <<= place_bits
    key |= np.arange(count, dtype=np.int64)
    key.sort()
    key &= (1 << place_bits) - 1
    return key


def _scale_of(times: Int64Array) -> tuple[int, int, int]:
    """Return the least, the greatest common divisor of all distances from it (at least 1), and the span."""
    least, most = int(times.min()), int(times.max())
    if most - least >= 1 << _KEY_BITS:
        return least, 1, most - least
    return least, max(int(np.gcd.reduce(times - least)), 1), most - least


def _settle_ties(order: Int64Array, codes: Int64Array, times: Int64Array, records: Records) -> Int64Array:
    """Put records of one identifier and event time in the order of their invocations and writings."""
    same = (codes[1:] == codes[:-1]) & (times[1:] == times[:-1])
    if not same.any():
        return order
    tied = np.zeros(len(order), np.bool_)
    tied[1:] = same
    tied[:-1] |= same
    places = np.flatnonzero(tied)
    rows = order[places]
    keys = [column[rows] for column in (records.written, records.invoked) if column is not None]
    settled = order.copy()
    settled[places] = rows[np.lexsort((rows, *keys, records.event_times[rows], records.codes[rows]))]
    return settled


def _last_at_most(history: History, codes: Int64Array, moments: Int64Array) -> Int64Array:
    """Return, for each row, the last place in the order with its code and no later time; -1: nowhere."""
    found = np.full(len(codes), NOTHING, np.int64)
    if len(history.codes) == 0:
        return found
    rows = np.flatnonzero((codes >= 0) & (codes <= history.codes[-1]))
    if len(rows) < len(codes):
        found[rows] = _places(history, codes[rows], moments[rows])
        return found
    return _places(history, codes, moments)


def _places(history: History, codes: Int64Array, moments: Int64Array) -> Int64Array:
    if len(codes) == 0:
        return np.zeros(0, np.int64)
    least, unit, span = _scale_of(history.event_times)
    # One more than there are times: a moment before them all has a number, too.
    time_bits, row_bits = (span // unit + 1).bit_length(), (len(codes) - 1).bit_length()
    code_bits = int(history.codes[-1]).bit_length()
    if code_bits + time_bits + row_bits > _KEY_BITS:
        return _bisected(history, codes, moments)
    keys = (history.codes << time_bits) | ((history.event_times - least) // unit + 1)
    # Times are multiples of the unit: what lies between two of them sees what the earlier one sees.
    bounded = np.clip(moments, least - 1, least + span)
    wanted = (codes << time_bits) | np.where(bounded < least, 0, (bounded - least) // unit + 1)
    # Looking them up in their order reads the keys in theirs, which is what makes it fast.
    packed = (wanted << row_bits) | np.arange(len(codes), dtype=np.int64)
    packed.sort()
    rows = packed & ((1 << row_bits) - 1)
    packed >>= row_bits
    places = np.searchsorted(keys, packed, side="right") - 1
    is_own = (places >= 0) & (history.codes[np.maximum(places, 0)] == packed >> time_bits)
    found = np.empty(len(codes), np.int64)
    found[rows] = np.where(is_own, places, NOTHING)
    return found


def _bisected(history: History, codes: Int64Array, moments: Int64Array) -> Int64Array:
    """Find the places by halving each row's part of the order, all rows at once."""
    first = np.searchsorted(history.codes, codes, side="left")
    low, high = first, np.searchsorted(history.codes, codes, side="right")
    last = len(history.codes) - 1
    for _ in range(int((high - low).max()).bit_length()):
        middle = (low + high) >> 1
        open_ = low < high
        is_seen = open_ & (history.event_times[np.minimum(middle, last)] <= moments)
        low = np.where(is_seen, middle + 1, low)
        high = np.where(open_ & ~is_seen, middle, high)
    return np.where(low > first, low - 1, NOTHING)
