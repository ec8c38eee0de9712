"""What can be asked of tuning jobs, whoever drives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import NotFoundError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import TRAINING_JOB, JobRecords, state_of
from stepmill.jobs.tuning.parents import best_of_parents
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.records import TUNING_JOB, TrialRecords, as_it_stands, describe_tuning, plan_of
from stepmill.jobs.tuning.trials import Trial, best_of
from stepmill.storage.records import Record, RecordStore, Selection

# SQL takes so many names at once with ease.
_MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class TuningView:
    """A tuning job as it stands.

    Args:
        name: Of the job.
        step: That it belongs to; empty: none.
        status: How it stands.
        reason: FailureReason.
        notes: Remarks: why it was over before all trials were made.
        plan: What it is to do.
        trials: By number.
        created_at: When it was taken.
        ended_at: When it ended.
    """

    name: str
    step: str
    status: JobStatus
    reason: str
    notes: tuple[str, ...]
    plan: Plan
    trials: tuple[Trial, ...]
    created_at: datetime
    ended_at: datetime | None

    @property
    def best(self) -> Trial | None:
        """The best trial so far."""
        return best_of(self.plan, self.trials)

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return sum(trial.status.is_final for trial in self.trials)


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
        plan, trials = plan_of(record), self.trials(record)
        before = best_of_parents(self._records, plan)
        return describe_tuning(record, plan, trials, self._arns, now=self._clock.now(), best_before=before)

    def get(self, name: str) -> TuningView:
        """Return a tuning job.

        Raises:
            NotFoundError: If there is none of that name.
        """
        record = JobRecords(self._records, TUNING_JOB).find(name)
        if record is None:
            raise NotFoundError(
                f"There is no tuning job {name[:100]!r}.",
                mend="`stepmill tuning list` shows those that there are.",
            )
        return self._view(record)

    def newest(self, limit: int) -> list[TuningView]:
        """Return so many tuning jobs, the newest first."""
        page = self._records.list(TUNING_JOB, descending=True, limit=limit)
        return [self._view(record) for record in page.records]

    def of_execution(self, execution_arn: str) -> list[TuningView]:
        """Return the tuning jobs of an execution; of a step that was tried again, the last one last."""
        found = Selection(parent=execution_arn, limit=_MOST_AT_ONCE).all(self._records, TUNING_JOB)
        return [self._view(record) for record in found]

    def _view(self, record: Record) -> TuningView:
        state = state_of(record)
        return TuningView(
            record.name,
            state.step,
            state.status,
            state.reason,
            state.notes,
            plan_of(record),
            tuple(self.trials(record)),
            record.created_at,
            state.ended_at,
        )

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
