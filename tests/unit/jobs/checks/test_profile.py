from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.checks.programs.profile import Column, describe_columns, statistics_of


def column(values: list[Any], dtype: Any = object) -> Column:
    (found,) = describe_columns(pd.DataFrame({"a": pd.Series(values, dtype=dtype)}))
    return found


def feature(values: list[Any], dtype: Any = object) -> dict[str, Any]:
    (found,) = statistics_of([column(values, dtype)])["features"]
    return dict(found)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "+3", "0042"], "Integral"),
        (["1", "2.5"], "Fractional"),
        ([".5", "5.", "-1.5e-07", "1e3"], "Fractional"),
        (["1", "x"], "String"),
        (["true", "false"], "String"),
        (["1e999"], "String"),
        (["NaN"], "String"),
        (["1_000"], "String"),
        (["٣"], "String"),
        (["."], "String"),
        ([None, None], "Unknown"),
        ([None, "7"], "Integral"),
    ],
)
def test_the_type_of_a_column_is_what_its_values_have_in_common(values: list[Any], kind: str) -> None:
    assert column(values).type == kind


def test_typed_columns_are_taken_by_their_type() -> None:
    assert column([1, 2], "int64").type == "Integral"
    assert column([1, None], "Int64").type == "Integral"
    assert column([1.0, float("nan")], "float64").type == "Fractional"
    assert column([1.0, float("nan")], "float64").completeness == 0.5
    assert column([float("inf"), float("nan")], "float64").type == "Unknown"


def test_numerical_statistics() -> None:
    found = feature(["1", "2", None, "2", "7"])
    assert found["name"] == "a"
    assert found["inferred_type"] == "Integral"
    numbers = found["numerical_statistics"]
    assert numbers["common"] == {"num_present": 4, "num_missing": 1}
    assert (numbers["mean"], numbers["sum"], numbers["min"], numbers["max"]) == (3.0, 12.0, 1.0, 7.0)
    # Of the values, not of a sample of more: ((-2)² + (-1)² + (-1)² + 4²) / 4.
    assert numbers["std_dev"] == pytest.approx(5.5**0.5)
    kll = numbers["distribution"]["kll"]
    assert kll["sketch"] == {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.0, 2.0, 2.0, 7.0]]}
    assert kll["buckets"][0] == {"lower_bound": 1.0, "upper_bound": 1.6, "count": 1.0}
    assert kll["buckets"][-1] == {"lower_bound": pytest.approx(6.4), "upper_bound": 7.0, "count": 1.0}
    assert len(kll["buckets"]) == 10


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_every_value_lies_in_one_bucket(values: list[float]) -> None:
    kll = feature(values, "float64")["numerical_statistics"]["distribution"]["kll"]
    assert sum(bucket["count"] for bucket in kll["buckets"]) == len(values)
    assert kll["buckets"][0]["lower_bound"] == min(values)
    assert kll["buckets"][-1]["upper_bound"] == max(values)


def test_string_statistics() -> None:
    found = feature(["b", "a", "b", None, "7"])
    assert found["string_statistics"] == {
        "common": {"num_present": 4, "num_missing": 1},
        "distinct_count": 3.0,
        "distribution": {
            "categorical": {
                "buckets": [
                    {"value": "b", "count": 2},
                    {"value": "7", "count": 1},
                    {"value": "a", "count": 1},
                ]
            }
        },
    }


def test_no_distribution_of_what_is_no_category() -> None:
    found = feature([f"v{number}" for number in range(121)])["string_statistics"]
    assert found["distinct_count"] == 121.0
    assert "distribution" not in found


def test_the_data_set_counts_its_records() -> None:
    table = pd.DataFrame({"a": ["1"] * 3, "b": [None] * 3})
    found = statistics_of(describe_columns(table))
    assert (found["version"], found["dataset"]) == (0.0, {"item_count": 3})
    assert [one["name"] for one in found["features"]] == ["a", "b"]


def test_numbers_among_texts_are_kept_apart() -> None:
    found = column(["3", "x", "1.5", "3"])
    assert found.types == {"Integral": 2, "Fractional": 1, "String": 1}
    assert np.array_equal(found.numbers, [1.5, 3.0, 3.0])
