"""Does what the image ``sagemaker-clarify-processing`` does: bias before and after training.

Source: developer guide, "Configure a SageMaker Clarify Processing Job", "Analysis results".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from .bias_report import bias_sections, bias_violations
from .clarify_config import load_analysis
from .clarify_data import read_data
from .clarify_page import page_of
from .ending import base_folder, completed, read_baseline, run_guarded, write_document

_log = logging.getLogger(__name__)

ANALYSIS, VIOLATIONS, REPORT = "analysis.json", "constraint_violations.json", "report.html"


def run(environment: Mapping[str, str] | None = None, base: Path | None = None) -> int:
    """Analyze.

    Args:
        environment: The variables; by default those of the process. ``baseline_constraints`` names the
            ``analysis.json`` that the new one is held against.
        base: What is ``/opt/ml`` elsewhere.

    Returns:
        The exit code of the job: violations are no failure. What was found stands in the exit message.
    """
    given = os.environ if environment is None else environment
    folder = base_folder(base)
    return run_guarded(lambda: _analyze(folder / "processing", given.get("baseline_constraints", "")), folder)


def _analyze(folder: Path, baseline: str) -> str:
    analysis = load_analysis(folder / "input" / "config")
    table, analysis = read_data(analysis, folder / "input" / "data")
    _log.info("%d records, %d columns.", len(table), table.shape[1])
    document = {"version": "1.0", **bias_sections(table, analysis)}
    output = folder / "output"
    output.mkdir(parents=True, exist_ok=True)
    write_document(output / ANALYSIS, document)
    if analysis.report is not None:
        (output / REPORT).write_text(page_of(document, analysis.report), encoding="utf-8")
    if not baseline:
        return completed(0)
    found = bias_violations(document, read_baseline(Path(baseline)))
    write_document(output / VIOLATIONS, {"version": "1.0", "violations": found})
    for violation in found:
        _log.info("%s: %s", violation["metric_name"], violation["description"])
    return completed(len(found))
