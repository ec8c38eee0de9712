"""The records that others are compared with in explanations: given, or the middles of clusters of the data.

Source: developer guide, "SHAP Baselines for Explainability"; sagemaker SDK 2.257.7, ``SHAPConfig``: K-means
for numbers, K-prototypes where there is text. Huang, "Extensions to the k-Means Algorithm for Clustering
Large Data Sets with Categorical Values" (1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .bias_columns import numbers_of
from .clarify_config import Analysis
from .clarify_data import at_path, read_data, texts_of
from .errors import CustomerError
from .explain_config import MOST_BASELINE_ROWS
from .flattening import text_of

_WHERE = "methods.shap.baseline"
_MOST_ROUNDS = 100
# Texts weigh as numbers do: half a deviation's square each, as the paper advises.
_WEIGHT_OF_TEXTS = 0.5


def given_baseline(rows: Sequence[Any], names: Sequence[str], features: str) -> Any:
    """Return rows that stand in the configuration.

    Args:
        rows: Lists of values, or JSON objects as in the data.
        names: Of the features.
        features: Path of the features' list in a JSON object; empty: objects are flat.

    Returns:
        Shape (rows, features), of texts; ``None`` where one is missing.

    Raises:
        CustomerError: If a row does not have the features.
    """
    return _shaped([_row(row, names, features) for row in rows], len(names))


def read_baseline_rows(source: Path, analysis: Analysis, names: Sequence[str]) -> Any:
    """Return the rows of a file, in the format of the data. See ``given_baseline``."""
    as_data = replace(analysis, headers=tuple(names), label=None, predicted_label=None)
    try:
        table, _ = read_data(as_data, source)
    except CustomerError as error:
        raise CustomerError(f"{_WHERE}: {error}") from error
    if len(table) > MOST_BASELINE_ROWS:
        raise CustomerError(f"{_WHERE}: has {len(table)} rows, more than {MOST_BASELINE_ROWS}.")
    return texts_of(table[list(names)])


def computed_baseline(table: pd.DataFrame, clusters: int, chance: np.random.Generator) -> Any:
    """Return the middles of clusters: means of numbers, and of texts the one that comes most.

    Args:
        table: The features, shape (n, features).
        clusters: How many; there are no more than different records.
        chance: Chooses where clusters begin.

    Returns:
        Shape (clusters, features), of texts; ``None`` in a column that has no value at all.
    """
    columns = [numbers_of(table[name]) for name in table.columns]
    is_number = np.array([one is not None for one in columns])
    coded = [pd.factorize(table[name]) for name in table.columns[~is_number]]
    size = len(table)
    numbers = np.column_stack([np.zeros((size, 0)), *[one for one in columns if one is not None]])
    texts = np.column_stack([np.zeros((size, 0), dtype=int), *[codes for codes, _ in coded]]).astype(int)
    groups = _clusters(_scaled(numbers), texts, min(clusters, size), chance)
    chosen = [groups == group for group in np.unique(groups)]
    rows = np.empty((len(chosen), table.shape[1]), dtype=object)
    for row, own in zip(rows, chosen, strict=True):
        row[is_number] = [None if np.isnan(mean) else repr(float(mean)) for mean in _means(numbers[own])]
        modes = zip(_modes(texts[own]), coded, strict=True)
        row[~is_number] = [None if code < 0 else str(words[code]) for code, (_, words) in modes]
    return rows


def _clusters(numbers: Any, texts: Any, most: int, chance: np.random.Generator) -> Any:
    """Return the cluster of each record: where its numbers are nearest and its texts are most alike."""
    size = len(numbers)
    if most <= 1:
        return np.zeros(size, dtype=int)
    chosen = [int(chance.integers(size))]
    nearest = _distances(numbers, texts, numbers[chosen[:1]], texts[chosen[:1]])[:, 0]
    while len(chosen) < most and nearest.max() > 0:
        chosen.append(int(chance.choice(size, p=nearest / nearest.sum())))
        last = chosen[-1:]
        nearest = np.minimum(nearest, _distances(numbers, texts, numbers[last], texts[last])[:, 0])
    middles, marks = numbers[chosen], texts[chosen]
    groups = _distances(numbers, texts, middles, marks).argmin(axis=1)
    for _ in range(1, _MOST_ROUNDS):
        for group in np.unique(groups):
            middles[group] = numbers[groups == group].mean(axis=0)
            marks[group] = _modes(texts[groups == group])
        found = _distances(numbers, texts, middles, marks).argmin(axis=1)
        if (found == groups).all():
            break
        groups = found
    return groups


def _distances(numbers: Any, texts: Any, middles: Any, marks: Any) -> Any:
    return np.stack(
        [
            ((numbers - middle) ** 2).sum(axis=1) + _WEIGHT_OF_TEXTS * (texts != mark).sum(axis=1)
            for middle, mark in zip(middles, marks, strict=True)
        ],
        axis=1,
    )


def _scaled(numbers: Any) -> Any:
    """Return numbers in deviations from their mean; those that are missing are the mean."""
    if not numbers.size:
        return numbers
    deviation = np.array([np.nanstd(one) if not np.isnan(one).all() else 1.0 for one in numbers.T])
    return np.nan_to_num((numbers - _means(numbers)) / np.where(deviation > 0, deviation, 1.0), nan=0.0)


def _means(numbers: Any) -> Any:
    return np.array([np.nan if np.isnan(one).all() else np.nanmean(one) for one in numbers.T])


def _modes(texts: Any) -> Any:
    """Return the code of each column that comes most, -1 only if there is no other."""
    return np.array([np.bincount(one[one >= 0]).argmax() if (one >= 0).any() else -1 for one in texts.T], int)


def _row(row: Any, names: Sequence[str], features: str) -> list[str | None]:
    if isinstance(row, Mapping):
        if features:
            row = at_path(row, features)
        else:
            missing = [name for name in names if name not in row]
            if missing:
                raise CustomerError(f"{_WHERE}: a row does not have {', '.join(missing)[:200]}.")
            row = [row[name] for name in names]
    if not isinstance(row, list) or any(isinstance(one, list | dict) for one in row):
        raise CustomerError(f"{_WHERE}: a row must be a list of the values of {', '.join(names)[:200]}.")
    return [None if one == "" else text_of(one) for one in row]


def _shaped(rows: Sequence[Sequence[str | None]], width: int) -> Any:
    for row in rows:
        if len(row) != width:
            raise CustomerError(
                f"{_WHERE}: a row has {len(row)} values, and there are {width} features. "
                "It must leave out the label."
            )
    found = np.empty((len(rows), width), dtype=object)
    for number, row in enumerate(rows):
        found[number] = list(row)
    return found
