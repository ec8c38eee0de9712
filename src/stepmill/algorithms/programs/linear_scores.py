"""Metrics of linear learner, and the threshold of its binary classifiers.

Source: developer guide, "Linear learner hyperparameters": ``binary_classifier_model_selection_criteria``,
``target_precision``, ``target_recall``, ``f_beta``, ``accuracy_top_k``; "Tune a linear learner model".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

Array = NDArray[Any]
# name, value, and whether the log calls it a score or a loss
Score = tuple[str, float, str]


@dataclass(frozen=True)
class Criteria:
    """What a binary classifier is chosen by.

    Args:
        name: ``accuracy``, ``f_beta``, ``precision_at_target_recall``, ``recall_at_target_precision``, or
            ``loss_function``.
        beta: Of the F score.
        target_precision: That is held.
        target_recall: That is held.
    """

    name: str = "accuracy"
    beta: float = 1.0
    target_precision: float = 0.8
    target_recall: float = 0.8


def best_threshold(labels: Array, scores: Array, criteria: Criteria) -> tuple[float, float]:
    """Return the threshold that is best by the criteria, and how good it is.

    Args:
        labels: Shape (n,), 0 or 1.
        scores: Shape (n,); a row is positive if its score is greater than the threshold.
        criteria: What is best.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], labels[order]
    # Cutting after the last of equal scores: 0 to n rows are called positive.
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1) + 1
    counts = np.concatenate([[0], ends])
    right = np.concatenate([[0], np.cumsum(truth)[ends - 1]])
    positives = truth.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(counts > 0, right / np.maximum(counts, 1), 0.0)
        recall = np.where(positives > 0, right / np.maximum(positives, 1), 0.0)
        match criteria.name:
            case "f_beta" | "f1":
                beta = 1.0 if criteria.name == "f1" else criteria.beta**2
                below = beta * precision + recall
                value = np.where(
                    below > 0, (1 + beta) * precision * recall / np.where(below > 0, below, 1), 0
                )
            case "precision_at_target_recall":
                value = np.where(recall >= criteria.target_recall, precision, recall - 1)
            case "recall_at_target_precision":
                value = np.where(precision >= criteria.target_precision, recall, precision - 1)
            case _:
                value = (2 * right - counts + len(truth) - positives) / len(truth)
    best = int(np.argmax(value))
    return _between(ranked, counts[best]), float(value[best])


def _between(ranked: Array, count: int) -> float:
    """Return a threshold above which so many scores lie: midway, so that new rows have room on both sides."""
    if count == 0:
        return float(ranked[0])
    if count == len(ranked):
        return float(np.nextafter(ranked[-1], -np.inf))
    return float((ranked[count - 1] + ranked[count]) / 2)


def binary_scores(labels: Array, scores: Array, threshold: float, beta: float) -> list[Score]:
    """Return the metrics of a binary classifier."""
    found = (scores > threshold).astype(int)
    options: dict[str, Any] = {"zero_division": 0}
    both = len(np.unique(labels)) > 1
    return [
        ("binary_classification_accuracy", float(metrics.accuracy_score(labels, found)), "score"),
        (f"binary_f_{beta:.3f}", float(metrics.fbeta_score(labels, found, beta=beta, **options)), "score"),
        ("precision", float(metrics.precision_score(labels, found, **options)), "score"),
        ("recall", float(metrics.recall_score(labels, found, **options)), "score"),
        *([("roc_auc_score", float(metrics.roc_auc_score(labels, scores)), "score")] if both else []),
    ]


def multiclass_scores(labels: Array, scores: Array, beta: float, top: int) -> list[Score]:
    """Return the metrics of a multiclass classifier; ``scores``: shape (n, n_classes)."""
    found = scores.argmax(axis=1)
    options: dict[str, Any] = {"average": "macro", "zero_division": 0}
    truth = labels.astype(int)
    own = scores[np.arange(len(truth)), truth][:, None]
    rank = (scores > own).sum(axis=1)
    return [
        ("multiclass_accuracy", float((found == truth).mean()), "score"),
        (f"multiclass_top_k_accuracy_{top}", float((rank < top).mean()), "score"),
        ("dcg", float((1 / np.log2(2 + rank)).mean()), "score"),
        ("macro_recall", float(metrics.recall_score(truth, found, **options)), "score"),
        ("macro_precision", float(metrics.precision_score(truth, found, **options)), "score"),
        (f"macro_f_{beta:.3f}", float(metrics.fbeta_score(truth, found, beta=beta, **options)), "score"),
    ]


def regression_scores(labels: Array, scores: Array) -> list[Score]:
    """Return the metrics of a regressor."""
    error = scores - labels
    mse = float((error**2).mean())
    return [
        ("mse", mse, "loss"),
        ("absolute_loss", float(np.abs(error).mean()), "loss"),
        ("rmse", float(np.sqrt(mse)), "loss"),
    ]
