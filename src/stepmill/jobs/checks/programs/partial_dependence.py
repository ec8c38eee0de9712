"""How predictions depend on one feature, on average over all else: ``explanations.pdp``.

Source: developer guide, "Partial dependence plots" and "Analysis results" of SageMaker Clarify; sagemaker SDK
2.257.7, ``ModelExplainabilityReport`` of model cards, which reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .bias_columns import numbers_of
from .clarify_data import texts_of
from .shapley import Predict

# More kinds of a text are no kinds but words of a person.
_MOST_CATEGORIES = 100


def dependence_of(
    table: pd.DataFrame, name: str, buckets: int, predict: Predict, labels: Sequence[str]
) -> dict[str, Any]:
    """Return what the model says on average if a feature has one value in all records, for each value.

    Args:
        table: The features, shape (n, features).
        name: Of the feature.
        buckets: Into so many parts the range of a number is cut; a number with no more values has those.
        predict: Asks the model.
        labels: What its outputs are called.
    """
    column = table[name]
    numbers = numbers_of(column)
    said: dict[str, Any] = {
        "feature_name": name,
        "data_type": "categorical" if numbers is None else "numerical",
        "label_headers": list(labels),
    }
    there = column.dropna().astype(str)
    if numbers is None:
        counts = there.value_counts()
        if len(counts) > _MOST_CATEGORIES:
            return {
                **said,
                "data_type": "free_text",
                "error": f"There are {len(counts)} values, and at most {_MOST_CATEGORIES} are plotted.",
            }
        values: list[Any] = [str(one) for one in counts.index]
        shares = counts.to_numpy() / max(1, len(there))
    else:
        values, shares = _grid(numbers[~np.isnan(numbers)], buckets)
    if not values:
        return {**said, "error": "All values are missing."}
    records = texts_of(table)
    place = list(table.columns).index(name)
    averages = []
    for value in values:
        changed = records.copy()
        changed[:, place] = str(value)
        averages.append(predict(changed).mean(axis=0))
    return {
        **said,
        "feature_values": values,
        "data_distribution": [float(share) for share in shares],
        "model_predictions": np.stack(averages, axis=1).tolist(),
    }


def _grid(numbers: Any, buckets: int) -> tuple[list[Any], Any]:
    different, counts = np.unique(numbers, return_counts=True)
    if len(different) <= buckets:
        return [_plain(one) for one in different], counts / max(1, len(numbers))
    counts, edges = np.histogram(numbers, bins=buckets)
    return [float(one) for one in (edges[:-1] + edges[1:]) / 2], counts / len(numbers)


def _plain(number: float) -> int | float:
    """Return a number as data has it: a model may tell 1.0 from 1."""
    return int(number) if number == int(number) and abs(number) < 2**53 else float(number)
