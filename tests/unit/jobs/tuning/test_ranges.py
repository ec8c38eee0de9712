from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.tuning.ranges import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scale,
    combination,
    combinations,
    holds,
    number_of,
    scale_of,
    text_of_number,
)

GRID = st.lists(
    st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4, unique=True), max_size=4
).map(lambda lists: tuple(CategoricalRange(f"p{i}", tuple(values)) for i, values in enumerate(lists)))


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [
        (0.001, 0.1, Scale.LOGARITHMIC),
        (0.001, 0.09, Scale.LINEAR),
        (0, 1, Scale.LINEAR),
        (-1, 1000, Scale.LINEAR),
    ],
)
def test_auto_is_logarithmic_for_wide_ranges_above_zero(low: float, high: float, scale: Scale) -> None:
    assert scale_of(ContinuousRange("x", low, high)) is scale


def test_a_scale_that_is_asked_for_is_kept() -> None:
    assert scale_of(IntegerRange("x", 1, 1000, Scale.LINEAR)) is Scale.LINEAR


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_read_as_the_same_number(value: float) -> None:
    assert number_of(text_of_number(value)) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "", "1,5", "x"])
def test_what_is_no_finite_number_is_none(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("text", "is_held"),
    [("1", True), ("12", True), ("0", False), ("13", False), ("2.0", True), ("2.5", False)],
)
def test_an_integer_range_holds_whole_numbers_between_its_ends(text: str, is_held: bool) -> None:
    assert holds(IntegerRange("depth", 1, 12), text) is is_held


def test_a_categorical_range_holds_its_values_only() -> None:
    searched = CategoricalRange("kind", ('"gbtree"', '"dart"'))
    assert holds(searched, '"dart"')
    assert not holds(searched, "dart")


@given(GRID)
def test_a_grid_has_every_combination_once(grid: tuple[CategoricalRange, ...]) -> None:
    size = combinations(grid)
    found = {tuple(combination(grid, number).items()) for number in range(size)}
    assert len(found) == size
    assert all(holds(one, dict(chosen)[one.name]) for chosen in found for one in grid)


def test_the_last_hyperparameter_of_a_grid_turns_fastest() -> None:
    grid = (CategoricalRange("a", ("1", "2")), CategoricalRange("b", ("x", "y")))
    assert [combination(grid, number) for number in range(4)] == [
        {"a": "1", "b": "x"},
        {"a": "1", "b": "y"},
        {"a": "2", "b": "x"},
        {"a": "2", "b": "y"},
    ]
