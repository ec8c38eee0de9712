"""The parts of ``analysis.json`` that tell of bias, and what of them is worse than a baseline.

Source: developer guide, "Analysis results" of SageMaker Clarify, and "Bias Drift Violations".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .bias import DESCRIPTIONS, Groups, MetricError, measure
from .bias_columns import column_of, group_of, groups_of, numbers_of, predicted
from .clarify_config import POST_TRAINING, Analysis, Facet
from .documents import object_of, objects_of
from .errors import CustomerError

_INFINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
_DISPARATE_IMPACT = "DI"


def bias_sections(table: pd.DataFrame, analysis: Analysis) -> dict[str, Any]:
    """Return ``pre_training_bias_metrics`` and ``post_training_bias_metrics``, as far as asked for.

    Args:
        table: The data; records without a label or a prediction are left out.
        analysis: What is asked for.

    Raises:
        CustomerError: If a column is missing, or no label is positive.
    """
    if not analysis.methods:
        return {}
    assert analysis.label is not None
    label = column_of(table, analysis.label, "label")
    needed = [label]
    if POST_TRAINING in analysis.methods:
        assert analysis.predicted_label is not None
        needed.append(column_of(table, analysis.predicted_label, "predicted_label"))
    whole = table.dropna(subset=needed).reset_index(drop=True)
    if whole.empty:
        raise CustomerError(f"No record has all of {', '.join(needed)}.")
    positive = group_of(whole[label], analysis.positive)
    if not positive.flags.any():
        raise CustomerError(f"label_values_or_threshold: no value of {label!r} is {positive.text[:200]!r}.")
    sections: dict[str, Any] = {}
    for kind, names in analysis.methods.items():
        facets: dict[str, list[Any]] = {}
        for number, facet in enumerate(analysis.facets):
            where = f"facet[{number}]"
            column = column_of(whole, facet.column, f"{where}.name_or_index")
            found = _facet(whole, analysis, kind, facet, where)
            facets.setdefault(column, []).extend(
                {"value_or_threshold": text, "metrics": [_metric(name, groups) for name in names]}
                for text, groups in found
            )
        sections[f"{kind}_metrics"] = {
            "label": label,
            "facets": facets,
            "label_value_or_threshold": positive.text,
        }
    return sections


def bias_violations(document: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return which metrics are worse than in a baseline: farther from zero, the ratio DI farther from one.

    Args:
        document: ``analysis.json``.
        baseline: The one of before.

    Raises:
        CustomerError: If the baseline has no metric in common with it.
    """
    before = dict(_values(baseline))
    now = [(key, value) for key, value in _values(document) if key in before]
    if not now:
        raise CustomerError("The baseline constraints have no bias metric in common with this analysis.")
    found = []
    for (_, facet, value, name), measured in now:
        fair = 1.0 if name == _DISPARATE_IMPACT else 0.0
        then = before[_, facet, value, name]
        if abs(measured - fair) > abs(then - fair):
            found.append(
                {
                    "facet": facet,
                    "facet_value": value,
                    "metric_name": name,
                    "constraint_check_type": "bias_drift_check",
                    "description": f"Value {measured} does not meet the constraint requirement: {then}",
                }
            )
    return found


def _facet(
    table: pd.DataFrame, analysis: Analysis, kind: str, facet: Facet, where: str
) -> Iterator[tuple[str, Groups]]:
    """Yield the groups of a facet: their values, and what metrics are computed of."""
    column = column_of(table, facet.column, f"{where}.name_or_index")
    some = table.dropna(subset=[column]).reset_index(drop=True)
    if some.empty:
        raise CustomerError(f"{where}: all values of {column!r} are missing.")
    assert analysis.label is not None
    labels = some[column_of(some, analysis.label, "label")]
    is_after = kind == POST_TRAINING
    said = None
    if is_after:
        assert analysis.predicted_label is not None
        values = some[column_of(some, analysis.predicted_label, "predicted_label")]
        said = predicted(values, labels, analysis)
    strata = None
    if analysis.group is not None:
        strata = some[column_of(some, analysis.group, "group_variable")].fillna("").astype(str).to_numpy()
    features = _features(some, analysis, column) if is_after and "FT" in analysis.methods[kind] else None
    positive = group_of(labels, analysis.positive).flags
    for group in groups_of(some[column], facet.values, where):
        yield group.text, Groups(group.flags, positive, said, strata, features)


def _features(table: pd.DataFrame, analysis: Analysis, facet: str) -> Any:
    """Return the numbers in which records are compared; ``None`` if a feature has others, or none."""
    assert analysis.label is not None
    assert analysis.predicted_label is not None
    others = [analysis.label, analysis.predicted_label, *analysis.left_out]
    dropped = {facet, *(column_of(table, one, "excluded_columns") for one in others)}
    columns = [numbers_of(table[name]) for name in table.columns if name not in dropped]
    if not columns or any(one is None or np.isnan(one).any() for one in columns):
        return None
    return np.stack(columns, axis=1)


def _metric(name: str, groups: Groups) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "description": DESCRIPTIONS[name]}
    try:
        value = measure(name, groups)
    except MetricError as error:
        return {**found, "value": None, "error": str(error)}
    return {**found, "value": _INFINITE.get(value, value)}


def _values(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str, str], float]]:
    """Yield each number: by its kind of bias, facet, value and name."""
    for kind in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        facets = object_of(object_of(document.get(kind)).get("facets"))
        for facet, groups in facets.items():
            for group in objects_of(groups):
                # The end of an interval is the largest number of the data, and says nothing of the group.
                value = str(group.get("value_or_threshold")).removeprefix("(").partition(", ")[0]
                for metric in objects_of(group.get("metrics")):
                    number = _number(metric.get("value"))
                    if number is not None:
                        yield (kind, str(facet), value, str(metric.get("name"))), number


def _number(value: object) -> float | None:
    if isinstance(value, str):
        return next((number for number, text in _INFINITE.items() if text == value), None)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)
