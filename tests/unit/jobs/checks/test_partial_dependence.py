from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stepmill.jobs.checks.programs.partial_dependence import dependence_of

LABELS = ["label0", "label1"]


def predict(records: Any) -> Any:
    """A model of two outputs: twice the age, and whether somebody lives in."""
    return np.stack([2 * records[:, 0].astype(float), records[:, 1] == "in"], axis=1).astype(float)


def table(ages: list[Any], towns: list[Any] | None = None) -> pd.DataFrame:
    texts = [None if age is None else str(age) for age in ages]
    return pd.DataFrame({"age": texts, "town": towns or ["in"] * len(ages)}, dtype=object)


def test_few_numbers_are_their_own_values() -> None:
    found = dependence_of(table([1, 3, 3, 0.5]), "age", 10, predict, LABELS)
    assert found == {
        "feature_name": "age",
        "data_type": "numerical",
        "label_headers": LABELS,
        "feature_values": [0.5, 1, 3],
        "data_distribution": [0.25, 0.25, 0.5],
        "model_predictions": [[1.0, 2.0, 6.0], [1.0, 1.0, 1.0]],
    }


def test_many_numbers_are_cut_into_parts() -> None:
    found = dependence_of(table([*range(10), 40]), "age", 4, predict, LABELS)
    assert found["feature_values"] == [5.0, 15.0, 25.0, 35.0]
    assert found["data_distribution"] == pytest.approx([10 / 11, 0, 0, 1 / 11])
    assert found["model_predictions"][0] == [10.0, 30.0, 50.0, 70.0]


def test_texts_by_how_often_they_come() -> None:
    found = dependence_of(table([1, 2, 3, 4], ["out", "in", "in", None]), "town", 3, predict, LABELS)
    assert (found["data_type"], found["feature_values"]) == ("categorical", ["in", "out"])
    assert found["data_distribution"] == pytest.approx([2 / 3, 1 / 3])
    assert found["model_predictions"] == [[5.0, 5.0], [1.0, 0.0]]


def test_words_of_people_are_told_and_not_plotted() -> None:
    towns = [f"town {number}" for number in range(101)]
    found = dependence_of(table([1] * 101, towns), "town", 3, predict, LABELS)
    assert (found["data_type"], "There are 101 values" in found["error"]) == ("free_text", True)


def test_a_column_without_values() -> None:
    found = dependence_of(table([None, None]), "age", 3, predict, LABELS)
    assert found["error"] == "All values are missing."
