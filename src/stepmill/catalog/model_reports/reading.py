"""One report from its bytes: what form it has is seen from what is in it. Pure.

The name under which a package has it tells what it ought to be; a report of bias registered as one of
explainability is read for what it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from stepmill.catalog.model_reports import clarify, data_quality, model_quality
from stepmill.catalog.model_reports.parts import Report
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json, write_json

# A report with more is none that anybody looks at.
LARGEST_REPORT_BYTES = 32 * 1024 * 1024


def read_report(title: str, uri: str, content: bytes) -> Report:
    """Return a report; if its content is none, it says why.

    Args:
        title: ``Model quality: statistics``.
        uri: Where it lies.
        content: Its bytes.

    Example:
        >>> read_report("Statistics", "s3://b/k", b"[1").problem
        "This is not valid JSON: expecting ',' delimiter, in line 1, column 3."
    """
    try:
        document = _read(content)
    except InvalidInputError as error:
        return Report(title, uri, problem=str(error))
    if not isinstance(document, Mapping):
        return Report(title, uri, problem="A report is a JSON object, and this is none.")
    report = _report_of(title, uri, document)
    if not report.metrics and not report.parts:
        return Report(title, uri, problem="There is no metric in it, in any form that is known.")
    return report


def _report_of(title: str, uri: str, document: JsonObject) -> Report:
    if clarify.is_analysis(document):
        metrics = tuple(clarify.metrics_of(document))
        return Report(title, uri, metrics, tuple(clarify.parts_of(document)), shows_its_metrics=True)
    if data_quality.is_statistics(document):
        metrics = tuple(data_quality.metrics_of(document))
        return Report(title, uri, metrics, tuple(data_quality.parts_of(document)), shows_its_metrics=True)
    if data_quality.is_constraints(document):
        return Report(title, uri, (), tuple(data_quality.constraints_of(document)))
    if any(kind in document for kind in model_quality.CONSTRAINTS):
        return Report(title, uri, (), tuple(model_quality.constraints_of(document)))
    return Report(title, uri, model_quality.metrics_of(document), tuple(model_quality.parts_of(document)))


def _read(content: bytes) -> Json:
    try:
        return read_json(content)
    except InvalidInputError:
        # Python's writer writes NaN where a metric could not be computed; all else there is worth reading.
        if b"NaN" not in content and b"Infinity" not in content:
            raise
        try:
            lenient = json.loads(content, parse_constant=lambda _name: None)
        except (ValueError, RecursionError):
            lenient = None
        if lenient is None:
            raise
        return read_json(write_json(lenient))
