"""Records jobs that have ended as trial components of the experiment that their requests name."""

from __future__ import annotations

from stepmill.catalog.experiments import Experiments
from stepmill.catalog.job_components import component_of_job, experiment_config
from stepmill.core.errors import NotFoundError
from stepmill.jobs.records import TRAINING_JOB, Metric, describe, request_of, state_of
from stepmill.storage.records import Record
from stepmill.storage.series import SeriesPoint


class ExperimentTracker:
    """Records jobs. The same job may be recorded again: it stays one component.

    Args:
        experiments: Kept in the store that keeps the jobs: a job's end and its component are one change.
    """

    def __init__(self, experiments: Experiments) -> None:
        self._experiments = experiments

    def wants(self, record: Record) -> bool:
        """Return whether a job asks to be recorded."""
        return experiment_config(request_of(record), record.name) is not None

    def track(self, record: Record) -> None:
        """Record a job that has ended; make its experiment and trial where they are missing."""
        config = experiment_config(request_of(record), record.name)
        if config is None:
            return
        member = "TrainingJob" if record.kind == TRAINING_JOB else "ProcessingJob"
        described = describe(record)
        request = component_of_job(described, member, config)
        components = self._experiments.components
        name = str(request["TrialComponentName"])
        try:
            components.describe(name)
        except NotFoundError:
            source = {"SourceArn": described[f"{member}Arn"], "SourceType": f"SageMaker{member}"}
            components.create(request, source=source)
        else:
            components.update(request)
        if metrics := state_of(record).metrics:
            components.metrics.replace(name, {metric.name: _points(metric) for metric in metrics})
        self._put_into_trial(name, config.experiment, config.trial)

    def _put_into_trial(self, component: str, experiment: str, trial: str) -> None:
        if experiment:
            self._experiments.open(experiment, trial)
        try:
            self._experiments.components.associate(component, trial)
        except NotFoundError:
            # A trial that is not there, of an experiment that nobody named: there is nothing to make.
            return


def _points(metric: Metric) -> list[SeriesPoint]:
    return [SeriesPoint(point.at, point.value) for point in metric.points or (metric.last,)]
