"""Holds data against a baseline: what ``constraint_violations.json`` tells.

Source: developer guide, "Schema for Violations (constraint_violations.json file)" for the six checks, and
"Schema for Constraints" for thresholds and their defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .documents import object_of
from .errors import CustomerError
from .profile import FRACTIONAL, INTEGRAL, NUMERICAL, STRING, UNKNOWN, Column
from .settings import check_drift_method
from .sketch import Floats, distance, robust, sketch

_DEFAULT_THRESHOLD = 0.1
_ROBUST, _SIMPLE = ("robust", "linf_robust"), ("simple", "linf_simple")


def violations_of(
    columns: Sequence[Column], constraints: Mapping[str, Any], statistics: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return what is wrong with data, feature by feature in the order of the baseline.

    Args:
        columns: Of the data.
        constraints: ``constraints.json`` of the baseline.
        statistics: ``statistics.json`` of the baseline; an empty one compares no distributions.

    Raises:
        CustomerError: If the baseline cannot be taken.
    """
    config = object_of(constraints.get("monitoring_config"))
    features = _features(constraints, "constraints")
    if config.get("evaluate_constraints", "Enabled") == "Disabled":
        return []
    known = {column.name: column for column in columns}
    before = {str(one.get("name")): one for one in _features(statistics, "statistics")} if statistics else {}
    found = list(_columns(columns, features))
    for feature in features:
        column = known.get(str(feature.get("name")))
        if column is not None:
            own = {**config, **object_of(feature.get("monitoringConfigOverrides"))}
            found += _check(column, feature, own, object_of(before.get(column.name)))
    return found


def _columns(columns: Sequence[Column], features: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    counts = (
        f"Number of columns in current dataset: {len(columns)}, "
        f"Number of columns in baseline constraints: {len(features)}"
    )
    now, before = {column.name for column in columns}, {str(one.get("name")) for one in features}
    if missing := sorted(before - now):
        text = f"There are missing columns in current dataset: {_listed(missing)}. {counts}"
        yield _violation("Missing columns", "missing_column_check", text)
    if extra := sorted(now - before):
        text = f"There are extra columns in current dataset: {_listed(extra)}. {counts}"
        yield _violation("Extra columns", "extra_column_check", text)


def _check(
    column: Column, feature: Mapping[str, Any], config: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    yield from _data_type(column, feature, config)
    completeness = _number(feature.get("completeness", 0.0), "completeness")
    if column.completeness < completeness:
        text = f"Observed completeness: {column.completeness} is less than the baseline's: {completeness}"
        yield _violation(column.name, "completeness_check", text)
    yield from _categories(column, feature, config)
    yield from _drift(column, config, before)


def _data_type(
    column: Column, feature: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    expected = feature.get("inferred_type", UNKNOWN)
    if expected not in (*NUMERICAL, STRING) or not column.present:
        return
    accepted = {FRACTIONAL: (INTEGRAL, FRACTIONAL)}.get(expected, (expected,))
    match = sum(column.types.get(kind, 0) for kind in accepted) / column.present
    # Among texts there may be some that look like numbers: the column is one of text all the same.
    if expected == column.type:
        match = 1.0
    least = _threshold(config, "datatype_check_threshold")
    if match < least:
        text = (
            f"Data type match requirement is not met. Expected data type: {expected}, "
            f"Expected match: {least * 100}%. Observed: Only {match * 100}% of data is {expected}."
        )
        yield _violation(column.name, "data_type_check", text)


def _categories(
    column: Column, feature: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    domain = object_of(feature.get("string_constraints")).get("domains")
    if not isinstance(domain, list) or column.type != STRING:
        return
    known = {str(value) for value in domain}
    match = sum(count for value, count in column.categories.items() if value in known) / column.present
    least = _threshold(config, "domain_content_threshold")
    if match < least:
        unknown = sorted(value for value in column.categories if value not in known)
        text = (
            f"Only {match * 100}% of values are in the baseline's domain, expected: {least * 100}%. "
            f"Unknown: {_listed(unknown)}"
        )
        yield _violation(column.name, "categorical_values_check", text)


def _drift(column: Column, config: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    rules = object_of(config.get("distribution_constraints"))
    if rules.get("perform_comparison", "Enabled") == "Disabled" or not column.present:
        return
    threshold = _threshold(rules, "comparison_threshold")
    is_robust = _is_robust(rules.get("comparison_method", "Simple"))
    if column.type in NUMERICAL:
        levels = _levels(before)
        if not levels:
            return
        count = sum(len(level) * 2**index for index, level in enumerate(levels))
        simple, other_count = distance(sketch(column.numbers), levels), len(column.numbers)
    else:
        check_drift_method(rules.get("categorical_drift_method", "LInfinity"))
        threshold = _threshold(rules, "categorical_comparison_threshold", threshold)
        buckets = _buckets(before)
        count, other_count = sum(buckets.values()), column.present
        if not count:
            return
        simple = max(
            abs(column.categories.get(value, 0) / other_count - buckets.get(value, 0) / count)
            for value in {*buckets, *column.categories}
        )
    found = robust(simple, count, other_count) if is_robust else simple
    if found > threshold:
        text = f"Baseline drift distance: {found} exceeds threshold: {threshold}"
        yield _violation(column.name, "baseline_drift_check", text)


def _is_robust(method: object) -> bool:
    name = str(method).lower()
    if name not in (*_ROBUST, *_SIMPLE):
        raise CustomerError(f"The comparison_method {str(method)[:100]!r} is not one of Simple, Robust.")
    return name in _ROBUST


def _levels(feature: Mapping[str, Any]) -> list[Floats]:
    """Return the sketch of a feature of the baseline; an empty one if it has none."""
    about = object_of(object_of(feature.get("numerical_statistics")).get("distribution"))
    data = object_of(object_of(about.get("kll")).get("sketch")).get("data")
    if not isinstance(data, list):
        return []
    try:
        levels = [np.asarray(level, dtype=np.float64).reshape(-1) for level in data[:64]]
    except (ValueError, TypeError) as error:
        raise CustomerError(
            f"The sketch of {str(feature.get('name'))[:100]!r} is not one: {error}"
        ) from error
    levels = [level[np.isfinite(level)] for level in levels]
    return levels if any(len(level) for level in levels) else []


def _buckets(feature: Mapping[str, Any]) -> dict[str, int]:
    about = object_of(object_of(feature.get("string_statistics")).get("distribution"))
    buckets = object_of(about.get("categorical")).get("buckets")
    found: dict[str, int] = {}
    for bucket in buckets if isinstance(buckets, list) else ():
        count = _number(object_of(bucket).get("count"), "count")
        if count > 0:
            found[str(object_of(bucket).get("value"))] = int(count)
    return found


def _features(document: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    features = document.get("features")
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise CustomerError(f"The baseline {what} have no list of features.")
    return features


def _threshold(config: Mapping[str, Any], name: str, default: float = _DEFAULT_THRESHOLD) -> float:
    return _number(config.get(name, default), name)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise CustomerError(f"The baseline's {name} {str(value)[:100]!r} is not a number.")
    return float(value)


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(name[:100] for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _violation(feature: str, check: str, description: str) -> dict[str, str]:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}
