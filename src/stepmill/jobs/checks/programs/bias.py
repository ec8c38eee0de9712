"""The metrics of bias, before and after training. Pure.

The groups of a facet are called as AWS calls them: ``d``, disadvantaged, are the records of the values that
are looked at, ``a``, advantaged, all others. A label is positive or not.

Source: developer guide, "Pre-training Bias Metrics" and "Post-training Data and Model Bias Metrics": their
definitions. A share of nothing of nothing is zero, a share of something of nothing infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Flags: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

# Flip test: how many neighbours vote, and from how many advantaged records on there are enough of them.
_NEIGHBOURS, _ENOUGH = 5, 10
_AT_ONCE = 256

DESCRIPTIONS: Mapping[str, str] = {
    "AD": "Accuracy Difference (AD)",
    "CDDL": "Conditional Demographic Disparity in Labels (CDDL)",
    "CDDPL": "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
    "CI": "Class Imbalance (CI)",
    "DAR": "Difference in Acceptance Rates (DAR)",
    "DCAcc": "Difference in Conditional Acceptance (DCAcc)",
    "DCR": "Difference in Conditional Rejection (DCR)",
    "DI": "Disparate Impact (DI)",
    "DPL": "Difference in Positive Proportions in Labels (DPL)",
    "DPPL": "Difference in Positive Proportions in Predicted Labels (DPPL)",
    "DRR": "Difference in Rejection Rates (DRR)",
    "FT": "Flip Test (FT)",
    "GE": "Generalized Entropy (GE)",
    "JS": "Jensen-Shannon Divergence (JS)",
    "KL": "Kullback-Liebler Divergence (KL)",
    "KS": "Kolmogorov-Smirnov Distance (KS)",
    "LP": "L-p Norm (LP)",
    "RD": "Recall Difference (RD)",
    "SD": "Specificity Difference (SD)",
    "TE": "Treatment Equality (TE)",
    "TVD": "Total Variation Distance (TVD)",
}


class MetricError(Exception):
    """A metric has no value for this data."""


@dataclass(frozen=True)
class Groups:
    """The records that metrics are computed of.

    Args:
        sensitive: Shape (n,). Which records are of group d.
        labels: Shape (n,). Which labels are positive.
        predictions: Shape (n,). Which predicted labels are positive; ``None`` before training.
        strata: Shape (n,). The stratum of each record, for conditional disparity.
        features: Shape (n, k). Numbers, for the flip test; ``None`` if there are others.
    """

    sensitive: Flags
    labels: Flags
    predictions: Flags | None = None
    strata: np.ndarray[Any, Any] | None = None
    features: np.ndarray[Any, np.dtype[np.float64]] | None = None


def measure(name: str, groups: Groups) -> float:
    """Return the value of a metric; it may be infinite.

    Args:
        name: Short, as in ``DESCRIPTIONS``.
        groups: The records.

    Raises:
        MetricError: If it has none, with the reason.
    """
    if not groups.sensitive.any():
        raise MetricError("No record is of the facet's group.")
    if groups.sensitive.all():
        raise MetricError("All records are of the facet's group.")
    return float(_METRICS[name](groups))


@dataclass(frozen=True)
class _Counts:
    """How often predictions and truth met in a group: true and false positives and negatives."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def all(self) -> int:
        return self.tp + self.fp + self.fn + self.tn


def _share(part: float, whole: float) -> float:
    if whole:
        return part / whole
    return math.inf if part else 0.0


def _difference(first: float, second: float) -> float:
    return 0.0 if first == second else first - second


def _predictions(groups: Groups) -> Flags:
    assert groups.predictions is not None
    return groups.predictions


def _counts(groups: Groups) -> tuple[_Counts, _Counts]:
    """Return the counts of a and of d."""
    said, true = _predictions(groups), groups.labels

    def of(chosen: Flags) -> _Counts:
        return _Counts(
            tp=int(np.sum(chosen & true & said)),
            fp=int(np.sum(chosen & ~true & said)),
            fn=int(np.sum(chosen & true & ~said)),
            tn=int(np.sum(chosen & ~true & ~said)),
        )

    return of(~groups.sensitive), of(groups.sensitive)


def _class_imbalance(groups: Groups) -> float:
    disadvantaged = int(groups.sensitive.sum())
    count = len(groups.sensitive)
    return (count - 2 * disadvantaged) / count


def _positive_shares(groups: Groups, labels: Flags) -> tuple[float, float]:
    """Return the share of positive labels in a and in d."""
    return float(labels[~groups.sensitive].mean()), float(labels[groups.sensitive].mean())


def _distributions(groups: Groups) -> tuple[Any, Any]:
    """Return the distributions of labels in a and in d, of the labels that both have."""
    qa, qd = _positive_shares(groups, groups.labels)
    a, d = np.array([1 - qa, qa]), np.array([1 - qd, qd])
    both = (a > 0) & (d > 0)
    if not both.any():
        raise MetricError("The groups of the facet have no label in common.")
    return a[both], d[both]


def _kullback_leibler(p: Any, q: Any) -> float:
    return float(np.sum(p * np.log(p / q)))


def _jensen_shannon(groups: Groups) -> float:
    a, d = _distributions(groups)
    mean = (a + d) / 2
    return (_kullback_leibler(a, mean) + _kullback_leibler(d, mean)) / 2


def _norm(groups: Groups, order: float) -> float:
    a, d = _distributions(groups)
    return float(np.linalg.norm(a - d, order))


def _conditional_disparity(groups: Groups, labels: Flags) -> float:
    """Return the mean of each stratum's disparity, weighted by its size.

    The disparity of a stratum is d's share of what is rejected less its share of what is accepted.
    """
    if groups.strata is None:
        raise MetricError("There is no group variable.")
    if labels.all() or not labels.any():
        raise MetricError(f"All labels are {'positive' if labels.all() else 'negative'}.")
    _, place = np.unique(groups.strata, return_inverse=True)

    def counted(chosen: Flags) -> Any:
        return np.bincount(place[chosen], minlength=int(place.max()) + 1)

    def shares(chosen: Flags) -> Any:
        whole = counted(chosen)
        return np.divide(counted(chosen & groups.sensitive), whole, out=np.zeros(len(whole)), where=whole > 0)

    disparity = shares(~labels) - shares(labels)
    return float(np.average(disparity, weights=counted(np.ones(len(labels), dtype=bool))))


def _positive_difference(groups: Groups, labels: Flags) -> float:
    qa, qd = _positive_shares(groups, labels)
    return qa - qd


def _disparate_impact(groups: Groups) -> float:
    qa, qd = _positive_shares(groups, _predictions(groups))
    return _share(qd, qa)


def _conditional_acceptance(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(a.tp + a.fn, a.tp + a.fp), _share(d.tp + d.fn, d.tp + d.fp))


def _conditional_rejection(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(d.tn + d.fp, d.tn + d.fn), _share(a.tn + a.fp, a.tn + a.fn))


def _recall(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(a.tp, a.tp + a.fn), _share(d.tp, d.tp + d.fn))


def _specificity(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(d.tn, d.tn + d.fp), _share(a.tn, a.tn + a.fp))


def _acceptance_rate(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(a.tp, a.tp + a.fp), _share(d.tp, d.tp + d.fp))


def _rejection_rate(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(d.tn, d.tn + d.fn), _share(a.tn, a.tn + a.fn))


def _accuracy(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(a.tp + a.tn, a.all), _share(d.tp + d.tn, d.all))


def _treatment(groups: Groups) -> float:
    a, d = _counts(groups)
    return _difference(_share(d.fn, d.fp), _share(a.fn, a.fp))


def _entropy(groups: Groups) -> float:
    benefit = _predictions(groups).astype(float) - groups.labels.astype(float) + 1
    mean = float(benefit.mean())
    if not mean:
        raise MetricError("All predictions are false negatives.")
    return float(np.mean((benefit / mean) ** 2 - 1)) / 2


def _flip_test(groups: Groups) -> float:
    """Return how much worse d is treated than its nearest neighbours in a.

    That is the share of d whose prediction is negative though its neighbours' is positive, less the share of
    those for whom it is the other way round.
    """
    if groups.features is None:
        raise MetricError("The flip test needs features that are all numbers.")
    others = groups.features[~groups.sensitive]
    said = _predictions(groups)
    votes_of = said[~groups.sensitive].astype(float)
    neighbours = _NEIGHBOURS if len(others) >= _ENOUGH else 1
    own = groups.features[groups.sensitive]
    flipped = np.zeros(len(own), dtype=bool)
    for begin in range(0, len(own), _AT_ONCE):
        some = own[begin : begin + _AT_ONCE]
        # A block at a time, so that the distances of all pairs need not be held.
        distances = np.stack([((others - one) ** 2).sum(axis=1) for one in some])
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
        flipped[begin : begin + len(some)] = votes_of[nearest].mean(axis=1) > 1 / 2
    as_predicted = said[groups.sensitive]
    worse, better = int(np.sum(~as_predicted & flipped)), int(np.sum(as_predicted & ~flipped))
    return (worse - better) / len(own)


_METRICS: Mapping[str, Callable[[Groups], float]] = {
    "AD": _accuracy,
    "CDDL": lambda groups: _conditional_disparity(groups, groups.labels),
    "CDDPL": lambda groups: _conditional_disparity(groups, _predictions(groups)),
    "CI": _class_imbalance,
    "DAR": _acceptance_rate,
    "DCAcc": _conditional_acceptance,
    "DCR": _conditional_rejection,
    "DI": _disparate_impact,
    "DPL": lambda groups: _positive_difference(groups, groups.labels),
    "DPPL": lambda groups: _positive_difference(groups, _predictions(groups)),
    "DRR": _rejection_rate,
    "FT": _flip_test,
    "GE": _entropy,
    "JS": _jensen_shannon,
    "KL": lambda groups: _kullback_leibler(*_distributions(groups)),
    "KS": lambda groups: _norm(groups, math.inf),
    "LP": lambda groups: _norm(groups, 2),
    "RD": _recall,
    "SD": _specificity,
    "TE": _treatment,
    "TVD": lambda groups: _norm(groups, 1) / 2,
}
