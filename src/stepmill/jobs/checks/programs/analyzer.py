"""Does what the image ``sagemaker-model-monitor-analyzer`` does: statistics, constraints, violations.

Source: developer guide, "Container Contract Outputs" of the model monitor.
"""

from __future__ import annotations

import logging
import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .captured import positional
from .data_constraints import constraints_of
from .data_violations import violations_of
from .datasets import read_dataset
from .documents import objects_of
from .ending import base_folder, completed, read_baseline, run_guarded, write_document
from .errors import CustomerError
from .model_quality import analyze_model, model_violations
from .profile import describe_columns, statistics_of
from .settings import CAPTURE, MODEL_QUALITY, Settings, read_settings

_log = logging.getLogger(__name__)

STATISTICS, CONSTRAINTS, VIOLATIONS = "statistics.json", "constraints.json", "constraint_violations.json"


def run(environment: Mapping[str, str] | None = None, base: Path | None = None) -> int:
    """Analyze.

    Args:
        environment: The variables; by default those of the process.
        base: What is ``/opt/ml`` elsewhere.

    Returns:
        The exit code of the job: violations are no failure. What was found stands in the exit message.
    """
    given = os.environ if environment is None else environment
    return run_guarded(lambda: _analyze(read_settings(given)), base_folder(base))


def _analyze(settings: Settings) -> str:
    table = read_dataset(settings)
    _log.info("%d records, %d columns.", len(table), table.shape[1])
    settings.output.mkdir(parents=True, exist_ok=True)
    constraints = read_baseline(settings.baseline_constraints) if settings.baseline_constraints else None
    if settings.analysis == MODEL_QUALITY:
        found = _analyze_model(table, settings, constraints)
    else:
        found = _analyze_data(table, settings, constraints)
    if constraints is not None:
        write_document(settings.output / VIOLATIONS, {"violations": found})
        for violation in found:
            _log.info("%s: %s", violation["constraint_check_type"], violation["description"])
    _run_post_script(settings.post_script)
    return completed(len(found))


def _analyze_data(
    table: pd.DataFrame, settings: Settings, constraints: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    if settings.format == CAPTURE and constraints is not None:
        table = _named(table, constraints)
    columns = describe_columns(table)
    write_document(settings.output / STATISTICS, statistics_of(columns))
    write_document(settings.output / CONSTRAINTS, constraints_of(columns, settings.categorical_drift_method))
    if constraints is None:
        return []
    statistics = read_baseline(settings.baseline_statistics) if settings.baseline_statistics else {}
    return violations_of(columns, constraints, statistics)


def _named(table: pd.DataFrame, constraints: Mapping[str, Any]) -> pd.DataFrame:
    """Give captured rows of CSV, which have no names, those of the baseline: columns in the same order."""
    names = [one.get("name") for one in objects_of(constraints.get("features"))]
    if positional(list(table.columns)) and len(names) == table.shape[1]:
        return table.set_axis(pd.Index([str(name) for name in names]), axis=1)
    return table


def _analyze_model(
    table: pd.DataFrame, settings: Settings, constraints: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    statistics, suggested = analyze_model(table, settings)
    write_document(settings.output / STATISTICS, statistics)
    write_document(settings.output / CONSTRAINTS, suggested)
    return [] if constraints is None else model_violations(statistics, constraints)


def _run_post_script(script: Path | None) -> None:
    if script is None:
        return
    if not script.is_file():
        raise CustomerError(f"There is no post analytics processor script {script}.")
    handler = runpy.run_path(str(script)).get("postprocess_handler")
    if not callable(handler):
        raise CustomerError(f"The script {script.name!r} has no function postprocess_handler.")
    handler()
