from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.tuning.plan import Direction, Hyperband
from stepmill.jobs.tuning.stopping import bracket_of, is_below_median, is_cut, rungs

SERIES = st.lists(st.floats(-100, 100, allow_nan=False), min_size=1, max_size=30)
BANDS = st.tuples(st.integers(1, 20), st.integers(1, 2000)).map(lambda ends: Hyperband(min(ends), max(ends)))
WIDE = Hyperband(1, 9)


class TestMedian:
    def test_a_value_is_compared_with_averages_up_to_its_epoch(self) -> None:
        # By the second epoch the averages are 0.3, 0.4 and 0.5; what came later does not count.
        earlier = [[0.2, 0.4, 0.9], [0.3, 0.5, 0.9], [0.4, 0.6, 0.9]]
        assert not is_below_median(Direction.MAXIMIZE, [0.1, 0.41], earlier)
        assert is_below_median(Direction.MAXIMIZE, [0.9, 0.39], earlier)

    def test_what_is_minimised_is_worse_above_it(self) -> None:
        earlier = [[3.0], [4.0], [5.0]]
        assert is_below_median(Direction.MINIMIZE, [4.5], earlier)
        assert not is_below_median(Direction.MINIMIZE, [4.0], earlier)

    def test_two_earlier_trials_are_too_few(self) -> None:
        assert not is_below_median(Direction.MAXIMIZE, [0.0], [[1.0], [1.0]])

    def test_trials_that_came_less_far_say_nothing(self) -> None:
        assert not is_below_median(Direction.MAXIMIZE, [0.0, 0.0], [[1.0], [1.0], [1.0, 1.0]])

    @given(SERIES, st.lists(SERIES, max_size=6))
    def test_the_best_of_all_is_never_stopped(self, series: list[float], earlier: list[list[float]]) -> None:
        top = max(max(other) for other in [series, *earlier])
        assert not is_below_median(Direction.MAXIMIZE, [*series[:-1], top], earlier)


class TestHyperband:
    @given(BANDS)
    def test_rungs_lie_between_the_ends(self, band: Hyperband) -> None:
        found = rungs(band)
        assert all(band.least <= rung < band.most for rung in found)
        assert list(found) == sorted(set(found))

    @given(BANDS, st.integers(1, 5000))
    def test_every_trial_has_a_bracket(self, band: Hyperband, number: int) -> None:
        assert 0 <= bracket_of(band, number) <= len(rungs(band))

    def test_the_bracket_that_stops_early_has_the_most_trials(self) -> None:
        found = Counter(bracket_of(Hyperband(1, 81), number) for number in range(1, 1000))
        assert found[0] == max(found.values())

    def test_the_last_bracket_stops_nobody_before_the_end(self) -> None:
        last = next(number for number in range(1, 100) if bracket_of(WIDE, number) == 2)
        assert not is_cut(Direction.MAXIMIZE, WIDE, last, [0.0] * 9, [(last + 1, [1.0] * 9)])

    def test_the_first_at_a_rung_goes_on(self) -> None:
        assert not is_cut(Direction.MAXIMIZE, WIDE, 1, [0.0], [])

    def test_two_thirds_are_cut_at_a_rung(self) -> None:
        others = [(2, [0.9]), (3, [0.5])]
        assert is_cut(Direction.MAXIMIZE, WIDE, 1, [0.6], others)
        assert not is_cut(Direction.MAXIMIZE, WIDE, 1, [0.95], others)

    def test_between_rungs_nobody_is_cut(self) -> None:
        assert not is_cut(Direction.MAXIMIZE, WIDE, 1, [0.1, 0.1], [(2, [0.9, 0.9]), (3, [0.9, 0.9])], seen=1)

    def test_trials_of_other_brackets_are_no_peers(self) -> None:
        other = next(number for number in range(1, 100) if bracket_of(WIDE, number) == 1)
        assert not is_cut(Direction.MAXIMIZE, WIDE, 1, [0.1], [(other, [0.9]), (other + 1, [0.9])])

    @pytest.mark.parametrize(("length", "is_over"), [(9, False), (10, True)])
    def test_a_trial_that_goes_on_beyond_the_most_is_stopped(self, length: int, is_over: bool) -> None:
        assert is_cut(Direction.MAXIMIZE, WIDE, 1, [0.5] * length, []) is is_over

    @given(SERIES, st.lists(st.tuples(st.integers(2, 40), SERIES), max_size=8))
    def test_the_best_of_all_reaches_the_end(
        self, series: list[float], others: list[tuple[int, list[float]]]
    ) -> None:
        band = Hyperband(1, 30)
        top = max([*series, *(value for _, other in others for value in other)])
        assert not is_cut(Direction.MAXIMIZE, band, 1, [top] * len(series), others)
