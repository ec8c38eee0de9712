"""Answers requests with models of XGBoost's algorithm mode.

Source: the XGBoost container's ``serve.py`` and ``serve_utils.py``; developer guide, "XGBoost algorithm":
inference takes libsvm and CSV, several models are an ensemble, ``SAGEMAKER_INFERENCE_OUTPUT`` chooses what is
told.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from .csv_format import read_csv
from .errors import (
    CustomerError,
    EmptyRequestError,
    NotAcceptableError,
    RequestError,
    UnsupportedContentError,
)
from .libsvm import read_libsvm
from .media import CSV, JSON, JSON_LINES, LIBSVM, RECORDIO, media_type
from .payloads import write_answer
from .recordio import RecordError
from .tables import from_recordio
from .xgboost_settings import classes_of, message_of

_ACCEPTED = (JSON[0], JSON_LINES[0], RECORDIO[0], CSV[0])
_BATCH = "SAGEMAKER_BATCH"
_OUTPUT = "SAGEMAKER_INFERENCE_OUTPUT"
_ENSEMBLE = "SAGEMAKER_INFERENCE_ENSEMBLE"
_DEFAULT_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"


@dataclass(frozen=True)
class Model:
    """What was loaded.

    Args:
        boosters: One, or those of an ensemble.
        objective: The learning objective.
        classes: Number of classes; 0 where there are none.
    """

    boosters: tuple[Any, ...]
    objective: str
    classes: int


def load(folder: Path) -> Model:
    """Load the model, or all models, in a folder.

    Raises:
        RuntimeError: If there is none, or one cannot be loaded.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if os.environ.get(_ENSEMBLE, "true").lower() == "false":
        files = files[:1]
    if not files:
        raise RuntimeError(f"There is no model in {folder}.")
    boosters = tuple(_load_one(path) for path in files)
    learner = json.loads(boosters[0].save_config())["learner"]
    count = int(learner["learner_model_param"].get("num_class", "0"))
    return Model(boosters, str(learner["objective"]["name"]), count)


def _load_one(path: Path) -> Any:
    booster: Any = xgb.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except xgb.core.XGBoostError as error:
        # Containers up to XGBoost 1.2 pickled it; the archive is the user's own, and so is this job.
        try:
            with path.open("rb") as file:
                booster = pickle.load(file)  # noqa: S301
        except Exception:  # noqa: BLE001 - a pickle may fail in any way; what XGBoost said is the reason
            raise RuntimeError(f"Model {path} cannot be loaded: {error}") from error
    booster.set_param({"nthread": 1})
    return booster


def respond(model: Model, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer a request.

    Raises:
        EmptyRequestError: If there is nothing in it.
        UnsupportedContentError: If it cannot be read.
        RequestError: If the model cannot evaluate it.
        NotAcceptableError: If the answer cannot be given in the type that is asked for.
    """
    if not body:
        raise EmptyRequestError("The request is empty.")
    rows = _matrix(body, content_type)
    try:
        found = _predict(model, rows)
    except (xgb.core.XGBoostError, ValueError) as error:
        raise RequestError(f"Unable to evaluate payload provided: {message_of(error)}") from error
    kind = _accepted(accept)
    if _OUTPUT in os.environ:
        return _selected(model, found, kind)
    if os.environ.get(_BATCH):
        return "".join(f"{value}\n" for value in found.tolist()).encode(), kind
    return write_answer([{"score": value} for value in found.tolist()], kind)


def _matrix(body: bytes, content_type: str) -> Any:
    kind, _ = media_type(content_type or LIBSVM[0])
    try:
        if kind in CSV:
            return xgb.DMatrix(read_csv(body, missing=True))
        if kind in LIBSVM:
            return xgb.DMatrix(read_libsvm(body, labelled=False)[0])
        if kind in RECORDIO:
            return xgb.DMatrix(from_recordio(body).features)
    except (CustomerError, RecordError, ValueError) as error:
        name = kind.rpartition("/")[2].removeprefix("x-")
        raise UnsupportedContentError(
            f"Loading {name} data failed with Exception, please ensure data is in {name} format:\n {error}"
        ) from error
    known = ", ".join((*CSV, *LIBSVM, *RECORDIO))
    raise UnsupportedContentError(f"{content_type[:200]} is not an accepted ContentType: {known}.")


def _predict(model: Model, rows: Any) -> NDArray[Any]:
    found = [booster.predict(rows, validate_features=False) for booster in model.boosters]
    if len(found) == 1:
        return np.asarray(found[0])
    if model.objective in ("multi:softmax", "binary:hinge"):
        votes = np.stack(found).astype(int)
        return np.array([float(np.bincount(column).argmax()) for column in votes.T])
    return np.asarray(np.mean(found, axis=0))


def _accepted(accept: str) -> str:
    kind, _ = media_type(accept)
    if kind in ("", "*/*"):
        return os.environ.get(_DEFAULT_ACCEPT, CSV[0])
    if kind not in _ACCEPTED:
        raise NotAcceptableError(
            f"Accept type {accept[:200]} is not supported. Please use supported accept types: "
            f"{list(_ACCEPTED)}."
        )
    return kind


# What SAGEMAKER_INFERENCE_OUTPUT may ask for, by objective.
_LABELS = ("predicted_label", "labels", "raw_score", "raw_scores")
_CHANCES = (*_LABELS, "probability", "probabilities")
_SCORE = ("predicted_score",)
_SELECTABLE = {
    "reg:squarederror": _SCORE,
    "reg:logistic": _SCORE,
    "reg:gamma": _SCORE,
    "reg:absoluteerror": _SCORE,
    "reg:tweedie": _SCORE,
    "binary:logistic": _CHANCES,
    "binary:logitraw": _LABELS,
    "binary:hinge": _LABELS,
    "multi:softmax": _LABELS,
    "multi:softprob": _CHANCES,
}


def _selected(model: Model, found: NDArray[Any], kind: str) -> tuple[bytes, str]:
    asked = os.environ[_OUTPUT].replace(" ", "").lower().split(",")
    offered = _SELECTABLE.get(model.objective)
    if offered is None:
        raise RequestError(f"Objective `{model.objective}` unsupported for selectable inference predictions.")
    classes = classes_of(found, model.objective)
    rows = []
    for value, predicted in zip(found, classes, strict=True):
        told = _all_of(model, value, predicted)
        rows.append({name: told[name]() if name in offered else float("nan") for name in asked})
    return write_answer(rows, kind, csv=lambda row: ",".join(_cell(value) for value in row.values()))


def _all_of(model: Model, value: Any, predicted: Any) -> dict[str, Callable[[], Any]]:
    several = np.ndim(value) > 0
    # Of two classes the score of the first is what is missing to 1, whatever the score means.
    each = value.tolist() if several else [1.0 - float(value), float(value)]
    best = float(np.max(value))
    label = predicted.item() if model.objective in ("binary:hinge", "multi:softmax") else int(predicted)
    return {
        "predicted_label": lambda: label,
        "labels": lambda: list(range(model.classes)) if model.objective.startswith("multi:") else [0, 1],
        "probability": lambda: best,
        "probabilities": lambda: each,
        "raw_score": lambda: best,
        "raw_scores": lambda: each,
        "predicted_score": lambda: float(value),
    }


def _cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)
