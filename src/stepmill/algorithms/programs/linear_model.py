"""Linear models that are trained side by side on mini-batches.

Source: developer guide, "How linear learner works" and "Linear learner hyperparameters": optimizers, learning
rates, regularisation; D. Kingma and J. Ba, "Adam"; J. Duchi and Y. Singer on forward-backward splitting, by
which the L1 term is applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .first_party import Settings
from .hosts import Hosts
from .linear_losses import Loss

Array = NDArray[np.float64]
_EPSILON = 1e-8
# What "auto" is for each optimizer.
_RATES = {"adam": 0.005, "rmsprop": 0.005, "sgd": 0.1}
# By what the parallel models differ from the given or automatic settings: each in one or two respects.
_RATE_FACTORS = (1.0, 10.0, 100.0, 0.1)
_CLOSE_FACTORS = (1.0, 0.5, 2.0)
_AUTO_DECAYS = (0.0, 1e-4, 1e-2)
_MOST_MODELS = 12


@dataclass(frozen=True)
class Variant:
    """In what one of the parallel models differs.

    Args:
        rate: Learning rate.
        decay: L2 regularisation.
        l1: L1 regularisation.
    """

    rate: float
    decay: float
    l1: float


def variants(settings: Settings) -> tuple[Variant, ...]:
    """Return the models to train side by side, the one that is asked for first."""
    optimizer = optimizer_name(settings)
    if settings.has("learning_rate"):
        rates = [settings.number("learning_rate", 0) * factor for factor in _CLOSE_FACTORS]
    else:
        rates = [_RATES[optimizer] * factor for factor in _RATE_FACTORS]
    given = settings.number("wd", 0)
    decays = [given * factor for factor in (1.0, 0.1, 10.0)] if settings.has("wd") else list(_AUTO_DECAYS)
    l1 = settings.number("l1", 0.0)
    found = dict.fromkeys(Variant(rate, decay, l1) for decay, rate in product(dict.fromkeys(decays), rates))
    if settings.text("_tuning_objective_metric"):
        return tuple(found)[:1]
    return tuple(found)[: settings.integer("num_models", _MOST_MODELS)]


def optimizer_name(settings: Settings) -> str:
    """Return the optimizer that is used."""
    name = settings.text("optimizer", "auto")
    return "adam" if name == "auto" else name


class Models:
    """Weights of several linear models, and the state of their optimizer.

    Args:
        settings: Hyperparameters.
        each: In what the models differ.
        width: Number of features.
        classes: Number of scores per row; 1 unless there are several classes.
        chance: What the first weights are drawn by.
    """

    def __init__(
        self,
        settings: Settings,
        each: tuple[Variant, ...],
        width: int,
        classes: int,
        chance: np.random.Generator,
    ) -> None:
        self.count = len(each)
        self._shape = (self.count, classes)
        self._classes = classes
        shape = (width, self.count * classes)
        if settings.text("init_method", "uniform") == "uniform":
            scale = settings.number("init_scale", 0.07)
            self.weights: Array = chance.uniform(-scale, scale, shape)
        else:
            self.weights = chance.normal(0, settings.number("init_sigma", 0.01), shape)
        self.bias: Array = np.full(shape[1], settings.number("init_bias", 0.0))
        self._has_bias = settings.flag("use_bias", default=True)
        if not self._has_bias:
            self.bias[:] = 0.0
        self._rates = _spread([variant.rate for variant in each], classes)
        self._decays = _spread([variant.decay for variant in each], classes)
        self._l1 = _spread([variant.l1 for variant in each], classes)
        self._bias_rate = settings.number("bias_lr_mult", 1.0)
        self._bias_decay = settings.number("bias_wd_mult", 0.0)
        self._schedule = _Schedule(settings)
        self._optimizers = (_Optimizer(settings), _Optimizer(settings))
        self._steps = 0

    def scores(self, rows: Array) -> Array:
        """Return the scores of rows, shape (n, n_models), or (n, n_models, n_classes)."""
        found = rows @ self.weights + self.bias
        return found.reshape(len(rows), *self._shape) if self._classes > 1 else found

    def step(
        self, rows: Array, labels: Array, weights: Array | None, loss: Loss, hosts: Hosts
    ) -> tuple[Array, int]:
        """Take one step down the gradient of the batches of all hosts.

        Returns:
            The sum of the losses of all rows for each model, and how many rows there were.
        """
        losses, slopes = loss(self.scores(rows), labels)
        if weights is not None:
            losses = losses * weights[:, None]
            slopes = slopes * weights.reshape(-1, *([1] * (slopes.ndim - 1)))
        flat = slopes.reshape(len(rows), self.weights.shape[1])
        sums, slope, bias_slope, count = hosts.total(
            losses.sum(axis=0), rows.T @ flat, flat.sum(axis=0), len(rows)
        )
        self._descend(slope / count, bias_slope / count)
        return sums, int(count)

    def _descend(self, slope: Array, bias_slope: Array) -> None:
        self._steps += 1
        rates = self._schedule.at(self._rates, self._steps)
        self.weights -= rates * self._optimizers[0].step(slope + self._decays * self.weights, self._steps)
        if self._l1.any():
            shrink = rates * self._l1
            self.weights = np.sign(self.weights) * np.maximum(np.abs(self.weights) - shrink, 0)
        if self._has_bias:
            bias_slope = bias_slope + self._bias_decay * self._decays * self.bias
            self.bias -= rates * self._bias_rate * self._optimizers[1].step(bias_slope, self._steps)

    def place(self, model: int) -> slice:
        """Return where the weights of one model are: the columns of ``weights``, the entries of ``bias``."""
        return slice(model * self._classes, (model + 1) * self._classes)

    def state(self) -> dict[str, Array]:
        """Return all that training goes on from."""
        return {
            "weights": self.weights,
            "bias": self.bias,
            "steps": np.array(self._steps),
            "of_weights": self._optimizers[0].state(self.weights.shape),
            "of_bias": self._optimizers[1].state(self.bias.shape),
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from a state."""
        self.weights, self.bias, self._steps = state["weights"], state["bias"], int(state["steps"])
        self._optimizers[0].restore(state["of_weights"])
        self._optimizers[1].restore(state["of_bias"])


def _spread(values: list[float], classes: int) -> Array:
    return np.repeat(np.array(values), classes)


class _Schedule:
    """Lets the learning rate fall step by step."""

    def __init__(self, settings: Settings) -> None:
        self._used = settings.flag("use_lr_scheduler", default=True)
        self._every = settings.integer("lr_scheduler_step", 100)
        self._factor = settings.number("lr_scheduler_factor", 0.99)
        self._least = settings.number("lr_scheduler_minimum_lr", 1e-5)

    def at(self, rates: Array, step: int) -> Array:
        if not self._used:
            return rates
        fallen = rates * self._factor ** (step // self._every)
        # A rate that is asked for below the least one stays as it is.
        return np.maximum(fallen, np.minimum(rates, self._least))


class _Optimizer:
    """Turns gradients into steps, before they are scaled by the learning rate."""

    def __init__(self, settings: Settings) -> None:
        self._name = optimizer_name(settings)
        self._beta_1 = settings.number("beta_1", 0.9)
        self._beta_2 = settings.number("beta_2", 0.999 if self._name == "adam" else 0.9)
        self._momentum = settings.number("momentum", 0.9)
        self._first: Array | float = 0.0
        self._second: Array | float = 0.0

    def state(self, shape: tuple[int, ...]) -> Array:
        return np.stack([np.broadcast_to(moment, shape) for moment in (self._first, self._second)])

    def restore(self, state: Array) -> None:
        self._first, self._second = state

    def step(self, slope: Array, number: int) -> Array:
        if self._name == "sgd":
            self._first = self._momentum * self._first + (1 - self._momentum) * slope
            return np.asarray(self._first)
        self._second = self._beta_2 * self._second + (1 - self._beta_2) * slope**2
        if self._name == "rmsprop":
            return slope / (np.sqrt(self._second) + _EPSILON)
        self._first = self._beta_1 * self._first + (1 - self._beta_1) * slope
        mean = self._first / (1 - self._beta_1**number)
        spread = self._second / (1 - self._beta_2**number)
        return mean / (np.sqrt(spread) + _EPSILON)


def batches(count: int, size: int, chance: np.random.Generator, most: int) -> Iterator[NDArray[np.int64]]:
    """Return the places of the rows of each mini-batch of an epoch, shuffled.

    Args:
        count: Number of rows of this host.
        size: Number of rows of a mini-batch.
        chance: What they are shuffled by.
        most: Number of rows of the host that has the most: the last mini-batches of others are empty.
    """
    order = chance.permutation(count)
    for start in range(0, most, size):
        yield order[start : start + size]
