"""Describes the columns of a table: their types and statistics, as ``statistics.json`` has them.

Source: developer guide, "Schema for Statistics (statistics.json file)": ten buckets, a KLL sketch; Deequ, the
library that AWS's container is made of, for how the type of a column follows from those of its values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .sketch import CAPACITY, SHRINK, Floats, sketch

INTEGRAL, FRACTIONAL, STRING, UNKNOWN = "Integral", "Fractional", "String", "Unknown"
NUMERICAL = (INTEGRAL, FRACTIONAL)
BUCKETS = 10
# Source: Deequ, ColumnProfiler: no histogram is made of columns with more values.
MOST_CATEGORIES = 120

# Group 1: a whole number.
_NUMBER = re.compile(r"[-+]? ?(?:(\d+)|\d+\.\d*|\.\d+|(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+)", re.ASCII).fullmatch


@dataclass(frozen=True)
class Column:
    """A column and what is in it.

    Args:
        name: Of the column.
        size: How many records there are.
        types: Type -> how many values have it. Missing values have none.
        numbers: Shape (n,). The values that are numbers, ascending.
        categories: Text -> how often it is there, the most frequent first; of columns of text only.
    """

    name: str
    size: int
    types: Mapping[str, int]
    numbers: Floats
    categories: Mapping[str, int] = field(default_factory=dict)

    @property
    def present(self) -> int:
        """How many values are not missing."""
        return sum(self.types.values())

    @property
    def completeness(self) -> float:
        """The part of values that are not missing, 0 to 1."""
        return self.present / self.size if self.size else 0.0

    @property
    def type(self) -> str:
        """The type that all values have in common."""
        if not self.present:
            return UNKNOWN
        if self.types.get(STRING):
            return STRING
        return FRACTIONAL if self.types.get(FRACTIONAL) else INTEGRAL


def describe_columns(table: pd.DataFrame) -> list[Column]:
    """Return what is in each column of a table that ``read_dataset`` has read."""
    return [_column(str(name), table.iloc[:, index]) for index, name in enumerate(table.columns)]


def _column(name: str, values: pd.Series[Any]) -> Column:
    if pd.api.types.is_numeric_dtype(values):
        return _typed(name, values)
    counts = values.value_counts()
    texts = [str(text) for text in counts.index]
    often = counts.to_numpy(dtype=np.int64)
    read = [_read(text) for text in texts]
    types = dict.fromkeys((INTEGRAL, FRACTIONAL, STRING), 0)
    for (kind, _), count in zip(read, often.tolist(), strict=True):
        types[kind] += count
    is_number = np.array([kind != STRING for kind, _ in read], dtype=bool)
    numeric = np.array([number for kind, number in read if kind != STRING], dtype=np.float64)
    numbers = np.sort(np.repeat(numeric, often[is_number]))
    categories: dict[str, int] = {}
    if types[STRING]:
        # Of the same frequency in the order of the alphabet: the same data is to give the same report.
        ranked = sorted(zip(texts, often.tolist(), strict=True), key=lambda each: (-each[1], each[0]))
        categories = dict(ranked)
    return Column(
        name, len(values), {kind: count for kind, count in types.items() if count}, numbers, categories
    )


def _typed(name: str, values: pd.Series[Any]) -> Column:
    is_integral = pd.api.types.is_integer_dtype(values)
    numbers = values.dropna().to_numpy(dtype=np.float64)
    numbers = np.sort(numbers[np.isfinite(numbers)])
    types = {INTEGRAL if is_integral else FRACTIONAL: len(numbers)} if len(numbers) else {}
    return Column(name, len(values), types, numbers)


def _read(text: str) -> tuple[str, float]:
    """Return the type of a value, and the number that it is; 0 if it is none."""
    match = _NUMBER(text)
    number = float(text.replace(" ", "")) if match else math.inf
    # Beyond what a float holds there is no arithmetic with it.
    if match is None or not math.isfinite(number):
        return STRING, 0.0
    return FRACTIONAL if match[1] is None else INTEGRAL, number


def statistics_of(columns: Sequence[Column]) -> dict[str, Any]:
    """Return ``statistics.json``. Numbers that no float holds are infinite in it."""
    with np.errstate(over="ignore", invalid="ignore"):
        features = [_feature(column) for column in columns]
    return {
        "version": 0.0,
        "dataset": {"item_count": columns[0].size if columns else 0},
        "features": features,
    }


def _feature(column: Column) -> dict[str, Any]:
    common = {"num_present": column.present, "num_missing": column.size - column.present}
    head = {"name": column.name, "inferred_type": column.type}
    if column.type in NUMERICAL:
        return {**head, "numerical_statistics": {"common": common, **_numerical(column.numbers)}}
    distinct: dict[str, Any] = {"common": common, "distinct_count": float(len(column.categories))}
    if 0 < len(column.categories) <= MOST_CATEGORIES:
        buckets = [{"value": value, "count": count} for value, count in column.categories.items()]
        distinct["distribution"] = {"categorical": {"buckets": buckets}}
    return {**head, "string_statistics": distinct}


def _numerical(numbers: Floats) -> dict[str, Any]:
    return {
        "mean": float(np.mean(numbers)),
        "sum": float(np.sum(numbers)),
        "std_dev": float(np.std(numbers)),
        "min": float(numbers[0]),
        "max": float(numbers[-1]),
        "distribution": {
            "kll": {
                "buckets": _buckets(numbers),
                "sketch": {
                    "parameters": {"c": SHRINK, "k": float(CAPACITY)},
                    "data": [level.tolist() for level in sketch(numbers)],
                },
            }
        },
    }


def _buckets(numbers: Floats) -> list[dict[str, float]]:
    """Return how many values lie in each tenth of their range; the last one has its upper bound."""
    low, high = float(numbers[0]), float(numbers[-1])
    bounds = np.linspace(low, high, BUCKETS + 1)
    below = np.searchsorted(numbers, bounds[1:-1], side="left")
    counts = np.diff(np.concatenate([[0], below, [len(numbers)]]))
    return [
        {"lower_bound": float(bounds[i]), "upper_bound": float(bounds[i + 1]), "count": float(counts[i])}
        for i in range(BUCKETS)
    ]
