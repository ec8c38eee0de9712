"""Trials of a tuning job, and what follows from how they stand. Pure.

Source: API reference, DescribeHyperParameterTuningJob, TrainingJobStatusCounters, ObjectiveStatusCounters,
HyperParameterTuningJobCompletionDetails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from stepmill.core.statuses import JobStatus
from stepmill.jobs.failures import CAPACITY_ERROR, INTERNAL_ERROR
from stepmill.jobs.tuning.plan import Direction, Plan

# API reference, BestObjectiveNotImproving: one per cent or more is an improvement.
_IMPROVEMENT = 0.01
# SageMaker does not document its criteria for convergence. These: half of what was tried, and no fewer than
# this, brought no improvement.
_LEAST_WITHOUT_IMPROVEMENT = 15


class Trial(msgspec.Struct, frozen=True):
    """A training job of a tuning job.

    Args:
        number: From 1.
        name: Of the training job.
        definition: Place of its definition in the plan.
        tuned: The hyperparameters that were chosen for it.
        created_at: When it was begun.
        status: How the training job stands.
        objective: Final value of the objective; ``None`` until there is one.
        series: All values of it in the order in which they were printed; only where trials are watched.
        started_at: When its program began.
        ended_at: When it ended.
        error: Name of the error, if it failed.
        reason: FailureReason.
    """

    number: int
    name: str
    definition: int
    tuned: dict[str, str]
    created_at: datetime
    status: JobStatus = JobStatus.IN_PROGRESS
    objective: float | None = None
    series: tuple[float, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    reason: str = ""

    @property
    def has_result(self) -> bool:
        """Whether its objective counts: it has one, and the job has not failed."""
        return self.status in (JobStatus.COMPLETED, JobStatus.STOPPED) and self.objective is not None

    @property
    def objective_status(self) -> str:
        """``Succeeded``, ``Pending`` or ``Failed``."""
        if not self.status.is_final:
            return "Pending"
        return "Succeeded" if self.has_result else "Failed"


def status_counters(trials: Iterable[Trial]) -> dict[str, int]:
    """Return TrainingJobStatusCounters."""
    counters = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    for trial in trials:
        counters[_counter(trial)] += 1
    return counters


def _counter(trial: Trial) -> str:
    match trial.status:
        case JobStatus.COMPLETED:
            return "Completed"
        case JobStatus.STOPPED:
            return "Stopped"
        case JobStatus.FAILED:
            is_internal = trial.error in (INTERNAL_ERROR, CAPACITY_ERROR)
            return "RetryableError" if is_internal else "NonRetryableError"
    return "InProgress"


def objective_counters(trials: Iterable[Trial]) -> dict[str, int]:
    """Return ObjectiveStatusCounters."""
    counters = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        counters[trial.objective_status] += 1
    return counters


def best_first(plan: Plan, trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that have a result, the best first; of equal ones the earlier first.

    Several definitions may tune for different things. What is to be minimised is compared by its negative.
    """

    def rank(trial: Trial) -> tuple[float, int]:
        value = trial.objective or 0.0
        direction = plan.definitions[trial.definition].objective.direction
        return (-value if direction is Direction.MAXIMIZE else value, trial.number)

    return sorted((trial for trial in trials if trial.has_result), key=rank)


def best_of(plan: Plan, trials: Iterable[Trial]) -> Trial | None:
    """Return the best trial; ``None`` as long as none has a result."""
    return next(iter(best_first(plan, trials)), None)


def has_reached_target(plan: Plan, trials: Iterable[Trial]) -> bool:
    """Return whether a trial is as good as TargetObjectiveMetricValue, or better."""
    target = plan.completion.target
    if target is None:
        return False
    for trial in trials:
        if trial.has_result and trial.objective is not None:
            direction = plan.definitions[trial.definition].objective.direction
            if not direction.is_better(target, trial.objective):
                return True
    return False


def not_improving(plan: Plan, trials: Sequence[Trial]) -> int:
    """Return after how many trials in a row none was better by one per cent than the best before."""
    counts = [count for count, _ in _without_improvement(plan, trials)]
    return counts[-1] if counts else 0


def converged_at(plan: Plan, trials: Sequence[Trial]) -> datetime | None:
    """Return when nothing better was to be expected any more; ``None`` if it still is.

    That is so when half of the trials with a result, and at least 15, have brought no improvement.
    """
    for count, (in_vain, trial) in enumerate(_without_improvement(plan, trials), 1):
        if in_vain >= max(_LEAST_WITHOUT_IMPROVEMENT, count / 2):
            return trial.ended_at
    return None


def _without_improvement(plan: Plan, trials: Sequence[Trial]) -> Iterator[tuple[int, Trial]]:
    """Yield how many trials in a row have brought nothing, for each trial with a result by its end."""
    best: dict[int, float] = {}
    found = 0
    for trial in sorted(trials, key=lambda one: (one.ended_at or one.created_at, one.number)):
        if not trial.has_result or trial.objective is None:
            continue
        direction = plan.definitions[trial.definition].objective.direction
        before = best.get(trial.definition)
        if before is None or _is_improvement(direction, trial.objective, before):
            best[trial.definition] = trial.objective
            found = 0
        else:
            found += 1
        yield found, trial


def _is_improvement(direction: Direction, value: float, before: float) -> bool:
    return direction.is_better(value, before) and abs(value - before) >= _IMPROVEMENT * abs(before)
