"""Experiments by MLflow's ids and names.

An experiment is the record that SageMaker's API shows. Its MLflow id is made of the record's name, so that
experiments that pipelines or SDKs made have one, too; a name that SageMaker would not take is kept beside.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from stepmill.catalog.entities import EXPERIMENT, Entities, usable_name
from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags
from stepmill.catalog.tracking.limits import (
    LONGEST_EXPERIMENT_NAME,
    LONGEST_EXPERIMENT_TAG,
    LONGEST_LOCATION,
    check_key,
    check_length,
)
from stepmill.catalog.tracking.values import Stage, TrackedExperiment, milliseconds
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json
from stepmill.storage.records import LARGEST_PAGE, Record, RecordStore, Selection

DEFAULT_ID, DEFAULT_NAME = "0", "Default"
PROXIED = "mlflow-artifacts:/"

_DEFAULT_KEY = DEFAULT_NAME.lower()
# What is kept beside the request under this name is MLflow's.
OWN = "mlflow"
_SUFFIX_LENGTH = 8
_ID_RANGE = 9 * 10**17


class TrackedExperiments:
    """Experiments as MLflow's clients see them. Safe to share between threads.

    Args:
        records: Where experiments are kept.
        arns: Builds their ARNs.
        tags: Keeps their tags.
    """

    def __init__(self, records: RecordStore, arns: Arns, tags: Tags) -> None:
        self._records = records
        self._entities = Entities(EXPERIMENT, records, arns, tags)
        self._lock = threading.Lock()
        # Ids are made of names, and so never change.
        self._keys: dict[str, str] = {DEFAULT_ID: _DEFAULT_KEY}

    def create(self, name: str, artifact_location: str = "", tags: Mapping[str, str] | None = None) -> str:
        """Make an experiment, and return its id.

        Raises:
            InvalidInputError: If MLflow would refuse the name, the location or a tag.
            ConflictError: If there is one of that name, perhaps deleted.
        """
        _check(name, artifact_location)
        for key, value in (tags or {}).items():
            _check_tag(key, value)
        with self._records.transaction():
            if self._find(name) is not None:
                raise ConflictError(f"Experiment(name={name}) already exists.")
            spelled = usable_name(name)
            if self._entities.find(spelled) is not None or (
                spelled != name and spelled.lower() == _DEFAULT_KEY
            ):
                spelled = _other_name(name)
            own: dict[str, Json] = {"name": name, "tags": dict(tags or {})}
            if artifact_location:
                own["artifact_location"] = artifact_location
            request: dict[str, Json] = {"ExperimentName": spelled}
            if spelled != name:
                request["DisplayName"] = name
            record = self._entities.create(request, state={OWN: own})
        return experiment_id(record.name)

    def get(self, id_: str) -> TrackedExperiment:
        """Return an experiment by its id.

        Raises:
            NotFoundError: If there is none.
        """
        return tracked_experiment(self._record(id_))

    def of_key(self, key: str) -> TrackedExperiment:
        """Return an experiment by the name of its record.

        Raises:
            NotFoundError: If there is none.
        """
        return tracked_experiment(self._entities.get(key))

    def active(self, id_: str) -> TrackedExperiment:
        """Return an experiment by its id that is not deleted.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is deleted.
        """
        found = self.get(id_)
        if found.stage is not Stage.ACTIVE:
            raise WrongStateError(
                f"The experiment {id_} must be in the 'active' state. Current state is {found.stage}."
            )
        return found

    def by_name(self, name: str) -> TrackedExperiment:
        """Return an experiment by its name, perhaps deleted.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._find(name)
        if record is None and name == DEFAULT_NAME:
            record = self._ensure_default()
        if record is None:
            raise NotFoundError(f"Could not find experiment with name '{name[:LONGEST_EXPERIMENT_NAME]}'.")
        return tracked_experiment(record)

    def all(self) -> list[TrackedExperiment]:
        """Return all experiments, the newest first."""
        return [tracked_experiment(record) for record in self._all()]

    def rename(self, id_: str, name: str) -> None:
        """Give an experiment another name; to SageMaker's API that is its display name.

        Raises:
            NotFoundError: If there is none.
            ConflictError: If there is one of that name.
        """
        _check(name, "")
        with self._records.transaction():
            self.active(id_)
            other = self._find(name)
            if other is not None and experiment_id(other.name) != id_:
                raise ConflictError(f"Experiment(name={name}) already exists.")
            self._change(id_, {"name": name}, display=name)

    def set_stage(self, id_: str, stage: Stage) -> None:
        """Delete or restore an experiment.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If it is the default one, which cannot be deleted.
        """
        if id_ == DEFAULT_ID and stage is Stage.DELETED:
            raise InvalidInputError("Cannot delete the default experiment.", where="experiment_id")
        self._change(id_, {"stage": stage.value})

    def set_tag(self, id_: str, key: str, value: str) -> None:
        """Set a tag.

        Raises:
            NotFoundError: If there is no such experiment.
            InvalidInputError: If MLflow would refuse the tag.
        """
        _check_tag(key, value)
        with self._records.transaction():
            tags = self.active(id_).tags
            self._change(id_, {"tags": {**tags, key: value}})

    def delete_tag(self, id_: str, key: str) -> None:
        """Remove a tag.

        Raises:
            NotFoundError: If there is no such experiment or tag.
        """
        with self._records.transaction():
            tags = self.active(id_).tags
            if key not in tags:
                raise NotFoundError(f"No tag with name: {key[:LONGEST_EXPERIMENT_TAG]} in experiment {id_}.")
            self._change(id_, {"tags": {name: value for name, value in tags.items() if name != key}})

    def _change(self, id_: str, new: Mapping[str, Json], *, display: str = "") -> None:
        def changed(record: Record) -> Record:
            state = part(record.body, "state")
            request = part(record.body, "request")
            shown = {"DisplayName": display} if display else {}
            body = {
                **record.body,
                "request": {**request, **shown},
                "state": {**state, OWN: {**part(state, OWN), **new}},
            }
            return replace(record, body=body)

        self._entities.update(self._record(id_).name, changed)

    def _record(self, id_: str) -> Record:
        key = self._keys.get(id_)
        record = self._entities.find(key) if key is not None else None
        if record is None and id_ == DEFAULT_ID:
            return self._ensure_default()
        if record is None:
            record = next((one for one in self._all() if experiment_id(one.name) == id_), None)
        if record is None:
            raise NotFoundError(f"No Experiment with id={id_[:64]} exists.")
        with self._lock:
            self._keys[id_] = record.name
        return record

    def _find(self, name: str) -> Record | None:
        for likely in (usable_name(name), _other_name(name)):
            record = self._entities.find(likely)
            if record is not None and tracked_experiment(record).name == name:
                return record
        # One that was given another name.
        return next((one for one in self._all() if tracked_experiment(one).name == name), None)

    def _all(self) -> list[Record]:
        chosen = Selection(descending=True, limit=LARGEST_PAGE)
        return list(chosen.all(self._records, EXPERIMENT.kind))

    def _ensure_default(self) -> Record:
        try:
            return self._entities.create(
                {"ExperimentName": DEFAULT_NAME}, state={OWN: {"name": DEFAULT_NAME}}
            )
        except ConflictError:  # somebody else was faster
            return self._entities.get(DEFAULT_NAME)


def experiment_id(key: str) -> str:
    """Return the id of an experiment: 18 digits that are made of its record's name.

    Example:
        >>> experiment_id("default"), len(experiment_id("churn"))
        ('0', 18)
    """
    if key == _DEFAULT_KEY:
        return DEFAULT_ID
    number = int.from_bytes(sha256(key.encode()).digest()[:16], "big")
    return str(10**17 + number % _ID_RANGE)


def tracked_experiment(record: Record) -> TrackedExperiment:
    """Return an experiment's record as MLflow's clients see it."""
    own = part(part(record.body, "state"), OWN)
    id_ = experiment_id(record.name)
    spelled = part(record.body, "request")["ExperimentName"]
    return TrackedExperiment(
        id=id_,
        key=record.name,
        name=str(own.get("name") or spelled),
        artifact_location=str(own.get("artifact_location") or f"{PROXIED}{id_}"),
        stage=Stage(str(own.get("stage") or Stage.ACTIVE)),
        created_ms=milliseconds(record.created_at),
        changed_ms=milliseconds(record.modified_at),
        tags={key: str(value) for key, value in part(own, "tags").items()},
    )


def _other_name(name: str) -> str:
    """Return the name of the record of an experiment whose own name SageMaker would not take as it is."""
    digest = sha256(name.encode()).hexdigest()[:_SUFFIX_LENGTH]
    return usable_name(f"{usable_name(name)[:100]}-{digest}")


def _check(name: str, artifact_location: str) -> None:
    if not name:
        raise InvalidInputError("Invalid experiment name: ''", where="name")
    check_length(name, LONGEST_EXPERIMENT_NAME, "name")
    check_length(artifact_location, LONGEST_LOCATION, "artifact_location")
    if artifact_location.startswith("runs:"):
        raise InvalidInputError(
            f"Artifact location cannot be a runs:/ URI. Given: {artifact_location[:80]!r}",
            where="artifact_location",
        )
    if "?" in artifact_location or "#" in artifact_location or "\0" in artifact_location:
        raise InvalidInputError(
            "The artifact location has a query, a fragment or a NUL in it.", where="artifact_location"
        )


def _check_tag(key: str, value: str) -> None:
    check_key(key, "key")
    check_length(value, LONGEST_EXPERIMENT_TAG, "value")
