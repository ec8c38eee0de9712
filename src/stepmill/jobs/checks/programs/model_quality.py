"""Measures how good predictions are, suggests thresholds, and holds new measurements against them.

Source: developer guide, "Model quality metrics and Amazon CloudWatch monitoring" for the metrics, their names
and their deviations; "Create a model quality baseline" for the constraints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .documents import is_number, object_of
from .errors import CustomerError
from .metrics import binary_metrics, curves, multiclass_metrics, regression_metrics
from .settings import Settings

# Source: guide: deviations are given from so many samples on, and come of five draws of 80% of them.
_FEWEST_SAMPLES, _DRAWS, _SHARE = 200, 5, 0.8
_DEFAULT_THRESHOLD = 0.5
_MOST_LABELS = 1_000
_LONGEST_POSITION = 10
_LESS, _GREATER = "LessThanThreshold", "GreaterThanThreshold"
_GREATER_IS_WORSE = ("mae", "mse", "rmse", "false_positive_rate", "false_negative_rate")
_NAMES = {
    "Regression": "regression",
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
}
_TRUTHS = {"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}

Measured: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


def analyze_model(table: pd.DataFrame, settings: Settings) -> Measured:
    """Return ``statistics.json`` and ``constraints.json`` of predictions.

    Args:
        table: What was predicted and what is true, record by record.
        settings: Name the problem and the columns.

    Raises:
        CustomerError: If a column is missing or cannot be taken.
    """
    given = settings.attributes or {}
    problem = given.get("problem_type", "")
    if problem not in _NAMES:
        raise CustomerError(f"The problem_type {problem[:100]!r} is not one of {', '.join(_NAMES)}.")
    readers: Mapping[str, Callable[[pd.DataFrame, Mapping[str, str]], Measured]] = {
        "Regression": _regression,
        "BinaryClassification": _binary,
        "MulticlassClassification": _multiclass,
    }
    metrics, others = readers[problem](table, given)
    name = _NAMES[problem]
    statistics = {
        "version": 0.0,
        "dataset": {"item_count": len(table)},
        f"{name}_metrics": {**metrics, **others},
    }
    return statistics, {"version": 0.0, f"{name}_constraints": _constraints(metrics)}


def model_violations(statistics: Mapping[str, Any], constraints: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return which metrics are beyond the thresholds of a baseline.

    Raises:
        CustomerError: If the constraints cannot be taken, or are those of another kind of problem.
    """
    name = next(key.removesuffix("_metrics") for key in statistics if key.endswith("_metrics"))
    asked = constraints.get(f"{name}_constraints")
    if not isinstance(asked, dict):
        raise CustomerError(f"The baseline constraints have no {name}_constraints.")
    found = []
    for metric, given in asked.items():
        rule = object_of(given)
        threshold = rule.get("threshold")
        operator = rule.get("comparison_operator")
        if not is_number(threshold) or operator not in (_LESS, _GREATER):
            raise CustomerError(f"The baseline's constraint on {str(metric)[:100]!r} cannot be taken.")
        measured = statistics[f"{name}_metrics"].get(metric, {})
        value = measured.get("value")
        if not is_number(value):
            continue
        if value < threshold if operator == _LESS else value > threshold:
            spread = measured["standard_deviation"]
            text = f"Metric {metric} with {value} +/- {spread} was {operator} '{threshold}'"
            found.append({"metric_name": metric, "constraint_check_type": operator, "description": text})
    return found


def _regression(table: pd.DataFrame, given: Mapping[str, str]) -> Measured:
    rows = _columns(table, given, "ground_truth_attribute", "inference_attribute")
    truth, guess = _numbers(rows, "ground_truth_attribute"), _numbers(rows, "inference_attribute")
    return _measured(len(rows), lambda some: regression_metrics(truth[some], guess[some])), {}


def _binary(table: pd.DataFrame, given: Mapping[str, str]) -> Measured:
    has_score = bool(given.get("probability_attribute"))
    has_label = bool(given.get("inference_attribute"))
    if not has_score and not has_label:
        raise CustomerError("Name the predictions by inference_attribute or probability_attribute.")
    names = [name for name in ("inference_attribute", "probability_attribute") if given.get(name)]
    rows = _columns(table, given, "ground_truth_attribute", *names)
    truth = _truths(rows, "ground_truth_attribute")
    scores = _numbers(rows, "probability_attribute") if has_score else None
    if has_label:
        guess = _truths(rows, "inference_attribute")
    else:
        assert scores is not None
        guess = (scores > _threshold(given)).astype(np.int64)

    def measure(some: Any) -> dict[str, float]:
        return binary_metrics(truth[some], guess[some], None if scores is None else scores[some])

    metrics = _measured(len(rows), measure)
    matrix = {
        str(actual): {str(said): int(np.sum((truth == actual) & (guess == said))) for said in (0, 1)}
        for actual in (0, 1)
    }
    drawn = curves(truth, scores) if scores is not None else {}
    return metrics, {"confusion_matrix": matrix, **drawn}


def _multiclass(table: pd.DataFrame, given: Mapping[str, str]) -> Measured:
    rows = _columns(table, given, "ground_truth_attribute", "inference_attribute")
    truth, guess = (rows[name].astype(str).to_numpy(dtype=object) for name in rows.columns)
    labels = sorted({*truth, *guess})
    if len(labels) > _MOST_LABELS:
        raise CustomerError(f"There are {len(labels)} labels, and at most {_MOST_LABELS} make sense.")
    index = {label: number for number, label in enumerate(labels)}
    true, said = (np.array([index[label] for label in each], dtype=np.int64) for each in (truth, guess))
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (true, said), 1)
    matrix = {
        label: {other: int(counts[row, column]) for column, other in enumerate(labels)}
        for row, label in enumerate(labels)
    }
    metrics = _measured(
        len(rows), lambda some: multiclass_metrics(true[some], said[some], labels=len(labels))
    )
    return metrics, {"confusion_matrix": matrix}


def _measured(count: int, measure: Callable[[Any], dict[str, float]]) -> dict[str, Any]:
    """Return each metric with its deviation."""
    values = measure(slice(None))
    draws: list[dict[str, float]] = []
    if count >= _FEWEST_SAMPLES:
        # Drawn by the same chance each time: the same data is to give the same report.
        chance = np.random.default_rng(0)
        size = int(count * _SHARE)
        draws = [measure(chance.choice(count, size, replace=False)) for _ in range(_DRAWS)]
    return {
        name: {
            "value": _shown(value),
            "standard_deviation": _shown(
                float(np.std([draw[name] for draw in draws])) if draws else math.nan
            ),
        }
        for name, value in values.items()
    }


def _shown(value: float) -> float | str:
    return float(value) if math.isfinite(value) else "NaN"


def _constraints(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "threshold": measured["value"],
            "comparison_operator": _GREATER if name in _GREATER_IS_WORSE else _LESS,
        }
        for name, measured in metrics.items()
        if is_number(measured["value"]) and not name.endswith("_best_constant_classifier")
    }


def _columns(table: pd.DataFrame, given: Mapping[str, str], *attributes: str) -> pd.DataFrame:
    """Return the columns that attributes name, of the records that have them all."""
    found = pd.DataFrame({name: table.iloc[:, _position(table, given, name)] for name in attributes})
    whole = found.dropna()
    if whole.empty:
        raise CustomerError(f"No record has all of {', '.join(attributes)}.")
    return whole


def _position(table: pd.DataFrame, given: Mapping[str, str], attribute: str) -> int:
    text = given.get(attribute, "")
    if not text:
        raise CustomerError(f"The environment variable {attribute} is missing.")
    names = list(table.columns)
    if text in names:
        return names.index(text)
    if text.isascii() and text.isdigit() and len(text) < _LONGEST_POSITION and int(text) < len(names):
        return int(text)
    raise CustomerError(f"The {attribute} {text[:100]!r} is no column of the data.")


def _numbers(rows: pd.DataFrame, name: str) -> Any:
    try:
        numbers = rows[name].astype(float).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise CustomerError(f"A value of the {name} is not a number: {str(error)[:200]}") from error
    if not np.isfinite(numbers).all():
        raise CustomerError(f"A value of the {name} is not a finite number.")
    return numbers


def _truths(rows: pd.DataFrame, name: str) -> Any:
    found = rows[name].astype(str).str.lower().map(_TRUTHS)
    if found.isna().any():
        odd = rows[name][found.isna()].iloc[0]
        raise CustomerError(f"Labels of BinaryClassification are 0 and 1, and {name} has {str(odd)[:100]!r}.")
    return found.to_numpy(dtype=np.int64)


def _threshold(given: Mapping[str, str]) -> float:
    text = given.get("probability_threshold_attribute", "")
    try:
        found = float(text) if text else _DEFAULT_THRESHOLD
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise CustomerError(
            f"The probability_threshold_attribute {text[:100]!r} is not a number from 0 to 1."
        )
    return found
