"""Logged models as MLflow 3 knows them: what a run made, with parameters, tags and metrics of its own.

Source: MLflow's REST API, "Create Logged Model" and those beside it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepmill.catalog.packages import part
from stepmill.catalog.tracking.experiments import TrackedExperiments
from stepmill.catalog.tracking.limits import LONGEST_PARAM, LONGEST_TAG, check_key, check_length
from stepmill.catalog.tracking.run_names import made_up_name
from stepmill.catalog.tracking.values import TrackedExperiment, TrackedMetric, milliseconds
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import LARGEST_PAGE, Record, RecordStore, Selection

KIND = "mlflow-logged-model"
PENDING, READY, FAILED = "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"
_STATUSES = {"1": PENDING, "2": READY, "3": FAILED}
_LONGEST_NAME = 500


@dataclass(frozen=True)
class NewModel:
    """A model to be made.

    Args:
        experiment_id: Of its experiment.
        name: For humans; empty: one is made up.
        run_id: The run that makes it; may be empty.
        type: ``Agent``; may be empty.
        params: Key -> value.
        tags: Key -> value.
        maker: The job that makes it; see ``NewRun.maker``.
    """

    experiment_id: str
    name: str = ""
    run_id: str = ""
    type: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    maker: str = ""


@dataclass(frozen=True)
class LoggedModel:
    """A logged model.

    Args:
        id: ``m-`` and 32 digits.
        experiment_id: Of its experiment.
        name: For humans.
        run_id: The run that made it; may be empty.
        type: May be empty.
        status: ``LOGGED_MODEL_READY``.
        artifact_uri: Where it lies.
        created_ms: Milliseconds since 1970.
        changed_ms: The same.
        params: Key -> value.
        tags: Key -> value.
        metrics: The newest of each name and dataset: members as MLflow spells them.
        maker: The job that made it.
    """

    id: str
    experiment_id: str
    name: str
    run_id: str
    type: str
    status: str
    artifact_uri: str
    created_ms: int
    changed_ms: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[JsonObject]
    maker: str = ""


class LoggedModels:
    """Keeps logged models. Safe to share between threads.

    Args:
        records: Where they are kept.
        tracked: Their experiments.
    """

    def __init__(self, records: RecordStore, tracked: TrackedExperiments) -> None:
        self._records = records
        self._tracked = tracked

    def create(self, new: NewModel) -> LoggedModel:
        """Make one.

        Raises:
            NotFoundError: If there is no such experiment.
            InvalidInputError: If MLflow would refuse a name or a value.
        """
        check_length(new.name, _LONGEST_NAME, "name")
        if any(sign in new.name for sign in "/:.%\"'"):
            raise InvalidInputError(
                f"Invalid model name ({new.name[:80]!r}) provided. Model name must be a non-empty string and "
                "cannot contain the following characters: / : . % \" '",
                where="name",
            )
        _check(new.params, LONGEST_PARAM, "params")
        _check(new.tags, LONGEST_TAG, "tags")
        with self._records.transaction():
            experiment = self._tracked.active(new.experiment_id)
            body: JsonObject = {
                "name": new.name or made_up_name(),
                "run": new.run_id,
                "type": new.type,
                "params": dict(new.params),
                "tags": dict(new.tags),
                "metrics": {},
                "maker": new.maker,
            }
            record = self._records.create(
                KIND, f"m-{secrets.token_hex(16)}", body, parent=experiment.key, status=PENDING
            )
        return _model(record, experiment)

    def get(self, model_id: str, *, allow_deleted: bool = False) -> LoggedModel:
        """Return one.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._record(model_id)
        if record.body.get("deleted") and not allow_deleted:
            raise _absent(model_id)
        return self._described(record)

    def within(self, experiment_id: str) -> list[LoggedModel]:
        """Return those of an experiment that are not deleted, the newest first.

        Raises:
            NotFoundError: If there is no such experiment.
        """
        experiment = self._tracked.get(experiment_id)
        chosen = Selection(parent=experiment.key, descending=True, limit=LARGEST_PAGE)
        return [
            _model(record, experiment)
            for record in chosen.all(self._records, KIND)
            if not record.body.get("deleted")
        ]

    def finalize(self, model_id: str, status: str) -> LoggedModel:
        """Say how one stands.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If that is no status.
        """
        status = _STATUSES.get(status, status)
        if status not in _STATUSES.values():
            raise InvalidInputError(f"{status[:80]!r} is no status of a logged model.", where="status")
        return self._change(model_id, {}, status=status)

    def delete(self, model_id: str) -> None:
        """Remove one; it can be seen still by whoever asks for deleted ones.

        Raises:
            NotFoundError: If there is none.
        """
        self._change(model_id, {"deleted": True})

    def add(self, model_id: str, member: str, values: Mapping[str, str]) -> LoggedModel:
        """Add ``params`` or ``tags``.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If MLflow would refuse one; if a parameter has another value already.
        """
        _check(values, LONGEST_TAG if member == "tags" else LONGEST_PARAM, member)
        with self._records.transaction():
            kept = part(self._live(model_id).body, member)
            if member == "params":
                for key, value in values.items():
                    if kept.get(key, value) != value:
                        raise InvalidInputError(
                            f"Changing param values is not allowed. Param {key!r} has another value.",
                            where="params",
                        )
            return self._change(model_id, {member: {**kept, **values}})

    def delete_tag(self, model_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            NotFoundError: If there is no such model or tag.
        """
        with self._records.transaction():
            kept = part(self._live(model_id).body, "tags")
            if key not in kept:
                raise NotFoundError(
                    f"No tag with key {key[:250]!r} found for model with ID {model_id[:64]!r}."
                )
            self._change(model_id, {"tags": {name: value for name, value in kept.items() if name != key}})

    def measure(self, metrics: Sequence[TrackedMetric], run_id: str) -> None:
        """Keep the newest values that were measured of models; those that are not there are passed over."""
        by_model: dict[str, dict[str, JsonObject]] = {}
        for one in metrics:
            if one.model_id:
                told: JsonObject = {
                    "key": one.key,
                    # JSON knows no other numbers.
                    "value": repr(one.value),
                    "timestamp": one.timestamp_ms,
                    "step": one.step,
                    "model_id": one.model_id,
                    "dataset_name": one.dataset_name,
                    "dataset_digest": one.dataset_digest,
                    "run_id": run_id,
                }
                name = f"{one.key}\n{one.dataset_name}\n{one.dataset_digest}"
                by_model.setdefault(one.model_id, {})[name] = told
        for model_id, told_of in by_model.items():
            record = self._records.find(KIND, model_id)
            if record is not None and not record.body.get("deleted"):
                self._change(model_id, {"metrics": {**part(record.body, "metrics"), **told_of}})

    def _change(self, model_id: str, new: Mapping[str, Json], *, status: str = "") -> LoggedModel:
        self._live(model_id)

        def changed(record: Record) -> Record:
            return replace(record, body={**record.body, **new}, status=status or record.status)

        return self._described(self._records.update(KIND, model_id, changed))

    def _live(self, model_id: str) -> Record:
        record = self._record(model_id)
        if record.body.get("deleted"):
            raise _absent(model_id)
        return record

    def _record(self, model_id: str) -> Record:
        record = self._records.find(KIND, model_id) if model_id else None
        if record is None:
            raise _absent(model_id)
        return record

    def _described(self, record: Record) -> LoggedModel:
        return _model(record, self._tracked.of_key(record.parent))


def _model(record: Record, experiment: TrackedExperiment) -> LoggedModel:
    body = record.body
    return LoggedModel(
        id=record.name,
        experiment_id=experiment.id,
        name=str(body["name"]),
        run_id=str(body["run"]),
        type=str(body["type"]),
        status=record.status,
        artifact_uri=f"{experiment.artifact_location.rstrip('/')}/models/{record.name}/artifacts",
        created_ms=milliseconds(record.created_at),
        changed_ms=milliseconds(record.modified_at),
        params={key: str(value) for key, value in part(body, "params").items()},
        tags={key: str(value) for key, value in part(body, "tags").items()},
        metrics=[one for one in part(body, "metrics").values() if isinstance(one, Mapping)],
        maker=str(body.get("maker") or ""),
    )


def _check(values: Mapping[str, str], most: int, where: str) -> None:
    for key, value in values.items():
        check_key(key, where)
        check_length(value, most, f"{where}.{key[:80]}")


def _absent(model_id: str) -> NotFoundError:
    return NotFoundError(f"Logged model with ID {model_id[:64]!r} not found.")
