"""What MLflow's clients read: its messages as protobuf's JSON. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from stepmill.catalog.tracking.logged_models import LoggedModel
from stepmill.catalog.tracking.values import Stage, TrackedExperiment, TrackedMetric, TrackedRun
from stepmill.core.json import Json, JsonObject
from stepmill.mlflow_rest.errors import INVALID, MlflowError
from stepmill.mlflow_rest.fields import Fields

_T = TypeVar("_T")
_STAGES = {
    "ACTIVE_ONLY": (Stage.ACTIVE,), "1": (Stage.ACTIVE,), "DELETED_ONLY": (Stage.DELETED,),
    "2": (Stage.DELETED,), "ALL": (Stage.ACTIVE, Stage.DELETED), "3": (Stage.ACTIVE, Stage.DELETED),
}  # fmt: skip
_LONGEST_OFFSET = 12


def number(value: float) -> Json:
    """Return a number as protobuf's JSON has it: those that JSON does not know are texts.

    Example:
        >>> number(0.5), number(float("nan")), number(float("-inf"))
        (0.5, 'NaN', '-Infinity')
    """
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def pairs(objects: Sequence[Fields]) -> dict[str, str]:
    """Return key -> value of a list of such. A key that comes twice has the later value.

    Raises:
        MlflowError: If one has no key.
    """
    return {one.text("key"): one.text("value", default="") for one in objects}


def listed(values: Mapping[str, str]) -> list[Json]:
    """Return a list of keys and values."""
    return [{"key": key, "value": value} for key, value in values.items()]


def stages_of(view: str) -> tuple[Stage, ...]:
    """Return what a view shows.

    Raises:
        MlflowError: If there is no such view.
    """
    if view not in _STAGES:
        raise MlflowError(INVALID, f"Invalid view type {view[:80]!r}.", mend="ACTIVE_ONLY, ALL.")
    return _STAGES[view]


def page_of(
    things: Sequence[_T], given: Fields, *, most: int, usual: int
) -> tuple[list[_T], dict[str, Json]]:
    """Return the page of a list that is asked for, and the token of the next one, if there is one.

    Raises:
        MlflowError: If the token is none, or the page would be too large.
    """
    limit = given.integer("max_results", default=usual)
    if not 0 < limit <= most:
        raise MlflowError(
            INVALID,
            f"Invalid value {limit} for parameter 'max_results' supplied.",
            mend=f"It is 1 to {most}.",
        )
    token = given.text("page_token", default="")
    if token and not (token.isascii() and token.isdecimal() and len(token) <= _LONGEST_OFFSET):
        raise MlflowError(INVALID, "Invalid page token, parse failed.")
    start = int(token or 0)
    page = list(things[start : start + limit])
    return page, {"next_page_token": str(start + limit)} if start + limit < len(things) else {}


def experiment_document(one: TrackedExperiment) -> JsonObject:
    """Return an ``Experiment``."""
    return {
        "experiment_id": one.id,
        "name": one.name,
        "artifact_location": one.artifact_location,
        "lifecycle_stage": one.stage.value,
        "creation_time": one.created_ms,
        "last_update_time": one.changed_ms,
        "tags": listed(one.tags),
    }


def info_document(run: TrackedRun) -> JsonObject:
    """Return a ``RunInfo``."""
    return {
        "run_id": run.id,
        "run_uuid": run.id,
        "run_name": run.name,
        "experiment_id": run.experiment_id,
        "user_id": run.user_id,
        "status": run.status.value,
        "start_time": run.start_ms,
        **({} if run.end_ms is None else {"end_time": run.end_ms}),
        "artifact_uri": run.artifact_uri,
        "lifecycle_stage": run.stage.value,
    }


def run_document(run: TrackedRun) -> JsonObject:
    """Return a ``Run``."""
    inputs: list[Json] = [{"model_id": id_} for id_ in run.models_in]
    outputs: list[Json] = [{"model_id": id_, "step": step} for id_, step in run.models_out.items()]
    return {
        "info": info_document(run),
        "data": {
            "metrics": [metric_document(one) for one in run.metrics],
            "params": listed(run.params),
            "tags": listed(run.tags),
        },
        "inputs": {"dataset_inputs": list(run.datasets), "model_inputs": inputs},
        "outputs": {"model_outputs": outputs},
    }


def metric_document(one: TrackedMetric) -> JsonObject:
    """Return a ``Metric``."""
    return {"key": one.key, "value": number(one.value), "timestamp": one.timestamp_ms, "step": one.step}


def model_document(one: LoggedModel) -> JsonObject:
    """Return a ``LoggedModel``."""
    metrics: list[Json] = [
        {
            name: value
            for name, value in {**kept, "value": number(float(str(kept["value"])))}.items()
            if value != ""
        }
        for kept in one.metrics
    ]
    return {
        "info": {
            "model_id": one.id,
            "experiment_id": one.experiment_id,
            "name": one.name,
            "creation_timestamp_ms": one.created_ms,
            "last_updated_timestamp_ms": one.changed_ms,
            "artifact_uri": one.artifact_uri,
            "status": one.status,
            "model_type": one.type,
            "source_run_id": one.run_id,
            "tags": listed(one.tags),
        },
        "data": {"params": listed(one.params), "metrics": metrics},
    }


def value_of(metric: JsonObject) -> float:
    """Return the value of a metric of a logged model, which is kept as text."""
    return float(str(metric["value"]))
