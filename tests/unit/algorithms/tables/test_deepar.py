from __future__ import annotations

import re

import pytest

from stepmill.algorithms.checking import check_hyperparameters, check_job, check_ranges
from stepmill.algorithms.parameters import Kind
from stepmill.algorithms.tables.deepar import DEEPAR

REQUIRED = {"context_length": "24", "epochs": "10", "prediction_length": "7", "time_freq": "D"}
# Name -> what may be given, and what may not.
DOCUMENTED = {
    "context_length": (["1", "200"], ["0", "-1", "1.5", "auto"]),
    "epochs": (["1", "1000"], ["0", "many"]),
    "prediction_length": (["1", "400"], ["0", "seven"]),
    "time_freq": (
        ["M", "W", "D", "H", "min", "5min", "2H", "1D"],
        ["", "h", "0D", "5", "Y", "S", "D5", "-1D"],
    ),
    "cardinality": (
        ["auto", "ignore", "", "[2]", "[2, 3]"],
        ["none", "2", "[]", "[0]", "[1.5]", "[true]", '["2"]', "["],
    ),
    "dropout_rate": (["0", "0.1", "0.99"], ["-0.1", "1", "nan", "high"]),
    "early_stopping_patience": (["1", "40", ""], ["0", "-1", "1.5"]),
    "embedding_dimension": (["1", "10"], ["0", "auto"]),
    "learning_rate": (["1e-3", "5E-4", "0.1"], ["0", "-1", "inf", "fast"]),
    "likelihood": (
        ["gaussian", "beta", "negative-binomial", "student-T", "student-t", "deterministic-L1"],
        ["poisson", "", "studentT"],
    ),
    "mini_batch_size": (["1", "32", "1028"], ["0", "auto"]),
    "num_cells": (["1", "200"], ["0"]),
    "num_dynamic_feat": (["auto", "ignore", "", "1", "3"], ["0", "-1", "none", "[1]"]),
    "num_eval_samples": (["1", "100"], ["0", "auto"]),
    "num_layers": (["1", "8"], ["0"]),
    "test_quantiles": (["[0.5]", "[0.1, 0.9]"], ["0.5", "[]", "[0]", "[1.0]", "[1.5]", '["0.5"]', "["]),
}  # fmt: skip
INTERNAL = {"_tuning_objective_metric", "_kvstore", "_num_gpus", "_num_kv_servers"}
GOOD = [(name, value) for name, (good, _) in DOCUMENTED.items() for value in good]
BAD = [(name, value) for name, (_, bad) in DOCUMENTED.items() for value in bad]


def told(given: dict[str, str]) -> list[str]:
    return [finding.message for finding in check_hyperparameters(DEEPAR, given)]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_what_the_guide_allows_is_taken(name: str, value: str) -> None:
    assert told({**REQUIRED, name: value}) == []


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_the_guide_does_not_allow_is_refused(name: str, value: str) -> None:
    (message,) = told({**REQUIRED, name: value})
    assert f"is not valid for the '{name}' hyperparameter" in message


def test_the_list_is_whole() -> None:
    assert set(DEEPAR.names) == {*DOCUMENTED, *INTERNAL}


def test_defaults_are_those_of_the_container() -> None:
    defaults = {parameter.name: parameter.default for parameter in DEEPAR.parameters if parameter.default}
    assert defaults == {
        "cardinality": "auto",
        "dropout_rate": "0.1",
        "embedding_dimension": "10",
        "learning_rate": "0.001",
        "likelihood": "student-T",
        "mini_batch_size": "128",
        "num_cells": "40",
        "num_dynamic_feat": "auto",
        "num_eval_samples": "100",
        "num_layers": "2",
        "test_quantiles": "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]",
        "_num_gpus": "auto",
        "_num_kv_servers": "auto",
    }


def test_four_are_required() -> None:
    (message,) = told({})
    assert "'context_length', 'epochs', 'prediction_length', 'time_freq'" in message


@pytest.mark.parametrize("content_type", ["", "json", "parquet", "application/json", "application/jsonlines"])
def test_channels_may_say_what_they_hold(content_type: str) -> None:
    channels = {name: {"ContentType": content_type} for name in ("train", "test")}
    assert check_job(DEEPAR, REQUIRED, channels) == ()


def test_other_channels_and_types_are_refused() -> None:
    wrong = {"train": {"ContentType": "text/csv"}, "validation": {}}
    found = [finding.message for finding in check_job(DEEPAR, REQUIRED, wrong)]
    assert len(found) == 2
    assert any("'text/csv' is not an accepted ContentType" in message for message in found)
    assert "Extraneous channel found: validation." in found


@pytest.mark.parametrize(
    ("name", "line", "value"),
    [
        ("train:final_loss", "#quality_metric: host=algo-1, train final_loss <loss>=3.6118", "3.6118"),
        ("train:loss", "#quality_metric: host=algo-1, epoch=12, train loss <loss>=-0.25", "-0.25"),
        ("test:RMSE", "#quality_metric: host=algo-1, test RMSE <loss>=413.5", "413.5"),
        ("test:mean_wQuantileLoss", "#quality_metric: host=a, test mean_wQuantileLoss <loss>=0.11", "0.11"),
        ("train:progress", "#progress_metric: host=algo-1, completed 0.25 % of epochs", "0.25"),
        ("train:throughput", "#throughput_metric: host=a, train throughput=161.05 records/second", "161.05"),
    ],
)
def test_metrics_are_read_from_lines_as_the_container_writes_them(name: str, line: str, value: str) -> None:
    regexes = {metric.name: metric.regex for metric in DEEPAR.metrics}
    found = re.search(regexes[name], f"[10/31/2024 23:19:04 INFO 140186099169088] {line}")
    assert found is not None
    assert found[1] == value


def test_the_loss_of_a_batch_is_not_that_of_an_epoch() -> None:
    regexes = {metric.name: metric.regex for metric in DEEPAR.metrics}
    line = "#quality_metric: host=algo-1, epoch=0, batch=5 train loss <loss>=1.58"
    assert re.search(regexes["train:loss"], line) is None


def test_what_the_guide_calls_tunable_can_be_tuned() -> None:
    ranges = {
        "mini_batch_size": (Kind.INTEGER, ["32", "1028"]),
        "epochs": (Kind.INTEGER, ["1", "1000"]),
        "context_length": (Kind.INTEGER, ["1", "200"]),
        "num_cells": (Kind.INTEGER, ["30", "200"]),
        "num_layers": (Kind.INTEGER, ["1", "8"]),
        "dropout_rate": (Kind.CONTINUOUS, ["0.00", "0.2"]),
        "embedding_dimension": (Kind.INTEGER, ["1", "50"]),
        "learning_rate": (Kind.CONTINUOUS, ["1e-5", "1e-1"]),
    }
    fixed = {name: value for name, value in REQUIRED.items() if name not in ranges}
    assert check_ranges(DEEPAR, fixed, ranges) == ()
