"""The metrics of predictions. Where a rate has nothing to be a part of, it is 0.

Source: developer guide, "Model quality metrics and Amazon CloudWatch monitoring". The constant classifier
that predictions are compared with says the last of the labels, as in the guide's examples.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]

_CONSTANT = "_best_constant_classifier"
_BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
# A curve of more points looks no different.
_MOST_POINTS = 1_000


def regression_metrics(truth: Numbers, guess: Numbers) -> dict[str, float]:
    """Return ``mae``, ``mse``, ``rmse`` and ``r2``; the last is no number where the truth is constant."""
    errors = guess - truth
    mse = float(np.mean(errors**2))
    spread = float(np.mean((truth - np.mean(truth)) ** 2))
    return {
        "mae": float(np.mean(np.abs(errors))),
        "mse": mse,
        "rmse": math.sqrt(mse),
        "r2": 1 - mse / spread if spread else math.nan,
    }


def binary_metrics(truth: Labels, guess: Labels, scores: Numbers | None = None) -> dict[str, float]:
    """Return the metrics of predictions of 0 and 1.

    Args:
        truth: Shape (n,).
        guess: Shape (n,).
        scores: Shape (n,). Probabilities of 1, for the area under the curve.
    """
    hit, miss = np.sum((truth == 1) & (guess == 1)), np.sum((truth == 1) & (guess == 0))
    alarm, rest = np.sum((truth == 0) & (guess == 1)), np.sum((truth == 0) & (guess == 0))
    recall, precision = _part(hit, hit + miss), _part(hit, hit + alarm)
    share = _part(hit + miss, len(truth))
    found = {
        "recall": recall,
        "precision": precision,
        "accuracy": _part(hit + rest, len(truth)),
        f"recall{_CONSTANT}": 1.0 if share else 0.0,
        f"precision{_CONSTANT}": share,
        f"accuracy{_CONSTANT}": share,
        "true_positive_rate": recall,
        "true_negative_rate": _part(rest, rest + alarm),
        "false_positive_rate": _part(alarm, rest + alarm),
        "false_negative_rate": _part(miss, hit + miss),
    }
    if scores is not None:
        found["auc"] = _area(truth, scores)
    found |= {name: f_score(precision, recall, beta) for name, beta in _BETAS.items()}
    constant = (share, 1.0 if share else 0.0)
    return found | {f"{name}{_CONSTANT}": f_score(*constant, beta) for name, beta in _BETAS.items()}


def multiclass_metrics(truth: Labels, guess: Labels, *, labels: int) -> dict[str, float]:
    """Return the metrics of predictions of several labels, each label with the weight that it has in truth.

    Args:
        truth: Shape (n,). From 0 to ``labels`` - 1.
        guess: Shape (n,). Likewise.
        labels: How many there are.
    """
    found = _weighted(truth, guess, labels)
    constant = _weighted(truth, np.full_like(truth, labels - 1), labels)
    return found | {f"{name}{_CONSTANT}": value for name, value in constant.items()}


def _weighted(truth: Labels, guess: Labels, labels: int) -> dict[str, float]:
    there, said = np.bincount(truth, minlength=labels), np.bincount(guess, minlength=labels)
    right = np.bincount(truth[truth == guess], minlength=labels)
    weights = there / len(truth)
    recalls = [_part(right[label], there[label]) for label in range(labels)]
    precisions = [_part(right[label], said[label]) for label in range(labels)]
    scores = {
        f"weighted_{name}": [f_score(p, r, beta) for p, r in zip(precisions, recalls, strict=True)]
        for name, beta in _BETAS.items()
    }
    each = {"weighted_recall": recalls, "weighted_precision": precisions, **scores}
    return {
        "accuracy": _part(np.sum(right), len(truth)),
        **{name: float(np.dot(weights, values)) for name, values in each.items()},
    }


def f_score(precision: float, recall: float, beta: float) -> float:
    """Return the F score of which recall counts ``beta`` times as much as precision.

    Example:
        >>> f_score(0.25, 1.0, 2.0)
        0.625
    """
    below = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / below if below else 0.0


def curves(truth: Labels, scores: Numbers) -> dict[str, Any]:
    """Return the ROC and the precision-recall curve; none if there is only one label."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    if len(np.unique(truth)) < 2:
        return {}
    false, true, _ = roc_curve(truth, scores)
    precisions, recalls, _ = precision_recall_curve(truth, scores)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thinned(false),
            "true_positive_rates": _thinned(true),
        },
        "precision_recall_curve": {
            "precisions": _thinned(precisions[::-1]),
            "recalls": _thinned(recalls[::-1]),
        },
    }


def _area(truth: Labels, scores: Numbers) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores)) if len(np.unique(truth)) == 2 else math.nan


def _thinned(points: Numbers) -> list[float]:
    if len(points) > _MOST_POINTS:
        points = points[np.linspace(0, len(points) - 1, _MOST_POINTS).astype(np.int64)]
    return [float(point) for point in points]


def _part(some: Any, of: Any) -> float:
    return float(some) / float(of) if of else 0.0
