"""What can be asked of tuning jobs, whoever drives them."""

from __future__ import annotations

from typing import Any

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.jobs.records import TRAINING_JOB
from stepmill.jobs.tuning.parents import best_of_parents
from stepmill.jobs.tuning.records import TrialRecords, as_it_stands, describe_tuning, plan_of
from stepmill.jobs.tuning.trials import Trial
from stepmill.storage.records import Record, RecordStore

# SQL takes so many names at once with ease.
_MOST_AT_ONCE = 1000


class TuningJobs:
    """Reads tuning jobs.

    Args:
        records: Where they are kept.
        arns: Builds ARNs.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, arns: Arns, clock: Clock) -> None:
        self._records = records
        self._arns = arns
        self._clock = clock

    def describe(self, record: Record) -> dict[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob.

        Args:
            record: Of the tuning job.
        """
        before = best_of_parents(self._records, plan_of(record))
        trials = self.trials(record)
        return describe_tuning(record, trials, self._arns, now=self._clock.now(), best_before=before)

    def trials(self, record: Record) -> list[Trial]:
        """Return the trials of a tuning job as they stand, by number.

        Args:
            record: Of the tuning job.
        """
        trials = TrialRecords(self._records).of(record.name)
        running = [trial.name for trial in trials if not trial.status.is_final][:_MOST_AT_ONCE]
        found = {one.name: one for one in self._records.find_all(TRAINING_JOB, running)} if running else {}
        return [as_it_stands(trial, found.get(trial.name)) for trial in trials]

    def forget(self, name: str) -> None:
        """Remove the trials of a tuning job that was deleted; their training jobs stay.

        Args:
            name: Of the tuning job.
        """
        TrialRecords(self._records).remove(name)
