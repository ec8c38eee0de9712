from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.checks.programs.sketch import CAPACITY, distance, robust, sketch

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def true_distance(one: list[float], other: list[float]) -> float:
    places = [*one, *other]
    return max(
        abs(sum(v <= p for v in one) / len(one) - sum(v <= p for v in other) / len(other)) for p in places
    )


def test_few_values_are_all_kept() -> None:
    assert [level.tolist() for level in sketch(np.array([3.0, 1.0, 2.0]))] == [[3.0, 1.0, 2.0]]


@given(st.integers(0, 5_000), st.integers(4, 64))
def test_the_weights_are_as_many_as_the_values(count: int, capacity: int) -> None:
    levels = sketch(np.arange(count, dtype=np.float64), capacity)
    assert sum(len(level) * 2**index for index, level in enumerate(levels)) == count


def test_many_values_need_little_room_and_keep_their_distribution() -> None:
    chance = np.random.default_rng(3)
    values = chance.normal(size=300_000)
    levels = sketch(values)
    assert sum(len(level) for level in levels) < 4 * CAPACITY
    assert distance(levels, [values]) < 0.01


def test_the_same_values_give_the_same_sketch() -> None:
    values = np.random.default_rng(1).normal(size=10_000)
    first, second = sketch(values), sketch(values)
    assert [level.tolist() for level in first] == [level.tolist() for level in second]


@given(NUMBERS, NUMBERS)
def test_the_distance_is_the_largest_difference_of_the_distributions(
    one: list[float], other: list[float]
) -> None:
    found = distance(sketch(np.array(one)), sketch(np.array(other)))
    assert found == pytest.approx(true_distance(one, other))
    assert found == pytest.approx(distance(sketch(np.array(other)), sketch(np.array(one))))


def test_a_level_counts_for_two_of_the_one_below() -> None:
    assert distance([np.array([1.0, 2.0]), np.array([3.0])], [np.array([1.0, 2.0, 3.0, 3.0])]) == 0.0


def test_the_robust_distance_takes_off_what_chance_may_do() -> None:
    assert robust(0.5, 100, 100) == pytest.approx(0.5 - 1.8 * math.sqrt(0.02))
    assert robust(0.2, 100, 100) == 0.0
