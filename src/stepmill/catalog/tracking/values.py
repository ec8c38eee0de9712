"""What MLflow's clients know: experiments, runs, metrics, logged models. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# 9999-12-31T23:59:59Z: later moments have no place in a calendar.
_LATEST_MS = 253_402_300_799_000


class Stage(StrEnum):
    """Whether something counts: what is deleted can be restored."""

    ACTIVE = "active"
    DELETED = "deleted"


class RunStatus(StrEnum):
    """How a run stands, as MLflow spells it."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True)
class TrackedExperiment:
    """An experiment.

    Args:
        id: Digits.
        key: Name of its record.
        name: Any text.
        artifact_location: Where what its runs leave lies.
        stage: Whether it is deleted.
        created_ms: Milliseconds since 1970.
        changed_ms: The same.
        tags: Key -> value.
    """

    id: str
    key: str
    name: str
    artifact_location: str
    stage: Stage
    created_ms: int
    changed_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackedMetric:
    """A value of a metric.

    Args:
        key: Its name.
        value: Any number; not a number and the infinities too.
        timestamp_ms: When it was measured, in milliseconds since 1970.
        step: Of the training.
        model_id: The logged model that was measured; may be empty.
        dataset_name: On what; may be empty.
        dataset_digest: Of that; may be empty.
    """

    key: str
    value: float
    timestamp_ms: int
    step: int = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


@dataclass(frozen=True)
class TrackedRun:
    """A run.

    Args:
        id: Name of its trial component.
        name: For humans.
        experiment_id: Of its experiment.
        user_id: Who runs it; may be empty.
        status: How it stands.
        start_ms: Milliseconds since 1970.
        end_ms: The same; ``None`` while it runs.
        stage: Whether it is deleted.
        artifact_uri: Where what it leaves lies.
        params: Key -> value.
        tags: Key -> value.
        metrics: The newest value of each.
        datasets: What it read: ``{"dataset": {...}, "tags": [...]}`` as MLflow has it.
        models_in: Ids of the logged models that it read.
        models_out: Ids of those that it made -> the step.
    """

    id: str
    name: str
    experiment_id: str
    user_id: str
    status: RunStatus
    start_ms: int
    end_ms: int | None
    stage: Stage
    artifact_uri: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[TrackedMetric, ...] = ()
    datasets: tuple[JsonObject, ...] = ()
    models_in: tuple[str, ...] = ()
    models_out: Mapping[str, int] = field(default_factory=dict)

    def with_metrics(self, metrics: tuple[TrackedMetric, ...]) -> TrackedRun:
        """Return it with these newest values."""
        return replace(self, metrics=metrics)


def moment_of(timestamp_ms: int) -> datetime:
    """Return the aware moment of so many milliseconds since 1970.

    Raises:
        InvalidInputError: If that is before 1970 or after the year 9999.
    """
    if not 0 <= timestamp_ms <= _LATEST_MS:
        raise InvalidInputError(
            f"{timestamp_ms} is no moment.",
            where="timestamp",
            mend="Timestamp must be a nonnegative long: milliseconds since 1970.",
        )
    return _EPOCH + timestamp_ms * _MILLISECOND


def milliseconds(moment: datetime) -> int:
    """Return an aware moment as milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND
