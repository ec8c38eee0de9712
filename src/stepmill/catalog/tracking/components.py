"""Between trial components and MLflow's runs. Pure.

What both know is in the component's document, where SageMaker's clients see it: parameters, status, moments,
what went in and came out. What only MLflow knows is in its ``extra`` under ``mlflow``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from stepmill.catalog.packages import part
from stepmill.catalog.tracking.values import RunStatus, Stage, TrackedMetric, TrackedRun, milliseconds
from stepmill.catalog.trial_components import extra_of
from stepmill.core.clock import as_text, aware
from stepmill.core.json import Json, JsonObject, objects_of
from stepmill.storage.records import Record
from stepmill.storage.series import SeriesSummary

OWN = "mlflow"
RUN_NAME = "mlflow.runName"
# Floats hold integers up to here exactly.
_EXACT = 2**53
_LONGEST_NUMBER = 25

_TO_SAGEMAKER: Mapping[RunStatus, str] = {
    RunStatus.RUNNING: "InProgress",
    RunStatus.SCHEDULED: "InProgress",
    RunStatus.FINISHED: "Completed",
    RunStatus.FAILED: "Failed",
    RunStatus.KILLED: "Stopped",
}
_FROM_SAGEMAKER: Mapping[str, RunStatus] = {
    "InProgress": RunStatus.RUNNING,
    "Completed": RunStatus.FINISHED,
    "Failed": RunStatus.FAILED,
    "Stopping": RunStatus.RUNNING,
    "Stopped": RunStatus.KILLED,
}


def own_of(record: Record) -> JsonObject:
    """Return what only MLflow knows of a component; empty if it was made otherwise."""
    return part(extra_of(record), OWN)


def with_own(record: Record, new: Mapping[str, Json], request: Mapping[str, Json] | None = None) -> Record:
    """Return a component's record with these members of MLflow's, and of its document, replaced."""
    state = part(record.body, "state")
    extra = {**part(state, "extra"), OWN: {**own_of(record), **new}}
    document = {**part(record.body, "request"), **(request or {})}
    return replace(record, body={**record.body, "request": document, "state": {**state, "extra": extra}})


def run_of(record: Record, experiment: str, artifact_uri: str) -> TrackedRun:
    """Return a trial component as a run, without its metrics.

    Args:
        record: The component's.
        experiment: Id of its experiment.
        artifact_uri: Where what it leaves lies, if nothing says otherwise.
    """
    request, own = part(record.body, "request"), own_of(record)
    name = str(request.get("DisplayName") or request["TrialComponentName"])
    tags = {key: str(value) for key, value in part(own, "tags").items()}
    return TrackedRun(
        id=str(request["TrialComponentName"]),
        name=name,
        experiment_id=experiment,
        user_id=str(own.get("user_id") or ""),
        status=_status(request, own),
        start_ms=_moment(request.get("StartTime"), record.created_at) or 0,
        end_ms=_moment(request.get("EndTime"), None),
        stage=Stage(str(own.get("stage") or Stage.ACTIVE)),
        artifact_uri=str(own.get("artifact_uri") or artifact_uri),
        params={key: param_text(value) for key, value in part(request, "Parameters").items()},
        tags={RUN_NAME: name, **tags},
        datasets=tuple(objects_of(own.get("datasets"))),
        models_in=tuple(str(one) for one in _list(own.get("models_in"))),
        models_out={key: int(str(step)) for key, step in part(own, "models_out").items()},
    )


def newest_metrics(summaries: Mapping[str, SeriesSummary]) -> tuple[TrackedMetric, ...]:
    """Return the newest value of each metric as MLflow means it: of the highest step."""
    return tuple(
        TrackedMetric(name, one.top, milliseconds(one.top_at), one.top_step or 0)
        for name, one in summaries.items()
    )


def status_document(status: RunStatus) -> JsonObject:
    """Return the status of a trial component."""
    return {"PrimaryStatus": _TO_SAGEMAKER[status]}


def param_value(text: str) -> JsonObject:
    """Return a parameter's text as a component has it: a number if it is the only way to write that number.

    So SageMaker's clients can compare them, and MLflow's get the text that they gave.

    Example:
        >>> param_value("0.1"), param_value("1e-1"), param_value("007")
        ({'NumberValue': 0.1}, {'StringValue': '1e-1'}, {'StringValue': '007'})
    """
    number = _number(text)
    return {"StringValue": text} if number is None else {"NumberValue": number}


def param_text(value: Json) -> str:
    """Return the text of a component's parameter.

    Example:
        >>> param_text({"NumberValue": 3}), param_text({"NumberValue": 3.0})
        ('3', '3.0')
    """
    if isinstance(value, Mapping):
        found = value.get("StringValue")
        return str(value.get("NumberValue")) if found is None else str(found)
    return str(value)


def _number(text: str) -> int | float | None:
    if not text or len(text) > _LONGEST_NUMBER or not text.isascii():
        return None
    try:
        whole = int(text)
        return whole if str(whole) == text and abs(whole) < _EXACT else None
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    # JSON writes some floats otherwise than Python does; they are read back as the same number.
    return number if math.isfinite(number) and str(number) == text else None


def _status(request: JsonObject, own: JsonObject) -> RunStatus:
    primary = str(part(request, "Status").get("PrimaryStatus") or "")
    status = _FROM_SAGEMAKER.get(primary, RunStatus.RUNNING)
    if own.get("status") == RunStatus.SCHEDULED and status is RunStatus.RUNNING:
        return RunStatus.SCHEDULED
    return status


def _moment(value: Json, default: datetime | None) -> int | None:
    """Return a moment of a document, as ISO 8601 text or epoch seconds, in milliseconds."""
    if isinstance(value, (int, float)):
        return int(value * 1000)
    if isinstance(value, str) and value:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None if default is None else milliseconds(default)
        return milliseconds(aware(found))
    return None if default is None else milliseconds(default)


def moment_text(moment: datetime) -> str:
    """Return a moment as a component's document has it."""
    return as_text(moment)


def _list(value: Json) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
