"""Losses of linear learner and their gradients, for several models at once.

Scores have the shape (n_rows, n_models), of multiclass (n_rows, n_models, n_classes); labels (n_rows,).

Source: developer guide, "Linear learner hyperparameters": ``loss`` and the settings of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Loss = Callable[[Array, Array], tuple[Array, Array]]
"""From scores and labels: the loss of each row and model, and its gradient by the score."""


@dataclass(frozen=True)
class LossSettings:
    """What losses take beside scores and labels.

    Args:
        margin: Of the hinge loss.
        quantile: Of the quantile loss.
        insensitivity: Smaller errors count as none.
        huber_delta: Up to it the Huber loss is a square.
    """

    margin: float = 1.0
    quantile: float = 0.5
    insensitivity: float = 0.01
    huber_delta: float = 1.0


def loss_function(name: str, settings: LossSettings) -> Loss:
    """Return a loss by its name."""
    return _LOSSES[name](settings)


def sigmoid(scores: Any) -> Any:
    """Return the chance that a score means, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * scores))


def softmax(scores: Any) -> Any:
    """Return the chances of the classes, along the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _logistic(_: LossSettings) -> Loss:
    def loss(scores: Array, labels: Array) -> tuple[Array, Array]:
        truth = labels[:, None]
        return np.logaddexp(0, scores) - truth * scores, sigmoid(scores) - truth

    return loss


def _hinge(settings: LossSettings) -> Loss:
    def loss(scores: Array, labels: Array) -> tuple[Array, Array]:
        sign = 2 * labels[:, None] - 1
        short = settings.margin - sign * scores
        return np.maximum(short, 0), np.where(short > 0, -sign, 0.0)

    return loss


def _softmax(_: LossSettings) -> Loss:
    def loss(scores: Array, labels: Array) -> tuple[Array, Array]:
        rows = np.arange(len(labels))
        classes = labels.astype(int)
        chances = softmax(scores)
        losses = -np.log(np.maximum(chances[rows, :, classes], 1e-300))
        chances[rows, :, classes] -= 1
        return losses, chances

    return loss


def _of_error(
    compute: Callable[[LossSettings, Array], tuple[Array, Array]],
) -> Callable[[LossSettings], Loss]:
    def with_settings(settings: LossSettings) -> Loss:
        return lambda scores, labels: compute(settings, scores - labels[:, None])

    return with_settings


def _squared(_: LossSettings, error: Array) -> tuple[Array, Array]:
    return error**2, 2 * error


def _absolute(_: LossSettings, error: Array) -> tuple[Array, Array]:
    return np.abs(error), np.sign(error)


def _beyond(settings: LossSettings, error: Array) -> Array:
    return np.maximum(np.abs(error) - settings.insensitivity, 0)


def _insensitive_squared(settings: LossSettings, error: Array) -> tuple[Array, Array]:
    rest = _beyond(settings, error)
    return rest**2, 2 * rest * np.sign(error)


def _insensitive_absolute(settings: LossSettings, error: Array) -> tuple[Array, Array]:
    rest = _beyond(settings, error)
    return rest, np.sign(error) * (rest > 0)


def _quantile(settings: LossSettings, error: Array) -> tuple[Array, Array]:
    # A label above the prediction costs q, one below it 1 - q.
    slope = np.where(error < 0, -settings.quantile, 1 - settings.quantile)
    return slope * error, slope


def _huber(settings: LossSettings, error: Array) -> tuple[Array, Array]:
    delta, size = settings.huber_delta, np.abs(error)
    losses = np.where(size <= delta, 0.5 * error**2, delta * (size - 0.5 * delta))
    return losses, np.clip(error, -delta, delta)


_LOSSES: dict[str, Callable[[LossSettings], Loss]] = {
    "logistic": _logistic,
    "hinge_loss": _hinge,
    "softmax_loss": _softmax,
    "squared_loss": _of_error(_squared),
    "absolute_loss": _of_error(_absolute),
    "eps_insensitive_squared_loss": _of_error(_insensitive_squared),
    "eps_insensitive_absolute_loss": _of_error(_insensitive_absolute),
    "quantile_loss": _of_error(_quantile),
    "huber_loss": _of_error(_huber),
}
