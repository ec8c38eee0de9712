"""Reports on the quality of data, as Model Monitor's baselines have them. Pure.

Source: SageMaker developer guide, "Schema for statistics (statistics.json file)", "Schema for constraints
(constraints.json file)".
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
    shortened_list,
    shown_number,
)
from stepmill.core.json import Json, JsonObject, object_of, objects_of

# Distributions are drawn of so many features.
_MOST_DRAWN = 12
_MOST_BUCKETS = 20
_NUMBERS = ("mean", "std_dev", "min", "max")


def is_statistics(document: JsonObject) -> bool:
    """Return whether a document is the statistics of data."""
    return any(
        "numerical_statistics" in one or "string_statistics" in one
        for one in objects_of(document.get("features"))
    )


def is_constraints(document: JsonObject) -> bool:
    """Return whether a document is the constraints on data."""
    return any(
        "completeness" in one or "inferred_type" in one for one in objects_of(document.get("features"))
    )


def metrics_of(document: JsonObject) -> Iterator[Metric]:
    """Yield the numbers by which the data of two versions can be compared."""
    count = number_of(object_of(document.get("dataset")).get("item_count"))
    if count is not None:
        yield Metric("rows", count)
    for feature in objects_of(document.get("features"))[:MOST_SHOWN]:
        name, about = str(feature.get("name")), _statistics(feature)
        missing = number_of(object_of(about.get("common")).get("num_missing"))
        if missing is not None:
            yield Metric(f"{name} / missing", missing)
        mean = number_of(about.get("mean"))
        if mean is not None:
            yield Metric(f"{name} / mean", mean, number_of(about.get("std_dev")))


def parts_of(document: JsonObject) -> Iterator[Part]:
    """Yield a table of the features, and the distributions of the first ones."""
    features = objects_of(document.get("features"))
    rows = tuple(_row(feature) for feature in features[:MOST_SHOWN])
    columns = ("FEATURE", "TYPE", "PRESENT", "MISSING", "MEAN", "STD DEV", "MIN", "MAX", "DISTINCT")
    yield Table("Features", columns, rows, max(0, len(features) - MOST_SHOWN))
    for feature in features[:_MOST_DRAWN]:
        if bars := _distribution(feature):
            yield bars


def constraints_of(document: JsonObject) -> Iterator[Part]:
    """Yield a table of what the data is held to."""
    features = objects_of(document.get("features"))
    rows = tuple(
        (
            str(feature.get("name")),
            str(feature.get("inferred_type") or ""),
            _shown(feature.get("completeness")),
            "yes" if object_of(feature.get("num_constraints")).get("is_non_negative") else "",
            _domains(object_of(feature.get("string_constraints")).get("domains")),
        )
        for feature in features[:MOST_SHOWN]
    )
    columns = ("FEATURE", "TYPE", "COMPLETENESS", "NOT NEGATIVE", "VALUES")
    yield Table("Constraints", columns, rows, max(0, len(features) - MOST_SHOWN))


def _statistics(feature: JsonObject) -> JsonObject:
    return object_of(feature.get("numerical_statistics")) or object_of(feature.get("string_statistics"))


def _row(feature: JsonObject) -> tuple[str, ...]:
    about = _statistics(feature)
    common = object_of(about.get("common"))
    return (
        str(feature.get("name")),
        str(feature.get("inferred_type") or ""),
        _shown(common.get("num_present")),
        _shown(common.get("num_missing")),
        *(_shown(about.get(name)) for name in _NUMBERS),
        _shown(about.get("distinct_count")),
    )


def _distribution(feature: JsonObject) -> Bars | None:
    distribution = object_of(_statistics(feature).get("distribution"))
    title = f"Distribution of {feature.get('name')}"
    sketched = [
        (f"{_shown(one.get('lower_bound'))} to {_shown(one.get('upper_bound'))}", number_of(one.get("count")))
        for one in objects_of(object_of(distribution.get("kll")).get("buckets"))
    ]
    named = [
        (str(one.get("value")), number_of(one.get("count")))
        for one in objects_of(object_of(distribution.get("categorical")).get("buckets"))
    ]
    bars = [(label, count) for label, count in sketched or named if count is not None]
    if not bars:
        return None
    return Bars(title, tuple(bars[:_MOST_BUCKETS]), max(0, len(bars) - _MOST_BUCKETS))


def _domains(value: Json) -> str:
    return shortened_list([str(one) for one in value]) if isinstance(value, (list, tuple)) else ""


def _shown(value: Json) -> str:
    number = number_of(value)
    return "" if number is None else shown_number(number)
