from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stepmill.jobs.checks.programs.baselines import computed_baseline, given_baseline, read_baseline_rows
from stepmill.jobs.checks.programs.clarify_config import Analysis
from stepmill.jobs.checks.programs.errors import CustomerError

NAMES = ["age", "town"]


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def table(rows: list[tuple[Any, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=pd.Index(NAMES), dtype=object)


def test_rows_of_the_configuration_are_texts_as_data_is() -> None:
    rows = [[30, "in"], [None, ""], [2.5, True]]
    assert given_baseline(rows, NAMES, "").tolist() == [["30", "in"], [None, None], ["2.5", "true"]]


def test_rows_as_json_objects() -> None:
    flat = [{"town": "in", "age": 3, "label": 1}]
    assert given_baseline(flat, NAMES, "").tolist() == [["3", "in"]]
    dense = [{"data": {"values": [3, "in"]}, "label": 1}]
    assert given_baseline(dense, NAMES, "data.values").tolist() == [["3", "in"]]


@pytest.mark.parametrize(
    ("rows", "features", "told"),
    [
        ([[1]], "", "a row has 1 values, and there are 2 features. It must leave out the label."),
        ([[1, 2, 3]], "", "a row has 3 values"),
        ([7], "", "a row must be a list of the values of age, town"),
        ([[[1], 2]], "", "a row must be a list"),
        ([{"age": 1}], "", "a row does not have town"),
        ([{"data": 1}], "data.values", "a row must be a list"),
    ],
)
def test_rows_that_have_not_the_features(rows: list[Any], features: str, told: str) -> None:
    with pytest.raises(CustomerError) as caught:
        given_baseline(rows, NAMES, features)
    assert str(caught.value).startswith("methods.shap.baseline: ")
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["30,in\n40,\n", "age,town\n30,in\n40,\n"])
def test_rows_of_a_file_with_names_or_without(tmp_path: Path, text: str) -> None:
    (tmp_path / "baseline.csv").write_text(text)
    found = read_baseline_rows(tmp_path, Analysis("text/csv", {}, label="paid"), NAMES)
    assert found.tolist() == [["30", "in"], ["40", None]]


def test_a_file_with_the_label(tmp_path: Path) -> None:
    (tmp_path / "baseline.csv").write_text("30,in,1\n")
    with pytest.raises(CustomerError, match="There are 2 headers, and the data has 3 columns"):
        read_baseline_rows(tmp_path, Analysis("text/csv", {}), NAMES)


def test_a_file_of_dense_json_lines(tmp_path: Path) -> None:
    (tmp_path / "baseline.jsonl").write_text('{"x": [30, "in"], "label": 1}\n')
    analysis = Analysis("application/jsonlines", {}, label="label", features="x")
    assert read_baseline_rows(tmp_path, analysis, NAMES).tolist() == [["30", "in"]]


def test_too_many_rows(tmp_path: Path) -> None:
    (tmp_path / "baseline.csv").write_text("30,in\n" * 1001)
    with pytest.raises(CustomerError, match="has 1001 rows, more than 1000"):
        read_baseline_rows(tmp_path, Analysis("text/csv", {}), NAMES)


def test_one_cluster_is_the_mean_and_what_comes_most() -> None:
    rows = table([("10", "in"), ("20", "out"), (None, "in"), ("30", None)])
    assert computed_baseline(rows, 1, chance()).tolist() == [["20.0", "in"]]


@pytest.mark.parametrize("seed", range(5))
def test_clusters_are_found(seed: int) -> None:
    rows = table([(str(base + step), town) for base, town in ((0, "in"), (100, "out")) for step in range(5)])
    found = computed_baseline(rows, 2, chance(seed)).tolist()
    assert sorted(found) == [["102.0", "out"], ["2.0", "in"]]


def test_texts_alone_make_clusters() -> None:
    rows = pd.DataFrame({"a": ["x"] * 5 + ["y"] * 5, "b": ["p"] * 5 + ["q"] * 5}, dtype=object)
    assert sorted(computed_baseline(rows, 2, chance()).tolist()) == [["x", "p"], ["y", "q"]]


def test_there_are_no_more_clusters_than_different_records() -> None:
    rows = table([("1", "in")] * 4 + [("2", "in")] * 4)
    assert sorted(computed_baseline(rows, 7, chance()).tolist()) == [["1.0", "in"], ["2.0", "in"]]


def test_a_column_without_any_value() -> None:
    rows = pd.DataFrame({"a": ["1", "3"], "b": [None, None]}, dtype=object)
    assert computed_baseline(rows, 1, chance()).tolist() == [["2.0", None]]


def test_the_same_seed_gives_the_same() -> None:
    drawn = np.random.default_rng(3).normal(size=60).astype(str)
    rows = table([(value, "in") for value in drawn])
    first, second = (computed_baseline(rows, 5, chance(4)).tolist() for _ in range(2))
    assert first == second
    assert len(first) == 5
