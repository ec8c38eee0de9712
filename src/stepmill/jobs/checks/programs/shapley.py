"""Kernel SHAP: how much each feature of a record moved what a model says of it. Pure.

A coalition keeps some features of the record and takes the others from a baseline. The Shapley values are
the weights of the linear model that comes nearest to what the model says of all coalitions; of few features
all are asked, of many a sample.

Source: Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions" (2017), theorem 2; developer
guide, "Feature Attributions that Use Shapley Values".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from math import comb
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# Records, shape (n, features), of any values -> what the model says of each, shape (n, outputs).
Predict: TypeAlias = Callable[[Any], Any]
# What the model says on average, shape (n, outputs) -> what is explained, of the same shape.
Link: TypeAlias = Callable[[Any], Any]

_SMALLEST_SCALE = 1e-12
# So many records are made up and asked at a time.
_MOST_AT_ONCE = 65_536


class Explanation(NamedTuple):
    """What predictions rest on.

    Args:
        values: Shape (records, features, outputs). They add up to prediction less ``expected``.
        expected: Shape (outputs,). What the model says of the baseline, on average.
    """

    values: Any
    expected: Any


class Coalitions(NamedTuple):
    """The coalitions that are asked.

    Args:
        kept: Shape (n, features). Which features are the record's own.
        weights: Shape (n,). How much each counts.
    """

    kept: Any
    weights: Any


AGGREGATES: Mapping[str, Callable[[Any], Any]] = {
    "mean_abs": lambda values: np.abs(values).mean(axis=0),
    "mean_sq": lambda values: (values**2).mean(axis=0),
    "median": lambda values: np.median(values, axis=0),
}


def as_said(average: Any) -> Any:
    """Explain what the model says as it says it. See ``Link``."""
    return average


def log_odds(average: Any) -> Any:
    """Explain the log-odds of probabilities; 0 and 1 themselves have none, and are taken for nearly so."""
    near = np.clip(average, _SMALLEST_SCALE, 1 - _SMALLEST_SCALE)
    return np.log(near / (1 - near))


def explain(
    predict: Predict,
    records: Any,
    baseline: Any,
    coalitions: Coalitions,
    link: Link = as_said,
    told: Callable[[int], None] = lambda _done: None,
) -> Explanation:
    """Return the Shapley values of records.

    Args:
        predict: Asks the model; once for the baseline and the records, and for each record.
        records: Shape (n, features).
        baseline: Shape (b, features), ``b`` at least 1.
        coalitions: Of as many features.
        link: Makes of an average what is explained.
        told: Hears how many records are done.
    """
    # Together, for some models take a single record for a list of several.
    first = predict(np.concatenate([baseline, records]))
    expected = link(first[: len(baseline)].mean(axis=0))
    said = link(first[len(baseline) :])
    values = []
    for record, one in zip(records, said, strict=True):
        worth = link(_worth(predict, record, baseline, coalitions.kept))
        values.append(_solve(coalitions, worth - expected, one - expected))
        told(len(values))
    return Explanation(np.stack(values), expected)


def coalitions_of(features: int, most: int, chance: np.random.Generator) -> Coalitions:
    """Return all coalitions of some features if they are no more than ``most``, else a sample.

    The smallest and the largest coalitions weigh most, so they are taken first, all of a size and its
    complement; what is left of ``most`` is drawn from the other sizes, each with its complement.
    """
    kept: list[Any] = []
    weights: list[float] = []
    sizes = list(range(1, features // 2 + 1))
    # Of a size, and of its complement, which is the same one if it is half of the features.
    total = {
        size: (features - 1) / (size * (features - size)) * (1 + (2 * size < features)) for size in sizes
    }
    while sizes and comb(features, sizes[0]) * (1 + (2 * sizes[0] < features)) <= most - len(kept):
        size = sizes.pop(0)
        own = [_flags(features, chosen) for chosen in combinations(range(features), size)]
        both = own if 2 * size == features else [*own, *(~one for one in own)]
        kept += both
        weights += [total[size] / len(both)] * len(both)
    pairs = (most - len(kept)) // 2
    if sizes and (pairs or not kept):
        left = np.array([total[size] for size in sizes])
        for size in chance.choice(sizes, max(1, pairs), p=left / left.sum()):
            one = _flags(features, chance.choice(features, size, replace=False))
            kept += [one, ~one]
        weights += [left.sum() / (2 * max(1, pairs))] * (2 * max(1, pairs))
    return Coalitions(np.array(kept, dtype=bool).reshape(-1, features), np.array(weights))


def _flags(features: int, chosen: Any) -> Any:
    flags = np.zeros(features, dtype=bool)
    flags[list(chosen)] = True
    return flags


def _worth(predict: Predict, record: Any, baseline: Any, kept: Any) -> Any:
    """Return what the model says of each coalition on average over the baseline. Shape (n, outputs)."""
    if not len(kept):
        return np.zeros((0, 1))
    step = max(1, _MOST_AT_ONCE // len(baseline))
    parts = []
    for begin in range(0, len(kept), step):
        some = kept[begin : begin + step]
        mixed = np.where(some[:, None, :], record[None, None, :], baseline[None, :, :])
        said = predict(mixed.reshape(-1, mixed.shape[2]))
        parts.append(said.reshape(len(some), len(baseline), -1).mean(axis=1))
    return np.concatenate(parts)


def _solve(coalitions: Coalitions, worth: Any, whole: Any) -> Any:
    """Return the values that add up to ``whole`` and come nearest to ``worth``. Shape (features, outputs)."""
    kept, weights = coalitions.kept.astype(float), coalitions.weights
    if kept.shape[1] == 1:
        return whole[None, :]
    # The last value is what the others leave of the whole.
    root = np.sqrt(weights)[:, None]
    left = (kept[:, :-1] - kept[:, -1:]) * root
    right = (worth - kept[:, -1:] * whole[None, :]) * root
    found = np.linalg.lstsq(left, right, rcond=_SMALLEST_SCALE)[0]
    return np.vstack([found, whole - found.sum(axis=0)])
