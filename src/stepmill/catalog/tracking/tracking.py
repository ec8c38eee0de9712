"""All that MLflow's clients see, in one."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.catalog.experiments import Experiments
from stepmill.catalog.tags import Tags
from stepmill.catalog.tracking.experiments import TrackedExperiments
from stepmill.catalog.tracking.logged_models import LoggedModels
from stepmill.catalog.tracking.runs import TrackedRuns
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.storage.records import RecordStore


@dataclass(frozen=True)
class Tracking:
    """All that MLflow's clients see. Safe to share between threads.

    Args:
        experiments: By MLflow's ids and names.
        runs: In them.
        models: That runs made.
    """

    experiments: TrackedExperiments
    runs: TrackedRuns
    models: LoggedModels

    @classmethod
    def over(
        cls, experiments: Experiments, records: RecordStore, arns: Arns, tags: Tags, clock: Clock
    ) -> Tracking:
        """Return it over a catalog.

        Args:
            experiments: Keeps trial components.
            records: Where they are kept.
            arns: Builds ARNs.
            tags: Keeps tags of SageMaker's API.
            clock: Tells the time.
        """
        tracked = TrackedExperiments(records, arns, tags)
        runs = TrackedRuns(experiments, tracked, records, arns, tags, clock)
        return cls(tracked, runs, LoggedModels(records, tracked))
