"""Experiments, and the trials in them.

Source: SageMaker API reference, CreateExperiment, CreateTrial, ListTrials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stepmill.catalog.entities import EXPERIMENT, TRIAL, Entities
from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags
from stepmill.catalog.trial_components import TrialComponents, in_experiment, in_trial, of_source
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection
from stepmill.storage.selecting import page_among
from stepmill.storage.sql_series import SqlSeriesStore


class Experiments:
    """Keeps experiments, trials and trial components. Safe to share between threads.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
        tags: Keeps their tags.
        series: Where what trial components measure is kept, in the database of the records.
    """

    def __init__(self, records: RecordStore, arns: Arns, tags: Tags, series: SqlSeriesStore) -> None:
        self._records = records
        self._experiments = Entities(EXPERIMENT, records, arns, tags)
        self._trials = Entities(TRIAL, records, arns, tags)
        self.components = TrialComponents(records, arns, tags, self._trials, series)

    # ---- experiments -----------------------------------------------------------------------------

    def create(self, request: JsonObject) -> JsonObject:
        """Make an experiment from a CreateExperiment request, and return what Describe answers.

        Raises:
            InvalidInputError: If the request cannot be taken.
            ConflictError: If there is one of that name.
        """
        return self._experiments.describe(self._experiments.create(request))

    def describe(self, name: str) -> JsonObject:
        """Return what DescribeExperiment answers.

        Raises:
            NotFoundError: If there is none.
        """
        return self._experiments.describe(self._experiments.get(name))

    def update(self, request: JsonObject) -> JsonObject:
        """Change an experiment as an UpdateExperiment request says, and return what Describe answers.

        Raises:
            NotFoundError: If there is none.
        """
        name = str(request["ExperimentName"])
        changed = self._experiments.update(name, lambda old: _changed(old, request))
        return self._experiments.describe(changed)

    def delete(self, name: str) -> JsonObject:
        """Remove an experiment, and return what Describe answered.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it has trials.
        """
        record = self._experiments.get(name)
        if self._records.list(TRIAL.kind, parent=record.name, limit=1).records:
            raise WrongStateError(f"The experiment {name!r} has trials.", mend="Delete its trials first.")
        self._experiments.delete(record)
        return self._experiments.describe(record)

    def list(self, selection: Selection) -> tuple[Sequence[JsonObject], str | None]:
        """Return the experiments that are asked for, and the token of the next page, if there is one."""
        page = selection.page(self._records, EXPERIMENT.kind)
        return [self._experiments.describe(record) for record in page.records], page.next_token

    # ---- trials ----------------------------------------------------------------------------------

    def create_trial(self, request: JsonObject) -> JsonObject:
        """Make a trial from a CreateTrial request, and return what Describe answers.

        Raises:
            InvalidInputError: If the request cannot be taken.
            NotFoundError: If there is no such experiment.
            ConflictError: If there is a trial of that name.
        """
        experiment = self._experiments.get(str(request.get("ExperimentName")))
        return self._describe_trial(self._trials.create(request, parent=experiment.name))

    def describe_trial(self, name: str) -> JsonObject:
        """Return what DescribeTrial answers.

        Raises:
            NotFoundError: If there is none.
        """
        return self._describe_trial(self._trials.get(name))

    def update_trial(self, request: JsonObject) -> JsonObject:
        """Change a trial as an UpdateTrial request says, and return what Describe answers.

        Raises:
            NotFoundError: If there is none.
        """
        name = str(request["TrialName"])
        return self._describe_trial(self._trials.update(name, lambda old: _changed(old, request)))

    def delete_trial(self, name: str) -> JsonObject:
        """Remove a trial, and return what Describe answered.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If trial components are associated with it.
        """
        record = self._trials.get(name)
        if self.components.members(record.name):
            raise WrongStateError(
                f"Trial components are associated with the trial {name!r}.",
                mend="Disassociate them first.",
            )
        self._trials.delete(record)
        return self._describe_trial(record)

    def list_trials(
        self, selection: Selection, *, experiment: str = "", component: str = ""
    ) -> tuple[Sequence[JsonObject], str | None]:
        """Return the trials that are asked for, and the token of the next page, if there is one.

        Args:
            selection: Of all trials.
            experiment: Only those of this one.
            component: Only those that this trial component is associated with.

        Raises:
            NotFoundError: If there is no such experiment or trial component.
        """
        if experiment:
            selection = replace(selection, parent=self._experiments.get(experiment).name)
        if component:
            page = page_among(self.components.trials_of(component), selection)
        else:
            page = selection.page(self._records, TRIAL.kind)
        return [self._describe_trial(record) for record in page.records], page.next_token

    # ---- both ------------------------------------------------------------------------------------

    def open(self, experiment: str, trial: str = "") -> None:
        """Make an experiment, and a trial in it, where they are missing.

        Raises:
            InvalidInputError: If something cannot have that name.
        """
        for entities, request, parent in (
            (self._experiments, {"ExperimentName": experiment}, ""),
            (self._trials, {"TrialName": trial, "ExperimentName": experiment}, experiment.lower()),
        ):
            name = request[entities.kind.name]
            if name and entities.find(name) is None:
                try:
                    entities.create(request, parent=parent)
                except ConflictError:
                    continue  # somebody else was faster

    def list_components(
        self, selection: Selection, *, experiment: str = "", trial: str = "", source: str = ""
    ) -> tuple[Sequence[JsonObject], str | None]:
        """Return the trial components that are asked for, and the token of the next page, if there is one.

        Args:
            selection: Of all trial components.
            experiment: Only those of its trials.
            trial: Only those that are associated with it.
            source: Only those that this job made: its ARN.

        Raises:
            NotFoundError: If there is no such experiment or trial.
        """
        if source:
            selection = replace(selection, group=of_source(source))
        if trial:
            selection = replace(selection, group=in_trial(self._trials.get(trial).name))
        elif experiment:
            named = in_experiment(self._experiments.get(experiment).name)
            selection = replace(selection, group_parent=named)
        return self.components.list(selection)

    def _describe_trial(self, record: Record) -> JsonObject:
        experiment = self._experiments.find(record.parent)
        spelled = self._experiments.spelled(experiment) if experiment else record.parent
        return {**self._trials.describe(record), "ExperimentName": spelled}


def _changed(record: Record, request: JsonObject) -> Record:
    """Return a record with the display name and the description of an update."""
    kept: dict[str, Json] = dict(part(record.body, "request"))
    kept |= {name: request[name] for name in ("DisplayName", "Description") if name in request}
    return replace(record, body={**record.body, "request": kept})
