"""Rows and labels of linear learner: checked, scaled, weighted.

Source: developer guide, "Linear learner hyperparameters": ``normalize_data``, ``unbias_data``,
``normalize_label``, ``num_point_for_scaler``, ``positive_example_weight_mult``,
``balance_multiclass_weights``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import CustomerError
from .first_party import Settings
from .hosts import Hosts
from .tables import Table

Array = NDArray[np.float64]
BINARY, MULTICLASS, REGRESSOR = "binary_classifier", "multiclass_classifier", "regressor"


@dataclass(frozen=True)
class Scaling:
    """How rows and labels are shifted and scaled for training.

    Args:
        mean: Shape (n_features,).
        spread: Shape (n_features,).
        label_mean: Of the labels.
        label_spread: Of the labels.
    """

    mean: Array
    spread: Array
    label_mean: float = 0.0
    label_spread: float = 1.0

    def rows(self, table: Table) -> Array:
        """Return the scaled rows of a table."""
        return np.asarray((table.features.astype(np.float64) - self.mean) / self.spread)

    def labels(self, table: Table) -> Array:
        """Return the scaled labels of a table."""
        return (np.asarray(table.labels, np.float64) - self.label_mean) / self.label_spread

    def undone(self, weights: Array, bias: Array) -> tuple[Array, Array]:
        """Return weights and bias that give the same scores, unscaled, for rows as they came."""
        own = weights / self.spread[:, None]
        return own * self.label_spread, (bias - self.mean @ own) * self.label_spread + self.label_mean


def scaling_of(settings: Settings, table: Table, hosts: Hosts) -> Scaling:
    """Return how the rows and labels of a training table are scaled, by the first rows of all hosts."""
    head = slice(0, -(-settings.integer("num_point_for_scaler", 10_000) // hosts.count))
    rows = table.features[head].astype(np.float64)
    labels = np.asarray(table.labels, np.float64)[head]
    has_bias = settings.flag("use_bias", default=True)
    means, spreads = _moments(hosts, np.column_stack([rows, labels]))
    mean, spread = means[:-1], spreads[:-1]
    if not settings.flag("unbias_data", default=has_bias):
        mean = np.zeros_like(mean)
    if not settings.flag("normalize_data", default=True):
        spread = np.ones_like(spread)
    label_mean, label_spread = 0.0, 1.0
    if settings.text("predictor_type") == REGRESSOR:
        if settings.flag("unbias_label", default=has_bias) and has_bias:
            label_mean = float(means[-1])
        if settings.flag("normalize_label", default=True):
            label_spread = float(spreads[-1]) or 1.0
    return Scaling(mean, np.where(spread > 0, spread, 1.0), label_mean, label_spread)


def _moments(hosts: Hosts, columns: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each column, over the rows of all hosts."""
    sums, count = hosts.total(columns.sum(axis=0), len(columns))
    means = sums / count
    (squares,) = hosts.total(((columns - means) ** 2).sum(axis=0))
    return means, np.sqrt(squares / count)


def check_labels(settings: Settings, table: Table, channel: str) -> None:
    """Refuse labels that are no classes.

    Raises:
        CustomerError: If a label of a classifier is not one of its classes.
    """
    kind = settings.text("predictor_type")
    if kind == REGRESSOR:
        return
    count = 2 if kind == BINARY else settings.integer("num_classes", 3)
    labels = np.asarray(table.labels)
    wrong = labels[(labels < 0) | (labels >= count) | (labels != np.floor(labels))]
    if len(wrong):
        raise CustomerError(
            f"The {channel} channel has the label {wrong[0]:g}: {kind} takes the integers from 0 to "
            f"{count - 1}."
        )


def weights_of(settings: Settings, labels: Array, hosts: Hosts) -> Array | None:
    """Return the weight of each row of this host, by the labels of all; ``None`` if all count the same."""
    kind = settings.text("predictor_type")
    if kind == MULTICLASS and settings.flag("balance_multiclass_weights", default=False):
        classes = labels.astype(int)
        (counts,) = hosts.total(np.bincount(classes, minlength=settings.integer("num_classes", 3)))
        return np.asarray(counts.sum() / (np.count_nonzero(counts) * counts[classes]))
    given = settings.text("positive_example_weight_mult", "1.0")
    if kind != BINARY or given in ("1", "1.0"):
        return None
    if given in ("balanced", "auto"):
        positives, count = (float(each) for each in hosts.total(labels.sum(), len(labels)))
        weight = (count - positives) / positives if positives else 1.0
    else:
        weight = float(given)
    return np.where(labels > 0, weight, 1.0)
