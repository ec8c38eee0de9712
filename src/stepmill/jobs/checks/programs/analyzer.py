"""Does what the image ``sagemaker-model-monitor-analyzer`` does: statistics, constraints, violations.

Source: developer guide, "Container Contract Outputs" of the model monitor.
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .data_constraints import constraints_of
from .data_violations import violations_of
from .datasets import read_dataset
from .errors import CustomerError
from .model_quality import analyze_model, model_violations
from .profile import describe_columns, statistics_of
from .settings import MODEL_QUALITY, Settings, read_settings

_log = logging.getLogger(__name__)

STATISTICS, CONSTRAINTS, VIOLATIONS = "statistics.json", "constraints.json", "constraint_violations.json"
# As the containers of AWS's algorithms exit when the customer can mend it, and when not.
CUSTOMER_ERROR, ANALYZER_ERROR = 2, 1
# A baseline is a report on a table; what is larger is something else.
LARGEST_BASELINE_BYTES = 256 * 1024 * 1024


def run(environment: Mapping[str, str] | None = None, base: Path | None = None) -> int:
    """Analyze.

    Args:
        environment: The variables; by default those of the process.
        base: What is ``/opt/ml`` elsewhere.

    Returns:
        The exit code of the job: violations are no failure. What was found stands in the exit message.
    """
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s", force=True)
    base = base or Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        settings = read_settings(os.environ if environment is None else environment)
        message = _analyze(settings)
    except CustomerError as error:
        return _fail(base, f"ClientError: {error}", CUSTOMER_ERROR)
    except MemoryError:
        return _fail(base, "ClientError: Out of memory. Use less data, or a larger instance.", CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - whatever it is, the exit message tells it
        traceback.print_exc()
        return _fail(base, f"{type(error).__name__}: {error}", ANALYZER_ERROR)
    return _say(base, message, 0)


def _analyze(settings: Settings) -> str:
    table = read_dataset(settings)
    _log.info("%d records, %d columns.", len(table), table.shape[1])
    settings.output.mkdir(parents=True, exist_ok=True)
    constraints = _read(settings.baseline_constraints) if settings.baseline_constraints else None
    if settings.analysis == MODEL_QUALITY:
        found = _analyze_model(table, settings, constraints)
    else:
        found = _analyze_data(table, settings, constraints)
    if constraints is not None:
        _write(settings.output / VIOLATIONS, {"violations": found})
        for violation in found:
            _log.info("%s: %s", violation["constraint_check_type"], violation["description"])
    _run_post_script(settings.post_script)
    if found:
        return f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
    return "Completed: Job completed successfully with no violations."


def _analyze_data(
    table: pd.DataFrame, settings: Settings, constraints: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    columns = describe_columns(table)
    _write(settings.output / STATISTICS, statistics_of(columns))
    _write(settings.output / CONSTRAINTS, constraints_of(columns, settings.categorical_drift_method))
    if constraints is None:
        return []
    statistics = _read(settings.baseline_statistics) if settings.baseline_statistics else {}
    return violations_of(columns, constraints, statistics)


def _analyze_model(
    table: pd.DataFrame, settings: Settings, constraints: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    statistics, suggested = analyze_model(table, settings)
    _write(settings.output / STATISTICS, statistics)
    _write(settings.output / CONSTRAINTS, suggested)
    return [] if constraints is None else model_violations(statistics, constraints)


def _read(path: Path) -> dict[str, Any]:
    """Return a document of the baseline: a file, or the only one in a folder."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file()]
        if len(files) != 1:
            raise CustomerError(f"There are {len(files)} files in {path}, and one is a baseline.")
        path = files[0]
    try:
        if path.stat().st_size > LARGEST_BASELINE_BYTES:
            raise CustomerError(f"The baseline {path} is larger than {LARGEST_BASELINE_BYTES} bytes.")
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CustomerError(f"The baseline {path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise CustomerError(f"The baseline {path} is not a JSON object.")
    return document


def _write(path: Path, document: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(document, indent=2, allow_nan=False)
    except ValueError as error:
        raise CustomerError("The numbers are so large that their sum or deviation is infinite.") from error
    path.write_text(text, encoding="utf-8")


def _run_post_script(script: Path | None) -> None:
    if script is None:
        return
    if not script.is_file():
        raise CustomerError(f"There is no post analytics processor script {script}.")
    handler = runpy.run_path(str(script)).get("postprocess_handler")
    if not callable(handler):
        raise CustomerError(f"The script {script.name!r} has no function postprocess_handler.")
    handler()


def _fail(base: Path, text: str, code: int) -> int:
    folder = base / "output"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "failure").write_text(text, encoding="utf-8", errors="replace")
    return _say(base, text, code)


def _say(base: Path, text: str, code: int) -> int:
    _log.info("%s", text)
    folder = base / "output"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "message").write_text(text, encoding="utf-8", errors="replace")
    return code
