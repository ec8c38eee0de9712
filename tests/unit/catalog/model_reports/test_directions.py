from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.model_reports.directions import Change, Direction, change_between, direction_of


@pytest.mark.parametrize(
    ("direction", "names"),
    [
        (
            Direction.LOWER,
            ["mse", "RMSE", "train:mse", "validation:logloss", "val_loss", "mean_absolute_error", "test.mae",
             "false_positive_rate", "false_negative_rate", "perplexity", "test:mean_wQuantileLoss.loss"],
        ),
        (
            Direction.HIGHER,
            ["accuracy", "Accuracy", "auc", "validation:auc", "weighted_f1", "f0_5", "f2", "r2", "recall",
             "precision", "true_positive_rate", "true_negative_rate", "neg_mean_squared_error",
             "negative_log_loss", "macro avg.precision"],
        ),
        (Direction.NEARER_ZERO, ["pre / age / CI", "post / sex[0] / DPPL", "pre / a / b / KL"]),
        (Direction.NEARER_ONE, ["post / sex[0] / DI"]),
        (
            Direction.UNKNOWN,
            ["age / mean", "rows", "shap / age", "error / mean", "accuracy_best_constant_classifier", "",
             "post / x / other", "learning_rate", "größe", "rate"],
        ),
    ],
)  # fmt: skip
def test_directions(direction: Direction, names: list[str]) -> None:
    assert {name: direction_of(name) for name in names} == dict.fromkeys(names, direction)


@pytest.mark.parametrize(
    ("name", "before", "after", "change"),
    [
        ("mse", 2.0, 1.0, Change.BETTER),
        ("mse", 1.0, 2.0, Change.WORSE),
        ("auc", 0.5, 0.6, Change.BETTER),
        ("auc", 0.6, 0.5, Change.WORSE),
        ("auc", 0.1 + 0.2, 0.3, Change.SAME),
        ("rows", 1.0, 2.0, Change.DIFFERENT),
        ("rows", 0.0, 0.0, Change.SAME),
        ("post / a / DPPL", -0.4, 0.1, Change.BETTER),
        ("post / a / DPPL", -0.1, 0.1, Change.DIFFERENT),
        ("post / a / DI", 0.5, 1.2, Change.BETTER),
        ("post / a / DI", 1.2, 0.5, Change.WORSE),
    ],
)
def test_changes(name: str, before: float, after: float, change: Change) -> None:
    assert change_between(name, before, after) is change


@given(
    st.text(max_size=30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_the_other_way_round_is_the_opposite(name: str, before: float, after: float) -> None:
    opposite = {Change.BETTER: Change.WORSE, Change.WORSE: Change.BETTER}
    there, back = change_between(name, before, after), change_between(name, after, before)
    assert back is opposite.get(there, there)
    if math.isclose(before, after, rel_tol=1e-13, abs_tol=0):
        assert there is Change.SAME
