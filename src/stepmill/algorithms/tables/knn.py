"""K nearest neighbors.

Source: developer guide, "k-NN Hyperparameters" and "Tune a k-NN Model".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.algorithms.algorithm import Algorithm
from stepmill.algorithms.parameters import Interval, choice, integer
from stepmill.algorithms.tables.first_party import COMMON, PROGRESS, channels, metric

_PARTS = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)
_REDUCTION, _TARGET = "dimension_reduction_type", "dimension_reduction_target"


def _reduction(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if _REDUCTION in given and _TARGET not in given:
        yield _TARGET, f"{_TARGET} is required when {_REDUCTION} is specified."
    if _TARGET in given and int(given[_TARGET]) >= int(given["feature_dim"]):
        yield _TARGET, f"{_TARGET} must be greater than 0 and less than feature_dim."


def _index(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    metric_name = given.get("index_metric", "L2")
    if given.get("index_type") == "faiss.IVFPQ" and metric_name != "L2":
        yield "index_metric", f"index_type faiss.IVFPQ does not support index_metric {metric_name}."


def _size(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if int(given["k"]) > int(given["sample_size"]):
        yield "k", "k must not be greater than sample_size."


KNN = Algorithm(
    name="knn",
    several_hosts=True,
    channels=channels("test"),
    metrics=(metric("test", "accuracy", "score"), metric("test", "mse", "loss"), *PROGRESS),
    rules=(_reduction, _index, _size),
    parameters=(
        integer("feature_dim", required=True),
        integer("k", required=True),
        choice("predictor_type", "classifier", "regressor", required=True),
        integer("sample_size", required=True),
        integer(_TARGET),
        choice(_REDUCTION, "sign", "fjlt"),
        integer("faiss_index_ivf_nlists", Interval(1), "auto", default="auto"),
        choice("faiss_index_pq_m", *map(str, _PARTS)),
        choice("index_metric", "L2", "INNER_PRODUCT", "COSINE", default="L2"),
        choice("index_type", "faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ", default="faiss.Flat"),
        integer("mini_batch_size", default="5000"),
        *COMMON,
    ),
)
