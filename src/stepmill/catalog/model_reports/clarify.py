"""Reports of Clarify: bias before and after training, and what a model's predictions rest on. Pure.

Source: SageMaker developer guide, "Analysis results" of Clarify: ``analysis.json`` with
``pre_training_bias_metrics``, ``post_training_bias_metrics`` and ``explanations.kernel_shap``.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepmill.catalog.model_reports.parts import (
    MOST_SHOWN,
    Bars,
    Metric,
    Part,
    Table,
    number_of,
    shown_number,
)
from stepmill.core.json import JsonObject, object_of, objects_of

_BIAS = {
    "pre_training_bias_metrics": "Bias before training",
    "post_training_bias_metrics": "Bias after training",
}
_EXPLANATIONS = "explanations"
_METHODS = ("kernel_shap", "asymmetric_shapley_value")


def is_analysis(document: JsonObject) -> bool:
    """Return whether a document is a report of Clarify."""
    return any(name in document for name in (*_BIAS, _EXPLANATIONS))


def metrics_of(document: JsonObject) -> Iterator[Metric]:
    """Yield the numbers of a report: of bias by facet, of explanations by feature."""
    for kind in _BIAS:
        stage = kind.partition("_")[0]
        for facet, one in _bias_metrics(object_of(document.get(kind))):
            value = number_of(one.get("value"))
            if value is not None:
                yield Metric(f"{stage} / {facet} / {one.get('name')}", value)
    for label, values in _shap(document):
        prefix = f"{label} / " if label else ""
        yield from (Metric(f"shap / {prefix}{name}", value) for name, value in values[:MOST_SHOWN])


def parts_of(document: JsonObject) -> Iterator[Part]:
    """Yield a table and a picture of each kind of bias, and a picture of what predictions rest on."""
    for kind, title in _BIAS.items():
        found = list(_bias_metrics(object_of(document.get(kind))))
        if not found:
            continue
        rows = tuple(
            (
                facet,
                str(one.get("name")),
                _shown(one),
                str(one.get("description") or one.get("error") or ""),
            )
            for facet, one in found[:MOST_SHOWN]
        )
        left_out = max(0, len(found) - MOST_SHOWN)
        yield Table(title, ("FACET", "METRIC", "VALUE", "WHAT IT IS"), rows, left_out)
        bars = [
            (f"{facet} {one.get('name')}", value)
            for facet, one in found[:MOST_SHOWN]
            if (value := number_of(one.get("value"))) is not None
        ]
        if bars:
            yield Bars(title, tuple(bars), left_out)
    for label, values in _shap(document):
        ranked = sorted(values, key=lambda one: -abs(one[1]))
        title = f"Mean of the SHAP values{f' of {label}' if label else ''}"
        yield Bars(title, tuple(ranked[:MOST_SHOWN]), max(0, len(ranked) - MOST_SHOWN))


def _bias_metrics(section: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for facet, values in object_of(section.get("facets")).items():
        for one in objects_of(values):
            threshold = one.get("value_or_threshold")
            name = facet if threshold is None else f"{facet}[{threshold}]"
            yield from ((name, metric) for metric in objects_of(one.get("metrics")))


def _shap(document: JsonObject) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Yield the label of each output, empty of the only one, and the global value of each feature."""
    for method in _METHODS:
        outputs = object_of(object_of(document.get(_EXPLANATIONS)).get(method))
        for label, output in outputs.items():
            values = [
                (name, value)
                for name, given in object_of(object_of(output).get("global_shap_values")).items()
                if (value := number_of(given)) is not None
            ]
            if values:
                yield label if len(outputs) > 1 else "", values


def _shown(metric: JsonObject) -> str:
    value = number_of(metric.get("value"))
    return "" if value is None else shown_number(value)
