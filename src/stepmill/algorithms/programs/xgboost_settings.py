"""Hyperparameters of XGBoost's algorithm mode, as the library takes them.

Source: the XGBoost container's ``train.py`` and ``custom_metrics.py``; XGBoost, "XGBoost Parameters".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hosts import Hosts
from .xgboost_names import ALIASES

# Settings of the container, not of the library.
_OWN = (
    "num_round", "csv_weights", "early_stopping_rounds", "eval_metric", "_kfold", "_num_cv_round",
    "_tuning_objective_metric", "save_model_on_termination", "use_dask_gpu_training", "silent",
)  # fmt: skip
# What earlier versions of the library knew: they have no effect in the present one.
WITHOUT_EFFECT = (
    "predictor", "sketch_eps", "single_precision_histogram", "dsplit", "deterministic_histogram",
    "prob_buffer_row", "lambda_bias",
)  # fmt: skip

Score = Callable[[NDArray[Any], NDArray[Any]], float]


@dataclass(frozen=True)
class Settings:
    """What a job asks for.

    Args:
        rounds: So many trees, or sets of trees.
        parameters: As the library takes them.
        built_in: Metrics that the library knows, in the order they are asked for.
        own: Metrics that the container adds.
        stop_on: The metric that early stopping looks at; ``None``: the last one.
        patience: So many rounds without progress end the training; ``None``: none do.
        csv_weighted: Whether the second column of CSV is the weight.
        folds: Of cross-validation; 0: there is none.
        repeats: How often cross-validation is done.
        keep_on_termination: Whether the model is saved in each round.
        notes: What has no effect here.
    """

    rounds: int
    parameters: dict[str, Any]
    built_in: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    stop_on: str | None = None
    patience: int | None = None
    csv_weighted: bool = False
    folds: int = 0
    repeats: int = 1
    keep_on_termination: bool = False
    notes: tuple[str, ...] = ()

    @property
    def objective(self) -> str:
        """The learning objective."""
        return str(self.parameters.get("objective", "reg:squarederror"))


def read_settings(given: Mapping[str, str]) -> Settings:
    """Read hyperparameters; they have been checked when the job was taken."""
    plain = {ALIASES.get(name, name): value.strip() for name, value in given.items()}
    asked = _parts(plain.get("eval_metric", ""))
    tuned = plain.get("_tuning_objective_metric", "").partition(":")[2]
    metrics = [*asked, *([tuned] if tuned and tuned not in asked else [])]
    notes = [f"{name} has no effect in this version of XGBoost" for name in WITHOUT_EFFECT if name in plain]
    parameters: dict[str, Any] = {
        name: value for name, value in plain.items() if name not in (*_OWN, *WITHOUT_EFFECT)
    }
    if plain.get("silent") == "1":
        parameters["verbosity"] = "0"
    if parameters.get("tree_method") == "gpu_hist":
        parameters["tree_method"] = "hist"
        notes.append("tree_method gpu_hist is hist here: the job runs on the CPU")
    if "updater" in parameters:
        parameters["updater"] = ",".join(_parts(parameters["updater"]))
    built_in = [name for name in metrics if name not in OWN_METRICS]
    if built_in:
        parameters["eval_metric"] = built_in
    elif metrics:
        # Otherwise the library adds the default metric of the objective.
        parameters["disable_default_eval_metric"] = 1
    patience = plain.get("early_stopping_rounds")
    return Settings(
        rounds=int(plain["num_round"]),
        parameters=parameters,
        built_in=tuple(built_in),
        own=tuple(name for name in metrics if name in OWN_METRICS),
        stop_on=tuned or (asked[-1] if asked else None),
        patience=int(patience) if patience else None,
        csv_weighted=plain.get("csv_weights") == "1",
        folds=int(plain.get("_kfold", "0")),
        repeats=int(plain.get("_num_cv_round", "1")),
        keep_on_termination=plain.get("save_model_on_termination") == "true",
        notes=tuple(notes),
    )


def _parts(value: str) -> list[str]:
    return [part.strip().strip("\"'") for part in value.strip("[]").split(",") if part.strip()]


def classes_of(predictions: NDArray[Any], objective: str) -> NDArray[Any]:
    """Return the class of each row that the predictions of an objective mean."""
    if predictions.ndim > 1:
        return np.asarray(np.argmax(predictions, axis=1))
    if objective in ("multi:softmax", "binary:hinge"):
        return predictions
    return (predictions > (0.0 if objective == "binary:logitraw" else 0.5)).astype(np.float32)


def message_of(error: Exception) -> str:
    """Return what the library says, without the addresses of its own functions."""
    return str(error).partition("Stack trace:")[0].strip()


def own_metrics(
    names: tuple[str, ...], objective: str, hosts: Hosts
) -> Callable[[Any, Any], list[tuple[str, float]]]:
    """Return what computes metrics of the container, over the rows of all hosts, as the library calls it."""

    def compute(predictions: NDArray[Any], rows: Any) -> list[tuple[str, float]]:
        truth, predictions = hosts.rows(rows.get_label()), hosts.rows(predictions)
        classes = classes_of(predictions, objective)
        return [
            (name, OWN_METRICS[name](truth, predictions if name in _OF_VALUES else classes)) for name in names
        ]

    return compute


def _of_classes(name: str, **options: Any) -> Score:
    def score(truth: NDArray[Any], classes: NDArray[Any]) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(truth, classes, **options))

    return score


_OF_VALUES = ("mse", "r2")
OWN_METRICS: dict[str, Score] = {
    "accuracy": _of_classes("accuracy_score"),
    "balanced_accuracy": _of_classes("balanced_accuracy_score"),
    "f1": _of_classes("f1_score", average="macro"),
    "f1_binary": _of_classes("f1_score", average="binary"),
    "f1_macro": _of_classes("f1_score", average="macro"),
    "mse": _of_classes("mean_squared_error"),
    "precision": _of_classes("precision_score"),
    "precision_macro": _of_classes("precision_score", average="macro"),
    "precision_micro": _of_classes("precision_score", average="micro"),
    "r2": _of_classes("r2_score"),
    "recall": _of_classes("recall_score"),
    "recall_macro": _of_classes("recall_score", average="macro"),
    "recall_micro": _of_classes("recall_score", average="micro"),
}
