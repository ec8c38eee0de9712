from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as known
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.checks.programs.metrics import (
    binary_metrics,
    curves,
    f_score,
    multiclass_metrics,
    regression_metrics,
)

PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)
LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def labels(pairs: list[tuple[int, int]]) -> tuple[Any, Any]:
    return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


def test_binary_metrics_are_those_of_the_guides_example() -> None:
    # Its confusion matrix: {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}, rows by what is true.
    found = binary_metrics(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]))
    assert found == pytest.approx(
        {
            "recall": 1.0,
            "precision": 0.3333333333333333,
            "accuracy": 0.5,
            "recall_best_constant_classifier": 1.0,
            "precision_best_constant_classifier": 0.25,
            "accuracy_best_constant_classifier": 0.25,
            "true_positive_rate": 1.0,
            "true_negative_rate": 0.33333333333333337,
            "false_positive_rate": 0.6666666666666666,
            "false_negative_rate": 0.0,
            "f0_5": 0.3846153846153846,
            "f1": 0.5,
            "f2": 0.7142857142857143,
            "f0_5_best_constant_classifier": 0.29411764705882354,
            "f1_best_constant_classifier": 0.4,
            "f2_best_constant_classifier": 0.625,
        }
    )


def test_multiclass_metrics_are_those_of_the_guides_example() -> None:
    # {"0": {"0": 1180, "1": 510}, "1": {"0": 268, "1": 138}}
    truth = np.repeat([0, 0, 1, 1], [1180, 510, 268, 138])
    guess = np.repeat([0, 1, 0, 1], [1180, 510, 268, 138])
    assert multiclass_metrics(truth, guess, labels=2) == pytest.approx(
        {
            "accuracy": 0.6288167938931297,
            "weighted_recall": 0.6288167938931297,
            "weighted_precision": 0.6983172269629505,
            "weighted_f0_5": 0.6803947317178771,
            "weighted_f1": 0.6571162346664904,
            "weighted_f2": 0.6384024354394601,
            "accuracy_best_constant_classifier": 0.19370229007633588,
            "weighted_recall_best_constant_classifier": 0.19370229007633588,
            "weighted_precision_best_constant_classifier": 0.03752057718081697,
            "weighted_f0_5_best_constant_classifier": 0.04473443104152011,
            "weighted_f1_best_constant_classifier": 0.06286421244683643,
            "weighted_f2_best_constant_classifier": 0.10570313141262414,
        }
    )


@given(PAIRS)
def test_binary_metrics_are_those_of_a_known_library(pairs: list[tuple[int, int]]) -> None:
    truth, guess = labels(pairs)
    found = binary_metrics(truth, guess)
    assert found["recall"] == pytest.approx(known.recall_score(truth, guess, zero_division=0))
    assert found["precision"] == pytest.approx(known.precision_score(truth, guess, zero_division=0))
    assert found["f2"] == pytest.approx(known.fbeta_score(truth, guess, beta=2, zero_division=0))


@given(LABELS)
def test_multiclass_metrics_are_those_of_a_known_library(pairs: list[tuple[int, int]]) -> None:
    truth, guess = labels(pairs)
    found = multiclass_metrics(truth, guess, labels=4)
    precision, recall, score, _ = known.precision_recall_fscore_support(
        truth, guess, average="weighted", zero_division=0, beta=0.5
    )
    assert found["weighted_precision"] == pytest.approx(precision)
    assert found["weighted_recall"] == pytest.approx(recall)
    assert found["weighted_f0_5"] == pytest.approx(score)


def test_regression_metrics() -> None:
    found = regression_metrics(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))
    assert found == pytest.approx({"mae": 1.0, "mse": 3.0, "rmse": 3**0.5, "r2": 1 - 3 / (2 / 3)})
    assert math.isnan(regression_metrics(np.array([1.0, 1.0]), np.array([1.0, 2.0]))["r2"])


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    truth, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.5, 0.9])
    assert binary_metrics(truth, truth, scores)["auc"] == 0.75
    assert math.isnan(binary_metrics(np.array([1, 1]), np.array([1, 1]), np.array([0.1, 0.2]))["auc"])


def test_curves_begin_and_end_where_they_must_and_are_thinned() -> None:
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 2, 20_000)
    found = curves(truth, chance.random(20_000))
    roc, recalled = found["receiver_operating_characteristic_curve"], found["precision_recall_curve"]
    for points in (roc["false_positive_rates"], roc["true_positive_rates"], recalled["recalls"]):
        assert (points[0], points[-1]) == (0.0, 1.0)
        assert len(points) <= 1_000
        assert points == sorted(points)
    assert curves(np.array([1, 1]), np.array([0.5, 0.6])) == {}


def test_nothing_right_is_no_division_by_nothing() -> None:
    assert f_score(0.0, 0.0, 1.0) == 0.0
    assert binary_metrics(np.array([0]), np.array([0]))["precision"] == 0.0
