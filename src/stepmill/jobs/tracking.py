"""Records jobs that have ended as runs: trial components, in the experiment that their requests name.

Source: SageMaker developer guide: each job gets a trial component; one that no experiment is named for is
unassigned.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from stepmill.catalog.experiments import Experiments
from stepmill.catalog.job_components import ExperimentConfig, component_of_job, experiment_config
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Task
from stepmill.jobs.describing import describe
from stepmill.jobs.lineage.facts import CODE, facts_of
from stepmill.jobs.lineage.sheet import MEMBERS
from stepmill.jobs.records import JobState, Metric, request_of, state_of
from stepmill.jobs.surroundings import Environments, this_machine
from stepmill.storage.records import Record, Selection
from stepmill.storage.series import SeriesPoint


class ExperimentTracker:
    """Records jobs. The same job may be recorded again: it stays one component.

    Args:
        experiments: Kept in the store that keeps the jobs: a job's end and its component are one change.
        environments: Keeps what was installed.
    """

    def __init__(self, experiments: Experiments, environments: Environments) -> None:
        self._experiments = experiments
        self._environments = environments

    def track(self, record: Record) -> None:
        """Record a job that has ended; make its experiment and trial where they are missing."""
        config = experiment_config(request_of(record), record.name)
        state = state_of(record)
        member = MEMBERS[record.kind]
        request = component_of_job(describe(record), member, config)
        components = self._experiments.components
        name = str(request["TrialComponentName"])
        source: dict[str, Json] = {"SourceArn": state.arn, "SourceType": f"SageMaker{member}"}
        components.record(request, source, {"job": self._job(record, state)}, state.execution_arn)
        if state.metrics:
            components.metrics.replace(name, {metric.name: _points(metric) for metric in state.metrics})
        self._put_into_trial(name, config)
        if config.run:
            try:
                components.add_source(config.run, source)
            except NotFoundError:
                return  # named, but never made: there is nothing that could tell of the job

    def track_reuse(self, task: Task, step: JsonObject) -> None:
        """Put the run of an earlier job into the trial of an execution that takes over what it made.

        Args:
            task: Of the execution.
            step: What the listing of the earlier step showed: ``{"TrainingJob": {"Arn": ...}}``.
        """
        config = experiment_config(task.payload if isinstance(task.payload, Mapping) else {}, task.name)
        arns = [one.get("Arn") for one in step.values() if isinstance(one, Mapping)]
        if not config.trial or not arns:
            return
        # What is told of a result is no reason not to take it over.
        with suppress(StepmillError):
            for arn in arns:
                found, _ = self._experiments.list_components(Selection(), source=str(arn))
                for component in found:
                    if component["TrialComponentName"] != config.run:
                        self._put_into_trial(str(component["TrialComponentName"]), config)

    def _job(self, record: Record, state: JobState) -> dict[str, Json]:
        """Return what SageMaker's document has no place for: code, environment, machine."""
        facts = facts_of(record.kind, request_of(record), model=state.model)
        told: dict[str, Json] = {
            "execution": state.execution_arn,
            "step": state.step,
            "code": {thing.name: thing.uri for thing in facts.inputs if thing.type == CODE},
            "environment": self._environments.keep(state.python),
            "machine": {**this_machine(), "isolation": state.isolation},
            "exit_code": state.exit_code,
        }
        return {name: value for name, value in told.items() if value not in ("", None, {})}

    def _put_into_trial(self, component: str, config: ExperimentConfig) -> None:
        if not config.trial:
            return
        if config.experiment:
            self._experiments.open(config.experiment, config.trial)
        try:
            self._experiments.components.associate(component, config.trial)
        except NotFoundError:
            # A trial that is not there, of an experiment that nobody named: there is nothing to make.
            return


def _points(metric: Metric) -> list[SeriesPoint]:
    return [SeriesPoint(point.at, point.value) for point in metric.points or (metric.last,)]
