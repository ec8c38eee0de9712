from __future__ import annotations

from itertools import combinations
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.jobs.checks.programs import shapley as module
from stepmill.jobs.checks.programs.shapley import AGGREGATES, coalitions_of, explain, log_odds

ENOUGH = 10_000


def crooked(rows: Any) -> Any:
    """A model of two outputs in which features work together."""
    x = rows.astype(float)
    first = x[:, 0] * x[:, -1] + np.sin(x).sum(axis=1)
    return np.stack([first, x.max(axis=1)], axis=1)


def shapley(record: Any, baseline: Any) -> Any:
    """The definition: the mean of what a feature adds, over all orders in which features may come."""
    count = len(record)

    def worth(chosen: tuple[int, ...]) -> Any:
        mixed = baseline.copy()
        mixed[:, list(chosen)] = record[list(chosen)]
        return crooked(mixed).mean(axis=0)

    found = []
    for feature in range(count):
        others = [one for one in range(count) if one != feature]
        added = np.zeros(2)
        for size in range(count):
            share = factorial(size) * factorial(count - size - 1) / factorial(count)
            for chosen in combinations(others, size):
                added += share * (worth((*chosen, feature)) - worth(chosen))
        found.append(added)
    return np.array(found)


def chance() -> np.random.Generator:
    return np.random.default_rng(1)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 1000))
def test_all_coalitions_give_the_values_of_the_definition(features: int, many: int, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    records, baseline = drawn.normal(size=(2, features)), drawn.normal(size=(many, features))
    found = explain(crooked, records, baseline, coalitions_of(features, ENOUGH, chance()))
    for record, values in zip(records, found.values, strict=True):
        assert values == pytest.approx(shapley(record, baseline), abs=1e-8)


def test_of_a_linear_model_a_sample_is_enough() -> None:
    drawn = np.random.default_rng(2)
    weights = drawn.normal(size=(30, 1))
    records, baseline = drawn.normal(size=(3, 30)), drawn.normal(size=(4, 30))
    found = explain(lambda rows: rows @ weights, records, baseline, coalitions_of(30, 400, chance()))
    assert found.values[:, :, 0] == pytest.approx((records - baseline.mean(axis=0)) * weights[:, 0], abs=1e-8)
    assert found.expected == pytest.approx(baseline.mean(axis=0) @ weights)


@pytest.mark.parametrize("most", [2, 7, 50, 300])
def test_values_add_up_to_the_prediction_whatever_the_sample(most: int) -> None:
    records, baseline = np.random.default_rng(3).normal(size=(2, 2, 12))
    found = explain(crooked, records, baseline, coalitions_of(12, most, chance()))
    assert found.values.sum(axis=1) + found.expected == pytest.approx(crooked(records))


def test_a_sample_comes_near() -> None:
    records, baseline = np.random.default_rng(4).normal(size=(2, 1, 11))
    whole = explain(crooked, records, baseline, coalitions_of(11, ENOUGH, chance())).values
    some = explain(crooked, records, baseline, coalitions_of(11, 1_000, chance())).values
    assert np.abs(some - whole).max() < 0.1 * np.abs(whole).max()


def test_values_that_are_words() -> None:
    records, baseline = (np.array(rows, dtype=object) for rows in ([["red", 2]], [["blue", 1]]))

    def model(rows: Any) -> Any:
        return np.array([[(row[0] == "red") * 10 + row[1]] for row in rows], dtype=float)

    found = explain(model, records, baseline, coalitions_of(2, ENOUGH, chance()))
    assert found.values[0, :, 0].tolist() == pytest.approx([10, 1])


@pytest.mark.parametrize("features", [2, 3, 4, 5, 6])
def test_all_coalitions_are_there_once_with_their_weights(features: int) -> None:
    found = coalitions_of(features, 2**features - 2, chance())
    assert len({tuple(one) for one in found.kept}) == len(found.kept) == 2**features - 2
    for kept, weight in zip(found.kept, found.weights, strict=True):
        size = int(kept.sum())
        assert weight == pytest.approx((features - 1) / (comb(features, size) * size * (features - size)))


def test_a_sample_is_no_larger_than_asked_and_the_same_each_time() -> None:
    first, second = (coalitions_of(20, 333, chance()) for _ in range(2))
    assert len(first.kept) <= 333
    assert (first.kept == second.kept).all()
    # The smallest and the largest are all there.
    assert {1, 19} <= {int(one) for one in first.kept.sum(axis=1)}
    assert (first.kept.sum(axis=1) == 1).sum() == 20


def test_aggregates() -> None:
    values = np.array([[1.0], [-2.0], [-3.0]])
    found = {name: float(aggregate(values)[0]) for name, aggregate in AGGREGATES.items()}
    assert found == {"mean_abs": 2.0, "mean_sq": pytest.approx(14 / 3), "median": -2.0}


def test_log_odds_of_averages_add_up() -> None:
    def probability(rows: Any) -> Any:
        return 1 / (1 + np.exp(-rows.astype(float).sum(axis=1, keepdims=True)))

    records, baseline = np.array([[1.0, 2.0, -0.5]]), np.zeros((1, 3))
    found = explain(probability, records, baseline, coalitions_of(3, ENOUGH, chance()), log_odds)
    # The log-odds of this model are the sum of its features.
    assert found.values[0, :, 0] == pytest.approx([1.0, 2.0, -0.5])
    assert found.expected == pytest.approx([0.0])


def test_certain_predictions_have_finite_log_odds() -> None:
    found = log_odds(np.array([0.0, 0.5, 1.0]))
    assert np.isfinite(found).all()
    assert found == pytest.approx([-found[2], 0.0, found[2]], rel=1e-3)


def test_large_questions_are_asked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    records, baseline = np.arange(10.0).reshape(2, 5), np.ones((3, 5))
    whole = explain(crooked, records, baseline, coalitions_of(5, ENOUGH, chance()))
    asked: list[int] = []

    def counted(rows: Any) -> Any:
        asked.append(len(rows))
        return crooked(rows)

    monkeypatch.setattr(module, "_MOST_AT_ONCE", 10)
    done: list[int] = []
    parts = explain(counted, records, baseline, coalitions_of(5, ENOUGH, chance()), told=done.append)
    assert parts.values == pytest.approx(whole.values)
    assert max(asked) <= 10
    assert done == [1, 2]
