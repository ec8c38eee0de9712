"""Does what the image ``sagemaker-clarify-processing`` does: bias before and after training, explanations.

Source: developer guide, "Configure a SageMaker Clarify Processing Job", "Analysis results".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .bias_report import bias_sections, bias_violations
from .clarify_config import Analysis, load_analysis
from .clarify_data import read_data
from .clarify_model import Questions, explained, with_predictions
from .clarify_page import page_of
from .ending import base_folder, completed, read_baseline, run_guarded, write_document
from .explain_config import Predictor
from .explanations import explanation_violations
from .shadow import Ask, served

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
    return run_guarded(lambda: _analyze(folder, given.get("baseline_constraints", "")), folder)


def _analyze(folder: Path, baseline: str) -> str:
    analysis = load_analysis(folder / "processing" / "input" / "config")
    output = folder / "processing" / "output"
    output.mkdir(parents=True, exist_ok=True)
    if analysis.asks_the_model:
        with served(folder) as serving:
            document = _document(analysis, folder, serving)
    else:
        document = _document(analysis, folder, None)
    write_document(output / ANALYSIS, document)
    if analysis.report is not None:
        (output / REPORT).write_text(page_of(document, analysis.report), encoding="utf-8")
    if not baseline:
        return completed(0)
    before = read_baseline(Path(baseline))
    found = bias_violations(document, before) if analysis.methods else []
    found += explanation_violations(document, before) if analysis.shap is not None else []
    write_document(output / VIOLATIONS, {"version": "1.0", "violations": found})
    for violation in found:
        _log.info("%s: %s", violation["metric_name"], violation["description"])
    return completed(len(found))


def _document(analysis: Analysis, folder: Path, serving: Callable[[Predictor], Ask] | None) -> dict[str, Any]:
    """Return ``analysis.json``, with what is learnt of a model if one is served."""
    given = folder / "processing" / "input"
    table, analysis = read_data(analysis, given / "data")
    _log.info("%d records, %d columns.", len(table), table.shape[1])
    if serving is None or analysis.predictor is None:
        return {"version": "1.0", **bias_sections(table, analysis)}
    questions = Questions(table, analysis, serving(analysis.predictor))
    explanations = explained(analysis, questions, folder / "processing" / "output", given / "shap_baseline")
    table, analysis = with_predictions(table, analysis, questions)
    return {"version": "1.0", **explanations, **bias_sections(table, analysis)}
