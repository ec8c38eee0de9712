"""Suggests what data of this kind must satisfy, as ``constraints.json`` has it.

Source: developer guide, "Schema for Constraints (constraints.json file)"; Deequ, CategoricalRangeRule, for
which columns of text have a domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .profile import MOST_CATEGORIES, NUMERICAL, STRING, Column

# Values that come once are no categories; of those, so large a part may be there.
_MOST_UNIQUE = 0.1


def constraints_of(columns: Sequence[Column], categorical_drift_method: str = "LInfinity") -> dict[str, Any]:
    """Return ``constraints.json``."""
    return {
        "version": 0.0,
        "features": [_feature(column) for column in columns],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            # The container's own baselines ask for all; the defaults of the guide hold where one is absent.
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": categorical_drift_method,
            },
        },
    }


def _feature(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "inferred_type": column.type,
        "completeness": column.completeness,
    }
    if column.type in NUMERICAL:
        found["num_constraints"] = {"is_non_negative": bool(column.numbers[0] >= 0)}
    if column.type == STRING and _has_domain(column):
        found["string_constraints"] = {"domains": sorted(column.categories)}
    return found


def _has_domain(column: Column) -> bool:
    unique = sum(count == 1 for count in column.categories.values())
    return len(column.categories) <= MOST_CATEGORIES and unique / len(column.categories) <= _MOST_UNIQUE
