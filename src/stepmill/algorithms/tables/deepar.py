"""DeepAR: forecasts of many related time series.

Source: developer guide, "DeepAR Hyperparameters" and "Tune a DeepAR Model"; the configuration that the
container writes to its log for the defaults.
"""

from __future__ import annotations

import re

from stepmill.algorithms.algorithm import Algorithm, Channel, Metric
from stepmill.algorithms.parameters import NOT_NEGATIVE, POSITIVE, Interval, choice, integer, number, text
from stepmill.algorithms.tables.first_party import PROGRESS, listed, metric

# Files tell by their names what they hold; a content type tells it of files with other names.
_TYPES = (
    "application/json", "json", "application/jsonlines", "jsonlines", "application/x-parquet", "parquet",
)  # fmt: skip
_FREQUENCY = re.compile(r"([1-9]\d{0,3})?(M|W|D|H|min)")
_MOST_CATEGORIES = 2**31 - 1
_LOSS = r"#quality_metric: host=\S+, epoch=\d+, train loss <loss>=(\S+)"


def _is_frequency(value: str) -> bool:
    return _FREQUENCY.fullmatch(value) is not None


def _is_cardinality(value: str) -> bool:
    if value in ("auto", "ignore", ""):
        return True
    found = listed(value)
    return bool(found) and all(type(item) is int and 0 < item <= _MOST_CATEGORIES for item in found)


def _are_quantiles(value: str) -> bool:
    found = listed(value)
    return bool(found) and all(isinstance(item, float) and 0 < item < 1 for item in found)


DEEPAR = Algorithm(
    name="forecasting-deepar",
    channels=(
        Channel("train", _TYPES, _TYPES[0], required=True),
        Channel("test", _TYPES, _TYPES[0]),
    ),
    metrics=(
        metric("train", "final_loss", "loss"),
        Metric("train:loss", _LOSS),
        metric("test", "RMSE", "loss"),
        metric("test", "mean_wQuantileLoss", "loss"),
        *PROGRESS,
    ),
    parameters=(
        integer("context_length", required=True),
        integer("epochs", required=True),
        integer("prediction_length", required=True),
        text("time_freq", _is_frequency, "an integer followed by M, W, D, H or min: '5min'", required=True),
        text(
            "cardinality",
            _is_cardinality,
            "'auto'; 'ignore'; a list of positive integers; the empty string",
            default="auto",
        ),
        number("dropout_rate", Interval(0, 1, below=True), default="0.1"),
        integer("early_stopping_patience", Interval(1), ""),
        integer("embedding_dimension", default="10"),
        number("learning_rate", POSITIVE, default="0.001"),
        choice(
            "likelihood",
            "gaussian", "beta", "negative-binomial", "student-T", "deterministic-L1",
            default="student-T",
            folded=True,
        ),
        integer("mini_batch_size", default="128"),
        integer("num_cells", default="40"),
        integer("num_dynamic_feat", Interval(1), "auto", "ignore", "", default="auto"),
        integer("num_eval_samples", default="100"),
        integer("num_layers", default="2"),
        text(
            "test_quantiles",
            _are_quantiles,
            "a list of numbers between 0 and 1",
            default="[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]",
        ),
        # The container takes these, too; its SDK examples and tuning jobs write them.
        text("_tuning_objective_metric"),
        text("_kvstore"),
        integer("_num_gpus", NOT_NEGATIVE, "auto", default="auto"),
        integer("_num_kv_servers", NOT_NEGATIVE, "auto", default="auto"),
    ),
)  # fmt: skip
