from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stepmill.catalog.model_reports import model_quality as shown
from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.model_quality import Measured, analyze_model, model_violations
from stepmill.jobs.checks.programs.settings import Settings

BINARY = {"problem_type": "BinaryClassification", "ground_truth_attribute": "label"}
COLUMNS = {"ground_truth_attribute": "label", "inference_attribute": "said"}


def analyze(data: dict[str, list[Any]], **attributes: str) -> Measured:
    settings = Settings("csv", True, Path("in"), Path("out"), attributes=attributes)
    table = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()})
    return analyze_model(table, settings)


def test_regression() -> None:
    data = {"label": ["1", "2", None, "3"], "said": ["1", "2", "9", "6"]}
    statistics, constraints = analyze(data, problem_type="Regression", **COLUMNS)
    assert statistics["dataset"] == {"item_count": 4}
    assert statistics["regression_metrics"]["mse"] == {"value": 3.0, "standard_deviation": "NaN"}
    assert constraints == {
        "version": 0.0,
        "regression_constraints": {
            "mae": {"threshold": 1.0, "comparison_operator": "GreaterThanThreshold"},
            "mse": {"threshold": 3.0, "comparison_operator": "GreaterThanThreshold"},
            "rmse": {"threshold": 3**0.5, "comparison_operator": "GreaterThanThreshold"},
            "r2": {"threshold": -3.5, "comparison_operator": "LessThanThreshold"},
        },
    }


def test_binary_classification_by_labels() -> None:
    data = {"label": ["0", "0", "0", "1"], "said": ["0", "1", "1.0", "true"]}
    statistics, constraints = analyze(data, **BINARY, inference_attribute="said")
    found = statistics["binary_classification_metrics"]
    assert found["confusion_matrix"] == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    assert "auc" not in found
    rules = constraints["binary_classification_constraints"]
    assert rules["precision"]["comparison_operator"] == "LessThanThreshold"
    assert rules["false_positive_rate"]["comparison_operator"] == "GreaterThanThreshold"
    assert "confusion_matrix" not in rules
    assert not any("constant" in name for name in rules)


def test_binary_classification_by_probabilities() -> None:
    data = {"label": ["0", "1", "0", "1"], "score": ["0.1", "0.4", "0.5", "0.9"]}
    given = {**BINARY, "probability_attribute": "score"}
    found = analyze(data, **given)[0]["binary_classification_metrics"]
    assert found["auc"]["value"] == 0.75
    # A probability of 0.5 is not above the threshold.
    assert found["confusion_matrix"] == {"0": {"0": 2, "1": 0}, "1": {"0": 1, "1": 1}}
    lower = analyze(data, **given, probability_threshold_attribute="0.3")[0]["binary_classification_metrics"]
    assert lower["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 2}}


def test_multiclass_classification() -> None:
    data = {"label": ["a", "b", "c", "c"], "said": ["a", "c", "c", "c"]}
    found = analyze(data, problem_type="MulticlassClassification", **COLUMNS)[0]
    metrics = found["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] == 0.75
    assert metrics["confusion_matrix"]["b"] == {"a": 0, "b": 0, "c": 1}


def test_columns_may_be_named_by_position() -> None:
    data = {"_c0": ["1", "2"], "_c1": ["1", "4"]}
    given = {"problem_type": "Regression", "ground_truth_attribute": "0"}
    assert analyze(data, **given, inference_attribute="_c1")[0]["regression_metrics"]["mae"]["value"] == 1.0


def test_deviations_from_two_hundred_samples_on() -> None:
    data = {"label": [str(n) for n in range(200)], "said": [str(n + n % 7) for n in range(200)]}
    first = analyze(data, problem_type="Regression", **COLUMNS)[0]["regression_metrics"]
    assert 0 < first["mae"]["standard_deviation"] < 0.2
    assert analyze(data, problem_type="Regression", **COLUMNS)[0]["regression_metrics"] == first
    fewer = {name: values[:199] for name, values in data.items()}
    assert (
        analyze(fewer, problem_type="Regression", **COLUMNS)[0]["regression_metrics"]["mae"][
            "standard_deviation"
        ]
        == "NaN"
    )


def test_the_registry_shows_such_reports() -> None:
    data = {"label": ["0", "1"] * 3, "said": ["0", "1", "1"] * 2, "score": ["0.1", "0.9", "0.6"] * 2}
    statistics, constraints = analyze(
        data, **BINARY, inference_attribute="said", probability_attribute="score"
    )
    names = {metric.name for metric in shown.metrics_of(statistics)}
    assert {"accuracy", "auc", "f1"} <= names
    assert list(shown.constraints_of(constraints))


class TestViolations:
    DATA: dict[str, list[Any]] = {"label": ["1", "2", "3"], "said": ["1", "2", "3.3"]}

    def test_none_against_its_own_baseline(self) -> None:
        statistics, constraints = analyze(self.DATA, problem_type="Regression", **COLUMNS)
        assert model_violations(statistics, constraints) == []

    def test_each_metric_that_is_worse(self) -> None:
        _, constraints = analyze(self.DATA, problem_type="Regression", **COLUMNS)
        worse = analyze({**self.DATA, "said": ["1", "2", "6"]}, problem_type="Regression", **COLUMNS)[0]
        found = model_violations(worse, constraints)
        assert [(one["metric_name"], one["constraint_check_type"]) for one in found] == [
            ("mae", "GreaterThanThreshold"),
            ("mse", "GreaterThanThreshold"),
            ("rmse", "GreaterThanThreshold"),
            ("r2", "LessThanThreshold"),
        ]
        assert found[0]["description"].startswith("Metric mae with 1.0 +/- NaN was GreaterThanThreshold '0.0")

    @pytest.mark.parametrize(
        "constraints",
        [
            {},
            {"binary_classification_constraints": {}},
            {"regression_constraints": []},
            {"regression_constraints": {"mae": 1}},
            {
                "regression_constraints": {
                    "mae": {"threshold": "x", "comparison_operator": "LessThanThreshold"}
                }
            },
            {"regression_constraints": {"mae": {"threshold": 1, "comparison_operator": "Differs"}}},
        ],
    )
    def test_constraints_that_cannot_be_taken(self, constraints: Any) -> None:
        statistics, _ = analyze(self.DATA, problem_type="Regression", **COLUMNS)
        with pytest.raises(CustomerError):
            model_violations(statistics, constraints)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"problem_type": "Ranking"}, "'Ranking' is not one of"),
        ({"problem_type": "Regression"}, "ground_truth_attribute is missing"),
        ({"problem_type": "Regression", "ground_truth_attribute": "none"}, "'none' is no column"),
        ({"problem_type": "Regression", "ground_truth_attribute": "9" * 5_000}, "is no column"),
        ({"problem_type": "Regression", **COLUMNS, "inference_attribute": "text"}, "is not a number"),
        ({"problem_type": "Regression", **COLUMNS, "inference_attribute": "huge"}, "not a finite number"),
        ({"problem_type": "Regression", **COLUMNS, "inference_attribute": "empty"}, "No record has all"),
        (BINARY, "Name the predictions"),
        ({**BINARY, "inference_attribute": "text"}, "Labels of BinaryClassification are 0 and 1"),
        (
            {**BINARY, "probability_attribute": "said", "probability_threshold_attribute": "2"},
            "not a number from 0 to 1",
        ),
        (
            {**BINARY, "probability_attribute": "said", "probability_threshold_attribute": "high"},
            "not a number from 0 to 1",
        ),
    ],
)
def test_what_cannot_be_measured_is_told(attributes: dict[str, str], says: str) -> None:
    data = {"label": ["0", "1"], "said": ["0", "1"], "text": ["a", "b"], "huge": ["1e999", "1"]}
    with pytest.raises(CustomerError, match=says):
        analyze({**data, "empty": [None, None]}, **attributes)


def test_more_labels_than_make_sense() -> None:
    many = [str(number) for number in range(1_001)]
    with pytest.raises(CustomerError, match="1001 labels"):
        analyze({"label": many, "said": many}, problem_type="MulticlassClassification", **COLUMNS)
