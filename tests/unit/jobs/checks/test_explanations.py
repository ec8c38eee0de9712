from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.catalog.model_reports import clarify as shown
from stepmill.jobs.checks.programs.clarify_config import Analysis
from stepmill.jobs.checks.programs.clarify_page import page_of
from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.explain_config import Dependence, Predictor, Shap
from stepmill.jobs.checks.programs.explanations import (
    Explained,
    agreement_of,
    explanation_section,
    explanation_violations,
    labels_of_outputs,
)

TABLE = pd.DataFrame({"a": ["0", "1", "2"], "b": ["1", "0", "1"], "c": ["x", "y", "x"]}, dtype=object)
ANALYSIS = Analysis("text/csv", {}, predictor=Predictor())
EXACT = Shap([["0", "0", "x"]], save_local=True)


def predict(records: Any) -> Any:
    a, b = records[:, 0].astype(float), records[:, 1].astype(float)
    return np.stack([3 * a + b + a * b, -b], axis=1)


def section(folder: Path, **changes: Any) -> dict[str, Any]:
    explained = Explained(TABLE, predict, ["label0", "label1"])
    return explanation_section(explained, replace(ANALYSIS, **changes), folder, folder / "baseline")


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_the_section_is_as_the_guide_has_it(tmp_path: Path) -> None:
    found = section(tmp_path, shap=EXACT)["kernel_shap"]
    assert list(found) == ["label0", "label1"]
    assert found["label0"]["expected_value"] == 0.0
    # (0, 1): b 1. (1, 0): a 3. (2, 1): a 6 and half of 2, b 1 and half of 2.
    assert found["label0"]["global_shap_values"] == pytest.approx({"a": 10 / 3, "b": 1.0, "c": 0.0})
    assert found["label1"]["global_shap_values"] == pytest.approx({"a": 0.0, "b": 2 / 3, "c": 0.0})
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(("aggregation", "value"), [("median", 3.0), ("mean_sq", 58 / 3)])
def test_how_the_values_of_records_become_one(tmp_path: Path, aggregation: str, value: float) -> None:
    found = section(tmp_path, shap=replace(EXACT, aggregation=aggregation))
    assert found["kernel_shap"]["label0"]["global_shap_values"]["a"] == pytest.approx(value)


def test_the_values_of_each_record_are_stored(tmp_path: Path) -> None:
    section(tmp_path, shap=EXACT)
    header, *values = rows(tmp_path / "explanations_shap" / "out.csv")
    assert header == ["a_label0", "b_label0", "c_label0", "a_label1", "b_label1", "c_label1"]
    assert [float(one) for one in values[2]] == pytest.approx([7, 2, 0, 0, -1, 0])
    # The baseline was given, so it is not written.
    assert not (tmp_path / "explanations_shap" / "baseline.csv").exists()


def test_nothing_is_stored_that_was_not_asked_for(tmp_path: Path) -> None:
    section(tmp_path, shap=replace(EXACT, save_local=False))
    assert list(tmp_path.iterdir()) == []


def test_a_computed_baseline_is_stored(tmp_path: Path) -> None:
    found = section(tmp_path, shap=Shap())
    assert rows(tmp_path / "explanations_shap" / "baseline.csv") == [["1.0", repr(2 / 3), "x"]]
    assert found["kernel_shap"]["label1"]["expected_value"] == pytest.approx(-2 / 3)


def test_the_baseline_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "rows.csv").write_text("0,0,x\n")
    of_file = section(tmp_path, shap=replace(EXACT, baseline="s3://bucket/rows.csv"))
    assert of_file == section(tmp_path, shap=EXACT)


def test_some_features_are_told_of_and_all_count(tmp_path: Path) -> None:
    found = section(tmp_path, shap=replace(EXACT, features=("b", 0)))["kernel_shap"]["label0"]
    assert found["global_shap_values"] == pytest.approx({"b": 1.0, "a": 10 / 3})
    assert rows(tmp_path / "explanations_shap" / "out.csv")[0][:2] == ["b_label0", "a_label0"]
    with pytest.raises(CustomerError, match="features_to_explain: 'd' is no column"):
        section(tmp_path, shap=replace(EXACT, features=("d",)))


def test_the_same_seed_gives_the_same(tmp_path: Path) -> None:
    few = replace(EXACT, samples=3, seed=5)
    assert section(tmp_path, shap=few) == section(tmp_path, shap=few)


def test_dependence_of_the_features_that_weigh_most(tmp_path: Path) -> None:
    found = section(tmp_path, shap=EXACT, dependence=Dependence(top=2))["pdp"]
    assert [one["feature_name"] for one in found] == ["a", "b"]
    found = section(tmp_path, dependence=Dependence(("c",)))
    assert list(found) == ["pdp"]
    assert found["pdp"][0]["model_predictions"][0] == pytest.approx([13 / 3] * 2)


def test_the_page_and_the_registry_show_it(tmp_path: Path) -> None:
    document = {
        "version": "1.0",
        "explanations": section(tmp_path, shap=EXACT, dependence=Dependence(("a", "c"))),
    }
    page = page_of(document, "Mine <3")
    # A picture of each label, and of each label for each feature.
    assert page.count("<svg") == 2 + 4
    assert "Mine &lt;3" in page
    assert {metric.name for metric in shown.metrics_of(document)} >= {
        "shap / label0 / a",
        "shap / label1 / b",
    }


def test_names_of_features_are_no_markup() -> None:
    name = "<script>"
    document = {
        "explanations": {
            "kernel_shap": {name: {"global_shap_values": {name: 0.0}, "expected_value": 1.0}},
            "pdp": [
                {"feature_name": name, "error": name},
                {"feature_name": "x", "label_headers": [name], "feature_values": [name],
                 "data_distribution": [1.0], "model_predictions": [[0.5]]},
            ],
        }
    }  # fmt: skip
    assert name not in page_of(document, name)


@pytest.mark.parametrize(
    ("outputs", "headers", "found"),
    [
        (1, (), ["label0"]),
        (1, ("yes",), ["yes"]),
        (1, ("no", "yes"), ["label0"]),
        (2, ("no", "yes"), ["no", "yes"]),
        (3, (), ["label0", "label1", "label2"]),
    ],
)
def test_what_outputs_are_called(outputs: int, headers: tuple[str, ...], found: list[str]) -> None:
    assert labels_of_outputs(np.zeros((1, outputs)), headers) == found


def test_headers_that_are_not_those_of_the_outputs() -> None:
    with pytest.raises(CustomerError, match="there are 2, and the model gives 3 scores"):
        labels_of_outputs(np.zeros((1, 3)), ("no", "yes"))


def of_labels(**labels: dict[str, float]) -> dict[str, Any]:
    values = {label: {"global_shap_values": one, "expected_value": 0.0} for label, one in labels.items()}
    return {"explanations": {"kernel_shap": values}}


# The example of the guide: the order of features is reversed.
THEN = {"SAT": 0.70, "GPA": 0.50, "rank": 0.05}
NOW = {"SAT": 0.10, "GPA": 0.20, "rank": 0.70}


def test_another_order_of_features_is_a_violation() -> None:
    found = explanation_violations(of_labels(label0=NOW, label1=THEN), of_labels(label0=THEN, label1=THEN))
    agreement = agreement_of(THEN, NOW)
    assert agreement < 0.9
    assert found == [
        {
            "label": "label0",
            "metric_name": "shap",
            "constraint_check_type": "feature_attribution_drift_check",
            "description": f"Feature attribution drift {agreement} exceeds threshold 0.9",
        }
    ]


def test_the_same_order_is_none_whatever_the_values() -> None:
    assert (
        explanation_violations(of_labels(label0={"SAT": 9, "GPA": 8, "rank": 7}), of_labels(label0=THEN))
        == []
    )


@pytest.mark.parametrize(
    "before",
    [{}, of_labels(other=THEN), {"explanations": []}, {"explanations": {"kernel_shap": {"label0": 1}}}],
)
def test_a_baseline_that_explains_none_of_the_labels(before: dict[str, Any]) -> None:
    with pytest.raises(CustomerError, match="explain none of the labels"):
        explanation_violations(of_labels(label0=NOW), before)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8))
def test_agreement_is_what_scikit_learn_says(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    then = {str(place): float(one) for place, (one, _) in enumerate(pairs)}
    now = {str(place): float(one) for place, (_, one) in enumerate(pairs)}
    found = agreement_of(then, now)
    if not any(then.values()):
        assert found == 1.0
        return
    assert found == pytest.approx(metrics.ndcg_score([list(then.values())], [list(now.values())]))


def test_features_that_only_one_side_has_weigh_nothing_on_the_other() -> None:
    assert agreement_of({"a": 1.0}, {"b": 1.0}) < 0.9
    assert agreement_of({"a": 1.0}, {"a": 1.0, "b": 0.5}) == 1.0
