from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.features.offline.point_in_time import (
    History,
    Int64Array,
    Records,
    distinct,
    history_of,
    newest_of_each,
    newest_visible,
    undeleted,
)

NOTHING = -1


@dataclass(frozen=True)
class Given:
    """Records as rows: (code, event time, invoked, written, deleted)."""

    rows: list[tuple[int, int, int, int, bool]]

    @property
    def records(self) -> Records:
        columns = [np.array([row[i] for row in self.rows], np.int64) for i in range(4)]
        return Records(*columns, deleted=np.array([row[4] for row in self.rows], np.bool_))

    def ranked(self, code: int) -> list[int]:
        """The positions of an identifier's records, in the order of their coming to be."""
        own = [i for i, row in enumerate(self.rows) if row[0] == code]
        return sorted(own, key=lambda i: (*self.rows[i][1:4], i))

    def newest(self, code: int, moment: int, tolerance: int | None, *, forget: bool) -> int:
        """By brute force: what newest_visible is to find for one row."""
        seen = [i for i in self.ranked(code) if self.rows[i][1] <= moment]
        if not seen or self.rows[seen[-1]][4]:
            return NOTHING
        if tolerance is not None and moment - self.rows[seen[-1]][1] > tolerance:
            return NOTHING
        later = self.ranked(code)[self.ranked(code).index(seen[-1]) :]
        if forget and any(self.rows[i][4] for i in later):
            return NOTHING
        return seen[-1]


# Few different values, so that ties and near misses are common; or spread over all that a moment can be,
# so that a key does not fit into one number.
_FEW = st.integers(-3, 3)
_SECONDS = st.integers(-3, 3).map(lambda seconds: 1_700_000_000_000_000 + seconds * 1_000_000)
_WIDE = st.one_of(st.integers(-(2**61), 2**61), st.sampled_from([-(2**61), 2**61]))


# So few records of so few identifiers have all ties and gaps that there can be; more only take longer.
_MOST = 12


_TIMES = st.sampled_from([_FEW, _SECONDS, _WIDE])


@st.composite
def some_given(draw: st.DrawFn, scale: st.SearchStrategy[st.SearchStrategy[int]] = _TIMES) -> Given:
    times = draw(scale)
    codes = st.integers(0, draw(st.sampled_from([0, 2, 5, 2**20])))
    return Given(draw(st.lists(st.tuples(codes, times, _FEW, _FEW, st.booleans()), max_size=_MOST)))


@st.composite
def given_and_asked(draw: st.DrawFn) -> tuple[Given, list[tuple[int, int]]]:
    times = draw(_TIMES)
    given = draw(some_given(st.just(times)))
    rows = given.rows
    known = [row[0] for row in rows] or [0]
    near = [row[1] + d for row in rows for d in (-1, 0, 1)] or [0]
    asked = st.tuples(
        st.one_of(st.sampled_from(known), st.integers(-1, 7)), st.one_of(times, st.sampled_from(near))
    )
    return given, draw(st.lists(asked, max_size=_MOST))


def _columns(asked: list[tuple[int, int]]) -> tuple[Int64Array, Int64Array]:
    codes, moments = ([pair[i] for pair in asked] for i in range(2))
    return np.array(codes, np.int64), np.array(moments, np.int64)


@given(given_and_asked(), st.one_of(st.none(), st.integers(0, 5)), st.booleans())
def test_each_row_sees_what_brute_force_finds(
    case: tuple[Given, list[tuple[int, int]]], tolerance: int | None, forget: bool
) -> None:
    given, asked = case
    found = newest_visible(
        history_of(given.records), *_columns(asked), tolerance=tolerance, forget_deleted=forget
    )
    assert found.tolist() == [given.newest(c, m, tolerance, forget=forget) for c, m in asked]


@given(some_given())
def test_the_order_is_that_of_coming_to_be(given: Given) -> None:
    history = history_of(given.records)
    codes = sorted({row[0] for row in given.rows})
    assert history.order.tolist() == [i for code in codes for i in given.ranked(code)]
    assert history.codes.tolist() == [given.rows[i][0] for i in history.order]
    assert history.event_times.tolist() == [given.rows[i][1] for i in history.order]


@given(some_given(), st.booleans())
def test_the_newest_of_each_is_the_last_that_came(given: Given, keep: bool) -> None:
    newest = [given.ranked(code)[-1] for code in sorted({row[0] for row in given.rows})]
    expected = [i for i in newest if keep or not given.rows[i][4]]
    assert newest_of_each(history_of(given.records), keep_deleted=keep).tolist() == expected


@given(some_given(), st.booleans())
def test_of_one_identifier_and_event_time_the_last_counts(given: Given, keep: bool) -> None:
    expected = []
    for code in sorted({row[0] for row in given.rows}):
        ranked = given.ranked(code)
        pairs = [*pairwise(ranked), (ranked[-1], None)]
        last = [i for i, j in pairs if j is None or given.rows[i][1] != given.rows[j][1]]
        expected += [i for i in last if keep or not given.rows[i][4]]
    assert distinct(history_of(given.records), keep_deleted=keep).tolist() == expected


@given(some_given())
def test_a_deletion_takes_back_all_that_came_before(given: Given) -> None:
    expected = []
    for code in sorted({row[0] for row in given.rows}):
        ranked = given.ranked(code)
        deletions = [place for place, i in enumerate(ranked) if given.rows[i][4]]
        expected += ranked[deletions[-1] + 1 :] if deletions else ranked
    assert undeleted(history_of(given.records)).tolist() == expected


def _history(*times: int) -> History:
    return history_of(Records(np.zeros(len(times), np.int64), np.array(times)))


@pytest.mark.parametrize(
    ("moment", "found"), [(9, -1), (10, 0), (19, 0), (20, 1), (10**18, 1), (-(2**63), -1)]
)
def test_a_record_of_the_very_moment_is_seen(moment: int, found: int) -> None:
    assert newest_visible(_history(10, 20), np.array([0]), np.array([moment])).tolist() == [found]


def test_what_is_exactly_as_old_as_allowed_is_seen() -> None:
    seen = newest_visible(_history(10), np.zeros(2, np.int64), np.array([15, 16]), tolerance=5)
    assert seen.tolist() == [0, -1]


def test_no_record_at_all_is_seen_by_nobody() -> None:
    empty = _history()
    assert newest_visible(empty, np.array([0, 3]), np.array([1, 2]), tolerance=1).tolist() == [-1, -1]
    assert newest_of_each(empty).tolist() == distinct(empty).tolist() == undeleted(empty).tolist() == []


def test_nobody_asks() -> None:
    none = np.zeros(0, np.int64)
    assert newest_visible(_history(1), none, none).tolist() == []


def test_a_million_seconds_of_a_hundred_thousand_identifiers_fit_one_number() -> None:
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 100_000, 200_000)
    times = (1_700_000_000 + rng.integers(0, 1_000_000, len(codes))) * 1_000_000
    history = history_of(Records(codes, times))
    assert history.order.tolist() == np.lexsort((times, codes)).tolist()
    # Each record sees itself, or one of its own identifier and moment.
    seen = newest_visible(history, codes, times)
    assert (codes[seen] == codes).all()
    assert (times[seen] == times).all()
