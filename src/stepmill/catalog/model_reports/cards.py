"""The evaluations that a model card tells of, as reports. Pure.

Source: SageMaker developer guide, "Model package model card schema": ``evaluation_details`` with groups of
metrics of the types number, string, boolean, linear_graph, bar_chart and matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepmill.catalog.model_reports.parts import (
    MOST_SHOWN,
    Bars,
    Curve,
    Matrix,
    Metric,
    Part,
    Report,
    Table,
    number_of,
    numbers_of,
)
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, object_of, objects_of, read_json

_CARD = "ModelCard"


def card_reports(described: JsonObject) -> Iterator[Report]:
    """Yield a report for each evaluation in the card of a package.

    Args:
        described: What DescribeModelPackage answers.
    """
    text = object_of(described.get(_CARD)).get("ModelCardContent")
    if not isinstance(text, str) or not text:
        return
    try:
        content = object_of(read_json(text))
    except InvalidInputError as error:
        yield Report("Model card", _CARD, problem=str(error))
        return
    for evaluation in objects_of(content.get("evaluation_details")):
        found = [
            (str(group.get("name")), metric)
            for group in objects_of(evaluation.get("metric_groups"))
            for metric in objects_of(group.get("metric_data"))
        ]
        title = f"Model card: {evaluation.get('name')}"
        metrics = tuple(metric for group, one in found for metric in _metrics(group, one))
        parts = tuple(part for group, one in found for part in _parts(group, one))
        texts = tuple(_texts(found))
        said = (Table("Said", ("METRIC", "VALUE"), texts[:MOST_SHOWN], max(0, len(texts) - MOST_SHOWN)),)
        if metrics or parts or texts:
            yield Report(title, _CARD, metrics, (*parts, *(said if texts else ())))


def _metrics(group: str, metric: JsonObject) -> Iterator[Metric]:
    value = number_of(metric.get("value"))
    if metric.get("type") == "number" and value is not None:
        yield Metric(f"{group}.{metric.get('name')}", value)


def _texts(found: Sequence[tuple[str, JsonObject]]) -> Iterator[tuple[str, str]]:
    for group, metric in found:
        if metric.get("type") in ("string", "boolean"):
            yield f"{group}.{metric.get('name')}", str(metric.get("value"))


def _parts(group: str, metric: JsonObject) -> Iterator[Part]:
    title = f"{group}: {metric.get('name')}"
    value, across, up = metric.get("value"), metric.get("x_axis_name"), metric.get("y_axis_name")
    match metric.get("type"):
        case "linear_graph":
            pairs = _rows_of(value)
            if len(pairs) > 1 and all(len(pair) == 2 for pair in pairs):
                points = tuple((x, y) for x, y in pairs)
                yield Curve(title, _text(across), _text(up), points)
        case "bar_chart":
            heights = numbers_of(value)
            if heights:
                bars = tuple(zip(_labels(across, len(heights)), heights, strict=True))
                yield Bars(title, bars[:MOST_SHOWN], max(0, len(bars) - MOST_SHOWN))
        case "matrix":
            rows = _rows_of(value)
            if rows and all(len(row) == len(rows) for row in rows):
                yield Matrix(title, tuple(_labels(across, len(rows))), tuple(tuple(row) for row in rows))


def _rows_of(value: Json) -> list[list[float]]:
    """Return a list of lists of numbers; an empty one for what is none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    rows = [numbers_of(row) for row in value]
    return [] if None in rows else [row for row in rows if row is not None]


def _labels(names: Json, count: int) -> list[str]:
    """Return a label for each; numbers from 1 where names are missing."""
    given = [str(name) for name in names] if isinstance(names, (list, tuple)) else []
    return given if len(given) == count else [str(number + 1) for number in range(count)]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
