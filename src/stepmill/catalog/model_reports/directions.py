"""Which way of a metric is better, where that is known. Pure.

Source: the usual names of metrics, and those that SageMaker's built-in algorithms print; of bias, SageMaker
developer guide, "Measure pre-training bias" and "Measure post-training data and model bias": the nearer to
zero the fairer, of disparate impact the nearer to one.
"""

from __future__ import annotations

import re
from enum import StrEnum

# A change of less than this share of the value is none.
_SAME = 1e-12


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEARER_ZERO = "nearer to zero"
    NEARER_ONE = "nearer to one"
    UNKNOWN = ""


class Change(StrEnum):
    """What a value is beside another one."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    DIFFERENT = "different"


# fmt: off
_LOWER = frozenset((
    "mse", "rmse", "mae", "mape", "smape", "wmape", "rmsle", "mase", "wql", "loss", "logloss", "cost",
    "error", "errors", "err", "perplexity", "ppl", "brier", "hinge", "deviance", "entropy", "latency", "wer",
    "cer", "merror", "mlogloss",
))
_HIGHER = frozenset((
    "accuracy", "acc", "auc", "roc", "auroc", "prauc", "f1", "f2", "f0", "fscore", "precision", "recall",
    "r2", "specificity", "sensitivity", "ndcg", "map", "mrr", "bleu", "rouge", "iou", "miou", "dice", "kappa",
    "mcc", "balanced", "variance", "lift", "gini", "silhouette", "purity", "likelihood",
))
# Clarify's metrics by their short names; all others of its are not comparable so.
_BIAS = frozenset((
    "CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL", "DPPL", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD",
    "TE", "CDDPL", "FT", "GE", "DCAcc", "DCO",
))
# fmt: on
_DISPARATE_IMPACT = "DI"
_STAGES = ("pre", "post")
# Of a classifier that does not look: Model Monitor prints it beside each metric, to be compared with.
_NOT_OF_THE_MODEL = "best_constant_classifier"


def direction_of(name: str) -> Direction:
    """Return which way of a metric is better.

    Args:
        name: As ``Metric.name`` has it.

    Example:
        >>> [direction_of(name).value for name in ("mse", "validation:auc", "post / age[0] / DI", "mean")]
        ['lower', 'higher', 'nearer to one', '']
    """
    stage, *within = name.split(" / ")
    if within:
        return _of_bias(within[-1]) if stage in _STAGES else Direction.UNKNOWN
    if _NOT_OF_THE_MODEL in name:
        return Direction.UNKNOWN
    words = re.findall(r"[a-z]+[0-9]*", name.rpartition(".")[2].lower())
    if words[-1:] == ["rate"]:
        return {"true": Direction.HIGHER, "false": Direction.LOWER}.get(words[0], Direction.UNKNOWN)
    if not _LOWER.isdisjoint(words):
        return Direction.HIGHER if words[0] in ("neg", "negative") else Direction.LOWER
    return Direction.UNKNOWN if _HIGHER.isdisjoint(words) else Direction.HIGHER


def change_between(name: str, before: float, after: float) -> Change:
    """Return what a metric's value is beside that of another version.

    Args:
        name: Of the metric.
        before: The value that it is compared with.
        after: The value.

    Example:
        >>> change_between("mse", 2.0, 1.0), change_between("post / age / DPPL", 0.1, -0.2)
        (<Change.BETTER: 'better'>, <Change.WORSE: 'worse'>)
    """
    if abs(after - before) <= _SAME * max(abs(after), abs(before)):
        return Change.SAME
    match direction_of(name):
        case Direction.HIGHER:
            gain = after - before
        case Direction.LOWER:
            gain = before - after
        case Direction.NEARER_ZERO:
            gain = abs(before) - abs(after)
        case Direction.NEARER_ONE:
            gain = abs(before - 1) - abs(after - 1)
        case Direction.UNKNOWN:
            return Change.DIFFERENT
    if gain == 0:
        return Change.DIFFERENT
    return Change.BETTER if gain > 0 else Change.WORSE


def _of_bias(short_name: str) -> Direction:
    if short_name == _DISPARATE_IMPACT:
        return Direction.NEARER_ONE
    return Direction.NEARER_ZERO if short_name in _BIAS else Direction.UNKNOWN
