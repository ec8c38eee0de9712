"""Reports on the quality of a model: statistics and constraints. Pure.

Source: SageMaker developer guide, "Model quality metrics and CloudWatch monitoring", "Model registry: view
metrics": regression, binary and multiclass metrics, each ``{"value": ..., "standard_deviation": ...}``, the
confusion matrix as rows by label, curves as lists of rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.catalog.model_reports.parts import (
    MOST_POINTS,
    MOST_SHOWN,
    Curve,
    Matrix,
    Metric,
    Part,
    Table,
    number_of,
    numbers_of,
    shown_number,
)
from stepmill.core.json import Json, JsonObject, object_of

KINDS = ("regression_metrics", "binary_classification_metrics", "multiclass_classification_metrics")
CONSTRAINTS = (
    "regression_constraints",
    "binary_classification_constraints",
    "multiclass_classification_constraints",
)
_MATRIX = "confusion_matrix"
# Name -> title, labels of the axes, members with the points, whether chance is the diagonal.
_CURVES = {
    "receiver_operating_characteristic_curve": (
        "Receiver operating characteristic", "false positive rate", "true positive rate",
        "false_positive_rates", "true_positive_rates", True,
    ),
    "precision_recall_curve": (
        "Precision and recall", "recall", "precision", "recalls", "precisions", False,
    ),
}  # fmt: skip
# Deeper, a document of unknown form is not looked into: it is data, not a metric.
_DEEPEST = 4
_MOST_LABELS = 30


def metrics_of(document: JsonObject) -> tuple[Metric, ...]:
    """Return the numbers of a report, of the documented form or any that has its numbers by name.

    Example:
        >>> metrics_of({"regression_metrics": {"mse": {"value": 2.0, "standard_deviation": 0.5}}})
        (Metric(name='mse', value=2.0, deviation=0.5),)
        >>> [metric.name for metric in metrics_of({"test": {"f1": 0.5}, "loss": 1})]
        ['test.f1', 'loss']
    """
    known = [kind for kind in KINDS if isinstance(document.get(kind), Mapping)]
    if not known:
        return tuple(_walked(document, (), _DEEPEST))
    found = [metric for kind in known for metric in _walked(object_of(document[kind]), (), 1)]
    others = {name: value for name, value in document.items() if name not in (*known, "dataset", "version")}
    return (*found, *_walked(others, (), _DEEPEST))


def parts_of(document: JsonObject) -> Iterator[Part]:
    """Yield the pictures of a report: confusion matrix, curves."""
    for kind in KINDS:
        metrics = object_of(document.get(kind))
        if matrix := _matrix(metrics.get(_MATRIX)):
            yield matrix
        for name, about in _CURVES.items():
            if curve := _curve(object_of(metrics.get(name)), *about):
                yield curve


def constraints_of(document: JsonObject) -> Iterator[Part]:
    """Yield the table of the thresholds that a model is held to."""
    for kind in CONSTRAINTS:
        rows = [
            (
                name,
                str(object_of(one).get("comparison_operator") or ""),
                _shown(object_of(one).get("threshold")),
            )
            for name, one in object_of(document.get(kind)).items()
        ]
        if rows:
            title = kind.replace("_", " ").capitalize()
            left_out = max(0, len(rows) - MOST_SHOWN)
            yield Table(title, ("METRIC", "VIOLATED IF", "THRESHOLD"), tuple(rows[:MOST_SHOWN]), left_out)


def _walked(value: Json, path: tuple[str, ...], depth: int) -> Iterator[Metric]:
    number = number_of(value) if not isinstance(value, str) else None
    if number is not None and path:
        yield Metric(".".join(path), number)
        return
    if not isinstance(value, Mapping):
        return
    number = number_of(value.get("value"))
    if number is not None and path:
        deviation = number_of(value.get("standard_deviation"))
        yield Metric(".".join(path), number, deviation)
    elif depth > 0:
        for name, inner in value.items():
            if name != _MATRIX and name not in _CURVES:
                yield from _walked(inner, (*path, name), depth - 1)


def _matrix(value: Json) -> Matrix | None:
    rows = object_of(value)
    labels = sorted({*rows, *(label for row in rows.values() for label in object_of(row))}, key=_by_number)
    if not labels or len(labels) > _MOST_LABELS:
        return None
    counts = tuple(
        tuple(number_of(object_of(rows.get(row)).get(column)) or 0.0 for column in labels) for row in labels
    )
    return Matrix("Confusion matrix", tuple(labels), counts)


def _curve(
    value: JsonObject, title: str, x_label: str, y_label: str, xs: str, ys: str, has_diagonal: bool
) -> Curve | None:
    along, up = numbers_of(value.get(xs)), numbers_of(value.get(ys))
    if along is None or up is None or len(along) != len(up) or len(along) < 2:
        return None
    points = list(zip(along, up, strict=True))
    step = -(-len(points) // MOST_POINTS)
    thinned = points[::step]
    if thinned[-1] != points[-1]:
        thinned.append(points[-1])
    return Curve(title, x_label, y_label, tuple(thinned), has_diagonal)


def _by_number(label: str) -> tuple[bool, float, str]:
    number = number_of(label)
    return (number is None, number or 0.0, label)


def _shown(value: Json) -> str:
    number = number_of(value)
    return "" if number is None else shown_number(number)
